//! The least time of a motion that joints and grasp allow, whatever stands in the way.

use nalgebra::{Isometry3, Translation3, Vector3};
use scene::{Pose, frame};

use super::problem::{Problem, Site};
use crate::JointAngles;
use crate::chain::Chain;
use crate::hold::HeldBox;
use crate::timing::{Bounds, State, Timed};

/// Step of following the arm straight up, metres.
const STEP_M: f64 = 0.02;
/// Points that are equal for a joint, radians or metres.
const SAME: f64 = 1e-9;
/// Accelerations at a turning point that are tried in each round.
const TRIES: usize = 9;
/// Rounds, each around the best of the one before.
const ROUNDS: usize = 4;

/// From rest to rest, out of one container and into another.
#[derive(Debug, Clone)]
pub struct Way<'a> {
    /// Where the arm begins.
    pub from: JointAngles,
    /// Where the tool may end.
    pub to: Vec<Pose<frame::World, frame::Tool>>,
    /// What hangs on the tool, and the accelerations that the grasp allows sideways and along the vertical, m/s².
    pub held: Option<(&'a HeldBox, [f64; 2])>,
}

impl<'a> From<&'a Problem> for Way<'a> {
    fn from(problem: &'a Problem) -> Self {
        let hold = &problem.hold;
        let held = Some((&hold.held, [hold.max_acceleration, hold.max_vertical]));
        Self { from: problem.from, to: problem.goals(), held }
    }
}

/// What a motion is held against, seconds.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// The greatest over joints, and over height and way of the tool under what the grasp allows, of the axis's own
    /// least time from the start through the two places above the higher rim to the goal, passing them at any speed;
    /// of the branches of the goal the least.
    pub least_s: f64,
    /// The same way with a stop at both places, all joints in step, for the same branch.
    pub stop_to_stop_s: f64,
}

/// The bound of a motion; `None` when no branch reaches goal and the places above the rims.
#[must_use]
pub fn bound<'a>(site: &Site<'_>, way: impl Into<Way<'a>>) -> Option<Bound> {
    let way = way.into();
    let chain = Chain::new(site.robot, site.tool);
    let limits = site.robot.joints.map(|j| Bounds { velocity: j.velocity, acceleration: j.acceleration, jerk: j.jerk });
    let cell = site.cell;
    let tops = cell.totes.iter().map(|c| c.size[2]).chain(cell.bins.iter().map(|c| c.size[2]));
    let rim = tops.fold(0.0, f64::max);
    let [sideways, vertical] = way.held.map_or([f64::INFINITY; 2], |(_, most)| most);
    let start = way.from.0;
    let begin = chain.tool(&start);
    let above = |tool: &Isometry3<f64>| {
        let raise = (rim - lowest(site, way.held, tool)).max(0.0);
        Isometry3::from_parts(Translation3::from(tool.translation.vector + Vector3::z() * raise), tool.rotation)
    };
    let first = above(&begin);
    let first_q = raised(&chain, &start, &first)?;
    let mut best: Option<Bound> = None;
    for (end, goal) in
        way.to.iter().flat_map(|to| chain.inverse(to.isometry()).into_iter().map(|q| (*to.isometry(), q)))
    {
        let second = above(&end);
        let places = [begin, first, second, end].map(|p| p.translation.vector);
        let flat = (places[3] - places[0]).xy().norm();
        let by_grasp = by_acceleration(&places.map(|p| p.z), vertical).max(2.0 * (flat / sideways).sqrt());
        let Some(second_q) = raised(&chain, &goal, &second) else { continue };
        let mut least = by_grasp;
        for joint in 0..6 {
            let points = [start, first_q, second_q, goal].map(|q| q[joint]);
            least = least.max(axis(&points, &limits[joint]));
        }
        if best.is_some_and(|b| b.least_s <= least) {
            continue;
        }
        let legs = [(start, first_q, 0), (first_q, second_q, 1), (second_q, goal, 2)];
        let stops = legs.map(|(from, to, leg)| {
            let still = |q| State { x: q, v: [0.0; 6], a: [0.0; 6] };
            let joints = Timed::between(&still(from), &still(to), &limits).map_or(f64::INFINITY, |t| t.duration());
            let way = places[leg + 1] - places[leg];
            joints.max(2.0 * (way.xy().norm() / sideways).hypot(way.z / vertical).sqrt())
        });
        best = Some(Bound { least_s: least, stop_to_stop_s: stops.iter().sum() });
    }
    best.filter(|b| b.least_s.is_finite())
}

