//! The pinch: two fingers on the tool that close with a given force; contact and friction are the engine's.
//!
//! Unpowered the fingers are parked and touch nothing. Powered they slide out past the lips, then close with the
//! force that they are told; a rack couples them, so that they stay centred. Told 0 they open, then slide back.

use control::Pinch;
use nalgebra::{Isometry3, Translation3, Vector3};
use rapier3d::prelude::{
    CoefficientCombineRule, ColliderBuilder, ColliderHandle, ImpulseJointHandle, JointAxis, MotorModel,
    PrismaticJointBuilder, RigidBodyBuilder, RigidBodyHandle, RigidBodyVelocity, Vector,
};

use super::physics::{BodyId, Physics, STEP_S, WALL_FRICTION, from_vector, to_engine, to_vector};

/// Stiffness and damping of the rack that couples the fingers, N/m and N s/m (estimates; stiff enough that 5 m/s² on a
/// kilogram shift it by less than a millimetre).
const RACK: f64 = 4_000.0;
const RACK_DAMPING: f64 = 30.0;
/// Force that opens the fingers, newtons (estimate: a return spring).
const OPENING_N: f64 = 10.0;
/// How far up from where they work the fingers are parked, metres (estimate).
const PARKED_M: f64 = 0.075;
/// Gain of the drive towards its speed, 1/s: so high that the force that was told is what limits it.
const DRIVE: f32 = 20_000.0;
/// The pads' friction is given against board, which has this against a wall (constants 3).
const BOARD_FRICTION: f64 = 0.3;
/// How long the fingers open before they slide back, seconds (estimate).
const OPENS_S: f64 = 0.35;

#[derive(Debug)]
struct Finger {
    body: RigidBodyHandle,
    pad: ColliderHandle,
    joint: ImpulseJointHandle,
    /// +1 for the finger at +y.
    side: f64,
}

/// Both fingers with what they do.
#[derive(Debug)]
pub(crate) struct Fingers {
    truth: Pinch,
    /// The slide that carries them; it goes where it is told.
    carriage: RigidBodyHandle,
    fingers: [Finger; 2],
    /// How far they are slid out, 0 to 1.
    out: f64,
    /// How long they have been told to open, seconds.
    opening_s: f64,
}

/// What the fingers feel in a step.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Felt {
    /// What each body is squeezed with between the pads, newtons: the lesser of both pads' forces. Empty: none is.
    pub squeezed_n: Vec<f64>,
    /// Force of the world on the fingers, in the world, newtons.
    pub force: Vector3<f64>,
}

impl Fingers {
    /// Adds the fingers to a world, parked. The true friction of their pads is `friction`.
    pub fn add(physics: &mut Physics, truth: &Pinch, friction: f64, world_from_tool: &Isometry3<f64>) -> Self {
        let at = world_from_tool * Isometry3::translation(0.0, 0.0, -PARKED_M);
        let carriage = physics.world.insert_body(RigidBodyBuilder::kinematic_position_based().pose(to_engine(&at)));
        let half = Vector3::from(truth.pad_m) * 0.5;
        let middle = truth.reach_m - half.z;
        let fingers = [1.0, -1.0].map(|side| {
            let opened = side * (0.5 * truth.open_m + half.y);
            let start = at * Isometry3::translation(0.0, opened, middle);
            let body =
                RigidBodyBuilder::dynamic().pose(to_engine(&start)).gravity_scale(0.0).can_sleep(false).enabled(false);
            let body = physics.world.insert_body(body);
            let pad = ColliderBuilder::cuboid(half.x as f32, half.y as f32, half.z as f32)
                .mass(truth.finger_kg as f32)
                .friction((WALL_FRICTION * (friction / BOARD_FRICTION).powi(2)) as f32)
                .friction_combine_rule(CoefficientCombineRule::GeometricMean);
            let pad = physics.world.insert_collider(pad, Some(body));
            // The joint's coordinate is how far the finger has closed.
            let joint = PrismaticJointBuilder::new(Vector::new(0.0, -side as f32, 0.0))
                .local_anchor1(to_vector(&Vector3::new(0.0, opened, middle)))
                .contacts_enabled(false)
                .limits([0.0, (0.5 * (truth.open_m - truth.closed_m)) as f32])
                .motor_model(MotorModel::AccelerationBased)
                .motor_velocity(0.0, DRIVE);
            let joint = physics.world.insert_impulse_joint(carriage, body, joint);
            Finger { body, pad, joint, side }
        });
        Self { truth: truth.clone(), carriage, fingers, out: 0.0, opening_s: 0.0 }
    }

