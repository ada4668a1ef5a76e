//! Plans motions: which branch of the arm, which way up and down, how fast, and whether anything is in the way.

use nalgebra::{Isometry3, Matrix6, Vector3};
use scene::{Pose, frame};

use crate::JointAngles;
use crate::cell::Cell;
use crate::chain::Chain;
use crate::collision::Checker;
use crate::hold::{Drop, Hold};
use crate::obstacles::Obstacles;
use crate::path::{Curve, JointPath};
use crate::plan_error::{PlanError, check_drop, check_hold, check_range, not_finite, unreachable};
use crate::program::{Program, SegmentKind};
use crate::robot::RobotModel;
use crate::route::{Line, Load, Touch};
use crate::search::{Goal, Task};
use crate::tool::ToolModel;

/// Height over rims and contents at which straight ways end, metres.
const CLEAR_M: f64 = 0.015;
/// How far around the tool rims and contents count for the height of straight ways, metres.
const BESIDE_M: f64 = 0.10;
/// Where the way straight up is not free a leaning tool goes back along its axis first, by so much, metres.
const BACK_M: f64 = 0.06;
/// What is held is lifted straight by this at least, metres.
const LEAST_LIFT_M: f64 = 0.05;
/// The corner between the vertical way into a container and a tilted approach is cut by at most this, metres.
const CORNER_M: f64 = 0.06;

/// A way out of a container.
#[derive(Debug, Clone, Copy)]
struct Up {
    kind: SegmentKind,
    /// At least so much higher, metres.
    least_m: f64,
    /// First back along the tool's axis by so much, metres.
    back_m: f64,
}

impl Up {
    /// Of the empty tool, where there is something to go over.
    const OUT: Self = Self { kind: SegmentKind::Retreat, least_m: 0.0, back_m: 0.0 };
}

/// Plans motions of one arm with one tool. The same question gives the same answer, to the bit.
#[derive(Clone)]
pub struct Planner {
    pub(crate) chain: Chain,
    pub(crate) robot: RobotModel,
    pub(crate) tool: ToolModel,
    pub(crate) fixed: Obstacles,
    /// Azimuth of the tool as the first link sees it when the cell is at rest.
    pub(crate) rest_turned: f64,
}

impl Planner {
    /// A planner for an arm and a tool in a cell.
    #[must_use]
    pub fn new(robot: &RobotModel, tool: &ToolModel, cell: &Cell) -> Self {
        let mut planner = Self {
            chain: Chain::new(robot, tool),
            robot: robot.clone(),
            tool: tool.clone(),
            fixed: Obstacles::of_cell(cell),
            rest_turned: 0.0,
        };
        planner.rest_turned = planner.turned(&cell.rest.0).unwrap_or(0.0);
        planner
    }

    /// Where the tool is.
    #[must_use]
    pub fn forward(&self, q: &JointAngles) -> Pose<frame::World, frame::Tool> {
        Pose::from_isometry(self.chain.tool(&q.0))
    }

    /// Poses of the link frames in the world: 0 the base, 1 to 6 turning with J1 to J6, 6 at the flange. They stand
    /// parallel to the base where the geometry's angles (after signs and offsets) are zero: an `[opw]` arm points straight
    /// up there, a `[ur]` arm lies along −x with the flange facing −y.
    #[must_use]
    pub fn links(&self, q: &JointAngles) -> [nalgebra::Isometry3<f64>; 7] {
        self.chain.frames(&q.0).links
    }

    /// How the tool moves: the first three rows are the velocity of its origin, m/s, the others its turning, rad/s, both
    /// in the world, for 1 rad/s of each joint, a column a joint.
    #[must_use]
    pub fn jacobian(&self, q: &JointAngles) -> Matrix6<f64> {
        self.chain.jacobian(&self.chain.frames(&q.0))
    }

