//! What stands in the arm's way: walls, cameras, boxes, and what lies in totes and bins.

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use scene::frame::Frame;
use scene::{HeightMap, frame};

use crate::cell::{Cell, Container};

/// Size of the box that a camera takes, metres, in its own frame (a D415 with its cable).
const CAMERA_BOX: [f64; 3] = [0.12, 0.06, 0.06];
/// How many cells far the height of a cell that was never seen is taken from its neighbours.
const FILL_CELLS: usize = 8;

/// Why a height map was not taken; the obstacles are as before.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ObstacleError {
    /// The cell has no such tote or bin.
    #[error("height map is for {name:?}; the cell has no such {kind}")]
    Unknown {
        /// The name given.
        name: String,
        /// Tote or bin.
        kind: &'static str,
    },
    /// The map is empty or its numbers don't fit together.
    #[error(
        "height map of {name} has {nx} × {ny} cells of {cell} m and {values} values; must be one value a cell, cells from 0.0005 to 0.5 m"
    )]
    Malformed {
        /// The tote or bin.
        name: String,
        /// Cells along x.
        nx: usize,
        /// Cells along y.
        ny: usize,
        /// Side of a cell, metres.
        cell: f64,
        /// Number of values.
        values: usize,
    },
}

/// Everything that the arm must not touch, at one moment.
#[derive(Debug, Clone)]
pub struct Obstacles {
    pub(crate) walled: Vec<Walled>,
    pub(crate) solids: Vec<Solid>,
}

/// A tote or a bin with what lies in it.
#[derive(Debug, Clone)]
pub(crate) struct Walled {
    pub(crate) name: String,
    pub(crate) is_tote: bool,
    pub(crate) container_from_world: Isometry3<f64>,
    /// Half of the inner length and width.
    pub(crate) inner: [f64; 2],
    pub(crate) height: f64,
    pub(crate) wall: f64,
    /// Centre and radius of a ball around walls and contents, in the world, metres.
    pub(crate) centre: Vector3<f64>,
    pub(crate) reach: f64,
    /// Height of rim or contents, whichever is more, in the world.
    pub(crate) highest: f64,
    pub(crate) surface: Option<Surface>,
}

/// A box, in any orientation.
#[derive(Debug, Clone)]
pub(crate) struct Solid {
    pub(crate) name: String,
    pub(crate) box_from_world: Isometry3<f64>,
    pub(crate) half: Vector3<f64>,
    /// Its centre in the world.
    pub(crate) centre: Vector3<f64>,
}

impl Obstacles {
    /// The walls of all totes and bins, the cameras and the fixed boxes of a cell, without contents.
    #[must_use]
    pub fn of_cell(cell: &Cell) -> Self {
        let mut walled: Vec<_> = cell.totes.iter().map(|c| Walled::new(c, true)).collect();
        walled.extend(cell.bins.iter().map(|c| Walled::new(c, false)));
        let mut solids: Vec<_> = cell
            .cameras
            .iter()
            .map(|camera| Solid {
                name: format!("camera {}", camera.name),
                box_from_world: camera.world_from_camera.isometry().inverse(),
                half: Vector3::from(CAMERA_BOX) * 0.5,
                centre: camera.world_from_camera.origin().coords,
            })
            .collect();
        solids.extend(cell.obstacles.iter().map(|fixed| Solid {
            name: fixed.name.clone(),
            box_from_world: Isometry3::from_parts(
                Translation3::from(-Vector3::from(fixed.centre_m)),
                UnitQuaternion::identity(),
            ),
            half: Vector3::from(fixed.size_m) * 0.5,
            centre: Vector3::from(fixed.centre_m),
        }));
        Self { walled, solids }
    }

    /// Says what lies in a tote. Cells that were never seen count as high as what was seen near
    /// them; where nothing near was seen, as high as the highest cell.
    ///
    /// # Errors
    /// [`ObstacleError`] for a name or a map that doesn't fit.
    pub fn set_tote(&mut self, name: &str, surface: &HeightMap<frame::Tote>) -> Result<(), ObstacleError> {
        self.set(name, true, surface)
    }

    /// Says what lies in a bin; as [`Obstacles::set_tote`].
    ///
    /// # Errors
    /// [`ObstacleError`] for a name or a map that doesn't fit.
    pub fn set_bin(&mut self, name: &str, surface: &HeightMap<frame::Bin>) -> Result<(), ObstacleError> {
        self.set(name, false, surface)
    }

