//! The constructive policy: one score for every place, and the best one taken.

use super::grid::{Grid, Lanes, ROW, Rule, SIDE, Size, Sweep};

/// Which turns an item may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turns {
    /// As it comes.
    None,
    /// Also turned by 90° about the vertical.
    Yaw,
    /// All six.
    All,
}

impl Turns {
    /// The different ways in which an item may stand, and how many there are.
    #[must_use]
    pub fn of(self, [x, y, z]: Size) -> ([Size; 6], usize) {
        let all = [[x, y, z], [y, x, z], [x, z, y], [z, x, y], [y, z, x], [z, y, x]];
        let most = match self {
            Self::None => 1,
            Self::Yaw => 2,
            Self::All => 6,
        };
        let mut kept = [[0; 3]; 6];
        let mut count = 0;
        for way in &all[..most] {
            if !kept[..count].contains(way) {
                kept[count] = *way;
                count += 1;
            }
        }
        (kept, count)
    }
}

/// An item in the bin: lower corner and size as it stands, in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The lower corner.
    pub at: [u8; 3],
    /// Along x, along y, up.
    pub size: Size,
}

impl Placed {
    /// Cells that it fills.
    #[must_use]
    pub fn volume(&self) -> u32 {
        self.size.iter().map(|v| u32::from(*v)).product()
    }
}

/// How many numbers a policy has.
pub const WEIGHTS: usize = 12 + 2 * (SIDE as usize + 1);

/// A policy: the weight of each thing that counts at a place, in the order of `score`.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy(pub [f32; WEIGHTS]);

impl Policy {
    /// Scores of all places of a sweep that was looked around.
    #[inline]
    pub(crate) fn score(&self, s: &Sweep, [w, d, z]: Size, mut each: impl FnMut(u8, f32)) {
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

    /// The place for an item, or `None`: the one of the highest score that `admits` does not refuse.
    #[must_use]
    pub fn choose(
        &self,
        grid: &Grid,
        item: Size,
        rule: Rule,
        turns: Turns,
        mut admits: impl FnMut(&Placed) -> bool,
    ) -> Option<Placed> {
        let (mut room, mut places) = (Sweep::default(), Vec::new());
        self.rank(grid, item, rule, turns, &mut room, &mut places);
        places.into_iter().map(|p| p.1).find(|p| admits(p))
    }

    /// All places of an item, the best first.
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
        let (ways, count) = turns.of(item);
        for &size in &ways[..count] {
            grid.sweep(size, rule, room);
            if room.places.is_empty() {
                continue;
            }
            grid.look_around(size, room);
            self.score(room, size, |k, score| into.push((score, Placed { at: room.at(k), size })));
        }
        into.sort_by(|a, b| b.0.total_cmp(&a.0));
    }

    /// The place of the highest score, the first one among equals.
    pub(crate) fn best(&self, grid: &Grid, item: Size, rule: Rule, turns: Turns, room: &mut Sweep) -> Option<Placed> {
        let mut best: Option<(f32, Placed)> = None;
        let (ways, count) = turns.of(item);
        for &size in &ways[..count] {
            grid.sweep(size, rule, room);
            if room.places.is_empty() {
                continue;
            }
            grid.look_around(size, room);
            self.score(room, size, |k, score| {
                if best.is_none_or(|b| score > b.0) {
                    let at = room.at(k);
                    best = Some((score, Placed { at, size }));
                }
            });
        }
        best.map(|b| b.1)
    }
}

impl Grid {
    /// Puts an item down.
    pub fn put(&mut self, placed: &Placed) {
        self.raise(placed.at[0], placed.at[1], placed.size, placed.at[2] + placed.size[2]);
    }
}
