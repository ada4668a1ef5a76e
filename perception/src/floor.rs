//! Where the tote's floor is, when only the picture can tell.

use nalgebra::{Matrix3, Point3, Rotation3, UnitQuaternion, Vector3};
use scene::frame::{Tote, World};
use scene::{Pose, RgbdImage};

use crate::fit::least_squares;

/// The middle part of the picture that is looked at: what surrounds a tote is not its floor.
const MIDDLE: f64 = 0.7;
/// Readings that take part, at most.
const JURY: usize = 1500;
/// How many planes are tried.
const TRIES: usize = 2500;
/// A reading this near to a plane lies on it, metres.
const ON_M: f64 = 0.006;
/// A reading this far behind a plane says that it is not the farthest, metres.
const BEHIND_M: f64 = 0.012;
/// What one reading behind a plane takes from it, in readings on it.
const BEHIND_COSTS: f64 = 6.0;
/// A floor is seen in at least this share of the readings.
const LEAST: f64 = 0.03;
/// The floor's normal to the direction that is taken for up, cosine: 30° for a camera whose pose nobody gave, 8° else.
const TILT_UNPOSED: f64 = 0.866;
const TILT_POSED: f64 = 0.990;

/// The tote's frame on the farthest plane that dominates: its origin under the middle of the picture, z along the plane's
/// normal towards the camera. `posed` says that the camera's pose is known, and z of the world is up.
///
/// Where no plane is seen, level with the picture at the depth that 98 in 100 readings are above. `None` with fewer than 100
/// readings.
#[must_use]
pub fn floor(image: &RgbdImage, posed: bool) -> Option<Pose<World, Tote>> {
    let (w, h) = (image.width() as f64, image.height() as f64);
    let within = |at: usize, side: f64| ((at as f64 + 0.5) / side - 0.5).abs() <= 0.5 * MIDDLE;
    let mut points: Vec<Point3<f64>> = Vec::new();
    for v in (0..image.height()).filter(|&v| within(v, h)) {
        let row = (0..image.width()).filter(|&u| within(u, w));
        points.extend(row.filter_map(|u| image.world_point(u, v)));
    }
    if points.len() < 100 {
        return None;
    }
    let step = points.len().div_ceil(JURY);
    let jury: Vec<&Point3<f64>> = points.iter().step_by(step).collect();
    let towards_eye = image.world_from_camera.direction(&-Vector3::z());
    let (up, tilt) = if posed { (Vector3::z(), TILT_POSED) } else { (towards_eye, TILT_UNPOSED) };
    let (origin, normal) = farthest(&jury, &up, tilt).unwrap_or_else(|| {
        let mut depths: Vec<f64> = jury.iter().map(|p| p.coords.dot(&up)).collect();
        depths.sort_by(f64::total_cmp);
        (Point3::from(up * depths[depths.len() / 50]), up)
    });
    Some(on_plane(image, &origin, &normal))
}

fn farthest(jury: &[&Point3<f64>], up: &Vector3<f64>, tilt: f64) -> Option<(Point3<f64>, Vector3<f64>)> {
    // The additive recurrence R3 (Roberts 2018), as for the planes of items.
    let pick = |k: usize, rate: f64| jury[((k as f64 * rate).fract() * jury.len() as f64) as usize % jury.len()];
    let mut best: Option<(f64, Point3<f64>, Vector3<f64>)> = None;
    for k in 1..=TRIES {
        let (a, b, c) = (pick(k, 0.819_172_513), pick(k, 0.671_043_607), pick(k, 0.549_700_478));
        let across = (b - a).cross(&(c - a));
        if across.norm() < 1e-3 {
            continue;
        }
        let normal = if across.dot(up) < 0.0 { -across.normalize() } else { across.normalize() };
        if normal.dot(up) < tilt {
            continue;
        }
        let (mut on, mut behind) = (0usize, 0usize);
        for point in jury {
            let height = (*point - a).dot(&normal);
            on += usize::from(height.abs() <= ON_M);
            behind += usize::from(height < -BEHIND_M);
        }
        let score = on as f64 - BEHIND_COSTS * behind as f64;
        if on as f64 >= LEAST * jury.len() as f64 && best.as_ref().is_none_or(|b| score > b.0) {
            best = Some((score, *a, normal));
        }
    }
    let (_, mut origin, mut normal) = best?;
    for _ in 0..3 {
        let near = jury.iter().copied().filter(|p| (*p - origin).dot(&normal).abs() <= ON_M);
        let fitted = least_squares(near)?;
        (origin, normal) = (fitted.0, if fitted.1.dot(up) < 0.0 { -fitted.1 } else { fitted.1 });
    }
    Some((origin, normal))
}

