//! What hangs on the tool, and a bin for it.

use core::f64::consts::PI;

use control::{Container, HeldBox, Hold, ToolModel};
use nalgebra::{UnitQuaternion, Vector3};
use scene::frame::Bin;
use scene::{HeightMap, Pose};

/// The default cell's tool.
pub fn tool() -> ToolModel {
    ToolModel::find("six-cup", std::path::Path::new(".")).unwrap()
}

/// A box of these sides held by the middle of its z face, `off` metres beside the tool's middle, turned by `yaw`; the bellows
/// have closed by 4 mm.
pub fn hold(size_m: [f64; 3], off: [f64; 2], yaw: f64, mass_kg: f64) -> Hold {
    let upside_down = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), PI);
    let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw);
    Hold {
        world_from_tool: Pose::from_parts(Vector3::new(0.9, 0.42, 0.1), upside_down),
        touch_speed: 0.05,
        guard_m: 0.012,
        approach_m: 0.06,
        closed_m: 0.004,
        press_m: 0.01,
        cups: [1].into_iter().collect(),
        max_acceleration: 5.0,
        max_vertical: 8.0,
        rest_share: 0.5,
        held: HeldBox {
            tool_from_box: Pose::from_parts(Vector3::new(off[0], off[1], 0.5 * size_m[2]), turn * upside_down),
            size_m,
        },
        mass_kg,
        expected_pa: 50_000,
    }
}

/// A bin seen to be empty.
pub fn floor(bin: &Container<Bin>) -> HeightMap<Bin> {
    HeightMap::over_floor([bin.size[0], bin.size[1]], 0.005, 0.0)
}
