//! Height maps of 10 × 10 cells, and every place of a footprint looked at in one sweep.
//!
//! The map is a flat array of bytes with walls all around, so that a footprint's maximum, sum and neighbours at all
//! hundred places are runs over slices that the compiler turns into vector instructions.

#![allow(
    clippy::needless_range_loop,
    reason = "lanes of several arrays go side by side, as vector instructions take them"
)]

use super::policy::Turns;

/// Cells along a side of the bin, and its height.
pub const SIDE: u8 = 10;
/// Bytes from one row to the next.
pub(crate) const ROW: usize = 16;
/// Index of the cell (0, 0).
const FIRST: usize = 2 * ROW + 2;
const CELLS: usize = 24 * ROW;

/// Size in cells, as it stands: along x, along y, up.
pub type Size = [u8; 3];
type Run = [u8; ROW];
/// Ten rows of sixteen places.
pub(crate) type Lanes = [Run; SIDE as usize];

/// When an item may stay where it came to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Three corners of the footprint stand at its highest corner's height, and more than 95 % of the footprint is at the
    /// resting height, or more than 85 % with three corners there, or more than 50 % with all four (Zhao et al., AAAI
    /// 2021, and their published `check_box`).
    Corners,
    /// The item's centre is held by cells at the resting height on both sides of it, along x and along y. What the
    /// whole stack does stands in `Stack`.
    Centre,
    /// Wherever it ends inside the bin.
    Free,
}

/// Heights of a bin of 10 × 10 × 10 cells.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grid {
    cells: [u8; CELLS],
}

impl Default for Grid {
    fn default() -> Self {
        let mut cells = [SIDE; CELLS];
        for y in 0..usize::from(SIDE) {
            cells[FIRST + y * ROW..][..usize::from(SIDE)].fill(0);
        }
        Self { cells }
    }
}

impl Grid {
    /// Height of a cell; both indices below 10.
    #[must_use]
    pub fn height(&self, x: u8, y: u8) -> u8 {
        self.cells[FIRST + usize::from(y) * ROW + usize::from(x)]
    }

    /// Heights of all cells, rows of y.
    #[must_use]
    pub fn heights(&self) -> [[u8; SIDE as usize]; SIDE as usize] {
        core::array::from_fn(|y| core::array::from_fn(|x| self.height(x as u8, y as u8)))
    }

    /// Raises the footprint at (x, y) to a height.
    pub fn raise(&mut self, x: u8, y: u8, size: Size, top: u8) {
        for row in 0..usize::from(size[1]) {
            let from = FIRST + (usize::from(y) + row) * ROW + usize::from(x);
            self.cells[from..from + usize::from(size[0])].fill(top);
        }
    }

    /// Sixteen cells from an offset to the first place of a row on.
    #[inline(always)]
    fn run(&self, row: usize, dx: i32, dy: i32) -> Run {
        let from = ((FIRST + row * ROW) as i32 + dy * ROW as i32 + dx) as usize;
        match self.cells[from..from + ROW].try_into() {
            Ok(run) => run,
            // The slice is as long as the array.
            Err(_) => unreachable!(),
        }
    }

    /// Looks at every place of an item that stands as `size` says.
    pub(crate) fn sweep(&self, size: Size, rule: Rule, into: &mut Sweep) {
        into.places.clear();
        if size.iter().any(|v| !(1..=SIDE).contains(v)) {
            return;
        }
        let [w, d, z] = size;
        let (wide, deep) = (i32::from(w), i32::from(d));
        // The rows in which it has room, and those that its windows reach.
        let rows = usize::from(SIDE.saturating_sub(d) + 1);
        let (mut most, mut sums) = ([[0_u8; ROW]; SIDE as usize], [[0_u8; ROW]; SIDE as usize]);
        for row in 0..usize::from(SIDE) {
            let (mut m, mut s) = ([0; ROW], [0_u8; ROW]);
            for dx in 0..wide {
                let at = self.run(row, dx, 0);
                for k in 0..ROW {
                    m[k] = m[k].max(at[k]);
                    s[k] = s[k].wrapping_add(at[k]);
                }
            }
            (most[row], sums[row]) = (m, s);
        }
        let most_rest = SIDE - z;
        for row in 0..rows {
            let (mut rest, mut sum) = ([0; ROW], [0_u8; ROW]);
            for (m, s) in most[row..row + usize::from(d)].iter().zip(&sums[row..]) {
                for k in 0..ROW {
                    rest[k] = rest[k].max(m[k]);
                    sum[k] = sum[k].wrapping_add(s[k]);
                }
            }
            let mut support = [0_u8; ROW];
            for dy in 0..deep {
                for dx in 0..wide {
                    let at = self.run(row, dx, dy);
                    for k in 0..ROW {
                        support[k] = support[k].wrapping_add(u8::from(at[k] == rest[k]));
                    }
                }
            }
            let mut allowed = [0_u8; ROW];
            for k in 0..ROW {
                allowed[k] = u8::from(rest[k] <= most_rest);
            }
            match rule {
                Rule::Free => {}
                Rule::Corners => self.corners(row, size, &rest, &support, &mut allowed),
                Rule::Centre => self.centre(row, size, &rest, &mut allowed),
            }
            (into.rest[row], into.sum[row], into.support[row]) = (rest, sum, support);
            for (x, _) in allowed[..usize::from(SIDE)].iter().enumerate().filter(|a| *a.1 != 0) {
                into.places.push((row * ROW + x) as u8);
            }
        }
    }

