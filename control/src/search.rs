//! The planner's search: branches, paces, slowing down, and the check of the whole way.

use nalgebra::Isometry3;

use crate::collision::{BodyName, Checker, Hit, Other, STEP_M};
use crate::hold::HeldBox;
use crate::motion::{Line, Pace, Route, Sampled};
use crate::path::{Curve, JointPath};
use crate::plan_error::{PlanError, unreachable, with_tries};
use crate::planner::Planner;
use crate::program::{Program, SegmentKind};
use crate::{JOINT_NAMES, JointAngles};

/// Additional heights that are tried when something is in the way of the free move, metres, and
/// how many motions are checked whole before a height is given up. Below the rims the tool still
/// goes up or down when the free move begins or ends, and often that is enough.
const RAISES: [(f64, usize); 4] = [(-0.05, 2), (0.0, 4), (0.08, 3), (0.2, 3)];
/// Speeds of going over from straight to free, as shares of what is possible.
const BLENDS: [f64; 3] = [1.0, 0.5, 0.0];
/// Branches of the arm whose times are compared.
const BRANCHES: usize = 3;
/// Rounds of slowing down before a motion is given up.
const ROUNDS: usize = 8;

impl Planner {
    /// Routes over the branches of the arm that are near, at most [`BRANCHES`].
    pub(crate) fn routes(
        &self,
        checker: &Checker<'_>,
        from: &JointAngles,
        up: Option<Line>,
        free: SegmentKind,
        (down, curve, end): (SegmentKind, &Curve, &Isometry3<f64>),
        finish: impl Fn(Route) -> Route,
    ) -> Result<Vec<Route>, PlanError> {
        let start = up.as_ref().map_or(from.0, |line| line.path.end());
        let mut ends = self.chain.inverse(end);
        if ends.is_empty() {
            return Err(unreachable(down, end));
        }
        let time = |q: &[f64; 6]| {
            let each = q.iter().zip(&start).zip(self.chain.limits());
            each.fold(0.0_f64, |most, ((a, b), l)| most.max((a - b).abs() / l.velocity))
        };
        ends.sort_by(|a, b| time(a).total_cmp(&time(b)));
        let mut out = Vec::with_capacity(BRANCHES);
        let mut broken: Option<f64> = None;
        let mut touched = None;
        for q in &ends {
            // A branch that touches something at its very end needs no further look.
            if let Err(hit) = checker.check(&self.chain, q, down) {
                touched.get_or_insert(hit);
                continue;
            }
            match JointPath::backwards(&self.chain, curve, q) {
                Ok(path) => out.push(finish(Route {
                    up: up.clone(),
                    free,
                    from: start,
                    to: path.start(),
                    down: Some(Line { kind: down, path }),
                    touch: None,
                    hardest: None,
                })),
                Err(at) => broken = Some(broken.map_or(at.after_m, |b: f64| b.max(at.after_m))),
            }
            if out.len() == BRANCHES {
                break;
            }
        }
        match (broken, touched) {
            _ if !out.is_empty() => Ok(out),
            (_, Some(hit)) => Err(self.collision(hit, checker, down, None)),
            (after, None) => Err(PlanError::Broken {
                segment: down,
                after: after.unwrap_or(0.0),
                length: curve.length(),
                branches: ends.len(),
            }),
        }
    }

