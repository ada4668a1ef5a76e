//! Plans motions: which branch of the arm, which way up and down, how fast, and whether anything is in the way.

use nalgebra::{Isometry3, Translation3, Vector3};
use scene::{Pose, frame};

use crate::JointAngles;
use crate::cell::Cell;
use crate::chain::Chain;
use crate::collision::Checker;
use crate::hold::{Drop, Hold};
use crate::motion::{Line, Route};
use crate::obstacles::Obstacles;
use crate::path::{Curve, JointPath};
use crate::plan_error::{PlanError, check_hold, check_range, check_touch_speed, not_finite, unreachable};
use crate::program::{Program, SegmentKind};
use crate::robot::RobotModel;
use crate::tool::ToolModel;

/// Height over rims and contents at which straight ways end, metres.
const CLEAR_M: f64 = 0.015;
/// How far around the tool rims and contents count for the height of straight ways, metres.
const BESIDE_M: f64 = 0.10;
/// What is held is lifted straight by this at least, metres.
const LEAST_LIFT_M: f64 = 0.05;
/// The corner between the vertical way into a container and a tilted approach is cut by at most this, metres.
const CORNER_M: f64 = 0.06;

/// Plans motions of one arm with one tool. The same question gives the same answer, to the bit.
#[derive(Clone)]
pub struct Planner {
    pub(crate) chain: Chain,
    robot: RobotModel,
    pub(crate) tool: ToolModel,
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
                self.chain.follow(q, &entry).is_some_and(|(top, _)| self.chain.outside(&top).is_none())
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
                touch: Some((hold.press_m, hold.touch_speed)),
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
        check_touch_speed("drop.touch_speed", drop.touch_speed)?;
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
                touch: Some((0.0, drop.touch_speed)),
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
                touch: None,
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
                touch: None,
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
}