    fn set<F: Frame>(&mut self, name: &str, tote: bool, map: &HeightMap<F>) -> Result<(), ObstacleError> {
        let place = self.walled.iter_mut().find(|w| w.is_tote == tote && w.name == name);
        let Some(walled) = place else {
            return Err(ObstacleError::Unknown { name: name.into(), kind: if tote { "tote" } else { "bin" } });
        };
        let cells = map.nx.checked_mul(map.ny).filter(|&n| n > 0 && n == map.z.len());
        if cells.is_none() || !(0.0005..=0.5).contains(&map.cell) || !map.origin.iter().all(|v| v.is_finite()) {
            return Err(ObstacleError::Malformed {
                name: name.into(),
                nx: map.nx,
                ny: map.ny,
                cell: map.cell,
                values: map.z.len(),
            });
        }
        let surface = Surface::new(map);
        walled.reach = walled.ball() + (surface.highest - walled.height).max(0.0);
        walled.surface = Some(surface);
        walled.highest = walled.top() - walled.container_from_world.translation.vector.z;
        Ok(())
    }

    /// The highest point under a footprint in the world: rims and contents of the totes and bins
    /// that lie within `reach` of (x, y); `None` where there are none.
    pub(crate) fn top_near(&self, x: f64, y: f64, reach: f64) -> Option<f64> {
        let tops = self.walled.iter().filter_map(|w| {
            let p = w.container_from_world * nalgebra::Point3::new(x, y, 0.0);
            let inside = p.x.abs() <= w.inner[0] + w.wall + reach && p.y.abs() <= w.inner[1] + w.wall + reach;
            // Containers stand upright: their z is the world's but for a shift.
            inside.then(|| w.top() - w.container_from_world.translation.vector.z)
        });
        tops.reduce(f64::max)
    }
}

impl Walled {
    fn new<F: Frame>(container: &Container<F>, is_tote: bool) -> Self {
        let middle = nalgebra::Point3::new(0.0, 0.0, 0.5 * container.size[2]);
        let mut walled = Self {
            centre: (container.world_from.isometry() * middle).coords,
            reach: 0.0,
            highest: 0.0,
            name: container.name.clone(),
            is_tote,
            container_from_world: container.world_from.isometry().inverse(),
            inner: [0.5 * container.size[0], 0.5 * container.size[1]],
            height: container.size[2],
            wall: container.wall,
            surface: None,
        };
        walled.reach = walled.ball();
        walled.highest = walled.height - walled.container_from_world.translation.vector.z;
        walled
    }

    /// Radius of the ball around the walls.
    fn ball(&self) -> f64 {
        Vector3::new(self.inner[0] + self.wall, self.inner[1] + self.wall, 0.5 * self.height).norm()
    }

    /// Height of rim or contents, whichever is more, in the container's frame.
    pub(crate) fn top(&self) -> f64 {
        self.surface.as_ref().map_or(self.height, |s| s.highest.max(self.height))
    }
}

/// Heights on a grid and, above it, grids of half the resolution that hold the maximum of four.
#[derive(Debug, Clone)]
pub(crate) struct Surface {
    origin: [f64; 2],
    cell: f64,
    levels: Vec<Level>,
    highest: f64,
}

#[derive(Debug, Clone)]
struct Level {
    nx: usize,
    ny: usize,
    z: Vec<f32>,
}

/// Cells of the grid: a half-open range in either direction.
struct CellRange {
    i: core::ops::Range<usize>,
    j: core::ops::Range<usize>,
}

impl Surface {
    fn new<F: Frame>(map: &HeightMap<F>) -> Self {
        let mut z: Vec<f32> = map.z.iter().map(|&h| if h.is_finite() { h } else { f32::NAN }).collect();
        let highest = z.iter().copied().filter(|h| !h.is_nan()).fold(0.0_f32, f32::max);
        fill(&mut z, map.nx, map.ny, highest);
        let mut levels = vec![Level { nx: map.nx, ny: map.ny, z }];
        while let Some(last) = levels.last()
            && (last.nx > 1 || last.ny > 1)
        {
            let (nx, ny) = (last.nx.div_ceil(2), last.ny.div_ceil(2));
            let mut z = vec![f32::NEG_INFINITY; nx * ny];
            for j in 0..last.ny {
                for i in 0..last.nx {
                    let cell = &mut z[(j / 2) * nx + i / 2];
                    *cell = cell.max(last.z[j * last.nx + i]);
                }
            }
            levels.push(Level { nx, ny, z });
        }
        Self { origin: map.origin, cell: map.cell, levels, highest: f64::from(highest) }
    }

    fn range(&self, x: [f64; 2], y: [f64; 2]) -> Option<CellRange> {
        let axis = |low: f64, high: f64, origin: f64, n: usize| {
            let first = ((low - origin) / self.cell).floor().max(0.0);
            let last = ((high - origin) / self.cell).floor();
            (last >= 0.0 && first < n as f64).then(|| first as usize..(last as usize + 1).min(n))
        };
        Some(CellRange {
            i: axis(x[0], x[1], self.origin[0], self.levels[0].nx)?,
            j: axis(y[0], y[1], self.origin[1], self.levels[0].ny)?,
        })
    }

