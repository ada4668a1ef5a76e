//! A motion's samples: what is checked and what runs.

use nalgebra::Isometry3;

use crate::JointAngles;
use crate::chain::Chain;
use crate::collision::Checker;
use crate::look::way_over;
use crate::program::{Program, SAMPLE_S, Segment, SegmentKind};
use crate::route::{Load, Route, Tail, held_centre};
use crate::spline::{NODES, Spline};

/// Downward acceleration of the tool above which its own inertia looks like contact, m/s².
const INERTIA: f64 = 0.3;
/// Samples after that until load cell, cups and packets have forgotten it.
const FADES: usize = 15;
/// Samples between two looks at the tool.
const STRIDE: usize = 4;

/// A limit of a joint that samples break.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Excess {
    pub(crate) at: usize,
    pub(crate) joint: usize,
    pub(crate) quantity: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    pub(crate) limit: f64,
    /// By how much longer all of the motion would keep it.
    pub(crate) factor: f64,
}

/// Samples and what they are for.
pub(crate) struct Sampled {
    pub(crate) q: Vec<[f64; 6]>,
    pub(crate) segments: Vec<Segment>,
    /// Upward acceleration of the tool at each sample, m/s².
    rise: Vec<f32>,
    /// The tool at every [`STRIDE`]th sample and at the last.
    tools: Vec<Isometry3<f64>>,
}

impl Sampled {
    /// A motion a millisecond apart; the last sample is the end at rest.
    pub(crate) fn new(
        chain: &Chain,
        checker: &Checker<'_>,
        route: &Route,
        spline: &Spline,
        tail: Option<&Tail<'_>>,
    ) -> Self {
        let begins_tail = spline.duration();
        let total = begins_tail + tail.map_or(0.0, Tail::duration);
        let count = ((total / SAMPLE_S).ceil() as usize).max(1);
        let mut q: Vec<_> = (0..=count)
            .map(|k| {
                let time = k as f64 * SAMPLE_S;
                match tail {
                    Some(tail) if time > begins_tail => tail.at(time - begins_tail),
                    _ => spline.at(time),
                }
            })
            .collect();
        // Rounding must not move the ends.
        q[0] = route.up.as_ref().map_or(route.from, |line| line.path.start());
        q[count] = route.finish();
        let tools: Vec<_> = (0..count.div_ceil(STRIDE) + 1).map(|n| chain.tool(&q[(n * STRIDE).min(count)])).collect();
        let rise = rise(&tools, q.len());
        let [leaves, enters] = way_over(chain, checker, route, spline).map(|node| {
            let time = node as f64 / (NODES - 1) as f64 * begins_tail;
            ((time / SAMPLE_S).ceil() as usize).min(count)
        });
        let enters = if route.down.is_some() { enters.max(leaves) } else { count };
        let up = route.up.as_ref().map_or(route.free, |line| line.kind);
        let down = route.down.as_ref().map_or(route.free, |line| line.kind);
        let mut segments: Vec<Segment> = Vec::with_capacity(3);
        for (kind, first, last) in [(up, 0, leaves), (route.free, leaves, enters), (down, enters, count)] {
            if let Some(before) = segments.last_mut().filter(|before| before.kind == kind) {
                before.last = last;
            } else if last > first {
                segments.push(Segment { kind, first, last, guarded_from: None, slow_from: None });
            }
        }
        if let Some(last) = segments.last_mut()
            && matches!(last.kind, SegmentKind::Approach | SegmentKind::Lower)
        {
            let slowing = (0..=last.last).rev().take_while(|&k| f64::from(rise[k]) > -INERTIA).last();
            last.guarded_from = slowing.map(|from| (from + FADES).clamp(last.first, last.last));
            let slow = (begins_tail / SAMPLE_S).ceil() as usize + FADES;
            last.slow_from = tail.map(|_| slow).filter(|&from| from < last.last);
        }
        Self { q, segments, rise, tools }
    }

