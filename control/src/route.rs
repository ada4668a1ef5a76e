//! What a motion is made of, and its first form in time: a straight way up, a way over and a straight way down, each
//! timed by itself, laid over each other.

use nalgebra::{Isometry3, Vector3};
use rsruckig::prelude::RuckigError;

use crate::chain::Chain;
use crate::hold::Hold;
use crate::path::{Curve, JointPath};
use crate::program::SegmentKind;
use crate::spline::{End, INTERVALS, Joints, NODES, Spline};
use crate::timing::{Bounds, State, Timed};

/// Fastest speed of the tool on a straight way, m/s (ours: two thirds of what the arm can do there).
const FASTEST: f64 = 2.5;
/// Hardest acceleration of the tool on a straight way without load, m/s² (ours, as FASTEST).
const HARDEST: f64 = 20.0;
/// Share of what a grasp holds that motions use; the rest is for the way between two looks.
const ITEM_SHARE: f64 = 0.985;
/// Rounds in which the length of the intervals and the speed at the end are brought together.
const ROUNDS: usize = 4;
/// Rounds of spreading a motion's time, the least need of an interval as a share of the greatest, and the power of the
/// need that its time grows with: tuned on the problems of seeds 1 to 100.
const SPREADS: usize = 3;
const LEAST_NEED: f64 = 0.3;
const BENT: f64 = 0.7;
/// Shortest interval, seconds: what doesn't move still takes some milliseconds.
const LEAST_STEP_S: f64 = 2.5e-4;

/// A straight way.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) kind: SegmentKind,
    pub(crate) curve: Curve,
    pub(crate) path: JointPath,
}

/// How a guarded way ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Touch {
    /// Length past touch, metres.
    pub(crate) past: f64,
    /// Length before touch that is gone at the speed of touch, metres: how far off the face may be.
    pub(crate) guard: f64,
    /// Speed at touch, m/s.
    pub(crate) speed: f64,
}

/// What is held, as far as motion is concerned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Its centre in the tool's frame.
    pub(crate) centre: Vector3<f64>,
    /// Largest acceleration of the centre sideways, and along the vertical, m/s².
    pub(crate) sideways: f64,
    pub(crate) vertical: f64,
}

impl Load {
    pub(crate) fn of(hold: &Hold) -> Self {
        let centre = hold.held.tool_from_box.origin().coords;
        Self { centre, sideways: hold.max_acceleration, vertical: hold.max_vertical }
    }

    /// An acceleration against what the grasp allows in its direction.
    pub(crate) fn share(&self, acceleration: &Vector3<f64>) -> f64 {
        (acceleration.xy() / self.sideways).norm().hypot(acceleration.z / self.vertical)
    }
}

/// What a motion is made of.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) up: Option<Line>,
    pub(crate) free: SegmentKind,
    pub(crate) from: Joints,
    /// Midway on the way over.
    pub(crate) middle: Joints,
    pub(crate) to: Joints,
    pub(crate) down: Option<Line>,
    pub(crate) touch: Option<Touch>,
    pub(crate) load: Option<Load>,
}

/// The slow end of a guarded way.
pub(crate) struct Tail<'a> {
    path: &'a JointPath,
    timed: Timed<1>,
}

impl Tail<'_> {
    pub(crate) fn duration(&self) -> f64 {
        self.timed.duration()
    }

    pub(crate) fn at(&self, time: f64) -> Joints {
        self.path.at(self.timed.at(time).x[0]).q
    }
}

/// The legs of a route, each timed by itself.
pub(crate) struct Legs<'a> {
    route: &'a Route,
    up: Option<Timed<1>>,
    over: Timed<1>,
    down: Option<Timed<1>>,
    pub(crate) end: End,
    pub(crate) tail: Option<Tail<'a>>,
}

impl Route {
    /// Where the motion ends.
    pub(crate) fn finish(&self) -> Joints {
        self.down.as_ref().map_or(self.to, |line| line.path.end())
    }

    /// The joints when a share of the way over is gone: on a parabola through the middle.
    pub(crate) fn over(&self, share: f64) -> Joints {
        let bow = 4.0 * share * (1.0 - share);
        core::array::from_fn(|i| {
            let (from, to) = (self.from[i], self.to[i]);
            from + share * (to - from) + bow * (self.middle[i] - 0.5 * (from + to))
        })
    }

    fn bounds(&self, chain: &Chain, line: &Line) -> Bounds {
        let hardest = self.load.map_or(HARDEST, |load| {
            line.curve.directions().fold(HARDEST, |least, way| least.min(ITEM_SHARE / load.share(way).max(1e-9)))
        });
        line.path.bounds(chain.limits(), FASTEST, hardest)
    }

