//! A motion put together of a straight way up, a free move and a straight way down, as functions
//! of time without a stop between them, and its samples.

use nalgebra::Vector3;
use rsruckig::prelude::RuckigError;

use crate::JointAngles;
use crate::chain::Chain;
use crate::path::JointPath;
use crate::program::{Program, SAMPLE_S, Segment, SegmentKind};
use crate::timing::{Bounds, State, Timed};

/// Fastest speed of the tool on a straight way, m/s (ours: two thirds of what the arm can do there).
const FASTEST: f64 = 2.5;
/// Hardest acceleration of the tool on a straight way without load, m/s² (ours, as FASTEST).
const HARDEST: f64 = 20.0;
/// Length before the end of a guarded way that is gone slowly, beside what lies past touch, metres: some times the
/// spread of where a face is believed to be.
const SLOW_M: f64 = 0.012;
/// Fastest speed of the tool when it may touch, m/s.
pub(crate) const FASTEST_TOUCH: f64 = 0.05;
/// Share of the joints' limits that free moves use; the rest is for rounding.
const FREE_SHARE: f64 = 0.995;

/// Step of the first look at a free move's acceleration, seconds.
const COARSE_S: f64 = 6e-3;

/// A straight way.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) kind: SegmentKind,
    pub(crate) path: JointPath,
}

/// What a motion is made of. At least one of the parts is there.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) up: Option<Line>,
    pub(crate) free: SegmentKind,
    pub(crate) from: [f64; 6],
    pub(crate) to: [f64; 6],
    pub(crate) down: Option<Line>,
    /// Length past touch at the end of the way down, metres, and speed at touch, m/s; `None` when the way down isn't
    /// guarded.
    pub(crate) touch: Option<(f64, f64)>,
    /// Largest acceleration of what is held, m/s².
    pub(crate) hardest: Option<f64>,
}

/// How a route is driven.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Speed at which straight ways go over into the free move, as a share of what they could have.
    pub(crate) blend: f64,
    /// Factors of time, 1 or more.
    pub(crate) up: f64,
    pub(crate) free: f64,
    pub(crate) down: f64,
}

impl Pace {
    pub(crate) fn blended(blend: f64) -> Self {
        Self { blend, up: 1.0, free: 1.0, down: 1.0 }
    }
}

/// A straight way with its timing: pieces of s(t) one after the other.
struct TimedLine<'a> {
    line: &'a Line,
    pieces: Vec<Timed<1>>,
}

impl TimedLine<'_> {
    fn duration(&self) -> f64 {
        self.pieces.iter().map(Timed::duration).sum()
    }

    fn at(&self, time: f64) -> State<1> {
        let mut rest = time;
        for (i, piece) in self.pieces.iter().enumerate() {
            if rest < piece.duration() || i + 1 == self.pieces.len() {
                return piece.at(rest);
            }
            rest -= piece.duration();
        }
        State { x: [0.0], v: [0.0], a: [0.0] }
    }
}

/// A route with its timing.
pub(crate) struct TimedRoute<'a> {
    up: Option<TimedLine<'a>>,
    free: Timed<6>,
    kind: SegmentKind,
    down: Option<TimedLine<'a>>,
    /// Where it begins and ends, exactly.
    ends: [[f64; 6]; 2],
}

impl Route {
    fn bounds(&self, chain: &Chain, line: &Line, slower: f64) -> Bounds {
        let hardest = self.hardest.map_or(HARDEST, |a| (a * 0.98).min(HARDEST));
        line.path.bounds(chain.limits(), FASTEST, hardest).slower(slower)
    }

    fn free_bounds(&self, chain: &Chain, slower: f64) -> [Bounds; 6] {
        chain.limits().map(|l| Bounds {
            velocity: l.velocity * FREE_SHARE / slower,
            acceleration: l.acceleration * FREE_SHARE / (slower * slower),
            // Slowing down is for the sake of acceleration: sharper corners of it do no harm.
            jerk: l.jerk * FREE_SHARE / (slower * slower),
        })
    }

