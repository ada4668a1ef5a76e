//! Surface normals of an item's points.
//!
//! Stereo noise is correlated over several pixels, so a 5 × 5 window alone gives slopes that are off
//! by ten degrees and more. Where the item's plane or quadric explains a point, its normal is taken
//! from there; only the rest is fitted in windows of 17 × 17 pixels.

use nalgebra::{Matrix3, Point3, Vector3};
use scene::RgbdImage;

use crate::fit::{ON_PLANE_M, Surface};

/// Half the window, pixels.
const REACH: i64 = 8;
/// Every how many pixels of the window count.
const STRIDE: usize = 2;
/// Readings that differ more than this from the middle's belong to another surface, metres.
const SAME_SURFACE_M: f64 = 0.015;

/// A normal for each point, in the world, towards the camera. `pixels` are the points' pixels,
/// `same` tells the pixels of the same item.
pub(crate) fn normals(
    image: &RgbdImage,
    cloud: &[Point3<f64>],
    pixels: &[(u32, u32)],
    same: impl Fn(u32, u32) -> bool,
    surface: Option<&Surface>,
) -> Vec<Vector3<f64>> {
    let eye = image.world_from_camera.origin();
    cloud
        .iter()
        .zip(pixels)
        .map(|(point, &(u, v))| {
            let normal = surface
                .and_then(|surface| explained(surface, point))
                .or_else(|| in_window(image, u, v, &same))
                .or(surface.map(|surface| surface.z))
                .unwrap_or_else(|| (eye - point).normalize());
            if normal.dot(&(eye - point)) < 0.0 { -normal } else { normal }
        })
        .collect()
}

/// The plane's or quadric's normal, where the point lies on it.
fn explained(surface: &Surface, point: &Point3<f64>) -> Option<Vector3<f64>> {
    let [x, y, w] = surface.local(point);
    match surface.quadric {
        None => (w.abs() <= ON_PLANE_M).then_some(surface.z),
        Some(q) => {
            let expected = q[0] + q[1] * x + q[2] * y + q[3] * x * x + q[4] * x * y + q[5] * y * y;
            let slope_x = q[1] + 2.0 * q[3] * x + q[4] * y;
            let slope_y = q[2] + q[4] * x + 2.0 * q[5] * y;
            ((w - expected).abs() <= ON_PLANE_M)
                .then(|| (surface.z - surface.x * slope_x - surface.y * slope_y).normalize())
        }
    }
}

/// A plane through the readings around a pixel: on it, 1 / depth is linear in u and v.
fn in_window(image: &RgbdImage, u: u32, v: u32, same: &impl Fn(u32, u32) -> bool) -> Option<Vector3<f64>> {
    let middle = image.depth_at(u as usize, v as usize)?;
    let mut left = Matrix3::zeros();
    let mut right = Vector3::zeros();
    let mut count = 0;
    for dv in (-REACH..=REACH).step_by(STRIDE) {
        for du in (-REACH..=REACH).step_by(STRIDE) {
            let (Ok(un), Ok(vn)) = (u32::try_from(i64::from(u) + du), u32::try_from(i64::from(v) + dv)) else {
                continue;
            };
            let Some(depth) = image.depth_at(un as usize, vn as usize) else {
                continue;
            };
            if (depth - middle).abs() > SAME_SURFACE_M || !same(un, vn) {
                continue;
            }
            let row = Vector3::new(du as f64, dv as f64, 1.0);
            left += row * row.transpose();
            right += row / depth;
            count += 1;
        }
    }
    if count < 6 {
        return None;
    }
    let [a, b, c] = left.cholesky()?.solve(&right).into();
    let k = image.intrinsics;
    let x = (f64::from(u) - k.cx) / k.fx;
    let y = (f64::from(v) - k.cy) / k.fy;
    // n·p = 1 with p = depth (x, y, 1) is 1/depth = n·(x, y, 1).
    let (nx, ny) = (a * k.fx, b * k.fy);
    let normal = Vector3::new(nx, ny, c - nx * x - ny * y);
    (normal.norm() > 0.0).then(|| image.world_from_camera.direction(&normal.normalize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::UnitQuaternion;
    use scene::frame::{Camera, World};
    use scene::{Intrinsics, Pose, Timestamp};

    #[test]
    fn a_tilted_plane_has_its_normal_everywhere_and_it_points_to_the_camera() {
        let intrinsics = Intrinsics { width: 40, height: 40, fx: 940.0, fy: 940.0, cx: 19.5, cy: 19.5 };
        let world_from_camera = Pose::<World, Camera>::from_parts(
            Vector3::new(0.0, 0.0, 1.0),
            UnitQuaternion::from_axis_angle(&Vector3::x_axis(), core::f64::consts::PI),
        );
        // The plane n·p = n·(0, 0, 0.2) in the world, cut with each pixel's ray.
        let n = Vector3::new(0.3, -0.2, 1.0).normalize();
        let mut depth_m = Vec::new();
        for v in 0..40 {
            for u in 0..40 {
                let ray = world_from_camera.direction(&intrinsics.unproject(f64::from(u), f64::from(v), 1.0).coords);
                depth_m.push((n.dot(&Vector3::new(0.0, 0.0, -0.8)) / n.dot(&ray)) as f32);
            }
        }
        let image =
            RgbdImage { taken_at: Timestamp::ZERO, intrinsics, world_from_camera, rgb: vec![0; 3 * 1600], depth_m };
        let pixels = [(20, 20), (0, 0), (39, 20)];
        let cloud: Vec<_> = pixels.iter().map(|&(u, v)| image.world_point(u as usize, v as usize).unwrap()).collect();
        for normal in normals(&image, &cloud, &pixels, |_, _| true, None) {
            assert!((normal - n).norm() < 1e-3, "{normal} is not {n}");
        }
    }
}