    /// Times each leg.
    pub(crate) fn legs(&self, chain: &Chain) -> Result<Legs<'_>, RuckigError> {
        let rest = |s: f64| State { x: [s], v: [0.0], a: [0.0] };
        let straight =
            |line: &Line, from: f64, to: &State<1>| Timed::between(&rest(from), to, &[self.bounds(chain, line)]);
        let up = self.up.as_ref().map(|line| straight(line, 0.0, &rest(line.path.length()))).transpose()?;
        let mut end = End { q: self.finish(), v: [0.0; 6], a: [0.0; 6] };
        let (mut down, mut tail) = (None, None);
        if let Some(line) = &self.down {
            let length = line.path.length();
            let slow = self.touch.map_or(0.0, |touch| (touch.past + touch.guard).min(length));
            if slow > 0.0 {
                let (from, bounds) = (length - slow, self.bounds(chain, line));
                let speed = self.touch.map_or(0.0, |t| t.speed).min(bounds.speed_within(0.9 * slow, 0.0));
                let moving = State { x: [from], v: [speed], a: [0.0] };
                let creeping = Bounds { velocity: speed, ..bounds };
                tail = Some(Tail { path: &line.path, timed: Timed::between(&moving, &rest(length), &[creeping])? });
                let along = line.path.at(from);
                let scaled = |by: f64, d: Joints| d.map(|d| d * by);
                end = End { q: along.q, v: scaled(speed, along.d1), a: scaled(speed * speed, along.d2) };
                down = Some(straight(line, 0.0, &moving)?);
            } else {
                down = Some(straight(line, 0.0, &rest(length))?);
            }
        }
        let over = Timed::between(&rest(0.0), &rest(1.0), &[self.over_bounds(chain)])?;
        Ok(Legs { route: self, up, over, down, end, tail })
    }

    /// Bounds of the share of the way over that is gone.
    fn over_bounds(&self, chain: &Chain) -> Bounds {
        let mut bounds = Bounds { velocity: 1e3, acceleration: 1e5, jerk: 1e7 };
        for ((from, to), limit) in self.from.iter().zip(&self.to).zip(chain.limits()) {
            let way = (to - from).abs().max(1e-9);
            bounds.velocity = bounds.velocity.min(limit.velocity / way);
            bounds.acceleration = bounds.acceleration.min(limit.acceleration / way);
            bounds.jerk = bounds.jerk.min(limit.jerk / way);
        }
        if let Some(load) = self.load {
            let place = |q: &Joints| chain.tool(q).transform_point(&load.centre.into());
            let way = load.share(&(place(&self.to) - place(&self.from)));
            bounds.acceleration = bounds.acceleration.min(1.0 / way.max(1e-9));
        }
        bounds
    }
}

impl Legs<'_> {
    /// How long it takes when each leg begins and ends while its neighbours slow down or speed up, by shares of what
    /// is possible.
    pub(crate) fn duration(&self, overlaps: &[f64; 2]) -> f64 {
        let [_, down] = self.begins(overlaps);
        down + self.down.as_ref().map_or(self.over.duration(), Timed::duration)
    }

    /// Length of the straight way up or down that is gone in the time of an overlap of one, at its mean speed, metres.
    pub(crate) fn overlapped_m(&self, side: usize) -> f64 {
        let (line, leg) = if side == 0 { (&self.route.up, &self.up) } else { (&self.route.down, &self.down) };
        let Some((line, leg)) = line.as_ref().zip(leg.as_ref()) else { return f64::INFINITY };
        0.5 * line.path.length() * (self.over.duration() / leg.duration()).min(1.0)
    }

    /// When the way over and the way down begin.
    fn begins(&self, overlaps: &[f64; 2]) -> [f64; 2] {
        let over = self.over.duration();
        let shared = |leg: &Option<Timed<1>>, overlap: f64| {
            leg.as_ref().map_or(0.0, |leg| 0.5 * overlap * leg.duration().min(over))
        };
        let begin = self.up.as_ref().map_or(0.0, Timed::duration) - shared(&self.up, overlaps[0]);
        match self.down {
            Some(_) => [begin, begin + over - shared(&self.down, overlaps[1])],
            None => [begin, begin],
        }
    }

    /// The legs laid over each other; not held against any limit yet.
    pub(crate) fn laid(&self, overlaps: &[f64; 2]) -> Spline {
        let [over_from, down_from] = self.begins(overlaps);
        let total = self.duration(overlaps);
        let step = (total / INTERVALS as f64).max(LEAST_STEP_S);
        let route = self.route;
        let begin = route.up.as_ref().map_or(route.from, |line| line.path.start());
        let mut places = [begin; INTERVALS + 1];
        for (k, place) in places.iter_mut().enumerate() {
            let time = total * k as f64 / INTERVALS as f64;
            let mut q = match (&route.up, &self.up) {
                (Some(line), Some(timed)) => line.path.at(timed.at(time).x[0]).q,
                _ => route.from,
            };
            let over = route.over(self.over.at(time - over_from).x[0]);
            let down = route
                .down
                .as_ref()
                .zip(self.down.as_ref())
                .map(|(line, timed)| (line.path.start(), line.path.at(timed.at(time - down_from).x[0]).q));
            for i in 0..6 {
                q[i] += over[i] - route.from[i];
                if let Some((from, to)) = &down {
                    q[i] += to[i] - from[i];
                }
            }
            *place = q;
        }
        Spline::near(&places, &self.end, step)
    }
}

