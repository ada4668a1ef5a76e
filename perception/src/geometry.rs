//! How one item lies: its points, its surface, its middle.

use nalgebra::{Point3, Vector3};
use scene::frame::{Tote, World};
use scene::{Mask, Pose, RgbdImage};

use crate::LookError;
use crate::cover::{Field, covered};
use crate::fit::{Surface, surface};

/// How far outside the tote's inner size an item's middle may seem to lie, metres.
const OUTSIDE_M: f64 = 0.03;

/// Geometry of one item.
pub(crate) struct Geometry {
    pub cloud: Vec<Point3<f64>>,
    pub pixels: Vec<(u32, u32)>,
    pub surface: Option<Surface>,
    pub covered: f64,
}

pub(crate) fn geometry(image: &RgbdImage, field: &Field<'_>, label: u16, mask: &Mask) -> Result<Geometry, LookError> {
    let mut cloud = Vec::new();
    let mut pixels = Vec::new();
    for (u, v) in mask.pixels() {
        if let Some(point) = image.world_point(u as usize, v as usize) {
            cloud.push(point);
            pixels.push((u, v));
        }
    }
    let eye = image.world_from_camera.origin();
    let pixel_m = cloud.first().map_or(0.0, |point| (eye - point).norm() / image.intrinsics.fx);
    Ok(Geometry { surface: surface(&cloud, &eye, pixel_m)?, covered: covered(field, label, mask), cloud, pixels })
}

/// The middle of what is seen of an item; without depth, where its ray meets the tote's floor.
pub(crate) fn middle(
    image: &RgbdImage,
    world_from_tote: &Pose<World, Tote>,
    mask: &Mask,
    geometry: &Geometry,
) -> Point3<f64> {
    if !geometry.cloud.is_empty() {
        let sum = geometry.cloud.iter().fold(Vector3::zeros(), |sum, point| sum + point.coords);
        return Point3::from(sum / geometry.cloud.len() as f64);
    }
    let (u, v) =
        (f64::from(mask.x) + 0.5 * f64::from(mask.width - 1), f64::from(mask.y) + 0.5 * f64::from(mask.height - 1));
    let eye = image.world_from_camera.origin();
    let ray = image.world_from_camera.direction(&image.intrinsics.unproject(u, v, 1.0).coords);
    let up = world_from_tote.direction(&Vector3::z());
    let toward = ray.dot(&up);
    if toward.abs() < 1e-6 {
        return world_from_tote.origin();
    }
    eye + ray * ((world_from_tote.origin() - eye).dot(&up) / toward)
}

pub(crate) fn inside(in_tote: &Point3<f64>, size: [f64; 3]) -> bool {
    in_tote.x.abs() <= 0.5 * size[0] + OUTSIDE_M
        && in_tote.y.abs() <= 0.5 * size[1] + OUTSIDE_M
        && (-OUTSIDE_M..=size[2] + 0.25).contains(&in_tote.z)
}
