//! One item's visible surface on a grid, seen from above.

use nalgebra::{Isometry3, Point3};

/// Side of a cell, metres: two pixels of the tote cameras.
pub(crate) const CELL_M: f64 = 0.0025;
/// Neighbours whose heights differ by more are not averaged, metres: an edge, not noise.
const STEP_M: f64 = 0.015;
/// How far outside the tote and how high above its rim points still count, metres.
const BESIDE_M: f64 = 0.02;
const ABOVE_M: f64 = 0.25;

/// What is known of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Not on the item, or a bay of its outline without depth.
    Outside,
    /// Enclosed by the item, without depth.
    Hole,
    /// On the item, with depth.
    Seen,
}

/// Heights of an item's visible surface in the tote frame.
pub(crate) struct Raster {
    pub(crate) origin: [f64; 2],
    pub(crate) nx: usize,
    pub(crate) ny: usize,
    /// Height above the tote's floor, averaged over 3 × 3 cells, metres; 0 where not `Seen`.
    pub(crate) z: Vec<f64>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) seen: usize,
}

impl Raster {
    /// The grid over a cloud; `None` when fewer than 20 cells are seen.
    pub(crate) fn of(cloud: &[Point3<f64>], tote_from_world: &Isometry3<f64>, tote_size: [f64; 3]) -> Option<Self> {
        let half = [0.5 * tote_size[0] + BESIDE_M, 0.5 * tote_size[1] + BESIDE_M];
        let points: Vec<Point3<f64>> = cloud
            .iter()
            .map(|p| tote_from_world * p)
            .filter(|p| {
                p.x.abs() <= half[0] && p.y.abs() <= half[1] && p.z >= -BESIDE_M && p.z <= tote_size[2] + ABOVE_M
            })
            .collect();
        let low = |axis: usize| points.iter().map(|p| p[axis]).fold(f64::INFINITY, f64::min);
        let high = |axis: usize| points.iter().map(|p| p[axis]).fold(f64::NEG_INFINITY, f64::max);
        if points.len() < 20 {
            return None;
        }
        // One empty cell all round.
        let origin = [low(0) - CELL_M, low(1) - CELL_M];
        let count = |axis: usize| ((high(axis) - origin[axis]) / CELL_M) as usize + 2;
        let (nx, ny) = (count(0), count(1));
        let mut sums = vec![(0.0, 0.0); nx * ny];
        for p in &points {
            let i = ((p.x - origin[0]) / CELL_M) as usize;
            let j = ((p.y - origin[1]) / CELL_M) as usize;
            let sum = &mut sums[j * nx + i];
            sum.0 += 1.0;
            sum.1 += p.z;
        }
        let mut raster = Self { origin, nx, ny, z: vec![0.0; nx * ny], cells: vec![Cell::Hole; nx * ny], seen: 0 };
        let mut counts: Vec<f64> = sums.iter().map(|s| s.0).filter(|&n| n > 0.0).collect();
        counts.sort_unstable_by(f64::total_cmp);
        // A cell at the outline counts when a quarter of it is covered.
        let least = 0.25 * counts[counts.len() / 2];
        for (k, sum) in sums.iter().enumerate() {
            if sum.0 >= least {
                raster.cells[k] = Cell::Seen;
                raster.z[k] = sum.1 / sum.0;
            }
        }
        raster.fill_gaps();
        raster.flood_outside();
        raster.smooth();
        raster.seen = raster.cells.iter().filter(|&&c| c == Cell::Seen).count();
        (raster.seen >= 20).then_some(raster)
    }

    /// The centre of a cell in the tote frame, metres.
    pub(crate) fn centre(&self, k: usize) -> [f64; 2] {
        let (i, j) = (k % self.nx, k / self.nx);
        [self.origin[0] + (i as f64 + 0.5) * CELL_M, self.origin[1] + (j as f64 + 0.5) * CELL_M]
    }

