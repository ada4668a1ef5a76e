//! Plans motions: which branch of the arm, which way up and down, how fast, and whether anything is in the way.

use nalgebra::{Isometry3, Translation3, Vector3};
use scene::{Pose, frame};

use crate::cell::Cell;
use crate::chain::Chain;
use crate::collision::{BodyName, Checker, Hit, Other, STEP_M};
use crate::hold::{Drop, HeldBox, Hold};
use crate::motion::{Line, Pace, Route, Sampled};
use crate::obstacles::Obstacles;
use crate::path::{Curve, JointPath};
use crate::program::{Program, SegmentKind};
use crate::robot::RobotModel;
use crate::tool::ToolModel;
use crate::{JOINT_NAMES, JointAngles};

/// Height over rims and contents at which straight ways end, metres.
const CLEAR_M: f64 = 0.015;
/// Additional heights that are tried when something is in the way of the free move, metres, and
/// how many motions are checked whole before a height is given up. Below the rims the tool still
/// goes up or down when the free move begins or ends, and often that is enough.
const RAISES: [(f64, usize); 4] = [(-0.05, 2), (0.0, 4), (0.08, 3), (0.2, 3)];
/// Speeds of going over from straight to free, as shares of what is possible.
const BLENDS: [f64; 3] = [1.0, 0.5, 0.0];
/// How far around the tool rims and contents count for the height of straight ways, metres.
const BESIDE_M: f64 = 0.10;
/// What is held is lifted straight by this at least, metres.
const LEAST_LIFT_M: f64 = 0.05;
/// Branches of the arm whose times are compared.
const BRANCHES: usize = 3;
/// Rounds of slowing down before a motion is given up.
const ROUNDS: usize = 8;
/// The corner between the vertical way into a container and a tilted approach is cut by at most this, metres.
const CORNER_M: f64 = 0.06;

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

/// Plans motions of one arm with one tool. The same question gives the same answer, to the bit.
#[derive(Clone)]
pub struct Planner {
    chain: Chain,
    robot: RobotModel,
    tool: ToolModel,
    fixed: Obstacles,
}

impl Planner {
    /// A planner for an arm and a tool in a cell.
    #[must_use]
    pub fn new(robot: &RobotModel, tool: &ToolModel, cell: &Cell) -> Self {
        Self {
            chain: Chain::new(robot, tool),
            robot: robot.clone(),
            tool: tool.clone(),
            fixed: Obstacles::of_cell(cell),
        }
    }

    /// Where the tool is.
    #[must_use]
    pub fn forward(&self, q: &JointAngles) -> Pose<frame::World, frame::Tool> {
        Pose::from_isometry(self.chain.tool(&q.0))
    }

    /// Poses of the link frames in the world: 0 the base, 1 to 6 turning with J1 to J6, 6 the flange.
    #[must_use]
    pub fn links(&self, q: &JointAngles) -> [nalgebra::Isometry3<f64>; 7] {
        self.chain.frames(&q.0).links
    }

    /// All configurations within the joints' limits that put the tool there, every winding counted, in a fixed order.
    #[must_use]
    pub fn inverse(&self, world_from_tool: &Pose<frame::World, frame::Tool>) -> Vec<JointAngles> {
        let found = self.chain.inverse(world_from_tool.isometry());
        found.into_iter().map(JointAngles).collect()
    }

    /// A quick test whether a hold makes sense: touch, stand-off and the way out above the walls are
    /// within reach on one branch, and the tool at touch doesn't touch a wall. Contents aren't looked at.
    #[must_use]
    pub fn reachable(&self, hold: &Hold) -> bool {
        if check_hold(hold).is_err() {
            return false;
        }
        let touch = hold.world_from_tool.isometry();
        let checker = Checker::new(&self.robot, &self.tool, None, &self.fixed);
        let Some(curve) = self.way_down_to(hold, &checker, &self.fixed, 0.0) else { return false };
        let entry = Isometry3::from_parts(Translation3::from(curve.start()), touch.rotation);
        self.chain.branches(touch).iter().any(|q| {
            let mut wound = Vec::with_capacity(8);
            self.chain.windings(q, &mut wound);
            wound.first().is_some_and(|q| {
                self.chain
                    .follow(q, &entry)
                    .is_some_and(|(top, _)| self.chain.outside(&top).is_none())
                    && self.checked(&checker, q, SegmentKind::Approach)
            })
        })
    }

    fn checked(&self, checker: &Checker<'_>, q: &[f64; 6], kind: SegmentKind) -> bool {
        checker.check(&self.chain, q, kind).is_ok()
    }

