//! How an item lies that was let go in a bin, by the heights before and after.

use scene::HeightMap;
use scene::frame::Bin;
use serde::Serialize;

use crate::placement::Placement;

/// How far from its place an item may end and still be seen as placed, metres.
const AROUND_M: f64 = 0.04;
/// Share of the item's volume that the surface must have risen by near its place; and, of what is high enough to fall over,
/// within its longest side.
const RISEN_SHARE: f64 = 0.35;
const FALLEN_SHARE: f64 = 0.5;
/// Share of the footprint that must have readings before the surface can say anything.
const READ_SHARE: f64 = 0.3;
/// A cell belongs to the item when it has risen by half of the item's height or by this, metres: what tipped is lower. A cell
/// has σ = 3.5 mm, so this is six of them.
const RISEN_M: f64 = 0.02;
/// Beside the footprint it must have risen by this at least, metres: four σ, since there are many more cells.
const BESIDE_M: f64 = 0.014;
/// An item lower than this has no side to fall on that would lie beyond [`AROUND_M`], metres.
const FALLS_M: f64 = 0.03;
/// It has moved when it is off by more than this, metres (neighbours are planned 11 mm apart), and when that explains more of
/// the surface by this share of its volume: several times what noise of σ = 3.5 mm does over the cells that change.
const MOVED_M: f64 = 0.012;
const MOVED_SHARE: f64 = 0.1;
/// Its upper side is elsewhere when it is off by more than this, metres, and by this share of its height. A held box hangs up
/// to 17 mm higher or lower than believed, and the map is up to 5 mm off over a footprint.
const TOP_OFF_M: f64 = 0.02;
const TOP_OFF_SHARE: f64 = 0.25;
/// Its outline has changed when less than this share of its footprint has risen, or when cells further out than this, metres,
/// have risen that would fill this share of it. A cell at the rim and one beside may be either.
const INSIDE_SHARE: f64 = 0.6;
const OUTSIDE_M: f64 = 0.010;
const OUTSIDE_SHARE: f64 = 0.25;
/// Cells elsewhere that are needed to tell the camera's offset from.
const OFFSET_CELLS: usize = 50;

/// How an item lies that was let go.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Lies {
    /// At its place, with the side up that should be.
    AsPlaced,
    /// With that side up, beside its place.
    Moved {
        /// How far, millimetres.
        by_mm: f64,
    },
    /// Otherwise than placed: its upper side is clearly higher or lower than it should be, and its outline is another.
    Tipped {
        /// Where its upper side should be above the bin's floor, millimetres.
        expected_mm: f64,
        /// Where it is.
        seen_mm: f64,
    },
    /// Its footprint has too few readings to say: shiny goods show none. The weight has spoken before.
    Unread,
    /// Nothing new lies there.
    NotSeen,
}

impl core::fmt::Display for Lies {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::AsPlaced => write!(f, "lies as placed"),
            Self::Moved { by_mm } => write!(f, "lies {by_mm:.0} mm beside its place"),
            Self::Tipped { expected_mm, seen_mm } => {
                write!(
                    f,
                    "lies otherwise than placed: its upper side is at {seen_mm:.0} mm, not at {expected_mm:.0} mm"
                )
            }
            Self::Unread => write!(f, "too few readings in its bin to say how it lies"),
            Self::NotSeen => write!(f, "not seen in its bin"),
        }
    }
}

impl Lies {
    /// Whether the item is taken to be in its bin.
    #[must_use]
    pub fn is_there(self) -> bool {
        match self {
            Self::AsPlaced | Self::Moved { .. } | Self::Tipped { .. } | Self::Unread => true,
            Self::NotSeen => false,
        }
    }
}

/// A cell that both maps have a reading of.
struct Cell {
    i: usize,
    j: usize,
    /// How far it is outside of the footprint, metres; negative inside.
    out: f64,
    /// What it has risen by, the camera's offset taken off, metres.
    rise: f64,
}