    /// Tries routes and paces from the fastest on until a motion holds; then higher ones.
    pub(crate) fn search(
        &self,
        checker: &Checker<'_>,
        held: Option<(&HeldBox, f64)>,
        routes: impl Fn(f64) -> Result<Vec<Route>, PlanError>,
    ) -> Result<Program, PlanError> {
        let mut first: Option<PlanError> = None;
        let mut tried = 0;
        // Branches, by where they end, whose straight way down touches something at any pace.
        let mut blocked: Vec<[f64; 6]> = Vec::new();
        for (raise, tries) in RAISES {
            let routes = match routes(raise) {
                Ok(routes) => routes,
                // A higher way that is out of reach tells less than what was in the way of a lower one.
                Err(error) => return Err(with_tries(first.unwrap_or(error), tried)),
            };
            let mut options = Vec::with_capacity(routes.len() * BLENDS.len());
            for route in &routes {
                for blend in BLENDS {
                    let pace = Pace::blended(blend);
                    match route.timed(&self.chain, &pace) {
                        Ok(timed) => options.push((timed.duration(), route, pace)),
                        Err(error) => {
                            first.get_or_insert(PlanError::Timing { segment: route.free, reason: error.to_string() });
                        }
                    }
                }
            }
            options.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut left = tries;
            for (_, route, pace) in options {
                let end = route.down.as_ref().map(|line| line.path.end());
                if left == 0 || end.is_some_and(|end| blocked.contains(&end)) {
                    continue;
                }
                left -= 1;
                tried += 1;
                match self.finish(checker, held, route, &pace) {
                    Ok(sampled) => return Ok(sampled.into_program(&self.chain)),
                    Err(error) => {
                        if let PlanError::Collision { segment, .. } = &error {
                            if route.up.as_ref().is_some_and(|line| line.kind == *segment) {
                                // The way up is the same for all.
                                return Err(with_tries(error, tried));
                            }
                            if route.down.as_ref().is_some_and(|line| line.kind == *segment) {
                                blocked.extend(end);
                            }
                        }
                        first.get_or_insert(error);
                    }
                }
            }
        }
        let none = PlanError::Timing { segment: SegmentKind::Reach, reason: "no route was given".into() };
        Err(with_tries(first.unwrap_or(none), tried))
    }

    /// Slows a route down until it keeps all limits, then looks for collisions.
    fn finish(
        &self,
        checker: &Checker<'_>,
        held: Option<(&HeldBox, f64)>,
        route: &Route,
        pace: &Pace,
    ) -> Result<Sampled, PlanError> {
        let mut pace = *pace;
        if let Some((held, most)) = held {
            self.pre_slow(held, most, route, &mut pace);
        }
        let mut worst = None;
        for _ in 0..ROUNDS {
            let timed = route
                .timed(&self.chain, &pace)
                .map_err(|error| PlanError::Timing { segment: route.free, reason: error.to_string() })?;
            let sampled = timed.sample();
            worst = self.slow_down(&sampled, held, route, &mut pace);
            if worst.is_none() {
                self.check_angles(&sampled)?;
                self.check_way(checker, &sampled)?;
                return Ok(sampled);
            }
        }
        Err(worst.unwrap_or(PlanError::Timing { segment: route.free, reason: "no round was run".into() }))
    }

    /// Slows the free move down until the item's acceleration is about what it may be, judged coarsely.
    fn pre_slow(&self, held: &HeldBox, most: f64, route: &Route, pace: &mut Pace) {
        let centre = held.tool_from_box.origin().coords;
        for _ in 0..ROUNDS {
            let Ok(timed) = route.timed(&self.chain, pace) else { return };
            let acceleration = timed.free_acceleration(&self.chain, &centre);
            if acceleration <= 0.99 * most {
                return;
            }
            pace.free *= (acceleration / (0.98 * most)).sqrt();
        }
    }

