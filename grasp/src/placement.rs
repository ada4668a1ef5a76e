//! A place in a bin.

use control::Drop;
use scene::frame::{Bin, Frame, Item};
use scene::{HeightMap, Pose};
use serde::Serialize;

use crate::rejection::PlaceRejection;

/// How far from its place an item may end and still be seen as placed, metres.
const AROUND_M: f64 = 0.04;
/// Share of the item's volume that the surface must have risen by.
const RISEN_SHARE: f64 = 0.35;
/// Share of the footprint that must have readings before the surface can say no.
const READ_SHARE: f64 = 0.3;

/// Where an item may come to rest in a bin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Placement {
    /// The held box at rest.
    pub bin_from_box: Pose<Bin, Item>,
    /// Sides of the held box along its own axes, metres.
    pub size_m: [f64; 3],
    /// How the tool gets it there.
    pub drop: Drop,
    /// Height above the floor that it rests on, metres.
    pub height_m: f64,
    /// Share of its base that has something under it, 0…1.
    pub support: f64,
    /// 1 / (1 + cost): low, in a corner, beside walls and neighbours is high; 0…1, not a probability.
    pub score: f64,
    /// Why it is not taken; `None` for an accepted one.
    pub rejected: Option<PlaceRejection>,
}

impl Placement {
    /// Half of the sides along the bin's axes, metres.
    fn half(&self) -> [f64; 3] {
        half_extents(&self.bin_from_box, self.size_m)
    }

    /// Raises a bin's surface by the item at rest: cells of which it covers a quarter, as a camera's upper
    /// quartile shows them, get the height of its upper side.
    pub fn add_to(&self, surface: &mut HeightMap<Bin>) {
        let (at, half) = (self.bin_from_box.origin(), self.half());
        let top = (at.z + half[2]) as f32;
        let more = 0.25 * surface.cell;
        for j in 0..surface.ny {
            for i in 0..surface.nx {
                let [x, y] = surface.centre(i, j);
                if (x - at.x).abs() <= half[0] + more && (y - at.y).abs() <= half[1] + more {
                    let z = surface.at(i, j);
                    surface.set(i, j, if z.is_finite() { z.max(top) } else { top });
                }
            }
        }
    }

    /// Whether the item is seen to lie at this place or up to 40 mm beside it: the surface has risen by a
    /// third of the item's volume there, against what it has risen elsewhere (an offset of the camera).
    ///
    /// True as well where less than 30 % of the footprint has readings in both maps, since shiny goods show
    /// none; the weight has spoken before. False when the maps differ in their cells.
    #[must_use]
    pub fn is_seen(&self, before: &HeightMap<Bin>, seen: &HeightMap<Bin>) -> bool {
        if (before.nx, before.ny, before.cell, before.origin) != (seen.nx, seen.ny, seen.cell, seen.origin) {
            return false;
        }
        let (at, half) = (self.bin_from_box.origin(), self.half());
        let height = 2.0 * half[2];
        let mut elsewhere: Vec<f64> = Vec::new();
        let mut near: Vec<f64> = Vec::new();
        let (mut footprint, mut read) = (0.0, 0.0);
        for j in 0..seen.ny {
            for i in 0..seen.nx {
                let [x, y] = seen.centre(i, j);
                let (dx, dy) = ((x - at.x).abs() - half[0], (y - at.y).abs() - half[1]);
                let rise = f64::from(seen.at(i, j)) - f64::from(before.at(i, j));
                if dx <= 0.0 && dy <= 0.0 {
                    footprint += 1.0;
                    read += f64::from(u8::from(rise.is_finite()));
                }
                if rise.is_finite() {
                    if dx <= AROUND_M && dy <= AROUND_M { near.push(rise) } else { elsewhere.push(rise) }
                }
            }
        }
        if footprint <= 0.0 || read < READ_SHARE * footprint {
            return true;
        }
        let middle = elsewhere.len() / 2;
        // Too little of the bin is left to tell the camera's offset from.
        let offset =
            if elsewhere.len() < 50 { 0.0 } else { *elsewhere.select_nth_unstable_by(middle, f64::total_cmp).1 };
        let risen: f64 = near.iter().map(|rise| (rise - offset).clamp(-height, 1.5 * height)).sum();
        risen > RISEN_SHARE * height * read
    }
}

/// Half of a turned box's sides along the axes of the frame that it is turned in.
#[must_use]
pub fn half_extents<F: Frame>(pose: &Pose<F, Item>, size_m: [f64; 3]) -> [f64; 3] {
    let turn = pose.rotation().to_rotation_matrix();
    core::array::from_fn(|row| (0..3).map(|column| 0.5 * turn[(row, column)].abs() * size_m[column]).sum())
}
