//! Why there is no motion, and the checks of what is asked for.

use nalgebra::Isometry3;

use crate::hold::{Drop, Hold};
use crate::program::SegmentKind;

/// Fastest speed of the tool when it may touch, m/s.
const FASTEST_TOUCH: f64 = 0.1;

/// Why there is no motion. Nothing has moved.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A number that was given is not finite or out of its range.
    #[error("{what} is {value}; must be {rule}")]
    Input {
        /// Which number.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// What shall be held is too heavy for the arm with this tool.
    #[error(
        "{sum:.3} kg at the flange, {held_kg:.3} held and {tool_kg:.3} of the tool; at most the arm's payload of {payload_kg:.3} kg",
        sum = held_kg + tool_kg
    )]
    Payload {
        /// What the item should weigh, kilograms.
        held_kg: f64,
        /// Mass of the tool, kilograms.
        tool_kg: f64,
        /// What the arm carries, kilograms.
        payload_kg: f64,
    },
    /// The arm is, or shall go, outside its joints' limits.
    #[error("{joint} at {angle:.4} rad is outside [{min:.4}, {max:.4}] rad in {segment}")]
    JointLimit {
        /// The segment.
        segment: SegmentKind,
        /// The joint.
        joint: &'static str,
        /// Its angle, radians.
        angle: f64,
        /// Least angle, radians.
        min: f64,
        /// Largest angle, radians.
        max: f64,
    },
    /// No configuration puts the tool there.
    #[error("tool at [{x:.3}, {y:.3}, {z:.3}] m, end of {segment}, is out of the arm's reach", x = at[0], y = at[1], z = at[2])]
    Unreachable {
        /// The segment that should end there.
        segment: SegmentKind,
        /// Where the tool should be, world, metres.
        at: [f64; 3],
    },
    /// The arm can't follow the straight way.
    #[error("{segment} leaves the arm's reach after {after:.3} of {length:.3} m, on any of {branches} branches")]
    Broken {
        /// The segment.
        segment: SegmentKind,
        /// How far it can follow, metres.
        after: f64,
        /// Length of the way, metres.
        length: f64,
        /// Number of branches tried.
        branches: usize,
    },
    /// Something is in the way.
    #[error("{body} touches {other} in {segment}, {}; {tried} motions tried", moment(*after))]
    Collision {
        /// The segment.
        segment: SegmentKind,
        /// What moves.
        body: String,
        /// What it touches.
        other: String,
        /// When, in seconds from the start of the motion; `None` is at the segment's end.
        after: Option<f64>,
        /// Number of motions tried; this is the first one's collision.
        tried: usize,
    },
    /// The motion can't be slowed down to keep a limit.
    #[error("{what} is {value:.4} {unit} in {segment} after slowing down {rounds} times; at most {limit:.4}")]
    Limit {
        /// The segment.
        segment: SegmentKind,
        /// Which quantity of which joint, or of the item.
        what: String,
        /// Its value.
        value: f64,
        /// Its unit.
        unit: &'static str,
        /// The limit.
        limit: f64,
        /// Number of rounds.
        rounds: usize,
    },
    /// The timing library refuses the problem.
    #[error("{segment} can't be timed: {reason}")]
    Timing {
        /// The segment.
        segment: SegmentKind,
        /// What it says.
        reason: String,
    },
}

fn moment(after: Option<f64>) -> String {
    after.map_or("at its end".into(), |s| format!("{s:.3} s after the start"))
}

pub(crate) fn with_tries(error: PlanError, count: usize) -> PlanError {
    match error {
        PlanError::Collision { segment, body, other, after, .. } => {
            PlanError::Collision { segment, body, other, after, tried: count }
        }
        other => other,
    }
}

pub(crate) fn unreachable(segment: SegmentKind, tool: &Isometry3<f64>) -> PlanError {
    // To the millimetre; adding zero turns −0 into 0.
    let at = tool.translation.vector.map(|v| (v * 1e3).round() * 1e-3 + 0.0);
    PlanError::Unreachable { segment, at: at.into() }
}

pub(crate) fn not_finite(what: &'static str) -> PlanError {
    PlanError::Input { what, value: f64::NAN, rule: "finite" }
}

pub(crate) fn check_range(
    what: &'static str,
    value: f64,
    least: f64,
    most: f64,
    rule: &'static str,
) -> Result<(), PlanError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(PlanError::Input { what, value, rule })
}

pub(crate) fn check_touch_speed(what: &'static str, speed: f64) -> Result<(), PlanError> {
    check_range(what, speed, 0.002, FASTEST_TOUCH, "from 0.002 to 0.1 m/s")
}

pub(crate) fn check_drop(drop: &Drop) -> Result<(), PlanError> {
    if !drop.world_from_tool.is_finite() {
        return Err(not_finite("drop.world_from_tool"));
    }
    check_range("drop.approach_m", drop.approach_m, 0.0, 2.0, "from 0 to 2 m")?;
    check_touch_speed("drop.touch_speed", drop.touch_speed)?;
    check_range("drop.guard_m", drop.guard_m, 0.0, 0.1, "from 0 to 0.1 m")
}

pub(crate) fn check_hold(hold: &Hold) -> Result<(), PlanError> {
    if !hold.world_from_tool.is_finite() {
        return Err(not_finite("hold.world_from_tool"));
    }
    if !hold.held.tool_from_box.is_finite() {
        return Err(not_finite("hold.held.tool_from_box"));
    }
    check_range("hold.approach_m", hold.approach_m, 0.0, 2.0, "from 0 to 2 m")?;
    check_range("hold.press_m", hold.press_m, 0.0, 0.1, "from 0 to 0.1 m")?;
    check_touch_speed("hold.touch_speed", hold.touch_speed)?;
    check_range("hold.guard_m", hold.guard_m, 0.0, 0.1, "from 0 to 0.1 m")?;
    check_range("hold.max_acceleration", hold.max_acceleration, 0.1, 100.0, "from 0.1 to 100 m/s²")?;
    check_range("hold.max_vertical", hold.max_vertical, 0.1, 100.0, "from 0.1 to 100 m/s²")?;
    check_range("hold.rest_share", hold.rest_share, 0.0, 1.0, "from 0 to 1")?;
    check_range("hold.closed_m", hold.closed_m, 0.0, 0.1, "from 0 to 0.1 m")?;
    check_range("hold.mass_kg", hold.mass_kg, 0.0, 1000.0, "from 0 to 1000 kg")?;
    for side in hold.held.size_m {
        check_range("hold.held.size_m", side, 1e-3, 2.0, "from 0.001 to 2 m each")?;
    }
    Ok(())
}