    /// Lengthens what breaks a limit; gives the worst of it, `None` when all holds.
    fn slow_down(
        &self,
        sampled: &Sampled,
        held: Option<(&HeldBox, f64)>,
        route: &Route,
        pace: &mut Pace,
    ) -> Option<PlanError> {
        let mut worst: Option<(f64, PlanError)> = None;
        let mut note = |factor: f64, error: PlanError| {
            if worst.as_ref().is_none_or(|(f, _)| factor > *f) {
                worst = Some((factor, error));
            }
        };
        let slower = |pace: &mut Pace, kind: SegmentKind, factor: f64| {
            let up = route.up.as_ref().is_some_and(|l| l.kind == kind);
            let down = route.down.as_ref().is_some_and(|l| l.kind == kind);
            if kind == route.free {
                pace.free *= factor;
            }
            if up {
                pace.up *= factor;
            }
            if down {
                pace.down *= factor;
            }
        };
        for (segment, excess) in sampled.segments.iter().zip(sampled.excess(&self.chain)) {
            let Some(excess) = excess else { continue };
            let limits = &self.chain.limits()[excess.joint];
            let (unit, limit) = match excess.quantity {
                "velocity" => ("rad/s", limits.velocity),
                "acceleration" => ("rad/s²", limits.acceleration),
                _ => ("rad/s³", limits.jerk),
            };
            note(
                excess.factor,
                PlanError::Limit {
                    segment: segment.kind,
                    what: format!("{} of {}", excess.quantity, JOINT_NAMES[excess.joint]),
                    value: excess.value.abs(),
                    unit,
                    limit,
                    rounds: ROUNDS,
                },
            );
            let factor = excess.factor * 1.003;
            slower(pace, segment.kind, factor);
            // At a border either side may be to blame.
            for other in &sampled.segments {
                let touches = other.kind != segment.kind
                    && (excess.at.abs_diff(other.first) <= 4 || excess.at.abs_diff(other.last) <= 4);
                if touches {
                    slower(pace, other.kind, factor);
                }
            }
        }
        if let Some((held, most)) = held {
            let centre = held.tool_from_box.origin().coords;
            // Coarse while it is far off, exact before it is taken.
            let coarse = sampled.point_acceleration(&self.chain, &centre, 4);
            let rough = coarse.iter().all(|&a| a <= most);
            let found =
                if rough && worst.is_none() { sampled.point_acceleration(&self.chain, &centre, 1) } else { coarse };
            for (segment, &acceleration) in sampled.segments.iter().zip(&found) {
                if acceleration <= most {
                    continue;
                }
                let factor = (acceleration / most).sqrt();
                if worst.as_ref().is_none_or(|(f, _)| factor > *f) {
                    worst = Some((
                        factor,
                        PlanError::Limit {
                            segment: segment.kind,
                            what: "acceleration of the item".into(),
                            value: acceleration,
                            unit: "m/s²",
                            limit: most,
                            rounds: ROUNDS,
                        },
                    ));
                }
                slower(pace, segment.kind, factor * 1.005);
            }
        }
        worst.map(|(_, error)| error)
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

    /// Checks the samples against obstacles, in steps no longer than the room there is.
    fn check_way(&self, checker: &Checker<'_>, sampled: &Sampled) -> Result<(), PlanError> {
        for segment in &sampled.segments {
            let mut k = segment.first;
            loop {
                let clear = checker
                    .check(&self.chain, &sampled.q[k], segment.kind)
                    .map_err(|hit| self.collision(hit, checker, segment.kind, Some(k)))?;
                if k == segment.last {
                    break;
                }
                // A body may move as far as there is room. The levers grow with what moves beyond them.
                let room = clear.distance.max(STEP_M);
                let mut moved = 0.0;
                while k < segment.last {
                    let step = self.travel(&sampled.q[k], &sampled.q[k + 1], &clear.levers, room);
                    if moved > 0.0 && moved + step > room {
                        break;
                    }
                    moved += step;
                    k += 1;
                }
            }
        }
        Ok(())
    }

    /// How far any body moves between two configurations, at most, metres.
    fn travel(&self, a: &[f64; 6], b: &[f64; 6], levers: &[f64; 6], room: f64) -> f64 {
        let each = a.iter().zip(b).zip(levers);
        each.map(|((a, b), lever)| (a - b).abs() * (lever + room)).sum()
    }

    /// The error for a hit at a sample; without one it is at the segment's end.
    fn collision(&self, hit: Hit, checker: &Checker<'_>, segment: SegmentKind, sample: Option<usize>) -> PlanError {
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