fn on_plane(image: &RgbdImage, origin: &Point3<f64>, normal: &Vector3<f64>) -> Pose<World, Tote> {
    let k = image.intrinsics;
    let (u, v) = (0.5 * (f64::from(k.width) - 1.0), 0.5 * (f64::from(k.height) - 1.0));
    let eye = image.world_from_camera.origin();
    let ray = image.world_from_camera.direction(&k.unproject(u, v, 1.0).coords);
    let toward = ray.dot(normal);
    let middle = if toward.abs() < 1e-6 { *origin } else { eye + ray * ((origin - eye).dot(normal) / toward) };
    // x along the picture's rows, in the plane.
    let right = image.world_from_camera.direction(&Vector3::x());
    let x = (right - normal * right.dot(normal)).try_normalize(1e-6).unwrap_or_else(Vector3::x);
    let axes = Matrix3::from_columns(&[x, normal.cross(&x), *normal]);
    Pose::from_parts(middle.coords, UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(axes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use scene::{Intrinsics, Timestamp};

    /// A camera tilted by `tilt`, 1.2 m above a floor at `floor`, of which boxes 0.1 m high leave so many columns in ten
    /// free; around it, out of the middle of the picture, a table 0.2 m lower.
    fn image(tilt: f64, floor: f64, free: usize) -> RgbdImage {
        let k = Intrinsics { width: 320, height: 240, fx: 470.0, fy: 470.0, cx: 159.5, cy: 119.5 };
        let world_from_camera = Pose::from_parts(
            Vector3::new(0.0, 0.0, floor + 1.2),
            UnitQuaternion::from_axis_angle(&Vector3::x_axis(), core::f64::consts::PI + tilt),
        );
        let mut depth_m = Vec::new();
        for v in 0..240usize {
            for u in 0..320usize {
                let ray = world_from_camera.direction(&k.unproject(u as f64, v as f64, 1.0).coords);
                let outside = !(48..272).contains(&u) || !(36..204).contains(&v);
                let top = if outside {
                    -0.2
                } else if u / 4 % 10 < free {
                    0.0
                } else {
                    0.1
                };
                let noise = 0.002 * ((u * 7919 + v * 104_729) % 17) as f64 / 17.0;
                depth_m.push(((top - 1.2) / ray.z + noise) as f32);
            }
        }
        RgbdImage { taken_at: Timestamp::ZERO, intrinsics: k, world_from_camera, rgb: vec![0; 3 * 320 * 240], depth_m }
    }

    #[test]
    fn the_floor_is_the_farthest_plane_between_items_not_their_tops() {
        for (tilt, free, posed) in [(0.0, 10, false), (0.0, 2, true), (0.2, 3, false), (0.05, 2, false)] {
            let found = floor(&image(tilt, 0.4, free), posed).unwrap();
            let up = found.direction(&Vector3::z());
            assert!((found.origin().z - 0.4).abs() < 0.005, "{tilt} {free}: floor at {}", found.origin().z);
            assert!(up.z > 0.9995, "{tilt} {free}: up is {up}");
        }
    }

    #[test]
    fn without_readings_there_is_no_floor() {
        let mut blind = image(0.0, 0.0, 5);
        blind.depth_m.fill(f32::NAN);
        assert!(floor(&blind, false).is_none());
    }
}
