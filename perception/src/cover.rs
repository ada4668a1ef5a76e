//! How much of an item's outline another item may lie over.

use scene::Mask;

/// How far across the outline heights are compared, pixels.
const REACH: i64 = 5;
/// A neighbour lies over an item when it stands this much higher at the outline, metres.
const HIGHER_M: f32 = 0.004;

/// Labels and heights of the whole image, row-major.
pub(crate) struct Field<'a> {
    pub labels: &'a [u16],
    pub heights: &'a [f32],
    pub width: usize,
}

impl Field<'_> {
    fn at(&self, u: i64, v: i64) -> Option<usize> {
        let height = (self.labels.len() / self.width) as i64;
        (u >= 0 && v >= 0 && u < self.width as i64 && v < height).then(|| v as usize * self.width + u as usize)
    }

    /// Pixels of `label` beside which, within two pixels across or down, `other` begins without a step in height.
    pub(crate) fn border(&self, label: u16, mask: &Mask, other: u16) -> usize {
        let mut count = 0;
        for (u, v) in mask.pixels() {
            let at = (i64::from(u), i64::from(v));
            let begins = |&(du, dv): &(i64, i64)| {
                (1..=2).any(|k| self.at(at.0 + k * du, at.1 + k * dv).is_some_and(|i| self.labels[i] == other))
            };
            let Some((du, dv)) = [(-1, 0), (1, 0), (0, -1), (0, 1)].into_iter().find(begins) else { continue };
            let inside = self.mean(label, (at.0 + du, at.1 + dv), (-du, -dv));
            let level = match (self.mean(other, at, (du, dv)), inside) {
                (Some(there), Some(here)) => (there - here).abs() < HIGHER_M,
                _ => false,
            };
            count += usize::from(level);
        }
        count
    }

    /// Mean height of the pixels with a label on a short way from (u, v), without (u, v).
    fn mean(&self, label: u16, (u, v): (i64, i64), (du, dv): (i64, i64)) -> Option<f32> {
        let mut sum = 0.0;
        let mut count = 0;
        for k in 1..=REACH {
            if let Some(i) = self.at(u + k * du, v + k * dv)
                && self.labels[i] == label
                && self.heights[i].is_finite()
            {
                sum += self.heights[i];
                count += 1;
            }
        }
        (count > 0).then(|| sum / count as f32)
    }
}

/// Share of the outline of `label` where a higher item begins within three pixels, 0…1.
/// Where heights are missing, an item that borders may lie over: it counts.
pub(crate) fn covered(field: &Field, label: u16, mask: &Mask) -> f64 {
    let (mut outline, mut under) = (0usize, 0usize);
    for (u, v) in mask.pixels() {
        let (u, v) = (i64::from(u), i64::from(v));
        for (du, dv) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
            let is_edge = field.at(u + du, v + dv).is_none_or(|i| field.labels[i] != label);
            if !is_edge {
                continue;
            }
            outline += 1;
            let other = (1..=3).find_map(|k| {
                let there = field.labels[field.at(u + k * du, v + k * dv)?];
                (there != 0 && there != label).then_some(there)
            });
            if let Some(other) = other {
                let outside = field.mean(other, (u, v), (du, dv));
                let inside = field.mean(label, (u + du, v + dv), (-du, -dv));
                let higher = match (outside, inside) {
                    (Some(outside), Some(inside)) => outside - inside > HIGHER_M,
                    _ => true,
                };
                under += usize::from(higher);
            }
        }
    }
    if outline == 0 { 0.0 } else { under as f64 / outline as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two squares of 10 × 10 pixels side by side: 1 left, 2 right, at these heights.
    fn check(left: f32, right: f32, expected: [f64; 2]) {
        let width = 30;
        let mut labels = vec![0u16; width * 20];
        let mut heights = vec![0f32; width * 20];
        let mut pixels = [Vec::new(), Vec::new()];
        for v in 5..15u32 {
            for u in 5..25u32 {
                let i = v as usize * width + u as usize;
                let right_one = usize::from(u >= 15);
                labels[i] = 1 + right_one as u16;
                heights[i] = [left, right][right_one];
                pixels[right_one].push((u, v));
            }
        }
        let field = Field { labels: &labels, heights: &heights, width };
        let found = [1, 2].map(|label| {
            let mask = Mask::from_pixels(&pixels[label as usize - 1]).unwrap();
            covered(&field, label, &mask)
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn the_lower_of_two_neighbours_is_covered_along_their_border() {
        check(0.05, 0.05, [0.0, 0.0]);
        check(0.05, 0.08, [0.25, 0.0]);
        check(0.09, 0.08, [0.0, 0.25]);
        check(f32::NAN, 0.08, [0.25, 0.25]);
    }
}
