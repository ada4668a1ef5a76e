//! Forward and inverse kinematics of the arm with its tool.

use nalgebra::{Isometry3, Matrix3x6, Matrix6, Quaternion, Translation3, UnitQuaternion, Vector3, Vector6};
use rs_opw_kinematics::glam::{DQuat, DVec3};
use rs_opw_kinematics::kinematic_traits::{Kinematics, Pose as OpwPose};
use rs_opw_kinematics::kinematics_impl::OPWKinematics;
use rs_opw_kinematics::parameters::opw_kinematics::Parameters;

use crate::JOINT_NAMES;
use crate::geometry::{self, Geometry, Ur};
use crate::robot::{JointLimits, RobotModel};
use crate::tool::ToolModel;

/// Newton steps before a pose counts as out of reach of the branch.
const NEWTON_STEPS: usize = 8;
/// Position (metres) and angle (radians) at which a Newton solution is taken.
const NEWTON_CLOSE: f64 = 1e-10;

/// Shares of the limits of acceleration and jerk that plans use. The rest is what a stop slows
/// down with while the program itself is at its hardest.
const PLANNED_ACCELERATION: f64 = 0.95;
const PLANNED_JERK: f64 = 0.85;

/// The arm with its tool, as a chain of frames.
#[derive(Clone)]
pub(crate) struct Chain {
    robot: RobotModel,
    planned: [JointLimits; 6],
    /// From each joint's frame to the next one's origin.
    shifts: [Vector3<f64>; 6],
    /// Axes at angle zero, y or z.
    axes: [Vector3<f64>; 6],
    /// From joint angles to turns about `axes`: times the sign, less the offset.
    signs: [f64; 6],
    offsets: [f64; 6],
    solver: Solver,
    last_from_tool: Isometry3<f64>,
    tool_from_flange: Isometry3<f64>,
}

/// What solves the inverse in closed form.
#[derive(Clone)]
enum Solver {
    /// Knows the joints' signs and offsets.
    Opw(Box<OPWKinematics>),
    /// In the geometry's angles.
    Ur(Ur),
}

/// World poses of the link frames (0 the base, 6 at the flange) and of the tool. The link frames stand parallel to the
/// base where the geometry's angles are zero; see [`Geometry::steps`].
#[derive(Clone, Copy)]
pub(crate) struct Frames {
    pub(crate) links: [Isometry3<f64>; 7],
    pub(crate) tool: Isometry3<f64>,
}

impl Chain {
    pub(crate) fn new(robot: &RobotModel, tool: &ToolModel) -> Self {
        let solver = match robot.geometry {
            Geometry::Opw(opw) => Solver::Opw(Box::new(OPWKinematics::new(Parameters {
                a1: opw.a1,
                a2: opw.a2,
                b: opw.b,
                c1: opw.c1,
                c2: opw.c2,
                c3: opw.c3,
                c4: opw.c4,
                offsets: robot.offsets,
                sign_corrections: robot.signs,
                dof: 6,
            }))),
            Geometry::Ur(ur) => Solver::Ur(ur),
        };
        let steps = robot.geometry.steps();
        let about_z = robot.geometry.about_z();
        let flange_from_tool = *tool.flange_from_tool.isometry();
        Self {
            robot: robot.clone(),
            planned: robot.joints.map(|joint| JointLimits {
                acceleration: joint.acceleration * PLANNED_ACCELERATION,
                jerk: joint.jerk * PLANNED_JERK,
                ..joint
            }),
            shifts: steps.map(|step| Vector3::from(step.shift)),
            axes: std::array::from_fn(|i| if about_z & (1 << i) != 0 { Vector3::z() } else { Vector3::y() }),
            signs: std::array::from_fn(|i| f64::from(robot.signs[i]) * steps[i].sense),
            offsets: std::array::from_fn(|i| robot.offsets[i] * steps[i].sense),
            solver,
            last_from_tool: robot.geometry.last_from_flange() * flange_from_tool,
            tool_from_flange: flange_from_tool.inverse(),
        }
    }

    /// The limits that plans keep.
    pub(crate) fn limits(&self) -> &[JointLimits; 6] {
        &self.planned
    }

    /// Where everything is at joint angles `q`.
    pub(crate) fn frames(&self, q: &[f64; 6]) -> Frames {
        match self.solver {
            Solver::Opw(_) => self.walk::<{ geometry::OPW_ABOUT_Z }>(q),
            Solver::Ur(_) => self.walk::<{ geometry::UR_ABOUT_Z }>(q),
        }
    }

