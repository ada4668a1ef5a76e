//! Many grasps at once: which of them the arm gets to, and about how long it carries from there.

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use scene::{Span, frame};

use crate::cell::Container;
use crate::collision::Checker;
use crate::hold::Hold;
use crate::planner::Planner;
use crate::program::SegmentKind;
use crate::timing::Bounds;

/// Seconds of a carry: a part that is always there, and shares of what the slowest joint (or the item sideways, if that
/// takes longer) needs from rest to rest with nothing in the way, of what the item needs sideways, and of what it needs up
/// to the rim. Least squares over refined motions of [`crate::trial::Problem`], seeds 1 to 300.
const ALWAYS_S: f64 = 0.15;
const ACROSS: f64 = 0.75;
const SIDEWAYS: f64 = 0.47;
const UP: f64 = 0.69;

impl Planner {
    /// For each hold about how long it takes to carry what is held from there over `bin`'s middle and down to half its
    /// depth, slow ways near contact not counted; `None` where the hold makes no sense: touch, stand-off and the way out
    /// above the walls are not within reach on one branch, or the tool at touch touches a wall. Contents aren't looked at.
    #[must_use]
    pub fn estimate(&self, holds: &[&Hold], bin: &Container<frame::Bin>) -> Vec<Option<Span>> {
        let checker = Checker::new(&self.robot, &self.tool, None, &self.fixed);
        holds.iter().map(|hold| self.carries_in(hold, bin, &checker)).collect()
    }

    fn carries_in(&self, hold: &Hold, bin: &Container<frame::Bin>, checker: &Checker<'_>) -> Option<Span> {
        self.check_hold(hold).ok()?;
        let touch = hold.world_from_tool.isometry();
        let curve = self.way_down_to(hold, checker, &self.fixed, None)?;
        let entry = Isometry3::from_parts(Translation3::from(curve.start()), touch.rotation);
        let mut wound = Vec::with_capacity(8);
        let start = self.chain.branches(touch).into_iter().filter(|q| self.forwards(q)).find_map(|branch| {
            wound.clear();
            self.chain.windings(&branch, &mut wound);
            let q = *wound.first()?;
            let (top, _) = self.chain.follow(&q, &entry)?;
            (self.chain.outside(&top).is_none() && self.checked(checker, &q, SegmentKind::Approach)).then_some(q)
        })?;
        let over = over_bin(touch, hold, bin);
        let goals = over.iter().flat_map(|tool| self.chain.branches(tool)).map(|goal| Self::turns(&start, &goal));
        // Of the configurations there the nearest by speed alone, timed with acceleration and jerk.
        let nearest = goals.min_by(|a, b| self.at_full_speed(a).total_cmp(&self.at_full_speed(b)));
        let (from, to) = (touch.translation.vector, over[0].translation.vector);
        let sideways = 2.0 * ((to - from).xy().norm() / hold.max_acceleration).sqrt();
        // Where no branch gets over the bin, the item's own way is what there is to reckon with.
        let across = nearest.map_or(0.0, |turns| self.slowest_joint(&turns)).max(sideways);
        let rim = bin.world_from.origin().z + bin.size[2];
        let up = 2.0 * ((rim - from.z).max(0.0) / hold.max_vertical).sqrt();
        let seconds = ALWAYS_S + ACROSS * across + SIDEWAYS * sideways + UP * up;
        Some(Span::from_seconds(seconds))
    }

    /// By how much each joint turns from one configuration to another, the shorter way round, radians.
    fn turns(from: &[f64; 6], to: &[f64; 6]) -> [f64; 6] {
        let turn = core::f64::consts::TAU;
        core::array::from_fn(|i| {
            let way = (to[i] - from[i]).abs() % turn;
            way.min(turn - way)
        })
    }

    /// Seconds of the joint that takes longest for its turn, were it at full speed from the beginning.
    fn at_full_speed(&self, turns: &[f64; 6]) -> f64 {
        turns.iter().zip(self.chain.limits()).fold(0.0, |most, (way, joint)| most.max(way / joint.velocity))
    }

    /// Seconds of the joint that takes longest for its turn, from rest to rest.
    fn slowest_joint(&self, turns: &[f64; 6]) -> f64 {
        turns.iter().zip(self.chain.limits()).fold(0.0, |most: f64, (way, joint)| {
            let bounds = Bounds { velocity: joint.velocity, acceleration: joint.acceleration, jerk: joint.jerk };
            most.max(bounds.time_to_move(*way))
        })
    }
}

/// The tool over the bin's middle, pointing straight down and turned as at the hold, or by half more; what is held is half
/// as deep in the bin as fits.
fn over_bin(touch: &Isometry3<f64>, hold: &Hold, bin: &Container<frame::Bin>) -> [Isometry3<f64>; 2] {
    let down = UnitQuaternion::rotation_between(&(touch.rotation * Vector3::z()), &-Vector3::z())
        .unwrap_or_else(|| UnitQuaternion::from_axis_angle(&Vector3::x_axis(), core::f64::consts::PI));
    let rotation = down * touch.rotation;
    let hanging = hold.held.tool_from_box.isometry();
    let half = Vector3::from(hold.held.size_m) * 0.5;
    let held = hanging.translation.z + (hanging.rotation.inverse() * Vector3::z()).abs().dot(&half);
    let place = bin.world_from.origin().coords + Vector3::z() * (0.5 * bin.size[2] + held);
    let half = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), core::f64::consts::PI);
    [rotation, half * rotation].map(|rotation| Isometry3::from_parts(Translation3::from(place), rotation))
}
