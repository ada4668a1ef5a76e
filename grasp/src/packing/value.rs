//! What the heights of a bin are worth: the volume that will still go in, by a small network that learnt it from packing.
//!
//! The first layer is a sum of rows: one for the height of each cell, one for each step between neighbours. Where an item
//! goes only the rows that it changes are swapped, so that a place costs a few hundred additions of vectors (efficiently
//! updatable networks, Nasu 2018). Then ReLU, sixteen sums, ReLU, one number. `examples/learn_packing.rs` finds the
//! weights by temporal differences over the states after each item (Sutton 1988; Tesauro 1995).

use super::grid::{Grid, SIDE};
use super::policy::Placed;

/// Cells along a side, as an index.
const N: usize = SIDE as usize;
/// Heights that a cell may have, and steps between two cells: −10…10.
const LEVELS: usize = N + 1;
const STEPS: usize = 2 * N + 1;
/// Rows of cells come first, then those of steps along x, then along y.
const ALONG_X: usize = N * N * LEVELS;
const ALONG_Y: usize = ALONG_X + N * (N - 1) * STEPS;

/// Rows of the first layer.
pub const ROWS: usize = ALONG_Y + N * (N - 1) * STEPS;
/// Sums of the first layer.
pub const WIDE: usize = 64;
/// Sums of the second layer.
pub const NARROW: usize = 16;
/// The first layer counts in units of 1/512.
pub const UNIT: f32 = 512.0;
/// Numbers of the layers after the first.
const AFTER: usize = WIDE * NARROW + 2 * NARROW + 1;

/// Heights of the cells, rows of y.
pub type Heights = [[u8; N]; N];
/// Sums of the first layer.
pub type Sums = [i16; WIDE];

/// The network.
#[derive(Debug, Clone)]
pub struct Value {
    rows: Vec<Sums>,
    bias: Sums,
    second: [[f32; NARROW]; WIDE],
    second_bias: [f32; NARROW],
    third: [f32; NARROW],
    third_bias: f32,
}

/// A file that is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a network of values has {expected} bytes, these are {found}")]
pub struct NotValue {
    found: usize,
    expected: usize,
}

/// A bin with the sums of its heights.
#[derive(Debug, Clone)]
pub(crate) struct Valued {
    pub(crate) grid: Grid,
    pub(crate) sums: Sums,
}

fn cell_row(x: usize, y: usize, height: u8) -> usize {
    (y * N + x) * LEVELS + usize::from(height)
}

fn x_row(x: usize, y: usize, left: u8, right: u8) -> usize {
    ALONG_X + (y * (N - 1) + x) * STEPS + N + usize::from(right) - usize::from(left)
}

fn y_row(x: usize, y: usize, front: u8, back: u8) -> usize {
    ALONG_Y + (y * N + x) * STEPS + N + usize::from(back) - usize::from(front)
}

/// The rows that some heights choose, one for each cell and each pair of neighbours; all heights 0 to 10.
pub fn rows(heights: &Heights, mut each: impl FnMut(usize)) {
    for y in 0..N {
        for x in 0..N {
            let here = heights[y][x];
            each(cell_row(x, y, here));
            if x + 1 < N {
                each(x_row(x, y, here, heights[y][x + 1]));
            }
            if y + 1 < N {
                each(y_row(x, y, here, heights[y + 1][x]));
            }
        }
    }
}

impl Value {
    /// Bytes of a network's file: rows and bias as 16-bit integers in units of 1/512, then the second layer from each of
    /// the first, its bias, the third layer, its bias as 32-bit floats; little-endian.
    pub const BYTES: usize = 2 * WIDE * (ROWS + 1) + 4 * AFTER;