/// Height of the lowest corner of tool and held box.
fn lowest(site: &Site<'_>, held: Option<(&HeldBox, [f64; 2])>, tool: &Isometry3<f64>) -> f64 {
    let bodies = site.tool.bodies.iter().map(|b| {
        let [x, y, z] = b.centre_m;
        (Isometry3::translation(x, y, z), b.size_m)
    });
    let boxes = bodies.chain(held.map(|(held, _)| (*held.tool_from_box.isometry(), held.size_m)));
    let lows = boxes.map(|(tool_from_box, size)| {
        let pose = tool * tool_from_box;
        let half = Vector3::from(size) * 0.5;
        // The lowest corner lies against the vertical along each axis of the box.
        let down = pose.rotation.inverse() * Vector3::z();
        pose.translation.z - down.abs().dot(&half)
    });
    lows.fold(f64::INFINITY, f64::min)
}

/// The configuration straight above `q` at `to`, on the same branch.
fn raised(chain: &Chain, q: &[f64; 6], to: &Isometry3<f64>) -> Option<[f64; 6]> {
    let from = chain.tool(q).translation.vector;
    let way = to.translation.vector - from;
    let steps = (way.norm() / STEP_M).ceil().max(1.0);
    let mut q = *q;
    for k in 1..=steps as usize {
        let place = from + way * (k as f64 / steps);
        q = chain.follow(&q, &Isometry3::from_parts(Translation3::from(place), to.rotation))?.0;
    }
    Some(q)
}

/// Start, turning points and end: what is passed on the way from one to the next says nothing.
fn turning(points: &[f64; 4]) -> Vec<f64> {
    let mut left = points.to_vec();
    let mut k = 1;
    while k + 1 < left.len() {
        let (a, b) = (left[k] - left[k - 1], left[k + 1] - left[k]);
        if a * b >= 0.0 || a.abs() < SAME || b.abs() < SAME {
            left.remove(k);
            k = 1;
        } else {
            k += 1;
        }
    }
    left
}

/// Least time under an acceleration alone: a turning point is best touched at no speed, since overshooting
/// it by a speed v costs 2 v / a and gains less than half of that on the way there.
fn by_acceleration(points: &[f64; 4], hardest: f64) -> f64 {
    turning(points).windows(2).map(|p| 2.0 * ((p[1] - p[0]).abs() / hardest).sqrt()).sum()
}

/// Least time of one joint from rest at the first point through the others to rest at the last. At a turning point
/// the speed is zero and the acceleration free: it is sought on a grid that closes in.
fn axis(points: &[f64; 4], limits: &Bounds) -> f64 {
    let points = turning(points);
    let leg = |from: (f64, f64), to: (f64, f64)| {
        let state = |(x, a): (f64, f64)| State { x: [x], v: [0.0], a: [a] };
        Timed::between(&state(from), &state(to), &[*limits]).map_or(f64::INFINITY, |t| t.duration())
    };
    // Towards the other side, so of the sign of the way that follows.
    let towards = |k: usize| (points[k + 1] - points[k]).signum() * limits.acceleration;
    match points.len() {
        2 => leg((points[0], 0.0), (points[1], 0.0)),
        3 => least(|share, _| {
            let there = (points[1], towards(1) * share);
            leg((points[0], 0.0), there) + leg(there, (points[2], 0.0))
        }),
        _ => least(|one, two| {
            let (there, then) = ((points[1], towards(1) * one), (points[2], towards(2) * two));
            leg((points[0], 0.0), there) + leg(there, then) + leg(then, (points[3], 0.0))
        }),
    }
}

/// The least of a function over shares from 0 to 1 of two numbers.
fn least(time: impl Fn(f64, f64) -> f64) -> f64 {
    let (mut centre, mut reach) = ([0.5, 0.5], 0.5);
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let around = centre;
        let at = |axis: usize, k: usize| {
            (around[axis] + reach * (2.0 * k as f64 / (TRIES - 1) as f64 - 1.0)).clamp(0.0, 1.0)
        };
        for i in 0..TRIES {
            for j in 0..TRIES {
                let tried = [at(0, i), at(1, j)];
                let t = time(tried[0], tried[1]);
                if t < best {
                    (best, centre) = (t, tried);
                }
            }
        }
        reach *= 0.3;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Bounds = Bounds { velocity: 2.0, acceleration: 5.0, jerk: 50.0 };

    #[test]
    fn points_on_the_way_cost_nothing() {
        let direct = axis(&[0.0, 0.0, 1.0, 1.0], &LIMITS);
        assert!((axis(&[0.0, 0.2, 0.9, 1.0], &LIMITS) - direct).abs() < 1e-9);
        assert!((by_acceleration(&[0.0, 0.2, 0.9, 1.0], 4.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_turning_point_costs_less_than_a_stop_at_it_and_more_than_none() {
        let there = axis(&[0.0, 0.0, 0.5, 0.5], &LIMITS);
        let both = axis(&[0.0, 0.5, 0.5, 0.0], &LIMITS);
        // Two ramps of jerk at the turn, 0.1 s each, fall away: acceleration goes through it.
        assert!(both < 2.0 * there - 0.05 && both > there, "{both} s, {there} s one way");
    }
}