    /// Before a step at whose end the tool is at `world_from_tool`: told to close with `force_n`, 0 to open.
    pub fn drive(&mut self, physics: &mut Physics, world_from_tool: &Isometry3<f64>, force_n: f64) {
        let was_parked = self.out <= 0.0;
        let closing = force_n > 0.0;
        self.opening_s = if closing { 0.0 } else { self.opening_s + STEP_S };
        let slide = STEP_S / self.truth.slide_s;
        if closing {
            self.out = (self.out + slide).min(1.0);
        } else if self.opening_s > OPENS_S {
            self.out = (self.out - slide).max(0.0);
        }
        let parked = self.out <= 0.0;
        let at = world_from_tool * Isometry3::translation(0.0, 0.0, -PARKED_M * (1.0 - self.out));
        let carriage = &mut physics.world.bodies[self.carriage];
        if parked || was_parked {
            carriage.set_position(to_engine(&at), false);
        }
        carriage.set_next_kinematic_position(to_engine(&at));
        if parked != was_parked {
            self.set_out(physics, &at, !parked);
        }
        if parked {
            return;
        }
        let (speed, most) = match (closing, self.out >= 1.0) {
            (true, true) => (self.truth.close_m_per_s, force_n),
            _ => (-self.truth.close_m_per_s, OPENING_N),
        };
        let off: f64 = self.fingers.iter().map(|f| self.along_y(physics, f)).sum();
        let drift: f64 = self.fingers.iter().map(|f| self.speed_along_y(physics, f, world_from_tool)).sum();
        let centring = world_from_tool.rotation * Vector3::y() * (-0.5 * RACK * off - 0.5 * RACK_DAMPING * drift);
        for finger in &self.fingers {
            if let Some(joint) = physics.world.impulse_joints.get_mut(finger.joint, true) {
                let data = &mut joint.data;
                data.set_motor_velocity(JointAxis::LinX, speed as f32, DRIVE);
                data.set_motor_max_force(JointAxis::LinX, most as f32);
            }
            let body = &mut physics.world.bodies[finger.body];
            body.reset_forces(false);
            body.add_force(to_vector(&centring), true);
        }
    }

    /// After a step: what the fingers feel of the world and of each of `bodies`.
    pub fn feel(&self, physics: &Physics, bodies: &[BodyId]) -> Felt {
        if self.out <= 0.0 {
            return Felt { squeezed_n: vec![0.0; bodies.len()], force: Vector3::zeros() };
        }
        let presses = [0, 1].map(|k| self.presses(physics, &self.fingers[k]));
        let on = |k: usize, body: &BodyId| {
            presses[k].iter().filter(|(with, _)| *with == body.0).map(|(_, n)| n).sum::<f64>()
        };
        Felt {
            squeezed_n: bodies.iter().map(|body| on(0, body).min(on(1, body))).collect(),
            force: self.fingers.iter().map(|f| self.reaction(physics, f)).sum(),
        }
    }

    /// Puts the fingers into the world, open, or takes them out.
    fn set_out(&self, physics: &mut Physics, world_from_carriage: &Isometry3<f64>, out: bool) {
        let half = Vector3::from(self.truth.pad_m) * 0.5;
        for finger in &self.fingers {
            let opened = finger.side * (0.5 * self.truth.open_m + half.y);
            let at = world_from_carriage
                * Isometry3::from_parts(
                    Translation3::new(0.0, opened, self.truth.reach_m - half.z),
                    nalgebra::UnitQuaternion::identity(),
                );
            let body = &mut physics.world.bodies[finger.body];
            body.set_position(to_engine(&at), false);
            body.set_vels(RigidBodyVelocity::zero(), false);
            body.set_enabled(out);
        }
    }

    /// A finger's place along the tool's y axis, metres.
    fn along_y(&self, physics: &Physics, finger: &Finger) -> f64 {
        let carriage = physics.world.bodies[self.carriage].position();
        let at = physics.world.bodies[finger.body].position().translation;
        from_vector(carriage.rotation.inverse() * (at - carriage.translation)).y
    }

    fn speed_along_y(&self, physics: &Physics, finger: &Finger, world_from_tool: &Isometry3<f64>) -> f64 {
        let own = from_vector(physics.world.bodies[finger.body].linvel());
        let carried = from_vector(physics.world.bodies[self.carriage].linvel());
        world_from_tool.inverse_transform_vector(&(own - carried)).y
    }

    /// What a pad presses on, and how hard, newtons.
    fn presses(&self, physics: &Physics, finger: &Finger) -> Vec<(RigidBodyHandle, f64)> {
        let step_s = f64::from(physics.world.integration_parameters.dt);
        physics
            .world
            .contact_pairs_with(finger.pad)
            .filter_map(|pair| {
                let other = if pair.collider1 == finger.pad { pair.collider2 } else { pair.collider1 };
                let body = physics.world.colliders.get(other)?.parent()?;
                let force = f64::from(pair.total_impulse_magnitude()) / step_s;
                (force > 0.0).then_some((body, force))
            })
            .collect()
    }

    /// What a finger's joint passes on to the tool, in the world, newtons.
    fn reaction(&self, physics: &Physics, finger: &Finger) -> Vector3<f64> {
        let Some(joint) = physics.world.impulse_joints.get(finger.joint) else { return Vector3::zeros() };
        let [x, y, z, ..] = joint.impulses;
        let frame = joint.data.local_frame1.rotation;
        let carriage = physics.world.bodies[self.carriage].position().rotation;
        let impulse = carriage * (frame * Vector::new(x, y, z));
        // The engine keeps the impulse of its last substep.
        let parameters = &physics.world.integration_parameters;
        from_vector(impulse) * (parameters.num_solver_iterations as f64 / f64::from(parameters.dt))
    }
}