    /// Takes a network from the bytes of its file.
    ///
    /// # Errors
    /// [`NotValue`] where there are more or fewer than [`Value::BYTES`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotValue> {
        let wrong = NotValue { found: bytes.len(), expected: Self::BYTES };
        if bytes.len() != Self::BYTES {
            return Err(wrong);
        }
        let (first, after) = bytes.split_at(2 * WIDE * (ROWS + 1));
        let mut first = first.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]]));
        let mut after = after.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        // The lengths were counted above.
        let mut sums = || core::array::from_fn(|_| first.next().unwrap_or(0));
        let mut number = || after.next().unwrap_or(0.0);
        Ok(Self {
            rows: (0..ROWS).map(|_| sums()).collect(),
            bias: sums(),
            second: core::array::from_fn(|_| core::array::from_fn(|_| number())),
            second_bias: core::array::from_fn(|_| number()),
            third: core::array::from_fn(|_| number()),
            third_bias: number(),
        })
    }

    /// The volume that will still go into a bin, as a share of the bin; a guess.
    #[must_use]
    pub fn of(&self, grid: &Grid) -> f32 {
        self.of_sums(&self.sums(grid))
    }

    /// The value of a bin once an item lies at its place, and the sums then.
    pub(crate) fn after(&self, bin: &Valued, placed: &Placed) -> (f32, Sums) {
        let sums = self.sums_with(bin, placed);
        (self.of_sums(&sums), sums)
    }

    /// A bin with its sums.
    pub(crate) fn valued(&self, grid: &Grid) -> Valued {
        Valued { grid: grid.clone(), sums: self.sums(grid) }
    }

    /// The bin with an item in it.
    pub(crate) fn with(&self, bin: &Valued, placed: &Placed) -> Valued {
        let sums = self.sums_with(bin, placed);
        let mut grid = bin.grid.clone();
        grid.put(placed);
        Valued { grid, sums }
    }

    fn sums(&self, grid: &Grid) -> Sums {
        let mut sums = self.bias;
        rows(&grid.heights(), |row| sums.iter_mut().zip(&self.rows[row]).for_each(|(s, w)| *s = s.wrapping_add(*w)));
        sums
    }

    /// The sums once an item lies at its place. Wraps as the sums do: what comes out depends on the heights alone.
    fn sums_with(&self, bin: &Valued, placed: &Placed) -> Sums {
        let mut sums = bin.sums;
        let mut swap = |from: usize, to: usize| {
            let (from, to) = (&self.rows[from], &self.rows[to]);
            for k in 0..WIDE {
                sums[k] = sums[k].wrapping_add(to[k].wrapping_sub(from[k]));
            }
        };
        let h = |x: usize, y: usize| bin.grid.height(x as u8, y as u8);
        let [x0, y0, _] = placed.at.map(usize::from);
        let (x1, y1) = (x0 + usize::from(placed.size[0]), y0 + usize::from(placed.size[1]));
        let top = placed.at[2] + placed.size[2];
        for y in y0..y1 {
            for x in x0..x1 {
                let here = h(x, y);
                swap(cell_row(x, y, here), cell_row(x, y, top));
                if x + 1 < x1 && here != h(x + 1, y) {
                    swap(x_row(x, y, here, h(x + 1, y)), x_row(x, y, top, top));
                }
                if y + 1 < y1 && here != h(x, y + 1) {
                    swap(y_row(x, y, here, h(x, y + 1)), y_row(x, y, top, top));
                }
            }
            if x0 > 0 {
                let out = h(x0 - 1, y);
                swap(x_row(x0 - 1, y, out, h(x0, y)), x_row(x0 - 1, y, out, top));
            }
            if x1 < N {
                let out = h(x1, y);
                swap(x_row(x1 - 1, y, h(x1 - 1, y), out), x_row(x1 - 1, y, top, out));
            }
        }
        for x in x0..x1 {
            if y0 > 0 {
                let out = h(x, y0 - 1);
                swap(y_row(x, y0 - 1, out, h(x, y0)), y_row(x, y0 - 1, out, top));
            }
            if y1 < N {
                let out = h(x, y1);
                swap(y_row(x, y1 - 1, h(x, y1 - 1), out), y_row(x, y1 - 1, top, out));
            }
        }
        sums
    }

    /// What the layers after the first make of sums.
    pub(crate) fn of_sums(&self, sums: &Sums) -> f32 {
        let mut second = self.second_bias;
        for (sum, weights) in sums.iter().zip(&self.second) {
            let sum = f32::from((*sum).max(0)) / UNIT;
            for k in 0..NARROW {
                second[k] += sum * weights[k];
            }
        }
        second.iter().zip(&self.third).fold(self.third_bias, |value, (s, w)| value + s.max(0.0) * w)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packing::grid::Sweep;
    use crate::packing::{Draws, Policy, Rule, Set, Turns};

    const ALL: [(Set, Rule, Turns); 8] = [
        (Set::Rs, Rule::Corners, Turns::None),
        (Set::Rs, Rule::Corners, Turns::Yaw),
        (Set::Cut1, Rule::Corners, Turns::None),
        (Set::Cut1, Rule::Corners, Turns::Yaw),
        (Set::Cut2, Rule::Corners, Turns::None),
        (Set::Cut2, Rule::Corners, Turns::Yaw),
        (Set::Pct, Rule::Centre, Turns::Yaw),
        (Set::Pct, Rule::Free, Turns::All),
    ];

    #[test]
    fn sums_brought_up_to_date_are_those_of_the_heights() {
        for (set, rule, turns) in ALL {
            let policy = Policy::tuned(set, rule, turns);
            let value = policy.value();
            let mut draws = Draws::new(3);
            for index in 0..20 {
                let mut bin = value.valued(&Grid::default());
                for item in set.sequence(90_010, index) {
                    let places = policy.best(&bin, item, rule, turns, 12, |_| true, &mut Sweep::default());
                    if places.is_empty() {
                        break;
                    }
                    bin = value.with(&bin, &places[draws.below(places.len())].1);
                    assert_eq!(bin.sums, value.sums(&bin.grid), "{set:?} {turns:?} {index}");
                    // Far from where 16 bits wrap.
                    assert!(bin.sums.iter().all(|s| s.abs() < 30_000), "{set:?} {turns:?} {:?}", bin.sums);
                }
            }
        }
    }

    #[test]
    fn a_fuller_bin_is_worth_less() {
        for (set, rule, turns) in ALL {
            let value = Value::tuned(set, rule, turns);
            let (mut half, mut full) = (Grid::default(), Grid::default());
            half.raise(0, 0, [SIDE, SIDE, 5], 5);
            full.raise(0, 0, [SIDE, SIDE, SIDE], SIDE);
            let [none, half, full] = [Grid::default(), half, full].map(|g| value.of(&g));
            assert!(none > half && half > full, "{set:?} {turns:?}: {none} {half} {full}");
        }
    }

    #[test]
    fn bytes_of_another_length_are_refused() {
        let error = Value::from_bytes(&[0; 10]).unwrap_err();
        assert_eq!(error.to_string(), format!("a network of values has {} bytes, these are 10", Value::BYTES));
    }
}