    /// The cell at (x, y) in the tote frame.
    pub(crate) fn at(&self, x: f64, y: f64) -> Option<usize> {
        let (i, j) = ((x - self.origin[0]) / CELL_M, (y - self.origin[1]) / CELL_M);
        // Not `floor`: without SSE 4.1 it is a call.
        if !(i >= 0.0 && j >= 0.0) {
            return None;
        }
        let (i, j) = (i as usize, j as usize);
        (i < self.nx && j < self.ny).then(|| j * self.nx + i)
    }

    /// True where the item's own surface is, or is enclosed by it.
    pub(crate) fn is_own(&self, x: f64, y: f64) -> bool {
        self.at(x, y).is_some_and(|k| self.cells[k] != Cell::Outside)
    }

    /// Seen cells with x, y, z of their centres.
    pub(crate) fn points(&self) -> impl Iterator<Item = (usize, Point3<f64>)> + '_ {
        self.cells.iter().enumerate().filter(|(_, c)| **c == Cell::Seen).map(|(k, _)| {
            let [x, y] = self.centre(k);
            (k, Point3::new(x, y, self.z[k]))
        })
    }

    /// The eight neighbours of an inner cell.
    pub(crate) fn around(&self, k: usize) -> [usize; 8] {
        let nx = self.nx;
        [k - nx - 1, k - nx, k - nx + 1, k - 1, k + 1, k + nx - 1, k + nx, k + nx + 1]
    }

    pub(crate) fn inner(&self) -> impl Iterator<Item = usize> + use<> {
        let (nx, ny) = (self.nx, self.ny);
        (1..ny.saturating_sub(1)).flat_map(move |j| (1..nx.saturating_sub(1)).map(move |i| j * nx + i))
    }

    /// Single cells without a reading take their neighbours' mean.
    fn fill_gaps(&mut self) {
        let before = self.cells.clone();
        for k in self.inner() {
            if before[k] == Cell::Seen {
                continue;
            }
            let (mut n, mut z) = (0.0, 0.0);
            for m in self.around(k) {
                if before[m] == Cell::Seen {
                    n += 1.0;
                    z += self.z[m];
                }
            }
            if n >= 6.0 {
                self.cells[k] = Cell::Seen;
                self.z[k] = z / n;
            }
        }
    }

    /// Empty cells that the border reaches are outside; what stays is a hole.
    fn flood_outside(&mut self) {
        let (nx, ny) = (self.nx, self.ny);
        let mut open: Vec<usize> = (0..nx)
            .flat_map(|i| [i, (ny - 1) * nx + i])
            .chain((0..ny).flat_map(|j| [j * nx, j * nx + nx - 1]))
            .filter(|&k| self.cells[k] == Cell::Hole)
            .collect();
        open.iter().for_each(|&k| self.cells[k] = Cell::Outside);
        while let Some(k) = open.pop() {
            let (i, j) = (k % nx, k / nx);
            let mut step = |inside: bool, m: usize| {
                if inside && self.cells[m] == Cell::Hole {
                    self.cells[m] = Cell::Outside;
                    open.push(m);
                }
            };
            step(i > 0, k.wrapping_sub(1));
            step(i + 1 < nx, k + 1);
            step(j > 0, k.wrapping_sub(nx));
            step(j + 1 < ny, k + nx);
        }
    }

    fn smooth(&mut self) {
        let before = self.z.clone();
        for k in self.inner() {
            if self.cells[k] != Cell::Seen {
                continue;
            }
            let (mut n, mut z) = (1.0, before[k]);
            for m in self.around(k) {
                if self.cells[m] == Cell::Seen && (before[m] - before[k]).abs() < STEP_M {
                    n += 1.0;
                    z += before[m];
                }
            }
            self.z[k] = z / n;
        }
    }

    /// Distance of each cell's centre to the nearest cell that is an edge, metres; exact
    /// (Felzenszwalb and Huttenlocher, Distance Transforms of Sampled Functions, 2012).
    pub(crate) fn distance_to(&self, edge: impl Fn(usize) -> bool) -> Vec<f32> {
        let (nx, ny) = (self.nx, self.ny);
        let far = ((nx + ny) * (nx + ny)) as f64;
        let mut squared: Vec<f64> = (0..nx * ny).map(|k| if edge(k) { 0.0 } else { far }).collect();
        let longest = nx.max(ny);
        let mut lane = Lane::new(longest);
        for i in 0..nx {
            lane.pass(&mut squared, i, nx, ny);
        }
        for j in 0..ny {
            lane.pass(&mut squared, j * nx, 1, nx);
        }
        squared.into_iter().map(|d| (d.sqrt() * CELL_M) as f32).collect()
    }
}

