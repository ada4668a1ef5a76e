//! The joints' way through time as one uniform cubic B-spline: a motion without a stop, whose limits can be read off
//! its control points.

use crate::chain::Chain;
use crate::route::{Load, held_centre};

/// Six joints.
pub(crate) type Joints = [f64; 6];

/// Intervals of every motion: a jerk that changes every thirtieth of it.
pub(crate) const INTERVALS: usize = 24;
/// Places at which a motion is looked at: the ends and middles of its intervals.
pub(crate) const NODES: usize = 2 * INTERVALS + 1;
/// Control points.
pub(crate) const POINTS: usize = INTERVALS + 3;
/// Control points at either end that rest or speed there settles.
pub(crate) const SETTLED: usize = 3;

/// Weights of four control points for value, first and second derivative by intervals, at ends and middles.
const ENDS: [[f64; 4]; 3] = [[1.0 / 6.0, 4.0 / 6.0, 1.0 / 6.0, 0.0], [-0.5, 0.0, 0.5, 0.0], [1.0, -2.0, 1.0, 0.0]];
const MIDDLES: [[f64; 4]; 3] =
    [[1.0 / 48.0, 23.0 / 48.0, 23.0 / 48.0, 1.0 / 48.0], [-0.125, -0.625, 0.625, 0.125], [0.5, -0.5, -0.5, 0.5]];

/// First control point that bears on a node, and the weights of four for value and derivatives; a weight past the
/// last point is zero.
pub(crate) fn weights(node: usize) -> (usize, &'static [[f64; 4]; 3]) {
    (node / 2, if node.is_multiple_of(2) { &ENDS } else { &MIDDLES })
}

/// How a motion ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub(crate) q: Joints,
    /// Speed and acceleration, rad/s and rad/s².
    pub(crate) v: Joints,
    pub(crate) a: Joints,
}

/// Control points over intervals of one length.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spline {
    pub(crate) points: [Joints; POINTS],
    /// Length of an interval, seconds.
    pub(crate) step: f64,
}

/// Value and derivatives by intervals at a node.
pub(crate) struct AtNode {
    pub(crate) q: Joints,
    pub(crate) d1: Joints,
    pub(crate) d2: Joints,
}

impl Spline {
    /// The spline near places at the ends of the intervals, from rest at the first to `end`.
    pub(crate) fn near(places: &[Joints; INTERVALS + 1], end: &End, step: f64) -> Self {
        let mut points = [places[0]; POINTS];
        for k in SETTLED..INTERVALS {
            let (before, here, after) = (&places[k - 2], &places[k - 1], &places[k]);
            points[k] = core::array::from_fn(|i| here[i] - (before[i] - 2.0 * here[i] + after[i]) / 6.0);
        }
        let mut spline = Self { points, step };
        spline.settle(end);
        spline
    }

    /// Sets the last points so that the motion ends as it should.
    pub(crate) fn settle(&mut self, end: &End) {
        let h = self.step;
        for i in 0..6 {
            let (v, a) = (h * end.v[i], h * h * end.a[i]);
            let middle = end.q[i] - a / 6.0;
            self.points[POINTS - 3][i] = middle + 0.5 * a - v;
            self.points[POINTS - 2][i] = middle;
            self.points[POINTS - 1][i] = middle + 0.5 * a + v;
        }
    }

    pub(crate) fn duration(&self) -> f64 {
        self.step * INTERVALS as f64
    }

    pub(crate) fn at_node(&self, node: usize) -> AtNode {
        let (first, weights) = weights(node);
        let sum = |w: &[f64; 4]| {
            core::array::from_fn(|i| {
                let each = w.iter().zip(&self.points[first..]);
                each.map(|(w, p)| w * p[i]).sum()
            })
        };
        AtNode { q: sum(&weights[0]), d1: sum(&weights[1]), d2: sum(&weights[2]) }
    }

    /// The joints `time` seconds after the start.
    pub(crate) fn at(&self, time: f64) -> Joints {
        let place = (time / self.step).clamp(0.0, INTERVALS as f64);
        let k = (place as usize).min(INTERVALS - 1);
        let u = place - k as f64;
        let w = 1.0 - u;
        let weights = [
            w * w * w / 6.0,
            (4.0 + u * u * (3.0 * u - 6.0)) / 6.0,
            (4.0 + w * w * (3.0 * w - 6.0)) / 6.0,
            u * u * u / 6.0,
        ];
        let points = &self.points[k..k + 4];
        core::array::from_fn(|i| (0..4).map(|n| weights[n] * points[n][i]).sum())
    }

    /// The least length of an interval with which the joints keep their limits.
    pub(crate) fn least_step(&self, chain: &Chain) -> f64 {
        let limits = chain.limits();
        let mut most = [[0.0_f64; 3]; 6];
        let p = &self.points;
        for k in 1..POINTS {
            for i in 0..6 {
                let first = p[k][i] - p[k - 1][i];
                most[i][0] = most[i][0].max(first.abs());
                if k >= 2 {
                    let second = first - (p[k - 1][i] - p[k - 2][i]);
                    most[i][1] = most[i][1].max(second.abs());
                    if k >= 3 {
                        let before = (p[k - 1][i] - p[k - 2][i]) - (p[k - 2][i] - p[k - 3][i]);
                        most[i][2] = most[i][2].max((second - before).abs());
                    }
                }
            }
        }
        most.iter().zip(limits).fold(0.0, |step, (most, limit)| {
            step.max(most[0] / limit.velocity)
                .max((most[1] / limit.acceleration).sqrt())
                .max((most[2] / limit.jerk).cbrt())
        })
    }

