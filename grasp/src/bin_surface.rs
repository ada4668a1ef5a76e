//! What stands in a bin, made fit for resting things on it.

use scene::HeightMap;
use scene::frame::Bin;

/// Heights that differ by more than this many σ of the map's noise, or by so much, are not averaged, metres.
const STEP_SIGMAS: f64 = 6.0;
const STEP_M: f64 = 0.012;
/// Cells at this distance are told apart by noise alone where nothing stands between; it hangs together over less.
const APART_CELLS: usize = 4;
/// Heights below this are the floor, metres.
const FLOOR_M: f64 = 0.006;
/// How far an unseen cell takes its neighbours' greatest height, cells; beyond it nobody knows.
const GUESS_CELLS: usize = 4;

/// Smoothed heights without gaps; infinite where nobody knows what is there.
pub(crate) struct BinSurface {
    pub(crate) origin: [f64; 2],
    pub(crate) cell: f64,
    pub(crate) nx: usize,
    pub(crate) ny: usize,
    pub(crate) z: Vec<f64>,
    /// Standard deviation of the map's noise, metres; 0 for one that nobody measured.
    pub(crate) noise: f64,
}

/// Cells under a footprint: from (i0, j0) up to, not including, (i1, j1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cells {
    pub(crate) i0: usize,
    pub(crate) j0: usize,
    pub(crate) i1: usize,
    pub(crate) j1: usize,
}

impl BinSurface {
    pub(crate) fn of(map: &HeightMap<Bin>) -> Self {
        let (nx, ny) = (map.nx, map.ny);
        let noise = noise(map);
        let step = (STEP_SIGMAS * noise).min(STEP_M);
        let mut z: Vec<f64> = map.z.iter().map(|z| f64::from(*z)).collect();
        for _ in 0..GUESS_CELLS {
            if z.iter().all(|z| z.is_finite()) {
                break;
            }
            let before = z.clone();
            for k in (0..z.len()).filter(|&k| !before[k].is_finite()) {
                let around = around(k, nx, ny).map(|m| before[m]).filter(|z| z.is_finite());
                if let Some(highest) = around.reduce(f64::max) {
                    z[k] = highest;
                }
            }
        }
        let before = z.clone();
        for k in (0..z.len()).filter(|&k| before[k].is_finite()) {
            let (mut n, mut sum) = (1.0, before[k]);
            for m in around(k, nx, ny) {
                if (before[m] - before[k]).abs() < step {
                    n += 1.0;
                    sum += before[m];
                }
            }
            z[k] = sum / n;
        }
        for z in &mut z {
            if !z.is_finite() {
                *z = f64::INFINITY;
            } else if *z < FLOOR_M {
                *z = 0.0;
            }
        }
        Self { origin: map.origin, cell: map.cell, nx, ny, z, noise }
    }

    /// The cells that a rectangle touches by more than a hair, cut to the map.
    pub(crate) fn cells(&self, low: [f64; 2], high: [f64; 2]) -> Cells {
        let from = |v: f64, axis: usize| ((v - self.origin[axis]) / self.cell + 1e-6).floor().max(0.0) as usize;
        let to = |v: f64, axis: usize, n: usize| {
            (((v - self.origin[axis]) / self.cell - 1e-6).ceil().max(0.0) as usize).min(n)
        };
        Cells {
            i0: from(low[0], 0).min(self.nx),
            j0: from(low[1], 1).min(self.ny),
            i1: to(high[0], 0, self.nx),
            j1: to(high[1], 1, self.ny),
        }
    }

