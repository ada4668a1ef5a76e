//! The scan station: a held item is shown to a camera and turned by the wrist, with a lamp beside the camera.
//!
//! The picture is taken in the camera's own frame of things: what hangs down in the cell points up here, since lamps are
//! above the table in [`Stage`], and at a scan station they are beside the camera.

use nalgebra::{Isometry3, Point3, Rotation3, Translation3, UnitQuaternion, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scene::{Intrinsics, Pose};

use crate::look::{Backdrop, Light, Placed, Renderer, Sensor, Stage, TrueSku, View, sense_grey};

/// A five-megapixel camera whose lens shows 0.36 m at 0.6 m: 5.7 pixels a millimetre.
pub const CAMERA: Intrinsics = Intrinsics { width: 2448, height: 2048, fx: 3413.0, fy: 3413.0, cx: 1223.5, cy: 1023.5 };
/// From the camera to the middle of what is shown, metres; the optical axis rises so much from the level, radians.
const AWAY_M: f64 = 0.6;
const RISES: f64 = core::f64::consts::FRAC_PI_4;
/// How far off the item hangs, one standard deviation, metres and radians.
const BESIDE_M: f64 = 0.006;
const TURNED: f64 = 0.03;
/// Pictures of a scan: after each quarter turn of the wrist.
pub const TURNS: usize = 4;

/// The part of [`CAMERA`]'s picture that shows what is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanPicture {
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Grey, row-major, a byte a pixel.
    pub grey: Vec<u8>,
}

/// Pictures of an item as the scan camera takes them, each taken when it is asked for: one after each quarter turn.
///
/// `held` is the axis of the item (0, 1, 2) and the end of it that the tool holds: the camera sees the other end and, a
/// quarter turn each, the four sides around. The same seed gives the same pictures.
pub fn scan(sku: &TrueSku, held: (usize, bool), seed: u64) -> impl Iterator<Item = ScanPicture> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let backdrop = Backdrop::drawn(seed);
    let light = Light::drawn(seed);
    let mut off =
        |spread: f64| Vector3::from_fn(|_, _| spread * (rng.random::<f64>() + rng.random::<f64>() - 1.0) * 2.45);
    let hangs = Isometry3::from_parts(
        Translation3::from(off(BESIDE_M)),
        UnitQuaternion::from_scaled_axis(off(TURNED)) * down(held),
    );
    let middle = Point3::new(0.0, 0.0, 0.5);
    let eye = middle + AWAY_M * Vector3::new(0.0, -RISES.cos(), RISES.sin());
    let (z, x) = ((middle - eye).normalize(), Vector3::x());
    let axes = Rotation3::from_basis_unchecked(&[x, z.cross(&x), z]);
    let camera = Pose::from_parts(eye.coords, UnitQuaternion::from_rotation_matrix(&axes));
    let view = View { intrinsics: window(sku.truth.size_m), world_from_camera: camera };
    let mut renderer = Renderer::new();
    (0..TURNS).map(move |turn| {
        let wrist = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), core::f64::consts::FRAC_PI_2 * turn as f64);
        let pose = Isometry3::from_parts(Translation3::from(middle.coords), wrist) * hangs;
        let items = [Placed { sku, world_from_item: Pose::from_isometry(pose), id: 0 }];
        let stage = Stage { items: &items, tubs: &[], blocks: &[], backdrop: &backdrop, light: &light };
        let grey = sense_grey(&renderer.render(&stage, &view), &Sensor::default(), &mut rng);
        ScanPicture { width: view.intrinsics.width as usize, height: view.intrinsics.height as usize, grey }
    })
}

/// The camera, told to read out the middle of its sensor alone: what an item of these sides may fill, metres.
fn window(size_m: [f64; 3]) -> Intrinsics {
    let radius = 0.5 * size_m.into_iter().map(|side| side * side).sum::<f64>().sqrt() + 3.0 * BESIDE_M;
    let half = CAMERA.fx * radius / (AWAY_M - radius).max(0.1);
    let width = CAMERA.width.min((2.0 * half).ceil() as u32);
    let height = CAMERA.height.min((2.0 * half).ceil() as u32);
    Intrinsics { width, height, cx: 0.5 * (f64::from(width) - 1.0), cy: 0.5 * (f64::from(height) - 1.0), ..CAMERA }
}

/// The turn that brings an end of an axis down.
fn down((axis, positive): (usize, bool)) -> UnitQuaternion<f64> {
    let end = Vector3::ith(axis.min(2), if positive { 1.0 } else { -1.0 });
    UnitQuaternion::rotation_between(&end, &-Vector3::z())
        .unwrap_or_else(|| UnitQuaternion::from_axis_angle(&Vector3::x_axis(), core::f64::consts::PI))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::goods_catalogue;

    #[test]
    fn an_end_of_an_axis_comes_down() {
        for axis in 0..3 {
            for positive in [false, true] {
                let end = down((axis, positive)) * Vector3::ith(axis, if positive { 1.0 } else { -1.0 });
                assert!((end + Vector3::z()).norm() < 1e-12, "{axis} {positive}: {end}");
            }
        }
    }

    #[test]
    fn a_scan_shows_the_item_in_the_middle_of_each_picture_and_is_the_same_for_the_same_seed() {
        let sku = &goods_catalogue()[0];
        let pictures: Vec<_> = scan(sku, (2, true), 5).collect();
        for picture in &pictures {
            assert_eq!(picture.grey.len(), picture.width * picture.height);
        }
        assert!(pictures[0].width > 300 && pictures[0].width < CAMERA.width as usize, "{}", pictures[0].width);
        assert_eq!(window([0.6, 0.4, 0.1]).width, CAMERA.width);
        assert!(pictures[0] != pictures[1]);
        assert_eq!(pictures.len(), TURNS);
        assert!(scan(sku, (2, true), 5).eq(pictures));
    }
}
