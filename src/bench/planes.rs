//! The plain way to find items, for comparison: take away the tote's planes, and what hangs together is an item.

use nalgebra::Point3;
use perception::Shot;
use scene::Mask;

/// What stands less than this above the floor is the floor, metres.
const FLOOR_M: f64 = 0.008;
/// What is nearer than this to a wall is the wall, metres.
const WALL_M: f64 = 0.008;
/// Neighbours whose heights differ more than this do not hang together, metres.
const STEP_M: f64 = 0.006;
/// Patches of fewer pixels are no items.
const LEAST_PX: usize = 100;

/// Items of a depth image: readings above the floor, and inside the walls where the tote's inner length and width are known,
/// that hang together across no step (4 neighbours). The larger an item, the higher its score. Empty without depth.
pub(super) fn find(shot: &Shot, tote_size: Option<[f64; 2]>) -> Vec<(Mask, f64)> {
    let (image, width) = (&shot.image, shot.image.width());
    let tote_from_world = shot.world_from_tote.inverse();
    let heights: Vec<Option<f64>> = (0..width * image.height())
        .map(|i| {
            let point: Point3<f64> = tote_from_world.point(&image.world_point(i % width, i / width)?);
            let within =
                tote_size.is_none_or(|[x, y]| point.x.abs() < 0.5 * x - WALL_M && point.y.abs() < 0.5 * y - WALL_M);
            (within && point.z > FLOOR_M).then_some(point.z)
        })
        .collect();
    // Depth noise makes steps of its own: each height is the mean of those of three by three that are near it.
    let smooth = smoothed(&heights, width);
    let mut done = vec![false; heights.len()];
    let mut found = Vec::new();
    for start in 0..smooth.len() {
        if done[start] || smooth[start].is_none() {
            continue;
        }
        done[start] = true;
        let mut patch = vec![start];
        let mut next = 0;
        while let Some(&i) = patch.get(next) {
            next += 1;
            for k in neighbours(i, width, smooth.len()) {
                let joined = smooth[i].zip(smooth[k]).is_some_and(|(a, b)| (a - b).abs() < STEP_M);
                if !done[k] && joined {
                    done[k] = true;
                    patch.push(k);
                }
            }
        }
        if patch.len() >= LEAST_PX {
            let pixels: Vec<(u32, u32)> = patch.iter().map(|i| ((i % width) as u32, (i / width) as u32)).collect();
            let score = patch.len() as f64 / smooth.len() as f64;
            found.extend(Mask::from_pixels(&pixels).map(|mask| (mask, score)));
        }
    }
    found
}

fn neighbours(i: usize, width: usize, count: usize) -> impl Iterator<Item = usize> {
    let around = [
        (!i.is_multiple_of(width)).then(|| i - 1),
        (i % width + 1 < width).then_some(i + 1),
        i.checked_sub(width),
        (i + width < count).then_some(i + width),
    ];
    around.into_iter().flatten()
}

fn smoothed(heights: &[Option<f64>], width: usize) -> Vec<Option<f64>> {
    (0..heights.len())
        .map(|i| {
            let own = heights[i]?;
            let (mut sum, mut count) = (0.0, 0.0);
            for k in [Some(i), i.checked_sub(width), (i + width < heights.len()).then_some(i + width)] {
                let Some(k) = k else { continue };
                let first = if k.is_multiple_of(width) { k } else { k - 1 };
                let last = if k % width + 1 == width { k } else { k + 1 };
                for z in heights[first..=last].iter().flatten().filter(|z| (**z - own).abs() < STEP_M) {
                    sum += z;
                    count += 1.0;
                }
            }
            Some(sum / count)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use perception::{Depth, Picture};
    use scene::Intrinsics;

    #[test]
    fn blocks_of_different_heights_are_apart_and_equal_ones_that_touch_are_one() {
        let camera = Intrinsics { width: 640, height: 480, fx: 940.0, fy: 940.0, cx: 319.5, cy: 239.5 };
        let block = |u: usize, v: usize| match (u, v) {
            (100..200, 100..200) => 0.05,
            (200..300, 100..200) => 0.08,
            (400..450, 100..200) | (450..500, 100..200) => 0.04,
            _ => 0.0,
        };
        let depth_m = (0..640 * 480).map(|i| (1.2 - block(i % 640, i / 640)) as f32).collect();
        let depth = Depth { width: 640, height: 480, depth_m, camera, world_from_camera: None, world_from_tote: None };
        let picture = Picture { width: 640, height: 480, rgb: vec![90; 3 * 640 * 480], alpha: None };
        let shot = Shot::new(&picture, Some(&depth)).unwrap();
        let mut areas: Vec<usize> = find(&shot, None).iter().map(|(mask, _)| mask.area()).collect();
        areas.sort_unstable();
        assert_eq!(areas.len(), 3, "{areas:?}");
        assert!(areas.iter().all(|a| (9_500..=10_100).contains(a)), "{areas:?}");
        let blind = Shot::new(&picture, None).unwrap();
        assert!(find(&blind, None).is_empty());
    }
}