/// Spends the time of a motion where it is needed: goes through its way more slowly where a limit is nearest, and faster
/// elsewhere; the limits of joints and grasp are kept, as by [`time`].
pub(crate) fn spread(spline: &Spline, chain: &Chain, end: &End, load: Option<&Load>) -> Spline {
    let mut here = spline.clone();
    // Time of the given motion at each interval's end of the new one, intervals.
    let mut warp: [f64; INTERVALS + 1] = core::array::from_fn(|k| k as f64);
    let timed = |spline: &Spline| {
        let mut spline = spline.clone();
        time(&mut spline, chain, end, load);
        spline
    };
    let mut best = timed(&here);
    for _ in 0..SPREADS {
        let needs = here.needs(chain, load);
        let most = needs.iter().copied().fold(0.0, f64::max);
        let mut slow: [f64; INTERVALS] =
            core::array::from_fn(|k| (needs[k].max(needs[k + 1]) / most).max(LEAST_NEED).powf(BENT));
        for _ in 0..2 {
            let before = slow;
            for k in 0..INTERVALS {
                let (a, b) = (before[k.saturating_sub(1)], before[(k + 1).min(INTERVALS - 1)]);
                slow[k] = 0.25 * a + 0.5 * before[k] + 0.25 * b;
            }
        }
        // Interval k of what is there now takes slow[k]; even steps through the sum of these.
        let mut ends = [0.0; INTERVALS + 1];
        for k in 0..INTERVALS {
            ends[k + 1] = ends[k] + slow[k];
        }
        let mut next = warp;
        let mut k = 0;
        for (n, next) in next.iter_mut().enumerate() {
            let at = ends[INTERVALS] * n as f64 / INTERVALS as f64;
            while k + 1 < INTERVALS && ends[k + 1] < at {
                k += 1;
            }
            let share = ((at - ends[k]) / slow[k]).clamp(0.0, 1.0);
            *next = warp[k] + share * (warp[k + 1] - warp[k]);
        }
        warp = next;
        let places = warp.map(|t| spline.at(t * spline.step));
        here = Spline::near(&places, end, spline.step);
        let next = timed(&here);
        if next.step < best.step {
            best = next;
        }
    }
    best
}

/// Gives the intervals the least length with which the motion keeps the limits of joints and grasp.
pub(crate) fn time(spline: &mut Spline, chain: &Chain, end: &End, load: Option<&Load>) {
    for round in 0..ROUNDS {
        let mut step = spline.least_step(chain).max(LEAST_STEP_S);
        if let Some(load) = load {
            step = step.max((hardest(spline, chain, load) / ITEM_SHARE).sqrt());
        }
        let is_settled = (step / spline.step - 1.0).abs() < 1e-9;
        // From the second round on only ever longer, so that it ends.
        spline.step = if round == 0 { step } else { spline.step.max(step) };
        if is_settled || end.v == [0.0; 6] {
            return;
        }
        spline.settle(end);
    }
}

/// Largest acceleration of what is held, of what the grasp allows, by intervals squared.
fn hardest(spline: &Spline, chain: &Chain, load: &Load) -> f64 {
    let mut worst = 0.0_f64;
    for node in 1..NODES - 1 {
        let at = spline.at_node(node);
        let frames = chain.frames(&at.q);
        let centre = held_centre(&frames.tool, load);
        worst = worst.max(load.share(&chain.point_acceleration(&frames, &centre, &at.d1, &at.d2)));
    }
    worst
}

pub(crate) fn held_centre(tool: &Isometry3<f64>, load: &Load) -> Vector3<f64> {
    tool.translation.vector + tool.rotation * load.centre
}
