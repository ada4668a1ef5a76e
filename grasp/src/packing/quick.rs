//! A quick score of places: linear in what a sweep finds around them.

use super::grid::{Grid, Lanes, ROW, Rule, SIDE, Size, Sweep};
use super::policy::{Placed, Turns};

/// How many weights there are.
pub(crate) const WEIGHTS: usize = 12 + 2 * (SIDE as usize + 1);

/// The weight of each thing that counts at a place, in the order of `score`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Quick(pub(crate) [f32; WEIGHTS]);

impl Quick {
    /// Scores of all places of a sweep that was looked around.
    #[inline]
    fn score(&self, s: &Sweep, [w, d, z]: Size, mut each: impl FnMut(u8, f32)) {
        let v = &self.0;
        let area = u16::from(w) * u16::from(d);
        for &k in &s.places {
            let (x, y) = (k % ROW as u8, k / ROW as u8);
            let at = |lanes: &Lanes| lanes[usize::from(y)][usize::from(x)];
            let (rest, top) = (at(&s.rest), at(&s.rest) + z);
            let empty = f32::from(area * u16::from(rest)) - f32::from(at(&s.sum));
            let (right, back) = (SIDE - w - x, SIDE - d - y);
            let (near, far) = (x.min(right), y.min(back));
            let walls = u8::from(x == 0) + u8::from(right == 0) + u8::from(y == 0) + u8::from(back == 0);
            let narrow = u8::from(x == 1) + u8::from(right == 1) + u8::from(y == 1) + u8::from(back == 1);
            let score = v[0] * empty
                + v[1] * f32::from(at(&s.support))
                + v[2] * f32::from(at(&s.beside))
                + v[3] * f32::from(at(&s.around))
                + v[4] * f32::from(at(&s.above))
                + v[5] * f32::from(at(&s.flush))
                + v[6] * f32::from(at(&s.shaft))
                + v[7] * f32::from(near.min(far))
                + v[8] * f32::from(near + far)
                + v[9] * f32::from(walls)
                + v[10] * f32::from(narrow)
                + v[11] * f32::from(area)
                + v[12 + usize::from(rest)]
                + v[12 + usize::from(SIDE) + 1 + usize::from(top)];
            each(k, score);
        }
    }

    /// Every place of an item with its score, in the order of the sweep.
    #[inline]
    fn each(
        &self,
        grid: &Grid,
        item: Size,
        rule: Rule,
        turns: Turns,
        room: &mut Sweep,
        mut each: impl FnMut(f32, Placed),
    ) {
        grid.each_way(item, rule, turns, room, |size, room| {
            grid.look_around(size, room);
            self.score(room, size, |place, score| each(score, Placed { at: room.at(place), size }));
        });
    }

    /// All places of an item with their scores, the best first.
    pub(crate) fn rank(
        &self,
        grid: &Grid,
        item: Size,
        rule: Rule,
        turns: Turns,
        room: &mut Sweep,
        into: &mut Vec<(f32, Placed)>,
    ) {
        into.clear();
        self.each(grid, item, rule, turns, room, |score, placed| into.push((score, placed)));
        into.sort_by(|a, b| b.0.total_cmp(&a.0));
    }

    /// The few places of the highest scores, the best first, the earlier one among equals.
    pub(crate) fn few<const MOST: usize>(
        &self,
        grid: &Grid,
        item: Size,
        rule: Rule,
        turns: Turns,
        room: &mut Sweep,
    ) -> ([Placed; MOST], usize) {
        let mut scores = [f32::NEG_INFINITY; MOST];
        let mut few = [Placed { at: [0; 3], size: [0; 3] }; MOST];
        let mut count = 0;
        self.each(grid, item, rule, turns, room, |score, placed| {
            if score > scores[MOST - 1] {
                let at = scores.iter().position(|s| score > *s).unwrap_or(MOST - 1);
                scores[at..].rotate_right(1);
                few[at..].rotate_right(1);
                (scores[at], few[at]) = (score, placed);
                count = MOST.min(count + 1);
            }
        });
        (few, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packing::Set;

    #[test]
    fn the_few_are_the_best_of_all() {
        let quick = Quick::tuned(Set::Rs);
        let mut grid = Grid::default();
        for item in Set::Rs.sequence(90_011, 0).into_iter().take(9) {
            let (few, count) = quick.few::<3>(&grid, item, Rule::Corners, Turns::Yaw, &mut Sweep::default());
            let mut all = Vec::new();
            quick.rank(&grid, item, Rule::Corners, Turns::Yaw, &mut Sweep::default(), &mut all);
            assert_eq!(few[..count], all.iter().take(3).map(|p| p.1).collect::<Vec<_>>(), "{item:?}");
            grid.put(&few[0]);
        }
    }
}
