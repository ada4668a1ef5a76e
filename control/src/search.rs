//! The planner's search: branches, heights, overlaps, and the check of the whole way.

use std::collections::VecDeque;

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::JOINT_NAMES;
use crate::collision::{BodyName, Checker, Hit, Other, Sweep, step};
use crate::look::{ABOUT, missed};
use crate::motion::Sampled;
use crate::path::{Curve, JointPath};
use crate::plan_error::{PlanError, unreachable, with_tries};
use crate::planner::Planner;
use crate::program::{Form, Program, SegmentKind};
use crate::refine::Refiner;
use crate::route::{Legs, Line, Load, Route, Touch, spread, time};
use crate::spline::{Joints, POINTS, SETTLED, Spline};

/// How high the way over is: each end over what is near it, or both over the highest there is and by so much more, metres.
const HEIGHTS: [Option<f64>; 4] = [None, Some(0.0), Some(0.08), Some(0.2)];
/// Overlap of the ways up and over, and of those over and down, that is tried first; it goes down in steps where it
/// brings something too low.
const OVERLAP: f64 = 1.5;
const OVERLAP_STEP: f64 = 0.25;
/// A height at which less would be needed is given up for the next, but for the last.
const LEAST_OVERLAP: f64 = 0.9;
/// Overlaps of one route that are tried.
const TRIES: usize = 12;
/// Motions after which the search is given up: those laid over each other, and those of them that were checked whole.
const MOST_LAID: usize = 60;
const MOST_TRIED: usize = 12;
/// Branches of the arm that are tried, of those that keep the tool upright and of those that don't.
const BRANCHES: usize = 3;
/// Lean of the tool midway, beyond that at either end, from which a branch counts as not upright, radians.
const LEANS: f64 = 0.35;
/// The tool is above the first joint's axis within this, metres.
const ON_AXIS_M: f64 = 0.05;
/// How much higher than the higher end the way over is midway, metres.
const MIDWAY_UP_M: f64 = 0.02;
/// Places midway that are drawn for each branch when nothing leads over what is in the way: turned about the base by so
/// much at most, radians, further out or in by this share, and higher, metres.
const DRAWN: usize = 200;
const AROUND_RAD: f64 = 0.8;
const AROUND_SHARE: f64 = 0.5;
const AROUND_UP_M: f64 = 0.5;
/// Places on the bare way over that are looked at before it is given a form in time.
const GLANCES: usize = 8;
/// Forms of a refinement that are checked exactly before the first motion is kept.
const CHECKED: usize = 4;
/// First guess of how far a body moves in a sample, metres, and share of the room that a step is guessed for.
const STEP_M: f64 = 0.002;
const CAREFUL: f64 = 0.9;
/// A goal is the same within this, metres and radians.
const SAME_M: f64 = 1e-6;
/// How far a start may be from another one for a motion to be like the other's, radians, and the control points over
/// which it is led into the other's way.
const NEAR_RAD: f64 = 0.1;
const LED_IN: usize = 8;
/// Rounds of lengthening a motion whose samples break a limit of the joints, or accelerate what is held too hard between
/// two nodes, and how much longer it gets beside what is asked.
const ROUNDS: usize = 4;
const LONGER: f64 = 1.0015;
/// Share of what a grasp holds that samples may use; the rest is for the way between two looks at the tool.
const GRASP_SHARE: f64 = 0.998;

/// What is to be planned.
pub(crate) struct Task<'a> {
    pub(crate) from: Joints,
    pub(crate) free: SegmentKind,
    /// The way straight up for one of [`HEIGHTS`].
    pub(crate) up: &'a dyn Fn(Option<f64>) -> Result<Option<Line>, PlanError>,
    pub(crate) goal: Goal<'a>,
    pub(crate) touch: Option<Touch>,
    pub(crate) load: Option<Load>,
}

/// The straight way down to a pose for one of [`HEIGHTS`].
type WayDown<'a> = dyn Fn(&Isometry3<f64>, Option<f64>) -> Option<Curve> + 'a;

