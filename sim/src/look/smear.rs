//! Motion blur: what moves while the shutter is open is smeared along its way.

use super::render::Rendered;

/// Ways shorter than this don't show, pixels.
const LEAST_PX: f32 = 0.5;
/// Nothing is smeared further than this, pixels.
const MOST_PX: f32 = 120.0;

/// Smears the light of one item along its way over the picture during the exposure, `way_px` to the right and down.
///
/// What the item hides is not known, so where its rim lets something through the light beside it stands in for it.
/// Depth stays as it is.
pub(crate) fn smear(picture: &mut Rendered, id: u32, way_px: [f32; 2]) {
    let length = way_px[0].hypot(way_px[1]);
    if length.is_nan() || length < LEAST_PX {
        return;
    }
    let shorter = (MOST_PX / length).min(1.0);
    let (dx, dy) = (way_px[0] * shorter, way_px[1] * shorter);
    let (width, height) = (picture.view.intrinsics.width as usize, picture.view.intrinsics.height as usize);
    let Some((first, last)) = outline(&picture.ids, id, width) else { return };
    let reach = |way: f32| (0.5 * way.abs()).ceil() as usize;
    let (rx, ry) = (reach(dx), reach(dy));
    let steps = ((length * shorter).ceil() as usize).max(2);
    let before = picture.light.clone();
    for y in first[1].saturating_sub(ry)..=(last[1] + ry).min(height - 1) {
        for x in first[0].saturating_sub(rx)..=(last[0] + rx).min(width - 1) {
            let here = y * width + x;
            let mut sum = [0.0_f32; 3];
            for k in 0..steps {
                let s = (k as f32 + 0.5) / steps as f32 - 0.5;
                let from =
                    |at: usize, way: f32, most: usize| ((at as f32 - way * s).round().max(0.0) as usize).min(most - 1);
                let there = from(y, dy, height) * width + from(x, dx, width);
                let covered = picture.ids[there] == id || picture.ids[here] == id;
                let light = before[if covered { there } else { here }];
                sum.iter_mut().zip(light).for_each(|(sum, light)| *sum += light);
            }
            picture.light[here] = sum.map(|v| v / steps as f32);
        }
    }
}

/// First and last column and row of an item's pixels; none when it is not in the picture.
fn outline(ids: &[u32], id: u32, width: usize) -> Option<([usize; 2], [usize; 2])> {
    let mut found: Option<([usize; 2], [usize; 2])> = None;
    for at in ids.iter().enumerate().filter(|(_, i)| **i == id).map(|(at, _)| at) {
        let (x, y) = (at % width, at / width);
        let (first, last) = found.get_or_insert(([x, y], [x, y]));
        *first = [first[0].min(x), first[1].min(y)];
        *last = [last[0].max(x), last[1].max(y)];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::{NO_ITEM, View};

    /// A dark picture of 40 × 9 pixels with one bright item of 6 × 3.
    fn picture() -> Rendered {
        let (width, height) = (40, 9);
        let inside = |at: usize| (10..16).contains(&(at % width)) && (3..6).contains(&(at / width));
        let mut view = View::down([0.0; 3], View::D415);
        (view.intrinsics.width, view.intrinsics.height) = (width as u32, height as u32);
        Rendered {
            view,
            light: (0..width * height).map(|at| if inside(at) { [1.0; 3] } else { [0.0; 3] }).collect(),
            depth_true: vec![1.0; width * height],
            depth_behind: Vec::new(),
            ids: (0..width * height).map(|at| if inside(at) { 4 } else { NO_ITEM }).collect(),
            unmatched: vec![0.0; width * height],
            vignette: 0.0,
            contrast: 0.0,
        }
    }

    #[test]
    fn an_item_that_moves_is_smeared_over_its_way_and_its_light_is_kept() {
        let mut moved = picture();
        smear(&mut moved, 4, [8.0, 0.0]);
        let row = |p: &Rendered| -> Vec<f32> { p.light[4 * 40..5 * 40].iter().map(|l| l[0]).collect() };
        let (before, after) = (row(&picture()), row(&moved));
        let lit = |row: &[f32]| row.iter().filter(|v| **v > 0.01).count();
        assert_eq!(lit(&before), 6);
        assert!((12..=14).contains(&lit(&after)), "{after:?}");
        let sum = |row: &[f32]| row.iter().sum::<f32>();
        assert!((sum(&before) - sum(&after)).abs() < 0.7, "{} then {}", sum(&before), sum(&after));
        assert_eq!(moved.light[7 * 40 + 12], [0.0; 3], "a row beside it stays dark");
    }

    #[test]
    fn what_stands_still_or_is_not_there_changes_nothing() {
        for (id, way) in [(4, [0.3, 0.0]), (4, [f32::NAN, 0.0]), (9, [8.0, 8.0])] {
            let mut same = picture();
            smear(&mut same, id, way);
            assert_eq!(same, picture());
        }
    }
}
