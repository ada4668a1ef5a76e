//! In which attitudes a held box may go down.

use core::f64::consts::{FRAC_PI_2, PI};

use control::{Container, Hold};
use nalgebra::{Matrix3, Rotation3, UnitQuaternion, Vector3};
use scene::frame::{Bin, Item};
use scene::{Pose, Shape, Sku};

use crate::placement::half_extents;

/// Tilt of the tool up to which it is tilted to put the box down level, radians.
const LEVEL_MOST: f64 = 25.0 * PI / 180.0;
/// Tilt up to which an item that must stay upright is so, radians: what the box of a held item may be off by.
pub(super) const UPRIGHT_MOST: f64 = 25.0 * PI / 180.0;
/// Sides that differ by less can't be told apart, metres.
const SAME_SIDE_M: f64 = 0.002;

/// Two attitudes of the box with the same outline, half a turn apart.
pub(super) struct Attitude {
    /// Each with the tool's turn from where it took hold, radians; the smaller first.
    pub(super) turns: [(UnitQuaternion<f64>, f64); 2],
    pub(super) half: [f64; 3],
    /// The axis of the bin (0 is x, 1 is y) along which the item would roll.
    pub(super) rolls: Option<usize>,
    /// By how much an item that must stay upright would not, radians; `None` where all is well.
    pub(super) lies: Option<f64>,
}

/// The attitudes in which the held box may go down.
pub(super) fn attitudes(hold: &Hold, bin: &Container<Bin>, sku: Option<&Sku>) -> [Attitude; 2] {
    let tool_from_box = hold.held.tool_from_box.rotation();
    let bin_from_world = bin.world_from.inverse().rotation();
    let up = tool_from_box.inverse() * -Vector3::z();
    let axis = (0..3).fold(0, |m, i| if up[i].abs() > up[m].abs() + 1e-9 { i } else { m });
    let level = up[axis].abs().clamp(0.0, 1.0).acos() <= LEVEL_MOST;
    let tool_x = bin_from_world * hold.world_from_tool.direction(&Vector3::x());
    let turned = |quarter: u32| {
        let yaw = FRAC_PI_2 * f64::from(quarter);
        let bin_from_box = if level {
            let (b, c) = ((axis + 1) % 3, (axis + 2) % 3);
            let mut columns = [Vector3::zeros(); 3];
            columns[axis] = Vector3::z() * up[axis].signum();
            columns[b] = Vector3::new(yaw.cos().round(), yaw.sin().round(), 0.0);
            columns[c] = columns[axis].cross(&columns[b]);
            let matrix = Rotation3::from_matrix_unchecked(Matrix3::from_columns(&columns));
            UnitQuaternion::from_rotation_matrix(&matrix)
        } else {
            let upright = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), PI);
            UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw) * upright * tool_from_box
        };
        let x = bin_from_box * (tool_from_box.inverse() * Vector3::x());
        let turn = (tool_x.x * x.y - tool_x.y * x.x).atan2(tool_x.x * x.x + tool_x.y * x.y).abs();
        (bin_from_box, turn)
    };
    let round = sku.filter(|s| s.shape == Shape::Cylinder).map(|s| {
        let off = |i: usize| (hold.held.size_m[i] - s.size_m[2]).abs();
        (0..3).fold(0, |m, i| if off(i) < off(m) - 1e-6 { i } else { m })
    });
    [0, 1].map(|quarter| {
        let (a, b) = (turned(quarter), turned(quarter + 2));
        let turns = if b.1 < a.1 - 1e-9 { [b, a] } else { [a, b] };
        let pose: Pose<Bin, Item> = Pose::from_parts(Vector3::zeros(), turns[0].0);
        let rolls = round.and_then(|i| {
            let axis = turns[0].0 * Vector3::ith(i, 1.0);
            (axis.z.abs() < 0.7).then_some(usize::from(axis.x.abs() > axis.y.abs()))
        });
        let lies = sku.filter(|s| s.upright).map(|s| tilt(&turns[0].0, hold.held.size_m, s.size_m[2]));
        let lies = lies.filter(|tilt| *tilt > UPRIGHT_MOST);
        Attitude { turns, half: half_extents(&pose, hold.held.size_m), rolls, lies }
    })
}

/// The angle between the vertical and that axis of a box along which it is `height` long, radians: the nearest to the
/// vertical where more than one is, and either way up.
fn tilt(bin_from_box: &UnitQuaternion<f64>, size_m: [f64; 3], height: f64) -> f64 {
    let off = size_m.map(|side| (side - height).abs());
    let least = off.into_iter().fold(f64::INFINITY, f64::min);
    let upright = |axis: usize| (bin_from_box * Vector3::ith(axis, 1.0)).z.abs().min(1.0);
    (0..3).filter(|&axis| off[axis] <= least + SAME_SIDE_M).map(upright).fold(0.0, f64::max).acos()
}