    /// The least length of an interval that the limits ask for near each end of one.
    pub(crate) fn needs(&self, chain: &Chain, load: Option<&Load>) -> [f64; INTERVALS + 1] {
        let limits = chain.limits();
        let p = &self.points;
        core::array::from_fn(|k| {
            // Velocity, acceleration and jerk of the joint that is nearest to its limit.
            let mut worst = [0.0_f64; 3];
            for i in 0..6 {
                let v = [p[k + 1][i] - p[k][i], p[k + 2][i] - p[k + 1][i]];
                let a = v[1] - v[0];
                worst[0] = worst[0].max(v[0].abs().max(v[1].abs()) / limits[i].velocity);
                worst[1] = worst[1].max(a.abs() / limits[i].acceleration);
                for j in [k.wrapping_sub(1), k] {
                    if j < INTERVALS {
                        let third = p[j + 3][i] - 3.0 * p[j + 2][i] + 3.0 * p[j + 1][i] - p[j][i];
                        worst[2] = worst[2].max(third.abs() / limits[i].jerk);
                    }
                }
            }
            let mut need = worst[0].max(worst[1].sqrt()).max(worst[2].cbrt());
            if let Some(load) = load {
                let at = self.at_node(2 * k);
                let frames = chain.frames(&at.q);
                let centre = held_centre(&frames.tool, load);
                let item = load.share(&chain.point_acceleration(&frames, &centre, &at.d1, &at.d2));
                need = need.max(item.sqrt());
            }
            need
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{RobotModel, ToolModel};

    fn places() -> [Joints; INTERVALS + 1] {
        core::array::from_fn(|k| {
            let u = k as f64 / INTERVALS as f64;
            let s = u * u * u * (10.0 - 15.0 * u + 6.0 * u * u);
            [0.9 * s, -0.4 * s, 0.2 * s * (1.0 - s), 0.0, 0.5 * s, -s]
        })
    }

    fn spline() -> Spline {
        let end = End { q: places()[INTERVALS], v: [0.0; 6], a: [0.0; 6] };
        Spline::near(&places(), &end, 0.04)
    }

    #[test]
    fn it_begins_and_ends_at_rest_and_runs_near_the_places() {
        let spline = spline();
        for (k, place) in places().iter().enumerate() {
            let at = spline.at(k as f64 * spline.step);
            assert!((0..6).all(|i| (at[i] - place[i]).abs() < 3e-3), "{k}: {at:?} for {place:?}");
        }
        for node in [0, NODES - 1] {
            let at = spline.at_node(node);
            assert!(at.d1.iter().chain(&at.d2).all(|d| d.abs() < 1e-12), "node {node}: {:?}", at.d1);
        }
    }

    #[test]
    fn nodes_are_the_motion_and_its_differences() {
        let spline = spline();
        let h = 1e-4;
        for node in 1..NODES - 1 {
            let time = 0.5 * node as f64 * spline.step;
            let [before, here, after] = [-h, 0.0, h].map(|d| spline.at(time + d * spline.step));
            let at = spline.at_node(node);
            for i in 0..6 {
                assert!((at.q[i] - here[i]).abs() < 1e-12);
                assert!((at.d1[i] - (after[i] - before[i]) / (2.0 * h)).abs() < 1e-6);
                assert!((at.d2[i] - (after[i] - 2.0 * here[i] + before[i]) / (h * h)).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn it_ends_with_the_speed_and_acceleration_that_it_should() {
        let mut spline = spline();
        let end = End { q: [0.1; 6], v: [0.3, -0.2, 0.1, 0.0, 0.5, 1.0], a: [2.0, 1.0, 0.0, -1.0, 0.5, 0.0] };
        spline.settle(&end);
        let at = spline.at_node(NODES - 1);
        for i in 0..6 {
            assert!((at.q[i] - end.q[i]).abs() < 1e-12);
            assert!((at.d1[i] / spline.step - end.v[i]).abs() < 1e-9);
            assert!((at.d2[i] / spline.step.powi(2) - end.a[i]).abs() < 1e-9);
        }
    }

    #[test]
    fn at_the_least_step_one_limit_is_reached_and_none_broken() {
        let robot = RobotModel::find("fanuc-m20id-25", Path::new("")).unwrap();
        let tool = ToolModel::find("six-cup", Path::new("")).unwrap();
        let chain = Chain::new(&robot, &tool);
        let mut spline = spline();
        spline.step = spline.least_step(&chain);
        let fine = 1e-3 * spline.step;
        let mut most = 0.0_f64;
        for k in 3..1000 * INTERVALS {
            let q = [3, 2, 1, 0].map(|back| spline.at((k - back) as f64 * fine));
            for (i, limit) in chain.limits().iter().enumerate() {
                let v = [q[1][i] - q[0][i], q[2][i] - q[1][i], q[3][i] - q[2][i]].map(|d| d / fine);
                let a = [v[1] - v[0], v[2] - v[1]].map(|d| d / fine);
                // Rounding is large in a third difference: jerk is read off the points, which are its values.
                let shares = [v[2].abs() / limit.velocity, a[1].abs() / limit.acceleration];
                most = shares.into_iter().fold(most, f64::max);
            }
        }
        assert!(most < 1.0 + 1e-6, "{most} of a limit");
        assert!(spline.step < 0.1, "{} s", spline.step);
    }
}