    /// From joint to joint; bit `i` of `ABOUT_Z` says that joint `i` turns about z. Known when it is compiled, since
    /// this is where planning spends its time.
    #[inline(always)]
    fn walk<const ABOUT_Z: u8>(&self, q: &[f64; 6]) -> Frames {
        let next = |from: &Isometry3<f64>, i: usize| {
            let (s, c) = (0.5 * (q[i] * self.signs[i] - self.offsets[i])).sin_cos();
            let r = from.rotation.coords;
            // The product with a turn about one axis: half of a quaternion product is zero.
            let turned = if ABOUT_Z & (1 << i) != 0 {
                Quaternion::new(r.w * c - r.z * s, r.x * c + r.y * s, r.y * c - r.x * s, r.w * s + r.z * c)
            } else {
                Quaternion::new(r.w * c - r.y * s, r.x * c - r.z * s, r.w * s + r.y * c, r.x * s + r.z * c)
            };
            let origin = from.translation.vector + from.rotation * self.shifts[i];
            Isometry3::from_parts(Translation3::from(origin), UnitQuaternion::new_unchecked(turned))
        };
        let base = Isometry3::identity();
        let one = next(&base, 0);
        let two = next(&one, 1);
        let three = next(&two, 2);
        let four = next(&three, 3);
        let five = next(&four, 4);
        let six = next(&five, 5);
        Frames { links: [base, one, two, three, four, five, six], tool: six * self.last_from_tool }
    }

    pub(crate) fn tool(&self, q: &[f64; 6]) -> Isometry3<f64> {
        self.frames(q).tool
    }

    /// Velocity of the tool's origin (m/s) and its turning (rad/s), in the world, for each joint's rad/s.
    pub(crate) fn jacobian(&self, frames: &Frames) -> Matrix6<f64> {
        let mut jacobian = Matrix6::zeros();
        let tip = frames.tool.translation.vector;
        for i in 0..6 {
            let axis = self.axis(frames, i);
            let lever = tip - frames.links[i + 1].translation.vector;
            jacobian.fixed_view_mut::<3, 1>(0, i).copy_from(&axis.cross(&lever));
            jacobian.fixed_view_mut::<3, 1>(3, i).copy_from(&axis);
        }
        jacobian
    }

    /// Velocity of a point fixed to the tool, given in the world, for each joint's rad/s.
    pub(crate) fn point_jacobian(&self, frames: &Frames, point: &Vector3<f64>) -> Matrix3x6<f64> {
        let mut jacobian = Matrix3x6::zeros();
        for i in 0..6 {
            let lever = point - frames.links[i + 1].translation.vector;
            jacobian.set_column(i, &self.axis(frames, i).cross(&lever));
        }
        jacobian
    }

    /// Turning of the tool, rad/s in the world, for each joint's rad/s.
    pub(crate) fn turning(&self, frames: &Frames) -> Matrix3x6<f64> {
        let mut jacobian = Matrix3x6::zeros();
        for i in 0..6 {
            jacobian.set_column(i, &self.axis(frames, i));
        }
        jacobian
    }

    /// The axis that a joint turns about, in the world.
    fn axis(&self, frames: &Frames, joint: usize) -> Vector3<f64> {
        frames.links[joint + 1].rotation * self.axes[joint] * self.signs[joint]
    }

    /// Acceleration of a point fixed to the tool, given in the world, from the joints' rates and accelerations: those
    /// of each frame from the frame before (Craig, Introduction to Robotics, 6.5).
    pub(crate) fn point_acceleration(
        &self,
        frames: &Frames,
        point: &Vector3<f64>,
        rates: &[f64; 6],
        accelerations: &[f64; 6],
    ) -> Vector3<f64> {
        let (mut turning, mut change, mut here) = (Vector3::zeros(), Vector3::zeros(), Vector3::zeros());
        for i in 0..6 {
            let axis = self.axis(frames, i);
            change += axis * accelerations[i] + turning.cross(&axis) * rates[i];
            turning += axis * rates[i];
            let next = if i < 5 { frames.links[i + 2].translation.vector } else { *point };
            let lever: Vector3<f64> = next - frames.links[i + 1].translation.vector;
            here += change.cross(&lever) + turning.cross(&turning.cross(&lever));
        }
        here
    }