    /// Times the route.
    pub(crate) fn timed(&self, chain: &Chain, pace: &Pace) -> Result<TimedRoute<'_>, RuckigError> {
        let free_bounds = self.free_bounds(chain, pace.free);
        let moving = |q: [f64; 6]| State { x: q, v: [0.0; 6], a: [0.0; 6] };
        let (mut start, mut end) = (moving(self.from), moving(self.to));
        let mut up = None;
        if let Some(line) = &self.up {
            let bounds = self.bounds(chain, line, pace.up);
            let length = line.path.length();
            let own = bounds.speed_within(0.95 * length, 0.0);
            let speed = (pace.blend * own).min(joinable(&line.path, length, &free_bounds));
            start = joint_state(&line.path, length, speed);
            let piece = Timed::between(&at_speed(0.0, 0.0), &at_speed(length, speed), &[bounds])?;
            up = Some(TimedLine { line, pieces: vec![piece] });
        }
        let mut down = None;
        if let Some(line) = &self.down {
            let bounds = self.bounds(chain, line, pace.down);
            let length = line.path.length();
            let (speed, pieces) = match self.touch {
                None => {
                    let own = bounds.speed_within(0.95 * length, 0.0);
                    let speed = (pace.blend * own).min(joinable(&line.path, 0.0, &free_bounds));
                    let whole = Timed::between(&at_speed(0.0, speed), &at_speed(length, 0.0), &[bounds])?;
                    (speed, vec![whole])
                }
                Some((past, touch_speed)) => {
                    let slow_from = (length - past - SLOW_M).max(0.0);
                    let slow = touch_speed.min(bounds.speed_within(0.9 * (length - slow_from), 0.0));
                    let creeping = Bounds { velocity: slow, ..bounds };
                    let own = bounds.speed_within(0.95 * slow_from, slow);
                    let speed = (pace.blend * own).min(joinable(&line.path, 0.0, &free_bounds));
                    let mut pieces = Vec::with_capacity(2);
                    if bounds.length_to_change(speed, slow) <= slow_from && slow_from > 1e-4 {
                        let fast = Timed::between(&at_speed(0.0, speed), &at_speed(slow_from, slow), &[bounds])?;
                        pieces.push(fast);
                        pieces.push(Timed::between(&at_speed(slow_from, slow), &at_speed(length, 0.0), &[creeping])?);
                        (speed, pieces)
                    } else {
                        // Too short to speed up on: slow from the beginning.
                        let speed = speed.min(slow);
                        pieces.push(Timed::between(&at_speed(0.0, speed), &at_speed(length, 0.0), &[creeping])?);
                        (speed, pieces)
                    }
                }
            };
            end = joint_state(&line.path, 0.0, speed);
            down = Some(TimedLine { line, pieces });
        }
        let free = Timed::between(&start, &end, &free_bounds)?;
        let begin = self.up.as_ref().map_or(self.from, |line| line.path.start());
        let finish = self.down.as_ref().map_or(self.to, |line| line.path.end());
        Ok(TimedRoute { up, free, kind: self.free, down, ends: [begin, finish] })
    }
}

fn at_speed(s: f64, v: f64) -> State<1> {
    State { x: [s], v: [v], a: [0.0] }
}

/// The joints at place `s` of a path at constant speed.
fn joint_state(path: &JointPath, s: f64, speed: f64) -> State<6> {
    let along = path.at(s);
    State { x: along.q, v: along.d1.map(|d| d * speed), a: along.d2.map(|d| d * speed * speed) }
}

/// The largest speed along a path at `s` that a free move within `bounds` can take over.
fn joinable(path: &JointPath, s: f64, bounds: &[Bounds; 6]) -> f64 {
    let along = path.at(s);
    let mut speed = f64::MAX;
    for ((d1, d2), bound) in along.d1.iter().zip(&along.d2).zip(bounds) {
        // Part of the velocity must stay free for the acceleration that is there to go to zero in.
        speed = speed.min(0.8 * bound.velocity / d1.abs().max(1e-9));
        speed = speed.min((0.5 * bound.acceleration / d2.abs().max(1e-9)).sqrt());
    }
    speed
}