/// Room for one row or column of the distance transform.
struct Lane {
    values: Vec<f64>,
    roots: Vec<usize>,
    borders: Vec<f64>,
}

impl Lane {
    fn new(longest: usize) -> Self {
        Self { values: vec![0.0; longest], roots: vec![0; longest], borders: vec![0.0; longest + 1] }
    }

    /// The lower envelope of parabolas over `count` cells from `start`, `step` apart.
    fn pass(&mut self, squared: &mut [f64], start: usize, step: usize, count: usize) {
        for q in 0..count {
            self.values[q] = squared[start + q * step];
        }
        let f = |v: &[f64], q: usize| v[q] + (q * q) as f64;
        let mut top = 0;
        self.roots[0] = 0;
        self.borders[0] = f64::NEG_INFINITY;
        self.borders[1] = f64::INFINITY;
        for q in 1..count {
            loop {
                let r = self.roots[top];
                let meet = (f(&self.values, q) - f(&self.values, r)) / (2.0 * (q as f64 - r as f64));
                if meet > self.borders[top] {
                    top += 1;
                    self.roots[top] = q;
                    self.borders[top] = meet;
                    self.borders[top + 1] = f64::INFINITY;
                    break;
                }
                top -= 1;
            }
        }
        let mut k = 0;
        for q in 0..count {
            while self.borders[k + 1] < q as f64 {
                k += 1;
            }
            let gap = q as f64 - self.roots[k] as f64;
            squared[start + q * step] = gap * gap + self.values[self.roots[k]];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(hole: impl Fn(f64, f64) -> bool) -> Raster {
        let cloud: Vec<_> = (0..60)
            .flat_map(|i| (0..60).map(move |j| Point3::new(0.00125 * f64::from(i), 0.00125 * f64::from(j), 0.1)))
            .filter(|p| !hole(p.x, p.y))
            .collect();
        Raster::of(&cloud, &Isometry3::identity(), [0.6, 0.4, 0.3]).unwrap()
    }

    #[test]
    fn the_middle_of_a_square_is_half_its_side_from_the_edge() {
        let raster = square(|_, _| false);
        let distance = raster.distance_to(|k| raster.cells[k] != Cell::Seen);
        let at = |x, y| f64::from(distance[raster.at(x, y).unwrap()]);
        assert!((at(0.0375, 0.0375) - 0.0375).abs() < 0.003, "middle {} m", at(0.0375, 0.0375));
        assert!((at(0.0375, 0.005) - 0.006).abs() < 0.003, "near the edge {} m", at(0.0375, 0.005));
    }

    #[test]
    fn a_blind_spot_inside_is_a_hole_and_a_bay_is_outside() {
        let raster = square(|x, y| (0.02..0.04).contains(&x) && (0.02..0.04).contains(&y));
        assert_eq!(raster.cells[raster.at(0.03, 0.03).unwrap()], Cell::Hole);
        let raster = square(|x, y| (0.02..0.04).contains(&x) && y < 0.04);
        assert_eq!(raster.cells[raster.at(0.03, 0.03).unwrap()], Cell::Outside);
    }

    #[test]
    fn points_that_are_nowhere_give_nothing() {
        let cloud = vec![Point3::new(f64::NAN, 0.0, 0.1); 100];
        assert!(Raster::of(&cloud, &Isometry3::identity(), [0.6, 0.4, 0.3]).is_none());
        assert!(Raster::of(&[], &Isometry3::identity(), [0.6, 0.4, 0.3]).is_none());
    }
}