    /// How far the arm is from a singular configuration: the smallest singular value of [`Planner::jacobian`] with
    /// lengths divided by the stretched arm's ([`crate::Geometry::stretched_m`]), without a unit. Joint rates of norm 1
    /// move the tool by that much at least. 0 where some motion of the tool is not possible: wrist straight, elbow
    /// stretched, wrist over J1's axis. Of that length since a joint turn then moves what it moves at arm's length by about
    /// as much as it turns it; it makes large and small arms comparable, where metres would call a small arm singular.
    #[must_use]
    pub fn singularity_distance(&self, q: &JointAngles) -> f64 {
        let mut scaled = self.jacobian(q);
        scaled.fixed_rows_mut::<3>(0).unscale_mut(self.robot.geometry.stretched_m());
        // Of angles that are not finite: as singular as can be, not a search without end.
        if scaled.iter().all(|v| v.is_finite()) { scaled.singular_values().min() } else { 0.0 }
    }

    /// All configurations within the joints' limits that put the tool there, every winding counted, in a fixed order.
    #[must_use]
    pub fn inverse(&self, world_from_tool: &Pose<frame::World, frame::Tool>) -> Vec<JointAngles> {
        let found = self.chain.inverse(world_from_tool.isometry());
        found.into_iter().map(JointAngles).collect()
    }

    /// A quick look at a drop: whether on one branch it is within reach, with nothing that is known to lie there touched by
    /// tool, held box or arm. The way there isn't looked at.
    ///
    /// # Errors
    /// [`PlanError`] of the first branch.
    pub fn check_drop(&self, hold: &Hold, drop: &Drop, obstacles: &Obstacles) -> Result<(), PlanError> {
        const KIND: SegmentKind = SegmentKind::Lower;
        self.check_hold(hold)?;
        check_drop(drop)?;
        let checker = Checker::new(&self.robot, &self.tool, Some(&hold.held), obstacles);
        let ends = drop.poses(&hold.held);
        let mut first = None;
        for branch in ends.iter().flat_map(|end| self.chain.branches(end)).filter(|q| self.forwards(q)) {
            let mut wound = Vec::with_capacity(8);
            self.chain.windings(&branch, &mut wound);
            let Some(q) = wound.first() else { continue };
            match checker.check(&self.chain.frames(q), KIND) {
                Ok(_) => return Ok(()),
                Err(hit) => first = first.or_else(|| Some(self.collision(hit, &checker, KIND, None))),
            }
        }
        Err(first.unwrap_or_else(|| unreachable(KIND, drop.world_from_tool.isometry())))
    }

    pub(crate) fn checked(&self, checker: &Checker<'_>, q: &[f64; 6], kind: SegmentKind) -> bool {
        checker.check(&self.chain.frames(q), kind).is_ok()
    }