/// Samples and what they are for.
pub(crate) struct Sampled {
    pub(crate) q: Vec<[f64; 6]>,
    pub(crate) segments: Vec<Segment>,
}

impl TimedRoute<'_> {
    pub(crate) fn duration(&self) -> f64 {
        let line = |l: &Option<TimedLine<'_>>| l.as_ref().map_or(0.0, TimedLine::duration);
        line(&self.up) + self.free.duration() + line(&self.down)
    }

    /// Largest acceleration of a point of the tool in the free move, m/s², from coarse steps.
    pub(crate) fn free_acceleration(&self, chain: &Chain, in_tool: &Vector3<f64>) -> f64 {
        let steps = (self.free.duration() / COARSE_S).ceil();
        if steps < 2.0 {
            return 0.0;
        }
        let h = self.free.duration() / steps;
        let place = |k: usize| {
            let tool = chain.tool(&self.free.at(h * k as f64).x);
            tool.translation.vector + tool.rotation * in_tool
        };
        let (mut before, mut here) = (place(0), place(1));
        let mut worst = 0.0_f64;
        for k in 2..=steps as usize {
            let next = place(k);
            worst = worst.max((next - 2.0 * here + before).norm_squared());
            (before, here) = (here, next);
        }
        worst.sqrt() / (h * h)
    }

    /// The whole motion a millisecond apart; the last sample is the end at rest.
    pub(crate) fn sample(&self) -> Sampled {
        let total = self.duration();
        let count = (total / SAMPLE_S).ceil() as usize;
        let mut q = Vec::with_capacity(count + 1);
        let mut segments: Vec<Segment> = Vec::with_capacity(3);
        let mut begins = 0.0;
        let mut first = 0;
        let parts = [
            self.up.as_ref().map(|l| (l.line.kind, l.duration(), Some(l))),
            Some((self.kind, self.free.duration(), None)),
            self.down.as_ref().map(|l| (l.line.kind, l.duration(), Some(l))),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().filter(|p| p.1 > 0.0).collect();
        for (n, (kind, duration, line)) in parts.iter().enumerate() {
            let is_last = n + 1 == parts.len();
            let ends = begins + duration;
            let last = if is_last { count } else { (ends / SAMPLE_S).ceil() as usize };
            let mut guarded_from = None;
            let guarded = matches!(kind, SegmentKind::Approach | SegmentKind::Lower);
            let upto = if is_last { last + 1 } else { last };
            for k in first..upto {
                let time = k as f64 * SAMPLE_S - begins;
                match line {
                    Some(line) => {
                        let s = line.at(time);
                        // While it still speeds up, the tool's own inertia looks like contact.
                        if s.a[0] > 1e-3 {
                            guarded_from = None;
                        } else if guarded && guarded_from.is_none() {
                            guarded_from = Some(k);
                        }
                        q.push(line.line.path.at(s.x[0]).q);
                    }
                    None => q.push(self.free.at(time).x),
                }
            }
            if last > first {
                segments.push(Segment { kind: *kind, first, last, guarded_from });
            }
            first = last;
            begins = ends;
        }
        // Rounding must not move the ends.
        if q.is_empty() {
            q.push(self.ends[1]);
        }
        let last = q.len() - 1;
        q[0] = self.ends[0];
        q[last] = self.ends[1];
        Sampled { q, segments }
    }
}

/// How much slower a part of a motion must be: by factors of time, 1 when nothing is broken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Excess {
    /// Sample at which it is worst.
    pub(crate) at: usize,
    pub(crate) joint: usize,
    pub(crate) quantity: &'static str,
    pub(crate) factor: f64,
    pub(crate) value: f64,
}

