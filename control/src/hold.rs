//! How something is to be held, and where it is to be let go.

use std::f64::consts::PI;

use firmware::CupSet;
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use scene::{Pose, frame};
use serde::{Deserialize, Serialize};

/// The box around what hangs on the tool.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldBox {
    /// Where the box's centre and axes are, as held.
    pub tool_from_box: Pose<frame::Tool, frame::Item>,
    /// Its sides, metres.
    pub size_m: [f64; 3],
}

/// How to take hold of something: all that motion needs to know of a grasp.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Where the tool is when the uncompressed lips just touch the face.
    pub world_from_tool: Pose<frame::World, frame::Tool>,
    /// Stand-off along the tool's −z from which the way to the face is straight, metres.
    pub approach_m: f64,
    /// How far past touch the guarded move may go, metres; less than the cups' stroke.
    pub press_m: f64,
    /// Speed at which the cups meet the face, m/s: what is pressed beyond contact grows with it.
    pub touch_speed: f64,
    /// How far off the face may be, metres: the way goes at `touch_speed` from so much before touch on.
    pub guard_m: f64,
    /// Cups that shall seal.
    pub cups: CupSet,
    /// Largest acceleration of the held box's centre sideways, m/s².
    pub max_acceleration: f64,
    /// And upwards or downwards, m/s², gravity not counted. Between the two it may accelerate within the ellipsoid
    /// through both.
    pub max_vertical: f64,
    /// Share of what the cups can take that the resting item takes of them, 0…1.
    pub rest_share: f64,
    /// The box around what will be held, as it hangs.
    pub held: HeldBox,
    /// How far the vacuum closes the bellows while they hold, metres; they open again by that when they let go.
    pub closed_m: f64,
    /// What it should weigh, kilograms.
    pub mass_kg: f64,
    /// Pressure below ambient that the wanted cups should reach, pascals.
    pub expected_pa: u32,
}

/// Where to let go.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drop {
    /// Where the tool is when what it holds rests, or nearly.
    pub world_from_tool: Pose<frame::World, frame::Tool>,
    /// Speed at which what is held may meet what is below, m/s.
    pub touch_speed: f64,
    /// How far off what is below may be, metres: the way goes at `touch_speed` from so much before its end on.
    pub guard_m: f64,
    /// What is held may as well rest turned by half about the vertical through its box's centre.
    pub half_turn: bool,
    /// Length of the straight way down to it, metres, at least; it starts above the walls in any case.
    pub approach_m: f64,
}

impl Drop {
    /// The tool's poses that will do: the one that is asked for first.
    pub(crate) fn poses(&self, held: &HeldBox) -> Vec<Isometry3<f64>> {
        let there = *self.world_from_tool.isometry();
        let centre = Translation3::from((there * held.tool_from_box.isometry()).translation.vector);
        let about = centre * UnitQuaternion::from_axis_angle(&Vector3::z_axis(), PI) * centre.inverse();
        if self.half_turn { vec![there, about * there] } else { vec![there] }
    }
}
