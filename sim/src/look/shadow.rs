//! Soft shadows of far lamps, and the darkness of crevices.

use nalgebra::{Vector2, Vector3};

use super::raster::spans;

/// Cells along a side of a shadow map.
const CELLS: usize = 320;
/// A surface this much under the map's own height still counts as lit, metres.
const BIAS: f32 = 0.004;

/// How far each ray of one lamp gets: mean and mean square over the cells around (Donnelly and Lauritzen,
/// "Variance shadow maps", 2006).
#[derive(Debug, Clone)]
pub(crate) struct Shadow {
    across: [Vector3<f32>; 2],
    to: Vector3<f32>,
    middle: Vector2<f32>,
    cells_a_metre: f32,
    moments: Vec<[f32; 2]>,
}

impl Shadow {
    /// Over the disc of `radius` around `centre`, from triangles in the world; `softness` in radians.
    pub fn cast(
        to: Vector3<f32>,
        softness: f32,
        centre: Vector3<f32>,
        radius: f32,
        triangles: &[[Vector3<f32>; 3]],
    ) -> Self {
        let x = Vector3::y().cross(&to).normalize();
        let across = [x, to.cross(&x)];
        let middle = Vector2::new(across[0].dot(&centre), across[1].dot(&centre));
        let cells_a_metre = 0.5 * CELLS as f32 / radius;
        let mut reach = vec![to.dot(&centre) - 0.3; CELLS * CELLS];
        for corners in triangles {
            let at = corners.map(|p| {
                [0, 1].map(|k| f64::from((across[k].dot(&p) - middle[k]) * cells_a_metre + 0.5 * CELLS as f32))
            });
            let area = (at[1][0] - at[0][0]) * (at[2][1] - at[0][1]) - (at[2][0] - at[0][0]) * (at[1][1] - at[0][1]);
            if area <= 1e-9 {
                continue;
            }
            let far = corners.map(|p| f64::from(to.dot(&p)));
            let (v1, v2) = (far[1] - far[0], far[2] - far[0]);
            let dx = (v1 * (at[2][1] - at[0][1]) - v2 * (at[1][1] - at[0][1])) / area;
            let dy = (v2 * (at[1][0] - at[0][0]) - v1 * (at[2][0] - at[0][0])) / area;
            spans(&at, CELLS, 0..CELLS, |y, from, until| {
                let start = far[0] + (y as f64 - at[0][1]) * dy - at[0][0] * dx;
                for (i, cell) in (from..until).zip(&mut reach[y * CELLS + from..y * CELLS + until]) {
                    *cell = cell.max((start + i as f64 * dx) as f32);
                }
            });
        }
        let mut moments: Vec<[f32; 2]> = reach.iter().map(|&v| [v, v * v]).collect();
        // Penumbra of a thing 80 mm above what its shadow falls on.
        let cells = (softness * 0.08 * cells_a_metre).round().clamp(1.0, 12.0) as usize;
        for _ in 0..2 {
            blur(&mut moments, CELLS, CELLS, cells);
        }
        Self { across, to, middle, cells_a_metre, moments }
    }

    /// Share of the lamp that reaches a point.
    #[inline]
    pub fn lit(&self, point: &Vector3<f32>) -> f32 {
        let half = 0.5 * CELLS as f32;
        let x = (self.across[0].dot(point) - self.middle.x) * self.cells_a_metre + half;
        let y = (self.across[1].dot(point) - self.middle.y) * self.cells_a_metre + half;
        let most = (CELLS - 2) as f32;
        let (x, y) = (x.clamp(0.0, most), y.clamp(0.0, most));
        let (i, j) = (x as i32, y as i32);
        let (fx, fy) = (x - i as f32, y - j as f32);
        let (i, j) = (i as usize, j as usize);
        let at = |di: usize, dj: usize| self.moments[(j + dj) * CELLS + i + di];
        let (a, b, c, d) = (at(0, 0), at(1, 0), at(0, 1), at(1, 1));
        let blend = |k: usize| {
            let top = a[k] + (b[k] - a[k]) * fx;
            top + (c[k] + (d[k] - c[k]) * fx - top) * fy
        };
        let (mean, square) = (blend(0), blend(1));
        let under = mean - BIAS - self.to.dot(point);
        if under <= 0.0 {
            return 1.0;
        }
        let variance = (square - mean * mean).max(2e-6);
        let share = variance / (variance + under * under);
        ((share - 0.2) / 0.8).clamp(0.0, 1.0)
    }
}