/// Where it shall end.
pub(crate) enum Goal<'a> {
    /// At the top of the way up.
    Above,
    /// At a configuration.
    Joints(Joints),
    /// At one of some poses, by a straight way down to it.
    Pose { kind: SegmentKind, ends: Vec<Isometry3<f64>>, down: &'a WayDown<'a> },
}

/// A configuration to end at.
struct Finish {
    /// Known to lean the tool midway.
    leans: bool,
    /// Seconds that the slowest joint takes at its full speed.
    apart: f64,
    /// Which of the goal's poses it is at.
    pose: usize,
    q: Joints,
}

/// A motion that holds.
struct Found {
    spline: Spline,
    sampled: Sampled,
}

/// What the search has seen so far.
#[derive(Default)]
struct Seen {
    first: Option<PlanError>,
    /// Motions laid over each other, and those of them that were checked whole.
    laid: usize,
    tried: usize,
}

impl Seen {
    fn note(&mut self, error: PlanError) {
        self.first.get_or_insert(error);
    }
}

impl Planner {
    /// Tries branches, heights and overlaps, what should be fastest first, until a motion holds. What is found is
    /// shortened when `refined`.
    pub(crate) fn search(&self, checker: &Checker<'_>, task: &Task<'_>, refined: bool) -> Result<Program, PlanError> {
        let mut seen = Seen::default();
        let mut kept = [0; 2];
        let mut free = Vec::new();
        let mut finishes = VecDeque::from(self.finishes(task)?);
        'search: while let Some(finish) = finishes.pop_front() {
            // What leans the tool on the way comes last.
            if !finish.leans && self.leans(task, &finish.q) {
                finishes.push_back(Finish { leans: true, ..finish });
                continue;
            }
            let Finish { leans, pose, q: end, .. } = finish;
            let kept = &mut kept[usize::from(leans)];
            if *kept == BRANCHES {
                continue;
            }
            // A branch that touches something at its very end needs no further look.
            if let Goal::Pose { kind, .. } = task.goal
                && let Err(hit) = checker.check(&self.chain.frames(&end), kind)
            {
                seen.note(self.collision(hit, checker, kind, None));
                continue;
            }
            *kept += 1;
            if !leans {
                free.push((end, pose));
            }
            for height in HEIGHTS {
                if seen.tried >= MOST_TRIED || seen.laid >= MOST_LAID {
                    break 'search;
                }
                let route = match self.route(task, &end, pose, height) {
                    Ok(route) => route,
                    // A higher way that is out of reach tells less than what was in the way of a lower one.
                    Err(error) => {
                        seen.note(error);
                        break;
                    }
                };
                let is_last = Some(&height) == HEIGHTS.last();
                if !is_last && self.dips(checker, &route) {
                    continue;
                }
                if let Some(found) = self.first(checker, &route, is_last, &mut seen) {
                    return Ok(self.done(checker, &route, found, height, refined));
                }
            }
        }
        if let Some((route, found)) = self.around(checker, task, &free, &mut seen) {
            return Ok(self.done(checker, &route, found, Some(0.0), refined));
        }
        let none = PlanError::Timing { segment: task.free, reason: "no route was given".into() };
        Err(with_tries(seen.first.unwrap_or(none), seen.tried))
    }

    /// The program of a motion that was found, shortened when `refined`.
    fn done(&self, checker: &Checker<'_>, route: &Route, found: Found, height: Option<f64>, refined: bool) -> Program {
        let best = if refined { self.shorten(checker, route, found) } else { found };
        best.sampled.into_program().with_form(Form { spline: best.spline, height })
    }

    /// Around what can't be gone over: by places midway that are drawn at random, the same ones each time.
    fn around(
        &self,
        checker: &Checker<'_>,
        task: &Task<'_>,
        ends: &[(Joints, usize)],
        seen: &mut Seen,
    ) -> Option<(Route, Found)> {
        // Another place midway helps only where the way over is what was in the way.
        if !matches!(seen.first, Some(PlanError::Collision { segment, after: Some(_), .. }) if segment == task.free)
            || matches!(task.goal, Goal::Above)
        {
            return None;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        for (end, pose) in ends {
            let Ok(mut route) = self.route(task, end, *pose, Some(0.0)) else { continue };
            let usual = route.middle;
            let tool = self.chain.tool(&usual);
            for _ in 0..DRAWN {
                if seen.tried >= 2 * MOST_TRIED {
                    return None;
                }
                let draw = |rng: &mut ChaCha8Rng, most: f64| rng.random_range(-most..most);
                let about = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), draw(&mut rng, AROUND_RAD));
                let along = 1.0 + draw(&mut rng, AROUND_SHARE);
                let mut place = about * tool.translation.vector.component_mul(&Vector3::new(along, along, 1.0));
                place.z += rng.random_range(0.0..AROUND_UP_M);
                let there = Isometry3::from_parts(Translation3::from(place), about * tool.rotation);
                let nearest = |a: &Joints, b: &Joints| square(a, &usual).total_cmp(&square(b, &usual));
                let Some(middle) = self.chain.inverse(&there).into_iter().min_by(nearest) else { continue };
                route.middle = middle;
                let is_free = |k: usize| {
                    let frames = self.chain.frames(&route.over(k as f64 / GLANCES as f64));
                    checker.check(&frames, route.free).is_ok()
                };
                if (1..GLANCES).all(is_free)
                    && let Some(found) = self.first(checker, &route, false, seen)
                {
                    return Some((route, found));
                }
            }
        }
        None
    }

    /// A motion like another one that began near by: its form, led from another start into the same way.
    pub(crate) fn alike(&self, checker: &Checker<'_>, task: &Task<'_>, like: &Program) -> Option<Program> {
        let form = like.form()?;
        let end = like.end().0;
        let Goal::Pose { ends, .. } = &task.goal else { return None };
        let there = self.chain.tool(&end);
        let is_same = |pose: &&Isometry3<f64>| {
            (there.translation.vector - pose.translation.vector).norm() < SAME_M
                && there.rotation.angle_to(&pose.rotation) < SAME_M
        };
        let pose = ends.iter().position(|pose| is_same(&pose))?;
        let shift: Joints = core::array::from_fn(|i| task.from[i] - form.spline.points[0][i]);
        if shift.iter().any(|s| s.abs() > NEAR_RAD) {
            return None;
        }
        let route = self.route(task, &end, pose, form.height).ok()?;
        let legs = route.legs(&self.chain).ok()?;
        let mut spline = form.spline.clone();
        for (k, point) in spline.points.iter_mut().enumerate().take(POINTS - SETTLED) {
            // From all of the shift to none of it, smoothly.
            let u = (k.saturating_sub(SETTLED - 1) as f64 / LED_IN as f64).min(1.0);
            let left = (1.0 - u) * (1.0 - u) * (1.0 + 2.0 * u);
            for (p, shift) in point.iter_mut().zip(&shift) {
                *p += left * shift;
            }
        }
        time(&mut spline, &self.chain, &legs.end, route.load.as_ref());
        let found = self.hold(checker, &route, spline, &legs).ok()?;
        Some(found.sampled.into_program().with_form(Form { spline: found.spline, height: form.height }))
    }

    /// The configurations to end at, the nearest first.
    fn finishes(&self, task: &Task<'_>) -> Result<Vec<Finish>, PlanError> {
        let only = |q| Ok(vec![Finish { leans: false, apart: 0.0, pose: 0, q }]);
        let (kind, ends) = match &task.goal {
            Goal::Above => return only(task.from),
            Goal::Joints(q) => return only(*q),
            Goal::Pose { kind, ends, .. } => (*kind, ends),
        };
        let apart = |q: &Joints| {
            let each = q.iter().zip(&task.from).zip(self.chain.limits());
            each.fold(0.0_f64, |most, ((a, b), l)| most.max((a - b).abs() / l.velocity))
        };
        let mut wound = Vec::with_capacity(32);
        let mut finishes = Vec::with_capacity(64);
        for (pose, end) in ends.iter().enumerate() {
            for branch in self.chain.branches(end).iter().filter(|q| self.forwards(q)) {
                wound.clear();
                self.chain.windings(branch, &mut wound);
                finishes.extend(wound.iter().map(|q| Finish { leans: false, apart: apart(q), pose, q: *q }));
            }
        }
        if finishes.is_empty() {
            return Err(unreachable(kind, &ends[0]));
        }
        finishes.sort_by(|a, b| a.apart.total_cmp(&b.apart));
        Ok(finishes)
    }

    /// The tool leans midway to a configuration, beyond what it does at either end.
    fn leans(&self, task: &Task<'_>, q: &Joints) -> bool {
        let Goal::Pose { ends, .. } = &task.goal else { return false };
        let lean = |tool: &Isometry3<f64>| (-(tool.rotation * Vector3::z()).z).clamp(-1.0, 1.0).acos();
        let midway = core::array::from_fn(|i| 0.5 * (q[i] + task.from[i]));
        lean(&self.chain.tool(&midway)) > lean(&self.chain.tool(&task.from)).max(lean(&ends[0])) + LEANS
    }

    /// Not bent over backwards: so the arm is slow, and most of what it may have to reach next is out of its reach.
    pub(crate) fn forwards(&self, q: &Joints) -> bool {
        self.turned(q).is_none_or(|by| (by - self.rest_turned).cos() > 0.0)
    }

    /// Azimuth of the tool as the first link sees it, radians: about the same for all places that an arm reaches without
    /// bending over backwards. `None` above its axis.
    pub(crate) fn turned(&self, q: &Joints) -> Option<f64> {
        let frames = self.chain.frames(q);
        let there = frames.links[1].inverse_transform_vector(&frames.tool.translation.vector);
        (there.xy().norm() > ON_AXIS_M).then(|| there.y.atan2(there.x))
    }

    /// The straight ways of a height, and the way over between them.
    fn route(&self, task: &Task<'_>, end: &Joints, pose: usize, height: Option<f64>) -> Result<Route, PlanError> {
        let up = (task.up)(height)?;
        let from = up.as_ref().map_or(task.from, |line| line.path.end());
        let (to, down) = match &task.goal {
            Goal::Above => (from, None),
            Goal::Joints(q) => (*q, None),
            Goal::Pose { kind, ends, down } => {
                let pose = &ends[pose];
                let curve = down(pose, height).ok_or_else(|| unreachable(*kind, pose))?;
                let path = JointPath::backwards(&self.chain, &curve, end).map_err(|at| PlanError::Broken {
                    segment: *kind,
                    after: at.after_m,
                    length: curve.length(),
                    branches: 1,
                })?;
                (path.start(), Some(Line { kind: *kind, curve, path }))
            }
        };
        let middle =
            if down.is_some() { self.middle(&from, &to) } else { core::array::from_fn(|i| 0.5 * (from[i] + to[i])) };
        Ok(Route { up, free: task.free, from, middle, to, down, touch: task.touch, load: task.load })
    }

    /// The configuration midway between two, seen from the base: half the turn about it, half the change of distance, the
    /// tool turned half, a little higher than the higher of both. The joints' own middle where the arm can't be there on one branch.
    fn middle(&self, from: &Joints, to: &Joints) -> Joints {
        let joints = core::array::from_fn(|i| 0.5 * (from[i] + to[i]));
        let (one, other) = (self.chain.tool(from), self.chain.tool(to));
        let guess = self.chain.tool(&joints);
        let far = |tool: &Isometry3<f64>| tool.translation.vector.xy().norm();
        let way = guess.translation.vector.xy().normalize() * (0.5 * (far(&one) + far(&other)));
        let height = one.translation.vector.z.max(other.translation.vector.z) + MIDWAY_UP_M;
        // Upright midway: what leans at either end need not lean on the way.
        let down = guess.rotation * Vector3::z();
        let turn = UnitQuaternion::rotation_between(&down, &-Vector3::z()).unwrap_or_else(UnitQuaternion::identity);
        let place = Translation3::new(way.x, way.y, height);
        let near = self.chain.follow(&joints, &Isometry3::from_parts(place, turn * guess.rotation));
        near.map_or(joints, |(q, _)| q)
    }

    /// True when the bare way over comes too near to what is under it.
    fn dips(&self, checker: &Checker<'_>, route: &Route) -> bool {
        (1..GLANCES).any(|k| {
            let tool = self.chain.tool(&route.over(k as f64 / GLANCES as f64));
            checker.above(&tool, 0.0, &Sweep::NONE).0 < -ABOUT
        })
    }

    /// The first form of a route that holds, as much overlapped as it can be. What is too low in spite of no overlap is
    /// given up, but for the last height of all: there it is told what is in the way.
    fn first(&self, checker: &Checker<'_>, route: &Route, is_last: bool, seen: &mut Seen) -> Option<Found> {
        let legs = match route.legs(&self.chain) {
            Ok(legs) => legs,
            Err(error) => {
                seen.note(PlanError::Timing { segment: route.free, reason: error.to_string() });
                return None;
            }
        };
        let mut overlaps = [OVERLAP; 2];
        let later = |overlaps: &mut [f64; 2], side: usize, missed: f64| {
            // What is missed is made good by so much of the straight way.
            let step = (missed / legs.overlapped_m(side)).clamp(OVERLAP_STEP, 1.0);
            let is_possible = overlaps[side] > if is_last { 0.0 } else { LEAST_OVERLAP };
            overlaps[side] = (overlaps[side] - step).max(0.0);
            is_possible
        };
        let mut unknown = [true; 2];
        for _ in 0..TRIES {
            let spline = legs.laid(&overlaps);
            seen.laid += 1;
            // Too low or too far aside: a later way over, or a later way down.
            let mut is_changed = false;
            for (side, unknown) in unknown.iter_mut().enumerate().filter(|(_, unknown)| **unknown) {
                let missed = missed(&self.chain, checker, route, &spline, side);
                *unknown = missed > 0.0 && later(&mut overlaps, side, missed);
                if missed > 0.0 && !*unknown && !is_last {
                    return None;
                }
                is_changed |= *unknown;
            }
            if is_changed {
                continue;
            }
            let spline = spread(&spline, &self.chain, &legs.end, route.load.as_ref());
            seen.tried += 1;
            let half = 0.5 * spline.duration();
            match self.hold(checker, route, spline, &legs) {
                Ok(found) => return Some(found),
                Err(error) => {
                    let side = match &error {
                        PlanError::Collision { after: Some(after), .. } => Some(usize::from(*after > half)),
                        _ => None,
                    };
                    seen.note(error);
                    if !side.is_some_and(|side| later(&mut overlaps, side, f64::INFINITY)) {
                        return None;
                    }
                }
            }
        }
        None
    }

    /// Samples a motion and holds it against what it must keep.
    fn hold(
        &self,
        checker: &Checker<'_>,
        route: &Route,
        mut spline: Spline,
        legs: &Legs<'_>,
    ) -> Result<Found, PlanError> {
        let mut broken = None;
        for _ in 0..ROUNDS {
            let sampled = Sampled::new(&self.chain, checker, route, &spline, legs.tail.as_ref());
            let Some((factor, error)) = self.too_fast(&sampled, route) else {
                self.check_angles(&sampled)?;
                self.check_way(checker, &sampled)?;
                return Ok(Found { spline, sampled });
            };
            spline.step *= factor * LONGER;
            spline.settle(&legs.end);
            broken = Some(error);
        }
        Err(broken.unwrap_or(PlanError::Timing { segment: route.free, reason: "no round was run".into() }))
    }

    /// The limit of joints or grasp that samples break most, and by how much longer the motion must be for it.
    fn too_fast(&self, sampled: &Sampled, route: &Route) -> Option<(f64, PlanError)> {
        if let Some(excess) = sampled.excess(&self.chain) {
            let part = sampled.segments.iter().find(|part| excess.at <= part.last);
            return Some((
                excess.factor,
                PlanError::Limit {
                    segment: part.map_or(route.free, |part| part.kind),
                    what: format!("{} of {}", excess.quantity, JOINT_NAMES[excess.joint]),
                    value: excess.value,
                    unit: excess.unit,
                    limit: excess.limit,
                    rounds: ROUNDS,
                },
            ));
        }
        let load = route.load?;
        let share = sampled.hardest(&load);
        (share > GRASP_SHARE).then(|| {
            let what = "acceleration of the item".into();
            let (segment, value, limit, rounds) = (route.free, share * load.sideways, load.sideways, ROUNDS);
            let error = PlanError::Limit { segment, what, value, unit: "m/s²", limit, rounds };
            ((share / GRASP_SHARE).sqrt(), error)
        })
    }

    /// The refinement of a motion, or the motion where that is no better.
    fn shorten(&self, checker: &Checker<'_>, route: &Route, first: Found) -> Found {
        let Ok(legs) = route.legs(&self.chain) else { return first };
        // Out of what is believed to be in the way nothing but the straight way is known to be free, to the hair.
        let begin = self.chain.frames(&first.sampled.q[0]);
        if route.up.as_ref().is_some_and(|line| checker.check(&begin, line.kind).is_err()) {
            return first;
        }
        let refiner = Refiner::new(&self.chain, checker, route, legs.end);
        for spline in refiner.refine(&first.spline).into_iter().take(CHECKED) {
            if let Ok(refined) = self.hold(checker, route, spline, &legs) {
                return if refined.sampled.q.len() < first.sampled.q.len() { refined } else { first };
            }
        }
        first
    }

    fn check_angles(&self, sampled: &Sampled) -> Result<(), PlanError> {
        for segment in &sampled.segments {
            for q in &sampled.q[segment.first..=segment.last] {
                if let Some((joint, angle, limits)) = self.chain.outside(q) {
                    return Err(PlanError::JointLimit {
                        segment: segment.kind,
                        joint,
                        angle,
                        min: limits.min,
                        max: limits.max,
                    });
                }
            }
        }
        Ok(())
    }

    /// Checks the samples against obstacles, in steps in which no body moves further than the room there is and a little
    /// more, since both ends of a step are looked at.
    fn check_way(&self, checker: &Checker<'_>, sampled: &Sampled) -> Result<(), PlanError> {
        // Samples a metre, from the step before.
        let mut pace = 1.0 / STEP_M;
        for segment in &sampled.segments {
            let mut k = segment.first;
            let mut frames = self.chain.frames(&sampled.q[k]);
            let begins = checker.begins(&frames, segment.kind);
            loop {
                let free = checker
                    .check_from(&frames, segment.kind, begins)
                    .map_err(|hit| self.collision(hit, checker, segment.kind, Some(k)))?;
                if k == segment.last {
                    break;
                }
                let room = free + step(segment.kind, begins);
                let mut count = ((CAREFUL * room * pace) as usize).clamp(1, segment.last - k);
                (k, frames) = loop {
                    let next = self.chain.frames(&sampled.q[k + count]);
                    let moved = checker.moved(&frames, &next);
                    pace = count as f64 / moved.max(1e-6);
                    if moved <= room || count == 1 {
                        break (k + count, next);
                    }
                    count = ((CAREFUL * room * pace) as usize).clamp(1, count - 1);
                };
            }
        }
        Ok(())
    }

    /// The error for a hit at a sample; without one it is at the segment's end.
    pub(crate) fn collision(
        &self,
        hit: Hit,
        checker: &Checker<'_>,
        segment: SegmentKind,
        sample: Option<usize>,
    ) -> PlanError {
        let body = match hit.body {
            BodyName::Link(link) => format!("link {link}"),
            BodyName::Tool(index) => self.tool.bodies.get(index).map_or("tool".into(), |b| b.name.clone()),
            BodyName::Held => "held item".into(),
        };
        let other = match hit.with {
            Other::Wall(i) => format!("wall of {}", checker.walled_name(i)),
            Other::Floor(i) => format!("floor of {}", checker.walled_name(i)),
            Other::Contents(i) => format!("contents of {}", checker.walled_name(i)),
            Other::Solid(i) => checker.solid_name(i).to_owned(),
            Other::Link(link) => format!("link {link}"),
        };
        PlanError::Collision {
            segment,
            body,
            other,
            after: sample.map(|k| k as f64 * crate::program::SAMPLE_S),
            tried: usize::from(sample.is_some()),
        }
    }
}

/// Squared distance of two configurations.
fn square(a: &Joints, b: &Joints) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