impl Placement {
    /// How the item lies after it was let go here, by the bin's heights before and after.
    ///
    /// What the rest of the bin has risen by is the camera's offset. The item is there where the surface near its place has
    /// risen by a third of its volume, or that of one that may fall over by half of it within its longest side. Noise of a
    /// cell may have σ = 3.5 mm and hang together over three cells, and a fifth of the cells may be without a reading:
    /// tested so from 12 mm of height on. Maps of different cells, and a box without a height, say [`Lies::NotSeen`].
    #[must_use]
    pub fn lies(&self, before: &HeightMap<Bin>, seen: &HeightMap<Bin>) -> Lies {
        let cells_of = |map: &HeightMap<Bin>| (map.nx, map.ny, map.cell, map.origin, map.z.len());
        if cells_of(before) != cells_of(seen) || seen.z.len() != seen.nx * seen.ny {
            return Lies::NotSeen;
        }
        let (at, half) = (self.bin_from_box.origin(), self.half());
        let (height, longest) = (2.0 * half[2], 2.0 * half.into_iter().fold(0.0, f64::max));
        if !(height > 0.0 && height.is_finite() && longest.is_finite()) {
            return Lies::NotSeen;
        }
        let mut cells = Vec::new();
        let mut footprint = 0.0;
        for j in 0..seen.ny {
            for i in 0..seen.nx {
                let [x, y] = seen.centre(i, j);
                let out = ((x - at.x).abs() - half[0]).max((y - at.y).abs() - half[1]);
                let rise = f64::from(seen.at(i, j)) - f64::from(before.at(i, j));
                footprint += f64::from(u8::from(out <= 0.0));
                if rise.is_finite() {
                    cells.push(Cell { i, j, out, rise });
                }
            }
        }
        let read = cells.iter().filter(|c| c.out <= 0.0).count() as f64;
        if footprint <= 0.0 || read < READ_SHARE * footprint {
            return Lies::Unread;
        }
        let offset = offset(&cells);
        cells.iter_mut().for_each(|c| c.rise -= offset);
        let volume = height * read;
        let risen = |c: &Cell| c.rise.clamp(-height, 1.5 * height);
        let near: f64 = cells.iter().filter(|c| c.out <= AROUND_M).map(risen).sum();
        let falls = height > FALLS_M;
        let reach = if falls { AROUND_M.max(longest) } else { AROUND_M };
        let beside = |c: &&Cell| c.out > AROUND_M && c.out <= reach && c.rise > BESIDE_M;
        let far: f64 = cells.iter().filter(beside).map(risen).sum();
        if near <= RISEN_SHARE * volume && near.max(0.0) + far <= FALLEN_SHARE * volume {
            return Lies::NotSeen;
        }
        let grid = Grid::of(seen, cells, height);
        let moved = grid.moved(volume);
        let top = at.z + half[2];
        if let Some(higher) = grid.upper_side_off(self, moved, reach, top, offset, seen) {
            return Lies::Tipped { expected_mm: top * 1e3, seen_mm: (top + higher) * 1e3 };
        }
        let by = moved[0].hypot(moved[1]);
        if by > MOVED_M { Lies::Moved { by_mm: by * 1e3 } } else { Lies::AsPlaced }
    }
}

