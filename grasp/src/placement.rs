//! A place in a bin.

use control::Drop;
use scene::frame::{Bin, Frame, Item};
use scene::{HeightMap, Pose};
use serde::Serialize;

use crate::rejection::PlaceRejection;

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
    pub(crate) fn half(&self) -> [f64; 3] {
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
}

/// Half of a turned box's sides along the axes of the frame that it is turned in.
#[must_use]
pub fn half_extents<F: Frame>(pose: &Pose<F, Item>, size_m: [f64; 3]) -> [f64; 3] {
    let turn = pose.rotation().to_rotation_matrix();
    core::array::from_fn(|row| (0..3).map(|column| 0.5 * turn[(row, column)].abs() * size_m[column]).sum())
}