    /// Joint rates that move the tool's origin with `velocity` and don't turn it; `None` where the arm is singular.
    pub(crate) fn rates(&self, frames: &Frames, velocity: &Vector3<f64>) -> Option<[f64; 6]> {
        let twist = Vector6::new(velocity.x, velocity.y, velocity.z, 0.0, 0.0, 0.0);
        let rates = self.jacobian(frames).lu().solve(&twist)?;
        rates.iter().all(|v| v.is_finite()).then(|| rates.into())
    }

    /// The configuration at `tool` on the branch that `near` is on; `None` when Newton's method doesn't get there.
    pub(crate) fn follow(&self, near: &[f64; 6], tool: &Isometry3<f64>) -> Option<([f64; 6], Frames)> {
        let mut q = *near;
        for _ in 0..NEWTON_STEPS {
            let frames = self.frames(&q);
            let shift = tool.translation.vector - frames.tool.translation.vector;
            let turn = (tool.rotation * frames.tool.rotation.inverse()).scaled_axis();
            if shift.norm() < NEWTON_CLOSE && turn.norm() < NEWTON_CLOSE {
                return Some((q, frames));
            }
            let error = Vector6::new(shift.x, shift.y, shift.z, turn.x, turn.y, turn.z);
            let step = self.jacobian(&frames).lu().solve(&error)?;
            let largest = step.amax();
            if !largest.is_finite() || largest > 1.0 {
                return None;
            }
            for (angle, change) in q.iter_mut().zip(step.iter()) {
                *angle += change;
            }
        }
        None
    }

    /// All configurations within the joints' limits that put the tool there, each turn of each joint
    /// counted; in a fixed order.
    pub(crate) fn inverse(&self, tool: &Isometry3<f64>) -> Vec<[f64; 6]> {
        let mut out = Vec::with_capacity(32);
        for base in self.branches(tool) {
            self.wind(&base, 0, &mut out);
        }
        out
    }

    /// All turns of a configuration that are within the joints' limits.
    pub(crate) fn windings(&self, q: &[f64; 6], out: &mut Vec<[f64; 6]>) {
        self.wind(q, 0, out);
    }

    /// One configuration a branch, limits aside, angles within ±π of zero.
    pub(crate) fn branches(&self, tool: &Isometry3<f64>) -> Vec<[f64; 6]> {
        let flange = tool * self.tool_from_flange;
        let (t, r) = (flange.translation.vector, flange.rotation.coords);
        let finite = t.iter().chain(r.iter()).all(|v| v.is_finite());
        if !finite {
            return Vec::new();
        }
        match &self.solver {
            Solver::Opw(solver) => {
                let pose = OpwPose::from_parts(DVec3::new(t.x, t.y, t.z), DQuat::from_xyzw(r.x, r.y, r.z, r.w));
                solver.inverse(&pose)
            }
            Solver::Ur(ur) => {
                let mut found = ur.inverse(&flange);
                for q in &mut found {
                    for (i, angle) in q.iter_mut().enumerate() {
                        *angle = (*angle + self.robot.offsets[i]) * f64::from(self.robot.signs[i]);
                    }
                }
                found
            }
        }
    }

    /// Adds all windings of `q` from joint `joint` on that are within the limits.
    fn wind(&self, q: &[f64; 6], joint: usize, out: &mut Vec<[f64; 6]>) {
        if joint == 6 {
            out.push(*q);
            return;
        }
        let limits = &self.robot.joints[joint];
        let turn = core::f64::consts::TAU;
        let mut angle = q[joint] - turn * ((q[joint] - limits.min) / turn).floor();
        while angle <= limits.max {
            let mut wound = *q;
            wound[joint] = angle;
            self.wind(&wound, joint + 1, out);
            angle += turn;
        }
    }

    /// The first joint outside its limits, with its limits.
    pub(crate) fn outside(&self, q: &[f64; 6]) -> Option<(&'static str, f64, JointLimits)> {
        (0..6).find_map(|i| {
            let limits = self.robot.joints[i];
            let inside = q[i] >= limits.min - 1e-9 && q[i] <= limits.max + 1e-9;
            (!inside).then_some((JOINT_NAMES[i], q[i], limits))
        })
    }