    pub(crate) fn heights(&self, cells: Cells) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        (cells.j0..cells.j1).flat_map(move |j| (cells.i0..cells.i1).map(move |i| (i, j, self.z[j * self.nx + i])))
    }

    /// Greatest height over `width × depth` cells from each cell on; cells where the window leaves the map are infinite.
    pub(crate) fn highest(&self, width: usize, depth: usize) -> Vec<f64> {
        let (nx, ny) = (self.nx, self.ny);
        let mut rows = vec![f64::INFINITY; nx * ny];
        let mut all = vec![f64::INFINITY; nx * ny];
        if width == 0 || depth == 0 || width > nx || depth > ny {
            return all;
        }
        let mut room = SlidingMax::default();
        for j in 0..ny {
            room.run(nx, width, |i| self.z[j * nx + i], |i, z| rows[j * nx + i] = z);
        }
        for i in 0..=nx - width {
            room.run(ny, depth, |j| rows[j * nx + i], |j, z| all[j * nx + i] = z);
        }
        all
    }
}

/// From the median difference of cells that are near: steps between items are fewer than half of them.
fn noise(map: &HeightMap<Bin>) -> f64 {
    let mut apart: Vec<f32> = Vec::with_capacity(map.z.len() / 2);
    for j in (0..map.ny).step_by(2) {
        for i in APART_CELLS..map.nx {
            let rise = (map.at(i, j) - map.at(i - APART_CELLS, j)).abs();
            if rise.is_finite() {
                apart.push(rise);
            }
        }
    }
    if apart.is_empty() {
        return 0.0;
    }
    let middle = apart.len() / 2;
    let median = f64::from(*apart.select_nth_unstable_by(middle, f32::total_cmp).1);
    // A normal deviate is within 0.6745 σ half of the time; the difference of two has √2 σ.
    median / 0.674_5 / core::f64::consts::SQRT_2
}

fn around(k: usize, nx: usize, ny: usize) -> impl Iterator<Item = usize> {
    let (i, j) = (k % nx, k / nx);
    let (i0, i1) = (i.saturating_sub(1), (i + 1).min(nx - 1));
    let (j0, j1) = (j.saturating_sub(1), (j + 1).min(ny - 1));
    (j0..=j1).flat_map(move |j| (i0..=i1).map(move |i| j * nx + i)).filter(move |m| *m != k)
}

/// The maximum of a moving window, by a queue of falling values.
#[derive(Default)]
struct SlidingMax(std::collections::VecDeque<(usize, f64)>);

impl SlidingMax {
    fn run(&mut self, count: usize, width: usize, value: impl Fn(usize) -> f64, mut found: impl FnMut(usize, f64)) {
        self.0.clear();
        for q in 0..count {
            let v = value(q);
            while self.0.back().is_some_and(|b| b.1 <= v) {
                self.0.pop_back();
            }
            self.0.push_back((q, v));
            if q + 1 >= width {
                let start = q + 1 - width;
                while self.0.front().is_some_and(|f| f.0 < start) {
                    self.0.pop_front();
                }
                if let Some(front) = self.0.front() {
                    found(start, front.1);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_under_a_window_is_what_a_plain_search_finds() {
        let mut map = HeightMap::<Bin>::over_floor([0.4, 0.3], 0.005, 0.0);
        let mut state = 7_u32;
        for z in &mut map.z {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *z = 0.02 * (state >> 24) as f32 / 256.0;
        }
        let surface = BinSurface::of(&map);
        let fast = surface.highest(13, 8);
        for (i, j) in [(0, 0), (67, 52), (30, 20)] {
            let cells = Cells { i0: i, j0: j, i1: i + 13, j1: j + 8 };
            let slow = surface.heights(cells).map(|h| h.2).fold(0.0, f64::max);
            assert!((fast[j * surface.nx + i] - slow).abs() < 1e-12);
        }
        assert!(fast[68].is_infinite());
    }

    #[test]
    fn a_narrow_gap_takes_the_higher_side_and_a_wide_one_stays_unknown() {
        let mut map = HeightMap::<Bin>::over_floor([0.4, 0.3], 0.005, 0.0);
        for j in 0..60 {
            map.set(10, j, f32::NAN);
            map.set(9, j, 0.1);
            (40..60).for_each(|i| map.set(i, j, f32::NAN));
        }
        let surface = BinSurface::of(&map);
        assert!(surface.z[10] > 0.09);
        assert!(surface.z[50].is_infinite());
    }
}
