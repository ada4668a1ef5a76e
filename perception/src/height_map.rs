//! Heights over a tote or a bin from one look.

use scene::frame::{Frame, World};
use scene::{HeightMap, Pose, RgbdImage};

/// How far under the floor a reading may lie and still count (as noise of the floor), metres.
const UNDER_M: f64 = 0.03;
/// How far above the rim a reading may lie and still count as content, metres.
const ABOVE_M: f64 = 0.25;

/// Heights of what stands in the container F, on square cells of side `cell` (metres).
///
/// A cell's height is the upper quartile of the readings in it: a single flying pixel does not raise
/// a cell that holds more than three, and an edge is not averaged away. A cell without a reading stays NaN.
/// `size` is the container's inner size, metres; readings outside it, more than 30 mm under its floor or
/// more than 0.25 m above its rim are left out. Sizes or cells that are not positive give one NaN cell.
#[must_use]
pub fn height_map<F: Frame>(image: &RgbdImage, world_from: &Pose<World, F>, size: [f64; 3], cell: f64) -> HeightMap<F> {
    if !(cell > 0.0 && size.iter().all(|&side| side > 0.0 && side.is_finite())) {
        return HeightMap::filled([0.0, 0.0], 1.0, 1, 1, f32::NAN);
    }
    let mut map = HeightMap::over_floor([size[0], size[1]], cell, f32::NAN);
    let f_from_camera = world_from.inverse() * image.world_from_camera;
    let mut readings: Vec<(u32, f32)> = Vec::with_capacity(image.depth_m.len());
    for v in 0..image.height() {
        for u in 0..image.width() {
            let Some(z) = image.depth_at(u, v) else {
                continue;
            };
            let point = f_from_camera.point(&image.intrinsics.unproject(u as f64, v as f64, z));
            if point.x.abs() > 0.5 * size[0]
                || point.y.abs() > 0.5 * size[1]
                || !(-UNDER_M..=size[2] + ABOVE_M).contains(&point.z)
            {
                continue;
            }
            if let Some((i, j)) = map.cell_at(point.x, point.y) {
                readings.push(((j * map.nx + i) as u32, point.z as f32));
            }
        }
    }
    readings.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    for group in readings.chunk_by(|a, b| a.0 == b.0) {
        map.z[group[0].0 as usize] = group[(group.len() - 1) * 3 / 4].1;
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{UnitQuaternion, Vector3};
    use scene::frame::{Bin, Camera};
    use scene::{Intrinsics, Timestamp};

    /// A camera 1 m above the bin's floor that looks down on a block 0.1 m high at x > 0.
    fn image() -> RgbdImage {
        let intrinsics = Intrinsics { width: 200, height: 150, fx: 300.0, fy: 300.0, cx: 99.5, cy: 74.5 };
        let depth_m = (0..200 * 150)
            .map(|i| {
                if i % 200 == 3 {
                    f32::NAN
                } else if i % 200 >= 100 {
                    0.9
                } else {
                    1.0
                }
            })
            .collect();
        RgbdImage {
            taken_at: Timestamp::ZERO,
            intrinsics,
            world_from_camera: Pose::<World, Camera>::from_parts(
                Vector3::new(0.0, 0.0, 1.0),
                UnitQuaternion::from_axis_angle(&Vector3::x_axis(), core::f64::consts::PI),
            ),
            rgb: vec![0; 3 * 200 * 150],
            depth_m,
        }
    }

    #[test]
    fn a_block_stands_where_the_camera_saw_it() {
        let map = height_map(&image(), &Pose::<World, Bin>::identity(), [0.4, 0.3, 0.2], 0.01);
        assert_eq!((map.nx, map.ny), (40, 30));
        let at = |x: f64| map.cell_at(x, 0.005).map(|(i, j)| map.at(i, j)).unwrap();
        assert!((at(0.105) - 0.1).abs() < 1e-6, "block is {} m high", at(0.105));
        assert!(at(-0.105).abs() < 1e-6, "floor is {} m high", at(-0.105));
    }

    #[test]
    fn cells_without_readings_are_nan_and_nonsense_sizes_are_harmless() {
        let mut blind = image();
        blind.depth_m.fill(f32::NAN);
        let map = height_map(&blind, &Pose::<World, Bin>::identity(), [0.4, 0.3, 0.2], 0.01);
        assert!(map.z.iter().all(|z| z.is_nan()));
        let map = height_map(&image(), &Pose::<World, Bin>::identity(), [0.4, f64::NAN, 0.2], 0.0);
        assert_eq!(map.z.len(), 1);
    }
}
