//! Heights over a container's floor on a grid.

use core::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::frame::Frame;

/// Height above the floor of frame `F` (a tote or a bin), metres, on square cells.
///
/// Cell (i, j) covers `origin + [i, i+1) × cell` in x and the same in y; `z` is row-major in j,
/// `z[j * nx + i]`. NaN is "never seen"; whoever plans decides what that means for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeightMap<F> {
    /// The lower corner of cell (0, 0) in F, metres.
    pub origin: [f64; 2],
    /// Side of a cell, metres.
    pub cell: f64,
    /// Number of cells along x.
    pub nx: usize,
    /// Number of cells along y.
    pub ny: usize,
    /// Height of each cell above the floor, metres.
    pub z: Vec<f32>,
    #[serde(skip)]
    frame: PhantomData<F>,
}

impl<F: Frame> HeightMap<F> {
    /// A map of `nx × ny` cells, all of them at height `z`.
    #[must_use]
    pub fn filled(origin: [f64; 2], cell: f64, nx: usize, ny: usize, z: f32) -> Self {
        Self { origin, cell, nx, ny, z: vec![z; nx * ny], frame: PhantomData }
    }

    /// A map that covers a floor of `size` metres centred on the frame's origin, all cells at `z`.
    #[must_use]
    pub fn over_floor(size: [f64; 2], cell: f64, z: f32) -> Self {
        let nx = (size[0] / cell).ceil().max(1.0) as usize;
        let ny = (size[1] / cell).ceil().max(1.0) as usize;
        Self::filled([-0.5 * size[0], -0.5 * size[1]], cell, nx, ny, z)
    }

    /// The cell that a point in F lies in; `None` outside the map.
    #[must_use]
    pub fn cell_at(&self, x: f64, y: f64) -> Option<(usize, usize)> {
        let i = ((x - self.origin[0]) / self.cell).floor();
        let j = ((y - self.origin[1]) / self.cell).floor();
        (i >= 0.0 && j >= 0.0 && (i as usize) < self.nx && (j as usize) < self.ny).then_some((i as usize, j as usize))
    }

    /// Height of cell (i, j) in metres; NaN where never seen. The caller keeps i < nx, j < ny.
    #[must_use]
    pub fn at(&self, i: usize, j: usize) -> f32 {
        self.z[j * self.nx + i]
    }

    /// Sets the height of cell (i, j), metres. The caller keeps i < nx, j < ny.
    pub fn set(&mut self, i: usize, j: usize, z: f32) {
        self.z[j * self.nx + i] = z;
    }

    /// The centre of cell (i, j) in F, metres.
    #[must_use]
    pub fn centre(&self, i: usize, j: usize) -> [f64; 2] {
        [self.origin[0] + (i as f64 + 0.5) * self.cell, self.origin[1] + (j as f64 + 0.5) * self.cell]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Bin;

    #[test]
    fn the_centre_of_a_cell_lies_in_it() {
        let map = HeightMap::<Bin>::over_floor([0.4, 0.3], 0.005, 0.0);
        assert_eq!((map.nx, map.ny), (80, 60));
        for (i, j) in [(0, 0), (79, 59), (40, 1)] {
            let [x, y] = map.centre(i, j);
            assert_eq!(map.cell_at(x, y), Some((i, j)));
        }
        assert_eq!(map.cell_at(0.21, 0.0), None);
        assert_eq!(map.cell_at(f64::NAN, 0.0), None);
    }
}