    /// Sweeps each way in which an item may stand; ways without a place are left out.
    pub(crate) fn each_way(
        &self,
        item: Size,
        rule: Rule,
        turns: Turns,
        room: &mut Sweep,
        mut each: impl FnMut(Size, &mut Sweep),
    ) {
        let (ways, count) = turns.of(item);
        for &size in &ways[..count] {
            self.sweep(size, rule, room);
            if !room.places.is_empty() {
                each(size, room);
            }
        }
    }

    #[inline]
    fn corners(&self, row: usize, [w, d, _]: Size, rest: &Run, support: &Run, allowed: &mut Run) {
        let (x, y) = (i32::from(w) - 1, i32::from(d) - 1);
        let (a, b, c, e) = (self.run(row, 0, 0), self.run(row, x, 0), self.run(row, 0, y), self.run(row, x, y));
        let area = u32::from(w) * u32::from(d);
        // The least counts that are more than so many per cent.
        let over = |percent: u32| (area * percent / 100 + 1) as u8;
        let (all, three, half) = (over(95), over(85), over(50));
        for k in 0..ROW {
            let highest = a[k].max(b[k]).max(c[k].max(e[k]));
            let level = u8::from(a[k] == highest)
                .wrapping_add(u8::from(b[k] == highest))
                .wrapping_add(u8::from(c[k] == highest))
                .wrapping_add(u8::from(e[k] == highest));
            let at_rest = u8::from(highest == rest[k]);
            let enough = u8::from(support[k] >= all)
                | (at_rest & u8::from(level == 3) & u8::from(support[k] >= three))
                | (at_rest & u8::from(level == 4) & u8::from(support[k] >= half));
            allowed[k] &= enough & u8::from(level >= 3);
        }
    }

    #[inline]
    fn centre(&self, row: usize, [w, d, _]: Size, rest: &Run, allowed: &mut Run) {
        let mut sides = [[0_u8; ROW]; 4];
        for dy in 0..d {
            for dx in 0..w {
                let at = self.run(row, i32::from(dx), i32::from(dy));
                // A cell in the middle holds on both sides.
                let which = [2 * dx < w, 2 * dx + 2 > w, 2 * dy < d, 2 * dy + 2 > d].map(u8::from);
                for k in 0..ROW {
                    let holds = u8::from(at[k] == rest[k]);
                    for side in 0..4 {
                        sides[side][k] |= holds & which[side];
                    }
                }
            }
        }
        for k in 0..ROW {
            allowed[k] &= sides[0][k] & sides[1][k] & sides[2][k] & sides[3][k];
        }
    }

    /// What stands around an item at every place, for its score.
    pub(crate) fn look_around(&self, size: Size, into: &mut Sweep) {
        let [w, d, _] = size.map(i32::from);
        let z = size[2];
        for row in 0..usize::from(SIDE.saturating_sub(size[1]) + 1) {
            let rest = into.rest[row];
            let mut top = rest;
            for t in &mut top {
                *t = t.wrapping_add(z);
            }
            let mut sums = [[0_u8; ROW]; 5];
            let mut side = |near: Run, far: Run| {
                for k in 0..ROW {
                    let (v, f, r, t) = (near[k], far[k], rest[k], top[k]);
                    sums[0][k] = sums[0][k].wrapping_add(v.saturating_sub(r).min(z));
                    sums[1][k] = sums[1][k].wrapping_add(r.saturating_sub(v));
                    sums[2][k] = sums[2][k].wrapping_add(v.saturating_sub(t));
                    sums[3][k] = sums[3][k].wrapping_add(u8::from(v == t));
                    sums[4][k] = sums[4][k].wrapping_add(f.min(t).saturating_sub(v));
                }
            };
            for dy in 0..d {
                side(self.run(row, -1, dy), self.run(row, -2, dy));
                side(self.run(row, w, dy), self.run(row, w + 1, dy));
            }
            for dx in 0..w {
                side(self.run(row, dx, -1), self.run(row, dx, -2));
                side(self.run(row, dx, d), self.run(row, dx, d + 1));
            }
            [into.beside[row], into.around[row], into.above[row], into.flush[row], into.shaft[row]] = sums;
        }
    }
}

/// What a sweep found, in rows of y; a place is y · 16 + x.
#[derive(Debug, Clone)]
pub(crate) struct Sweep {
    /// Height at which the item would rest.
    pub(crate) rest: Lanes,
    /// Sum of the heights under it.
    pub(crate) sum: Lanes,
    /// Cells at the resting height.
    pub(crate) support: Lanes,
    /// Faces of cells that its sides lean on.
    pub(crate) beside: Lanes,
    /// How far neighbours are below its base, summed.
    pub(crate) around: Lanes,
    /// How far neighbours are above its upper side, summed.
    pub(crate) above: Lanes,
    /// Neighbours as high as its upper side.
    pub(crate) flush: Lanes,
    /// Depth of the gaps of one cell that it would make, summed.
    pub(crate) shaft: Lanes,
    /// The places where it may stand, row by row.
    pub(crate) places: Vec<u8>,
}

impl Sweep {
    /// Lower corner of the item at a place.
    pub(crate) fn at(&self, place: u8) -> [u8; 3] {
        let (x, y) = (place % ROW as u8, place / ROW as u8);
        [x, y, self.rest[usize::from(y)][usize::from(x)]]
    }
}

impl Default for Sweep {
    fn default() -> Self {
        let none = [[0; ROW]; SIDE as usize];
        Self {
            rest: none,
            sum: none,
            support: none,
            beside: none,
            around: none,
            above: none,
            flush: none,
            shaft: none,
            places: Vec::with_capacity(100),
        }
    }
}