    /// The tool's pose by the library's forward kinematics, for tests of the chain.
    #[cfg(test)]
    pub(crate) fn library_tool(&self, q: &crate::JointAngles) -> Option<Isometry3<f64>> {
        let Solver::Opw(solver) = &self.solver else { return None };
        let pose = solver.try_forward(&q.0).ok()?;
        let (t, r) = (pose.translation, pose.rotation);
        let rotation = UnitQuaternion::from_quaternion(nalgebra::Quaternion::new(r.w, r.x, r.y, r.z));
        Some(Isometry3::from_parts(Translation3::new(t.x, t.y, t.z), rotation) * self.last_from_tool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JointAngles;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use std::path::Path;

    const OPW: [&str; 3] = ["fanuc-m20id-25", "abb-irb1200-7-07", "kuka-kr10-r1100"];

    fn chain(name: &str) -> Chain {
        let robot = RobotModel::find(name, Path::new("")).unwrap();
        let tool = ToolModel::find("six-cup", Path::new("")).unwrap();
        Chain::new(&robot, &tool)
    }

    fn off(a: &Isometry3<f64>, b: &Isometry3<f64>) -> (f64, f64) {
        ((a.translation.vector - b.translation.vector).norm(), a.rotation.angle_to(&b.rotation))
    }

    #[test]
    fn at_zero_the_forearm_points_forward_and_the_reach_is_the_data_sheets() {
        let chain = chain("fanuc-m20id-25");
        let zero = chain.frames(&[0.0; 6]);
        // Wrist: x = a1 + c3, z = c1 + c2 − a2; the flange 90 mm further forward.
        let wrist = zero.links[5].translation.vector;
        assert!((wrist - Vector3::new(0.965, 0.0, 1.48)).norm() < 1e-12, "{wrist}");
        let flange = zero.links[6].translation.vector;
        assert!((flange - Vector3::new(1.055, 0.0, 1.48)).norm() < 1e-12, "{flange}");
        // Reach: from J1's axis to the wrist's centre with the arm stretched.
        let Geometry::Opw(o) = chain.robot.geometry else { panic!("another family") };
        let reach = o.a1 + chain.robot.geometry.stretched_m();
        assert!((reach - 1.831).abs() < 1e-3, "{reach} m");
    }

    #[test]
    fn the_chain_is_the_librarys_forward_kinematics() {
        for chain in OPW.map(chain) {
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            for _ in 0..10_000 {
                let q = random_angles(&chain, &mut rng);
                let (shift, turn) = off(&chain.tool(&q.0), &chain.library_tool(&q).unwrap());
                assert!(shift < 1e-12 && turn < 1e-7, "{q:?}: off by {shift} m, {turn} rad");
            }
        }
    }

    fn random_angles(chain: &Chain, rng: &mut ChaCha8Rng) -> JointAngles {
        JointAngles(std::array::from_fn(|i| {
            let limits = chain.limits()[i];
            rng.random_range(limits.min..limits.max)
        }))
    }

    #[test]
    fn inverse_undoes_forward_over_ten_thousand_poses() {
        for (name, count) in [(OPW[0], 10_000), (OPW[1], 2_000), (OPW[2], 2_000), ("ur10e", 1_000)] {
            let chain = chain(name);
            let mut rng = ChaCha8Rng::seed_from_u64(2);
            let (mut missed, mut worst) = (0, 0.0_f64);
            for n in 0..count {
                let q = random_angles(&chain, &mut rng);
                let tool = chain.tool(&q.0);
                let found = chain.inverse(&tool);
                for other in &found {
                    let (shift, turn) = off(&chain.tool(other), &tool);
                    assert!(shift < 1e-6 && turn < 1e-6, "{name}, pose {n}: off by {shift} m, {turn} rad");
                    worst = worst.max(shift);
                    assert_eq!(chain.outside(other), None);
                }
                let near = found.iter().any(|o| JointAngles(*o).largest_difference(&q) < 1e-5);
                // Where wrist or arm are singular any of infinitely many solutions may be given.
                missed += usize::from(!near && q.0[4].abs() > 1e-3);
            }
            assert_eq!(missed, 0, "{name}, worst shift {worst} m");
        }
    }

    #[test]
    fn following_a_pose_stays_on_the_branch() {
        let chain = chain("fanuc-m20id-25");
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut followed = 0;
        for _ in 0..1_000 {
            let q = random_angles(&chain, &mut rng);
            let mut tool = chain.tool(&q.0);
            tool.translation.vector += Vector3::new(0.004, -0.003, 0.005);
            if let Some((there, frames)) = chain.follow(&q.0, &tool) {
                let (shift, turn) = off(&frames.tool, &tool);
                assert!(shift < 1e-9 && turn < 1e-7, "off by {shift} m, {turn} rad");
                followed += usize::from(JointAngles(there).largest_difference(&q) < 0.1);
            }
        }
        // Some of the random configurations are at the edge of reach or near a singularity.
        assert!(followed > 850, "{followed} of 1000");
    }
}