/// A box blur over `2 × reach + 1` cells in both directions; rims repeat.
pub(crate) fn blur<const N: usize>(cells: &mut [[f32; N]], width: usize, height: usize, reach: usize) {
    let share = 1.0 / (2 * reach + 1) as f32;
    let mut line = Vec::with_capacity(width.max(height));
    for y in 0..height {
        let row = &mut cells[y * width..(y + 1) * width];
        line.clear();
        line.extend_from_slice(row);
        let mut sum = [0.0; N];
        for i in 0..=2 * reach {
            let cell = line[i.saturating_sub(reach).min(width - 1)];
            for k in 0..N {
                sum[k] += cell[k];
            }
        }
        for x in 0..width {
            for k in 0..N {
                row[x][k] = sum[k] * share;
            }
            let (enter, leave) = (line[(x + reach + 1).min(width - 1)], line[x.saturating_sub(reach)]);
            for k in 0..N {
                sum[k] += enter[k] - leave[k];
            }
        }
    }
    // Columns: running sums of whole rows, which memory likes better.
    let source = cells.to_vec();
    let row = |y: usize| &source[y * width..(y + 1) * width];
    let mut sums = vec![[0.0; N]; width];
    for i in 0..=2 * reach {
        for (sum, cell) in sums.iter_mut().zip(row(i.saturating_sub(reach).min(height - 1))) {
            for k in 0..N {
                sum[k] += cell[k];
            }
        }
    }
    for y in 0..height {
        let (enter, leave) = (row((y + reach + 1).min(height - 1)), row(y.saturating_sub(reach)));
        for x in 0..width {
            for k in 0..N {
                cells[y * width + x][k] = sums[x][k] * share;
            }
            for k in 0..N {
                sums[x][k] += enter[x][k] - leave[x][k];
            }
        }
    }
}

/// Pixels between two cells of the height maps.
const COARSE: usize = 4;
/// Reach of the three blurs in cells, how high a neighbourhood must stand over a point to darken it fully
/// (metres), and by how much it then does.
const CREVICES: [(usize, f32, f32); 3] = [(1, 0.022, 0.42), (4, 0.050, 0.45), (14, 0.130, 0.55)];

/// Mean heights around each pixel at three sizes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Crevices {
    width: usize,
    height: usize,
    means: Vec<[f32; 3]>,
}

impl Crevices {
    /// From the height of what a pixel shows, metres.
    pub fn measure(&mut self, width: usize, height: usize, mut at: impl FnMut(usize, usize) -> f32) {
        self.width = width.div_ceil(COARSE);
        self.height = height.div_ceil(COARSE);
        let mut cells = Vec::with_capacity(self.width * self.height);
        for j in 0..self.height {
            for i in 0..self.width {
                cells.push([at((i * COARSE + COARSE / 2).min(width - 1), (j * COARSE + COARSE / 2).min(height - 1))]);
            }
        }
        self.means.clear();
        self.means.resize(cells.len(), [0.0; 3]);
        for (k, (reach, _, _)) in CREVICES.into_iter().enumerate() {
            let mut blurred = cells.clone();
            blur(&mut blurred, self.width, self.height, reach);
            for (mean, cell) in self.means.iter_mut().zip(blurred) {
                mean[k] = cell[0];
            }
        }
    }

    /// Share of the sky's light that reaches a pixel whose surface stands at `z` metres.
    #[inline]
    pub fn open(&self, u: f32, v: f32, z: f32) -> f32 {
        let place = |p: f32, cells: usize| (p / COARSE as f32 - 0.5).clamp(0.0, (cells.max(2) - 2) as f32 + 0.999);
        let (x, y) = (place(u, self.width), place(v, self.height));
        let (i, j) = (x as i32, y as i32);
        let (fx, fy) = (x - i as f32, y - j as f32);
        let (i, j) = (i as usize, j as usize);
        let right = usize::from(i + 1 < self.width);
        let down = if j + 1 < self.height { self.width } else { 0 };
        let first = j * self.width + i;
        let (a, b) = (self.means[first], self.means[first + right]);
        let (c, d) = (self.means[first + down], self.means[first + down + right]);
        let mut dark = 0.0;
        for (k, (_, high, by)) in CREVICES.into_iter().enumerate() {
            let top = a[k] + (b[k] - a[k]) * fx;
            let mean = top + (c[k] + (d[k] - c[k]) * fx - top) * fy;
            dark += by * ((mean - z) / high).clamp(0.0, 1.0);
        }
        1.0 / (1.0 + 1.6 * dark * dark + 0.9 * dark)
    }
}
