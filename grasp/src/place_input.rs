//! Whether what a place is searched for makes sense at all.

use control::{Container, Hold};
use scene::frame::Bin;
use scene::{HeightMap, Pose};

use crate::placement::Placement;
use crate::rejection::PlaceRejection;

/// Sides of a held box, metres: the least is a card's thickness, the most no cell carries.
const SIDE_M: [f64; 2] = [0.001, 2.0];
/// What may hang on the tool, kilograms: the range of the catalogue, and a little more where the scale says so.
const MASS_KG: [f64; 2] = [1e-4, 50.0];
/// How far the vacuum may have closed the bellows, metres.
const CLOSED_M: [f64; 2] = [0.0, 0.1];
/// Sides of a bin, and of a cell of its map, metres.
const BIN_M: [f64; 2] = [0.02, 5.0];
const CELL_M: [f64; 2] = [0.000_5, 0.1];

/// What is wrong with what is asked, if anything is: the first number that is not finite or out of its range, or a map
/// whose cells and heights don't agree.
pub(crate) fn unsound(hold: &Hold, map: &HeightMap<Bin>, bin: &Container<Bin>) -> Option<PlaceRejection> {
    let outside = |what: &'static str, value: f64, [least, most]: [f64; 2]| {
        let inside = (least..=most).contains(&value);
        (!inside).then_some(PlaceRejection::Unsound { what, value, least, most })
    };
    let finite = |what: &'static str, pose: &nalgebra::Isometry3<f64>| {
        let numbers = pose.translation.vector.iter().chain(pose.rotation.coords.iter());
        numbers.copied().find(|v| !v.is_finite()).and_then(|v| outside(what, v, [-100.0, 100.0]))
    };
    let sides = hold.held.size_m.into_iter().find_map(|side| outside("a side of the held box in m", side, SIDE_M));
    sides
        .or_else(|| outside("the held mass in kg", hold.mass_kg, MASS_KG))
        .or_else(|| outside("what the bellows have closed by in m", hold.closed_m, CLOSED_M))
        .or_else(|| finite("a number of the held box's pose", hold.held.tool_from_box.isometry()))
        .or_else(|| finite("a number of the tool's pose", hold.world_from_tool.isometry()))
        .or_else(|| bin.size.into_iter().find_map(|side| outside("a side of the bin in m", side, BIN_M)))
        .or_else(|| outside("the fill height of the bin in m", bin.fill, [0.0, bin.size[2]]))
        .or_else(|| outside("the side of a cell in m", map.cell, CELL_M))
        .or_else(|| map.origin.into_iter().find_map(|v| outside("the origin of the height map in m", v, [-5.0, 5.0])))
        .or_else(|| {
            let cells = map.nx.saturating_mul(map.ny);
            let fits = cells > 0 && cells == map.z.len();
            let (value, wanted) = (map.z.len() as f64, cells.max(1) as f64);
            let what = "the number of heights in the map";
            (!fits).then_some(PlaceRejection::Unsound { what, value, least: wanted, most: wanted })
        })
}

/// A place that is none: in the middle of the bin's floor, with the reason.
pub(crate) fn nowhere(hold: &Hold, bin: &Container<Bin>, why: PlaceRejection) -> Placement {
    Placement {
        bin_from_box: Pose::identity(),
        size_m: hold.held.size_m,
        drop: control::Drop {
            world_from_tool: Pose::from_isometry(*bin.world_from.isometry()),
            touch_speed: 0.0,
            guard_m: 0.0,
            half_turn: false,
            approach_m: 0.0,
        },
        height_m: 0.0,
        support: 0.0,
        score: 0.0,
        rejected: Some(why),
    }
}