impl Sampled {
    /// Where and by how much the differences of the samples break the limits, worst of each segment.
    pub(crate) fn excess(&self, chain: &Chain) -> Vec<Option<Excess>> {
        let limits = chain.limits();
        let h = 1.0 / SAMPLE_S;
        let mut worst: Vec<Option<Excess>> = vec![None; self.segments.len()];
        let last = self.q.len() - 1;
        let still = |k: isize| &self.q[k.clamp(0, last as isize) as usize];
        let mut segment = 0;
        for k in 0..self.q.len() + 3 {
            let k = k as isize;
            let (q0, q1, q2, q3) = (still(k - 3), still(k - 2), still(k - 1), still(k));
            let place = (k - 1).clamp(0, last as isize) as usize;
            while segment + 1 < self.segments.len() && self.segments[segment].last <= place {
                segment += 1;
            }
            for i in 0..6 {
                let (v1, v2, v3) = (q1[i] - q0[i], q2[i] - q1[i], q3[i] - q2[i]);
                let velocity = v3 * h;
                let acceleration = (v3 - v2) * h * h;
                let jerk = (v3 - 2.0 * v2 + v1) * h * h * h;
                let limit = &limits[i];
                for (quantity, value, bound, power) in [
                    ("velocity", velocity, limit.velocity, 1),
                    ("acceleration", acceleration, limit.acceleration, 2),
                    ("jerk", jerk, limit.jerk, 3),
                ] {
                    if value.abs() <= bound {
                        continue;
                    }
                    let ratio = value.abs() / bound;
                    let factor = match power {
                        1 => ratio,
                        2 => ratio.sqrt(),
                        _ => ratio.cbrt(),
                    };
                    if let Some(slot) = worst.get_mut(segment)
                        && slot.is_none_or(|w| w.factor < factor)
                    {
                        *slot = Some(Excess { at: place, joint: i, quantity, factor, value });
                    }
                }
            }
        }
        worst
    }

    /// Largest acceleration of a point of the tool in each segment, m/s², looked at every `stride` samples.
    pub(crate) fn point_acceleration(&self, chain: &Chain, in_tool: &Vector3<f64>, stride: usize) -> Vec<f64> {
        let mut worst = vec![0.0_f64; self.segments.len()];
        let place = |k: usize| {
            let tool = chain.tool(&self.q[k]);
            tool.translation.vector + tool.rotation * in_tool
        };
        let h = stride as f64 * SAMPLE_S;
        let (mut before, mut here) = (place(0), place(0));
        let mut segment = 0;
        for k in (0..self.q.len()).step_by(stride) {
            let next = place((k + stride).min(self.q.len() - 1));
            while segment + 1 < self.segments.len() && self.segments[segment].last <= k {
                segment += 1;
            }
            let acceleration = (next - 2.0 * here + before) / (h * h);
            if let Some(slot) = worst.get_mut(segment) {
                *slot = slot.max(acceleration.norm());
            }
            (before, here) = (here, next);
        }
        worst
    }

    /// The program of these samples.
    pub(crate) fn into_program(self, chain: &Chain) -> Program {
        let rise = self.rise(chain);
        let samples = self.q.into_iter().map(JointAngles).collect();
        Program::new(samples, self.segments, rise)
    }

    /// Upward acceleration of the tool at each sample: exact at every fourth, straight between.
    fn rise(&self, chain: &Chain) -> Vec<f32> {
        const STRIDE: usize = 4;
        let last = self.q.len() - 1;
        let h = STRIDE as f64 * SAMPLE_S;
        let knots = self.q.len().div_ceil(STRIDE) + 1;
        let heights: Vec<f64> =
            (0..knots).map(|n| chain.tool(&self.q[(n * STRIDE).min(last)]).translation.vector.z).collect();
        let at = |n: usize| heights[n.min(knots - 1)];
        let bend: Vec<f64> =
            (0..knots).map(|n| (at(n + 1) - 2.0 * at(n) + at(n.saturating_sub(1))) / (h * h)).collect();
        (0..self.q.len())
            .map(|k| {
                let (n, u) = (k / STRIDE, (k % STRIDE) as f64 / STRIDE as f64);
                ((1.0 - u) * bend[n] + u * bend[(n + 1).min(knots - 1)]) as f32
            })
            .collect()
    }
}