/// What cells rise by that hold no item: the median of those away from the place, 0 where they are few.
fn offset(cells: &[Cell]) -> f64 {
    let mut elsewhere: Vec<f64> = cells.iter().filter(|c| c.out > AROUND_M).map(|c| c.rise).collect();
    if elsewhere.len() < OFFSET_CELLS {
        return 0.0;
    }
    let middle = elsewhere.len() / 2;
    *elsewhere.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// What has risen, cell by cell.
struct Grid {
    cells: Vec<Cell>,
    nx: usize,
    ny: usize,
    /// Side of a cell, metres.
    cell: f64,
    height: f64,
    /// Rise of each cell, metres; NaN without a reading.
    rise: Vec<f64>,
    /// Sums of rises, each within the item's height, from the corner of least x and y on: `nx + 1` in a row.
    sums: Vec<f64>,
}

impl Grid {
    fn of(map: &HeightMap<Bin>, cells: Vec<Cell>, height: f64) -> Self {
        let (nx, ny) = (map.nx, map.ny);
        let mut rise = vec![f64::NAN; nx * ny];
        for c in &cells {
            rise[c.j * nx + c.i] = c.rise;
        }
        let mut sums = vec![0.0; (nx + 1) * (ny + 1)];
        for j in 0..ny {
            let mut row = 0.0;
            for i in 0..nx {
                let z = rise[j * nx + i];
                // NaN is no reading, and adds nothing.
                row += if z.is_nan() { 0.0 } else { z.clamp(-height, height) };
                sums[(j + 1) * (nx + 1) + i + 1] = sums[j * (nx + 1) + i + 1] + row;
            }
        }
        Self { cells, nx, ny, cell: map.cell, height, rise, sums }
    }

    /// By how much its place must be moved, metres along the bin's x and y, to explain most of what has risen; nothing where
    /// that is no clear gain.
    fn moved(&self, volume: f64) -> [f64; 2] {
        let inside = || self.cells.iter().filter(|c| c.out <= 0.0);
        let (Some(i0), Some(i1)) = (inside().map(|c| c.i).min(), inside().map(|c| c.i).max()) else { return [0.0; 2] };
        let (Some(j0), Some(j1)) = (inside().map(|c| c.j).min(), inside().map(|c| c.j).max()) else { return [0.0; 2] };
        let sum = |di: isize, dj: isize| {
            let at = |v: usize, by: isize, n: usize| v.saturating_add_signed(by).min(n);
            let (a, b) = (at(i0, di, self.nx), at(i1 + 1, di, self.nx));
            let (c, d) = (at(j0, dj, self.ny), at(j1 + 1, dj, self.ny));
            let corner = |i: usize, j: usize| self.sums[j * (self.nx + 1) + i];
            corner(b, d) - corner(a, d) - corner(b, c) + corner(a, c)
        };
        let steps = (AROUND_M / self.cell).floor().clamp(0.0, 100.0) as isize;
        let stays = sum(0, 0);
        let mut best = (stays + MOVED_SHARE * volume, [0, 0]);
        for dj in -steps..=steps {
            for di in -steps..=steps {
                let found = sum(di, dj);
                if found > best.0 {
                    best = (found, [di, dj]);
                }
            }
        }
        best.1.map(|steps| steps as f64 * self.cell)
    }

    /// By how much the upper side is higher than it should be, metres, where that is much and the outline has changed.
    fn upper_side_off(
        &self,
        placement: &Placement,
        moved: [f64; 2],
        reach: f64,
        top: f64,
        offset: f64,
        seen: &HeightMap<Bin>,
    ) -> Option<f64> {
        let (at, half) = (placement.bin_from_box.origin(), placement.half());
        let least = RISEN_M.min(0.5 * self.height);
        let out = |c: &Cell| {
            let [x, y] = seen.centre(c.i, c.j);
            ((x - at.x - moved[0]).abs() - half[0]).max((y - at.y - moved[1]).abs() - half[1])
        };
        let belongs = |c: &Cell, out: f64| c.rise > if out > OUTSIDE_M { least.max(BESIDE_M) } else { least };
        let (mut read, mut inside, mut outside) = (0.0, 0.0, 0.0);
        let mut off = Vec::new();
        for c in &self.cells {
            let out = out(c);
            if out > reach {
                continue;
            }
            read += f64::from(u8::from(out <= 0.0));
            if belongs(c, out) && self.hangs_together(c, least) {
                off.push(f64::from(seen.at(c.i, c.j)) - offset - top);
                inside += f64::from(u8::from(out <= 0.0));
                outside += f64::from(u8::from(out > OUTSIDE_M));
            }
        }
        let changed = inside < INSIDE_SHARE * read || outside > OUTSIDE_SHARE * read;
        if off.is_empty() || !changed {
            return None;
        }
        let middle = off.len() / 2;
        let off = *off.select_nth_unstable_by(middle, f64::total_cmp).1;
        (off.abs() > TOP_OFF_M.max(TOP_OFF_SHARE * self.height)).then_some(off)
    }

    /// Whether more than half of the cells around have risen too: edges of what stands there flicker in lines.
    fn hangs_together(&self, c: &Cell, least: f64) -> bool {
        let (mut read, mut risen) = (0, 0);
        for j in c.j.saturating_sub(1)..(c.j + 2).min(self.ny) {
            for i in c.i.saturating_sub(1)..(c.i + 2).min(self.nx) {
                let rise = self.rise[j * self.nx + i];
                if (i, j) != (c.i, c.j) && !rise.is_nan() {
                    read += 1;
                    risen += u32::from(rise > least);
                }
            }
        }
        2 * risen > read
    }
}