    /// The worst of the limits that the samples' differences break, at rest before and after; `None` when all hold.
    pub(crate) fn excess(&self, chain: &Chain) -> Option<Excess> {
        const ROUNDING: f64 = 1.0 + 1e-9;
        let h = 1.0 / SAMPLE_S;
        let last = self.q.len() - 1;
        let mut worst: Option<Excess> = None;
        for (joint, limits) in chain.limits().iter().enumerate() {
            // Most joints keep all: their largest differences say so without a look at each.
            let (mut q, mut v, mut a, mut most) = (self.q[0][joint], 0.0, 0.0, [0.0_f64; 3]);
            for k in 1..=last + 3 {
                let next = self.q[k.min(last)][joint];
                let (velocity, before) = (next - q, v);
                let acceleration = velocity - before;
                most = [
                    most[0].max(velocity.abs()),
                    most[1].max(acceleration.abs()),
                    most[2].max((acceleration - a).abs()),
                ];
                (q, v, a) = (next, velocity, acceleration);
            }
            let [velocity, acceleration, jerk] = [most[0] * h, most[1] * h * h, most[2] * h * h * h];
            if velocity <= limits.velocity && acceleration <= limits.acceleration && jerk <= limits.jerk {
                continue;
            }
            let (mut q, mut v, mut a) = (self.q[0][joint], 0.0, 0.0);
            // Three samples at rest follow: the last difference is felt so long.
            for k in 1..=last + 3 {
                let next = self.q[k.min(last)][joint];
                let velocity = (next - q) * h;
                let acceleration = (velocity - v) * h;
                let jerk = (acceleration - a) * h;
                for (quantity, unit, value, limit, power) in [
                    ("velocity", "rad/s", velocity, limits.velocity, 1.0),
                    ("acceleration", "rad/s²", acceleration, limits.acceleration, 2.0),
                    ("jerk", "rad/s³", jerk, limits.jerk, 3.0),
                ] {
                    if value.abs() <= limit * ROUNDING {
                        continue;
                    }
                    let factor = (value.abs() / limit).powf(1.0 / power);
                    if worst.is_none_or(|w| w.factor < factor) {
                        worst =
                            Some(Excess { at: k.min(last), joint, quantity, unit, value: value.abs(), limit, factor });
                    }
                }
                (q, v, a) = (next, velocity, acceleration);
            }
        }
        worst
    }

    /// Largest acceleration of what is held, of what the grasp allows, looked at every [`STRIDE`] samples.
    pub(crate) fn hardest(&self, load: &Load) -> f64 {
        let place = |k: usize| held_centre(&self.tools[k.min(self.tools.len() - 1)], load);
        let h = STRIDE as f64 * SAMPLE_S;
        let (mut before, mut here) = (place(0), place(0));
        let mut worst = 0.0_f64;
        for k in 1..=self.tools.len() {
            let next = place(k);
            worst = worst.max(load.share(&(next - 2.0 * here + before)));
            (before, here) = (here, next);
        }
        worst / (h * h)
    }

    /// The program of these samples.
    pub(crate) fn into_program(self) -> Program {
        let samples = self.q.into_iter().map(JointAngles).collect();
        Program::new(samples, self.segments, self.rise)
    }
}

/// Upward acceleration of the tool at each of `count` samples: exact where the tool is known, straight between.
fn rise(tools: &[Isometry3<f64>], count: usize) -> Vec<f32> {
    let h = STRIDE as f64 * SAMPLE_S;
    let last = tools.len() - 1;
    let at = |n: usize| tools[n.min(last)].translation.vector.z;
    let bend: Vec<f64> = (0..=last).map(|n| (at(n + 1) - 2.0 * at(n) + at(n.saturating_sub(1))) / (h * h)).collect();
    (0..count)
        .map(|k| {
            let (n, u) = (k / STRIDE, (k % STRIDE) as f64 / STRIDE as f64);
            ((1.0 - u) * bend[n.min(last)] + u * bend[(n + 1).min(last)]) as f32
        })
        .collect()
}