    /// From rest at `from` to the hold: out of a container if the tool is in one, over the walls to
    /// above the item, and straight to the face and `press_m` past it, guarded.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn reach(&self, from: &JointAngles, hold: &Hold, obstacles: &Obstacles) -> Result<Program, PlanError> {
        check_hold(hold)?;
        self.check_start(from, SegmentKind::Reach)?;
        let checker = Checker::new(&self.robot, &self.tool, None, obstacles);
        self.search(&checker, None, |raise| {
            let up = self.way_up(from, SegmentKind::Retreat, &checker, obstacles, raise, 0.0)?;
            let Some(curve) = self.way_down_to(hold, &checker, obstacles, raise) else {
                return Err(unreachable(SegmentKind::Approach, hold.world_from_tool.isometry()));
            };
            let end = hold.world_from_tool.isometry() * Isometry3::translation(0.0, 0.0, hold.press_m);
            self.routes(&checker, from, up, SegmentKind::Reach, (SegmentKind::Approach, &curve, &end), |route| Route {
                past_touch: Some(hold.press_m),
                ..route
            })
        })
    }

    /// From rest at the grasp to the drop: straight up, over the walls with the held box, straight
    /// down, guarded; the acceleration of what is held stays within the hold's.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn carry(
        &self,
        from: &JointAngles,
        hold: &Hold,
        drop: &Drop,
        obstacles: &Obstacles,
    ) -> Result<Program, PlanError> {
        check_hold(hold)?;
        check_range("drop.approach_m", drop.approach_m, 0.0, 2.0, "from 0 to 2 m")?;
        if !drop.world_from_tool.is_finite() {
            return Err(not_finite("drop.world_from_tool"));
        }
        self.check_start(from, SegmentKind::Lift)?;
        let checker = Checker::new(&self.robot, &self.tool, Some(&hold.held), obstacles);
        let end = *drop.world_from_tool.isometry();
        self.search(&checker, Some((&hold.held, hold.max_acceleration)), |raise| {
            let up = self.way_up(from, SegmentKind::Lift, &checker, obstacles, raise, LEAST_LIFT_M)?;
            let top = self.clear_height(&end, &checker, obstacles, raise);
            let bottom = end.translation.vector;
            let above = top.unwrap_or(bottom.z).max(bottom.z + drop.approach_m);
            let start = Vector3::new(bottom.x, bottom.y, above.max(bottom.z + LEAST_LIFT_M));
            let Some(curve) = Curve::straight(start, bottom) else {
                return Err(unreachable(SegmentKind::Lower, &end));
            };
            self.routes(&checker, from, up, SegmentKind::Carry, (SegmentKind::Lower, &curve, &end), |route| Route {
                past_touch: Some(0.0),
                hardest: Some(hold.max_acceleration),
                ..route
            })
        })
    }

    /// Straight up from rest at `from`, by `up_m` at least and until the empty tool is over rims and contents.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn retreat(&self, from: &JointAngles, up_m: f64, obstacles: &Obstacles) -> Result<Program, PlanError> {
        check_range("up_m", up_m, 0.0, 2.0, "from 0 to 2 m")?;
        self.check_start(from, SegmentKind::Retreat)?;
        let checker = Checker::new(&self.robot, &self.tool, None, obstacles);
        self.search(&checker, None, |_| {
            let up = self.way_up(from, SegmentKind::Retreat, &checker, obstacles, 0.0, up_m)?;
            let end = up.as_ref().map_or(from.0, |line| line.path.end());
            Ok(vec![Route {
                up,
                free: SegmentKind::Retreat,
                from: end,
                to: end,
                down: None,
                past_touch: None,
                hardest: None,
            }])
        })
    }

    /// From rest at `from` to rest at `to` with the empty tool: out of a container first, if the tool is in one.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn go_to(&self, from: &JointAngles, to: &JointAngles, obstacles: &Obstacles) -> Result<Program, PlanError> {
        self.check_start(from, SegmentKind::Reach)?;
        self.check_start(to, SegmentKind::Reach)?;
        let checker = Checker::new(&self.robot, &self.tool, None, obstacles);
        self.search(&checker, None, |raise| {
            let up = self.way_up(from, SegmentKind::Retreat, &checker, obstacles, raise, 0.0)?;
            let start = up.as_ref().map_or(from.0, |line| line.path.end());
            Ok(vec![Route {
                up,
                free: SegmentKind::Reach,
                from: start,
                to: to.0,
                down: None,
                past_touch: None,
                hardest: None,
            }])
        })
    }

    fn check_start(&self, q: &JointAngles, segment: SegmentKind) -> Result<(), PlanError> {
        if !q.is_finite() {
            return Err(not_finite("joint angles"));
        }
        match self.chain.outside(&q.0) {
            None => Ok(()),
            Some((joint, angle, limits)) => Err(PlanError::JointLimit {
                segment,
                joint,
                angle,
                min: limits.min,
                max: limits.max,
            }),
        }
    }

    /// Height of the tool at which everything on it is over the rims and contents near it.
    fn clear_height(
        &self,
        tool: &Isometry3<f64>,
        checker: &Checker<'_>,
        obstacles: &Obstacles,
        raise: f64,
    ) -> Option<f64> {
        let at = tool.translation.vector;
        let top = obstacles.top_near(at.x, at.y, BESIDE_M)?;
        Some(top + CLEAR_M + raise - checker.lowest_below(tool))
    }

    /// The way straight up from `from`; `None` when the tool is high enough already and `least` is 0.
    fn way_up(
        &self,
        from: &JointAngles,
        kind: SegmentKind,
        checker: &Checker<'_>,
        obstacles: &Obstacles,
        raise: f64,
        least: f64,
    ) -> Result<Option<Line>, PlanError> {
        let tool = self.chain.tool(&from.0);
        let bottom = tool.translation.vector;
        let clear = self.clear_height(&tool, checker, obstacles, raise).unwrap_or(bottom.z);
        let top = clear.max(bottom.z + least);
        if top - bottom.z < 2e-3 {
            return Ok(None);
        }
        let Some(curve) = Curve::straight(bottom, Vector3::new(bottom.x, bottom.y, top)) else { return Ok(None) };
        let path = JointPath::forwards(&self.chain, &curve, &from.0).map_err(|broken| PlanError::Broken {
            segment: kind,
            after: broken.after_m,
            length: curve.length(),
            branches: 1,
        })?;
        Ok(Some(Line { kind, path }))
    }

    /// The way of the tool's origin from above the walls to `press_m` past touch.
    fn way_down_to(&self, hold: &Hold, checker: &Checker<'_>, obstacles: &Obstacles, raise: f64) -> Option<Curve> {
        let touch = hold.world_from_tool.isometry();
        let axis = touch.rotation * Vector3::z();
        let at = touch.translation.vector;
        let end = at + axis * hold.press_m;
        let stand_off = at - axis * hold.approach_m.max(1e-3);
        let clear = self.clear_height(touch, checker, obstacles, raise).unwrap_or(stand_off.z);
        if stand_off.z >= clear {
            return Curve::straight(stand_off, end);
        }
        if axis.z < -0.999_8 {
            // Upright within a degree: all the way along the axis.
            return Curve::straight(at + axis * ((clear - at.z) / axis.z), end);
        }
        let entry = Vector3::new(stand_off.x, stand_off.y, clear);
        Curve::cornered(entry, stand_off, end, CORNER_M)
    }

    /// Routes over the branches of the arm that are near, at most [`BRANCHES`].
    fn routes(
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
                    past_touch: None,
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
    fn search(
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
                            first.get_or_insert(PlanError::Timing {
                                segment: route.free,
                                reason: error.to_string(),
                            });
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
        let none = PlanError::Timing {
            segment: SegmentKind::Reach,
            reason: "no route was given".into(),
        };
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
            let timed = route.timed(&self.chain, &pace).map_err(|error| PlanError::Timing {
                segment: route.free,
                reason: error.to_string(),
            })?;
            let sampled = timed.sample();
            worst = self.slow_down(&sampled, held, route, &mut pace);
            if worst.is_none() {
                self.check_angles(&sampled)?;
                self.check_way(checker, &sampled)?;
                return Ok(sampled);
            }
        }
        Err(worst.unwrap_or(PlanError::Timing {
            segment: route.free,
            reason: "no round was run".into(),
        }))
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
            let found = if rough && worst.is_none() {
                sampled.point_acceleration(&self.chain, &centre, 1)
            } else {
                coarse
            };
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

fn moment(after: Option<f64>) -> String {
    after.map_or("at its end".into(), |s| format!("{s:.3} s after the start"))
}

fn with_tries(error: PlanError, count: usize) -> PlanError {
    match error {
        PlanError::Collision {
            segment,
            body,
            other,
            after,
            ..
        } => PlanError::Collision {
            segment,
            body,
            other,
            after,
            tried: count,
        },
        other => other,
    }
}

fn unreachable(segment: SegmentKind, tool: &Isometry3<f64>) -> PlanError {
    // To the millimetre; adding zero turns −0 into 0.
    let at = tool.translation.vector.map(|v| (v * 1e3).round() * 1e-3 + 0.0);
    PlanError::Unreachable {
        segment,
        at: at.into(),
    }
}

fn not_finite(what: &'static str) -> PlanError {
    PlanError::Input {
        what,
        value: f64::NAN,
        rule: "finite",
    }
}

fn check_range(what: &'static str, value: f64, least: f64, most: f64, rule: &'static str) -> Result<(), PlanError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(PlanError::Input { what, value, rule })
}

fn check_hold(hold: &Hold) -> Result<(), PlanError> {
    if !hold.world_from_tool.is_finite() {
        return Err(not_finite("hold.world_from_tool"));
    }
    if !hold.held.tool_from_box.is_finite() {
        return Err(not_finite("hold.held.tool_from_box"));
    }
    check_range("hold.approach_m", hold.approach_m, 0.0, 2.0, "from 0 to 2 m")?;
    check_range("hold.press_m", hold.press_m, 0.0, 0.1, "from 0 to 0.1 m")?;
    check_range("hold.max_acceleration", hold.max_acceleration, 0.1, 100.0, "from 0.1 to 100 m/s²")?;
    for side in hold.held.size_m {
        check_range("hold.held.size_m", side, 1e-3, 2.0, "from 0.001 to 2 m each")?;
    }
    Ok(())
}