    /// From rest at `from` to the hold: out of a container if the tool is in one, over the walls to
    /// above the item, and straight to the face and `press_m` past it, guarded.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn reach(&self, from: &JointAngles, hold: &Hold, obstacles: &Obstacles) -> Result<Program, PlanError> {
        self.reaching(from, hold, obstacles, |checker, task| self.search(checker, task, false))
    }

    /// [`Planner::reach`], shortened: some hundred milliseconds of work.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn reach_refined(&self, from: &JointAngles, hold: &Hold, obstacles: &Obstacles) -> Result<Program, PlanError> {
        self.reaching(from, hold, obstacles, |checker, task| self.search(checker, task, true))
    }

    /// [`Planner::reach`] like another reach to the same hold, planned for a start near `from`: as short as that one,
    /// without the work. `None` when the other isn't near or its way isn't free any more.
    ///
    /// # Errors
    /// [`PlanError`] for what is asked.
    pub fn reach_like(
        &self,
        like: &Program,
        from: &JointAngles,
        hold: &Hold,
        obstacles: &Obstacles,
    ) -> Result<Option<Program>, PlanError> {
        self.reaching(from, hold, obstacles, |checker, task| Ok(self.alike(checker, task, like)))
    }

    fn reaching<R>(
        &self,
        from: &JointAngles,
        hold: &Hold,
        obstacles: &Obstacles,
        plan: impl FnOnce(&Checker<'_>, &Task<'_>) -> Result<R, PlanError>,
    ) -> Result<R, PlanError> {
        self.check_hold(hold)?;
        self.check_start(from, SegmentKind::Reach)?;
        let checker = Checker::new(&self.robot, &self.tool, None, obstacles);
        let end = hold.world_from_tool.isometry() * Isometry3::translation(0.0, 0.0, hold.press_m);
        let task = Task {
            from: from.0,
            free: SegmentKind::Reach,
            up: &|height| self.way_up(from, Up::OUT, &checker, obstacles, height),
            goal: Goal::Pose {
                kind: SegmentKind::Approach,
                ends: vec![end],
                down: &|_, height| self.way_down_to(hold, &checker, obstacles, height),
            },
            touch: Some(Touch { past: hold.press_m, guard: hold.guard_m, speed: hold.touch_speed }),
            load: None,
        };
        plan(&checker, &task)
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
        self.carrying(from, hold, drop, obstacles, |checker, task| self.search(checker, task, false))
    }

    /// [`Planner::carry`], shortened: some hundred milliseconds of work.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn carry_refined(
        &self,
        from: &JointAngles,
        hold: &Hold,
        drop: &Drop,
        obstacles: &Obstacles,
    ) -> Result<Program, PlanError> {
        self.carrying(from, hold, drop, obstacles, |checker, task| self.search(checker, task, true))
    }

    /// [`Planner::carry`] like another carry to the same drop, planned for a start near `from`: as short as that one,
    /// without the work. `None` when the other isn't near or its way isn't free any more.
    ///
    /// # Errors
    /// [`PlanError`] for what is asked.
    pub fn carry_like(
        &self,
        like: &Program,
        from: &JointAngles,
        hold: &Hold,
        drop: &Drop,
        obstacles: &Obstacles,
    ) -> Result<Option<Program>, PlanError> {
        self.carrying(from, hold, drop, obstacles, |checker, task| Ok(self.alike(checker, task, like)))
    }

    fn carrying<R>(
        &self,
        from: &JointAngles,
        hold: &Hold,
        drop: &Drop,
        obstacles: &Obstacles,
        plan: impl Fn(&Checker<'_>, &Task<'_>) -> Result<R, PlanError>,
    ) -> Result<R, PlanError> {
        self.check_hold(hold)?;
        check_drop(drop)?;
        self.check_start(from, SegmentKind::Lift)?;
        let checker = Checker::new(&self.robot, &self.tool, Some(&hold.held), obstacles);
        let ends = drop.poses(&hold.held);
        let down = |end: &Isometry3<f64>, height| {
            let top = self.clear_height(end, &checker, obstacles, height);
            let bottom = end.translation.vector;
            let above = top.unwrap_or(bottom.z).max(bottom.z + drop.approach_m);
            let start = Vector3::new(bottom.x, bottom.y, above.max(bottom.z + LEAST_LIFT_M));
            Curve::straight(start, bottom)
        };
        let planned = |back_m: f64| {
            let up = Up { kind: SegmentKind::Lift, least_m: LEAST_LIFT_M, back_m };
            let task = Task {
                from: from.0,
                free: SegmentKind::Carry,
                up: &|height| self.way_up(from, up, &checker, obstacles, height),
                goal: Goal::Pose { kind: SegmentKind::Lower, ends: ends.clone(), down: &down },
                touch: Some(Touch { past: 0.0, guard: drop.guard_m, speed: drop.touch_speed }),
                load: Some(Load::of(hold)),
            };
            plan(&checker, &task)
        };
        match planned(0.0) {
            // A leaning tool that goes straight up goes deeper into what stands beside it: back along its axis it came.
            Err(PlanError::Collision { segment: SegmentKind::Lift, .. }) => planned(BACK_M),
            other => other,
        }
    }

    /// Straight up from rest at `from`, by `up_m` at least and until the empty tool is over rims and contents.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn retreat(&self, from: &JointAngles, up_m: f64, obstacles: &Obstacles) -> Result<Program, PlanError> {
        check_range("up_m", up_m, 0.0, 2.0, "from 0 to 2 m")?;
        self.check_start(from, SegmentKind::Retreat)?;
        let checker = Checker::new(&self.robot, &self.tool, None, obstacles);
        let up = |_| self.way_up(from, Up { least_m: up_m, ..Up::OUT }, &checker, obstacles, None);
        let goal = Goal::Above;
        let task = Task { from: from.0, free: SegmentKind::Retreat, up: &up, goal, touch: None, load: None };
        self.search(&checker, &task, false)
    }

    /// From rest at `from` to rest at `to` with the empty tool: out of a container first, if the tool is in one.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn go_to(&self, from: &JointAngles, to: &JointAngles, obstacles: &Obstacles) -> Result<Program, PlanError> {
        self.check_start(from, SegmentKind::Reach)?;
        self.check_start(to, SegmentKind::Reach)?;
        let checker = Checker::new(&self.robot, &self.tool, None, obstacles);
        let up = |height| self.way_up(from, Up::OUT, &checker, obstacles, height);
        let goal = Goal::Joints(to.0);
        let task = Task { from: from.0, free: SegmentKind::Reach, up: &up, goal, touch: None, load: None };
        self.search(&checker, &task, false)
    }

    pub(crate) fn check_hold(&self, hold: &Hold) -> Result<(), PlanError> {
        check_hold(hold)?;
        let (held_kg, tool_kg, payload_kg) = (hold.mass_kg, self.tool.mass_kg, self.robot.payload_kg);
        if held_kg + tool_kg > payload_kg {
            return Err(PlanError::Payload { held_kg, tool_kg, payload_kg });
        }
        Ok(())
    }

    fn check_start(&self, q: &JointAngles, segment: SegmentKind) -> Result<(), PlanError> {
        if !q.is_finite() {
            return Err(not_finite("joint angles"));
        }
        match self.chain.outside(&q.0) {
            None => Ok(()),
            Some((joint, angle, limits)) => {
                Err(PlanError::JointLimit { segment, joint, angle, min: limits.min, max: limits.max })
            }
        }
    }

    /// Height of the tool at which everything on it is over the rims and contents near it.
    fn clear_height(
        &self,
        tool: &Isometry3<f64>,
        checker: &Checker<'_>,
        obstacles: &Obstacles,
        height: Option<f64>,
    ) -> Option<f64> {
        let at = tool.translation.vector;
        let near = obstacles.top_near(at.x, at.y, BESIDE_M)?;
        let top = match height {
            None => near,
            // As high as the highest there is, and more.
            Some(by) => obstacles.top_near(at.x, at.y, f64::INFINITY)? + by,
        };
        Some(top + CLEAR_M - checker.lowest_below(tool))
    }

    /// The way up from `from`; `None` when the tool is high enough already and need not go up.
    fn way_up(
        &self,
        from: &JointAngles,
        Up { kind, least_m, back_m }: Up,
        checker: &Checker<'_>,
        obstacles: &Obstacles,
        height: Option<f64>,
    ) -> Result<Option<Line>, PlanError> {
        let tool = self.chain.tool(&from.0);
        let bottom = tool.translation.vector;
        let clear = self.clear_height(&tool, checker, obstacles, height).unwrap_or(bottom.z);
        let top = clear.max(bottom.z + least_m);
        if top - bottom.z < 2e-3 {
            return Ok(None);
        }
        let corner = bottom - tool.rotation * Vector3::z() * back_m;
        let curve = if back_m > 0.0 && corner.z < top {
            Curve::cornered(bottom, corner, Vector3::new(corner.x, corner.y, top), CORNER_M)
        } else {
            Curve::straight(bottom, Vector3::new(bottom.x, bottom.y, top))
        };
        let Some(curve) = curve else { return Ok(None) };
        let path = JointPath::forwards(&self.chain, &curve, &from.0).map_err(|broken| PlanError::Broken {
            segment: kind,
            after: broken.after_m,
            length: curve.length(),
            branches: 1,
        })?;
        Ok(Some(Line { kind, curve, path }))
    }

    /// The way of the tool's origin from above the walls to `press_m` past touch.
    pub(crate) fn way_down_to(
        &self,
        hold: &Hold,
        checker: &Checker<'_>,
        obstacles: &Obstacles,
        height: Option<f64>,
    ) -> Option<Curve> {
        let touch = hold.world_from_tool.isometry();
        let axis = touch.rotation * Vector3::z();
        let at = touch.translation.vector;
        let end = at + axis * hold.press_m;
        let stand_off = at - axis * hold.approach_m.max(1e-3);
        let clear = self.clear_height(touch, checker, obstacles, height).unwrap_or(stand_off.z);
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
}