    /// An upper bound of the height over a rectangle; `None` where the map has no cell there.
    pub(crate) fn most_over(&self, x: [f64; 2], y: [f64; 2]) -> Option<f64> {
        let CellRange { i, j } = self.range(x, y)?;
        let mut level = 0;
        // At most 5 × 5 cells are looked at.
        while level + 1 < self.levels.len() && (i.len().max(j.len()) >> level) > 4 {
            level += 1;
        }
        let grid = &self.levels[level];
        let mut most = f32::NEG_INFINITY;
        for j in (j.start >> level)..=((j.end - 1) >> level) {
            for i in (i.start >> level)..=((i.end - 1) >> level) {
                most = most.max(grid.z[j * grid.nx + i]);
            }
        }
        Some(f64::from(most))
    }

    /// True when `hits(x, y, z)` holds for the centre and height of a cell of the rectangle that is higher than `low`.
    pub(crate) fn any(&self, x: [f64; 2], y: [f64; 2], low: f64, mut hits: impl FnMut(f64, f64, f64) -> bool) -> bool {
        // Blocks that are low throughout are passed over.
        const BLOCK: usize = 3;
        let Some(CellRange { i, j }) = self.range(x, y) else { return false };
        let level = BLOCK.min(self.levels.len() - 1);
        let (grid, blocks) = (&self.levels[0], &self.levels[level]);
        let side = 1 << level;
        for bj in j.start >> level..=(j.end - 1) >> level {
            for bi in i.start >> level..=(i.end - 1) >> level {
                if f64::from(blocks.z[bj * blocks.nx + bi]) < low {
                    continue;
                }
                for j in j.start.max(bj * side)..j.end.min((bj + 1) * side) {
                    for i in i.start.max(bi * side)..i.end.min((bi + 1) * side) {
                        let z = f64::from(grid.z[j * grid.nx + i]);
                        let centre = [i, j].map(|n| (n as f64 + 0.5) * self.cell);
                        if z >= low && hits(self.origin[0] + centre[0], self.origin[1] + centre[1], z) {
                            return true;
                        }
                    }
                }
            }
        }
        false
    }

    pub(crate) fn cell(&self) -> f64 {
        self.cell
    }
}

/// Gives cells without a reading the height of the highest neighbour, cell by cell outwards, and
/// what is left the highest of all.
fn fill(z: &mut [f32], nx: usize, ny: usize, highest: f32) {
    let mut unknown: Vec<usize> = (0..z.len()).filter(|&k| z[k].is_nan()).collect();
    let mut found = Vec::with_capacity(unknown.len());
    for _ in 0..FILL_CELLS {
        if unknown.is_empty() {
            return;
        }
        found.clear();
        unknown.retain(|&k| {
            let (i, j) = (k % nx, k / nx);
            let mut most = f32::NEG_INFINITY;
            for j in j.saturating_sub(1)..(j + 2).min(ny) {
                for i in i.saturating_sub(1)..(i + 2).min(nx) {
                    // `max` passes over NaN.
                    most = most.max(z[j * nx + i]);
                }
            }
            let known = most > f32::NEG_INFINITY;
            if known {
                found.push((k, most));
            }
            !known
        });
        for &(k, most) in &found {
            z[k] = most;
        }
    }
    for k in unknown {
        z[k] = highest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pyramid_bounds_every_rectangle_from_above() {
        let mut map = HeightMap::<frame::Bin>::over_floor([0.4, 0.3], 0.005, 0.01);
        map.set(40, 30, 0.2);
        map.set(10, 5, f32::NAN);
        let surface = Surface::new(&map);
        let over = |x, y| surface.most_over(x, y).unwrap();
        assert_eq!(over([-0.2, 0.2], [-0.15, 0.15]) as f32, 0.2);
        assert_eq!(over([-0.19, -0.10], [-0.14, -0.05]) as f32, 0.01);
        assert_eq!(surface.most_over([0.3, 0.4], [0.0, 0.1]), None);
        assert!(surface.any([0.0, 0.01], [0.0, 0.01], 0.1, |_, _, z| z > 0.19));
        assert!(!surface.any([0.0, 0.01], [0.0, 0.01], 0.21, |_, _, _| true));
    }

    #[test]
    fn a_cell_that_was_never_seen_is_as_high_as_what_is_beside_it() {
        let mut map = HeightMap::<frame::Bin>::over_floor([0.4, 0.3], 0.005, f32::NAN);
        map.set(0, 0, 0.1);
        map.set(79, 59, 0.15);
        let surface = Surface::new(&map);
        let at = |i: usize, j: usize| surface.levels[0].z[j * 80 + i];
        assert_eq!(at(3, 3), 0.1);
        assert_eq!(at(40, 30), 0.15);
    }
}
