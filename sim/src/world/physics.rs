//! The border to the physics engine: bodies in and poses out. Besides `fingers` (the pinch) and `hull` (triangles)
//! nothing here knows of the engine's types.

use nalgebra::{Isometry3, Point3, Quaternion, Translation3, UnitQuaternion, Vector3};
use rapier3d::math::{Pose as EnginePose, Rotation};
use rapier3d::parry::query::{ShapeCastOptions, cast_shapes};
use rapier3d::prelude::{
    CoefficientCombineRule, ColliderBuilder, ColliderHandle, FixedJointBuilder, Group, ImpulseJointHandle,
    InteractionGroups, InteractionTestMode, MassProperties, Matrix, PhysicsWorld, RigidBodyBuilder, RigidBodyHandle,
    RigidBodyVelocity, Vector,
};

use super::shape::{Matter, Solid};

/// Standard gravity, m/s² (CGPM 1901).
pub(crate) const GRAVITY: f64 = 9.806_65;
/// Length of a step while the cell runs, seconds: short enough for the cups' springs on light items.
pub(crate) const STEP_S: f64 = 0.001;
/// Length of a step while items settle, seconds.
pub(crate) const SETTLE_STEP_S: f64 = 0.002;
/// How far the edges of items are rounded, metres; the outline stays the same.
const ROUNDING_M: f64 = 0.0015;
/// Friction of tote and bin walls in the engine; with an item's own it combines as the geometric mean. With
/// this value board of 0.3 against a wall (constants: cardboard on HDPE) has 0.5 against board.
pub(crate) const WALL_FRICTION: f64 = 0.18;
/// Friction of the tool's plate (aluminium).
const TOOL_FRICTION: f64 = 0.2;

/// A container without a lid: inner size, wall thickness, floor at z = 0 of its frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Walls {
    pub world_from: Isometry3<f64>,
    pub size: Vector3<f64>,
    pub wall: f64,
}

impl Walls {
    /// The four walls as boxes: centre in the world and half sides.
    pub fn boxes(&self, height: f64) -> [(Isometry3<f64>, Vector3<f64>); 4] {
        let (x, y, w) = (0.5 * self.size.x, 0.5 * self.size.y, 0.5 * self.wall);
        let at = |cx: f64, cy: f64, hx: f64, hy: f64| {
            (self.world_from * Isometry3::translation(cx, cy, 0.5 * height), Vector3::new(hx, hy, 0.5 * height))
        };
        [
            at(x + w, 0.0, w, y + self.wall),
            at(-x - w, 0.0, w, y + self.wall),
            at(0.0, y + w, x, w),
            at(0.0, -y - w, x, w),
        ]
    }

    /// True when a point lies over the inner floor, below `top` metres and not under it.
    pub fn holds(&self, point: &Point3<f64>, top: f64) -> bool {
        let p = self.world_from.inverse_transform_point(point);
        p.x.abs() <= 0.5 * self.size.x && p.y.abs() <= 0.5 * self.size.y && p.z > -0.01 && p.z < top
    }
}

/// Rolling resistance of cans on a tote's ribs and on others, a share of what presses on them (estimate).
const ROLLING: f64 = 0.02;
/// Content that shifts in its bag swings on a spring at this frequency, hertz (estimate).
const SLOSH_HZ: f64 = 4.0;
/// What is further out than this from the middle of the table, or below it, has left the world, metres.
const WORLD_REACH_M: [f64; 2] = [3.0, 3.0];
const WORLD_HEIGHT_M: std::ops::Range<f64> = -0.02..4.0;

/// How far the engine's casts of shapes end inside of what they meet, metres (measured).
const CAST_M: f64 = 0.001;

/// An item's body in the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodyId(pub(super) RigidBodyHandle);

/// A wall that may be taken away again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WallId(ColliderHandle);

/// Two items that stick together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BondId(ImpulseJointHandle);

/// How a body moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Motion {
    /// Velocity of the centre of mass, m/s.
    pub linear: Vector3<f64>,
    /// Angular velocity, rad/s.
    pub angular: Vector3<f64>,
}

/// What a ribbed floor takes from a body that rolls.
#[derive(Debug, Clone, Copy)]
struct Rolling {
    body: RigidBodyHandle,
    radius: f64,
    /// The axis of a cylinder in its frame; any for a mesh.
    axis: Option<Vector>,
}

/// Content that shifts inside a body: a mass on a spring and damper at the body's centre of mass.
#[derive(Debug, Clone, Copy)]
struct Slosh {
    body: RigidBodyHandle,
    mass_kg: f32,
    stiffness: f32,
    damping: f32,
    /// Where it is from the centre of mass, in the world, metres, and its velocity, m/s.
    off: Vector,
    velocity: Vector,
}

/// The rigid bodies of the cell.
pub(crate) struct Physics {
    pub(super) world: PhysicsWorld,
    pub(super) tool: Option<RigidBodyHandle>,
    rolling: Vec<Rolling>,
    sloshing: Vec<Slosh>,
}

impl std::fmt::Debug for Physics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Physics").field("bodies", &self.world.bodies.len()).finish_non_exhaustive()
    }
}

impl Physics {
    /// A world with nothing but the table at z = 0; its steps are `step_s` long.
    pub fn new(step_s: f64) -> Self {
        let mut world = PhysicsWorld::new();
        world.gravity = Vector::new(0.0, 0.0, -GRAVITY as f32);
        let p = &mut world.integration_parameters;
        p.dt = step_s as f32;
        p.length_unit = 0.1;
        // The engine would keep contacts over a drift of 5 mm at this unit of length. They turn with a body that rolls,
        // and drive it: every tenth pour never came to rest, every hundredth or so does not without.
        p.contact_recycling = false;
        let mut physics = Self { world, tool: None, rolling: Vec::new(), sloshing: Vec::new() };
        physics.add_static(&Isometry3::translation(0.5, 0.0, -0.25), &Vector3::new(3.0, 3.0, 0.25));
        physics
    }

    /// Adds a fixed box: its centre and half sides.
    pub fn add_static(&mut self, world_from_box: &Isometry3<f64>, half: &Vector3<f64>) -> WallId {
        let collider = ColliderBuilder::cuboid(half.x as f32, half.y as f32, half.z as f32)
            .position(to_engine(world_from_box))
            .friction(WALL_FRICTION as f32)
            .friction_combine_rule(CoefficientCombineRule::GeometricMean)
            .restitution(0.0);
        WallId(self.world.insert_collider(collider, None))
    }

    /// Adds the walls of a container, `height` metres high.
    pub fn add_walls(&mut self, walls: &Walls, height: f64) -> Vec<WallId> {
        walls.boxes(height).iter().map(|(at, half)| self.add_static(at, half)).collect()
    }

    /// Takes a wall away.
    pub fn remove_wall(&mut self, wall: WallId) {
        self.world.remove_collider(wall.0);
    }

    /// Adds an item at rest.
    pub fn add_item(&mut self, matter: &Matter, world_from_item: &Isometry3<f64>) -> BodyId {
        let inertia = matter.inertia();
        let body = RigidBodyBuilder::dynamic()
            .pose(to_engine(world_from_item))
            .additional_mass_properties(MassProperties::with_inertia_matrix(
                to_vector(&matter.centre_of_mass),
                matter.core_kg() as f32,
                Matrix::from_cols_array(&std::array::from_fn(|k| inertia[(k % 3, k / 3)] as f32)),
            ))
            .angular_damping(0.8)
            .linear_damping(0.02)
            .gyroscopic_forces_enabled(true);
        let handle = self.world.insert_body(body);
        for shape in colliders(&matter.solid) {
            let collider = shape
                .density(0.0)
                .friction(matter.friction as f32)
                .friction_combine_rule(CoefficientCombineRule::GeometricMean)
                .restitution(matter.restitution as f32)
                .restitution_combine_rule(CoefficientCombineRule::Average);
            self.world.insert_collider(collider, Some(handle));
        }
        let rolls = match &matter.solid {
            Solid::Box { .. } => None,
            Solid::Cylinder { radius, .. } => Some((*radius, Some(Vector::new(0.0, 0.0, 1.0)))),
            Solid::Mesh(hull) => Some((hull.half.min(), None)),
        };
        self.rolling.extend(rolls.map(|(radius, axis)| Rolling { body: handle, radius, axis }));
        self.sloshing.extend(matter.soft.filter(|soft| soft.slosh_share > 0.0).map(|soft| {
            let mass = matter.mass_kg * soft.slosh_share;
            let turns = std::f64::consts::TAU * SLOSH_HZ;
            Slosh {
                body: handle,
                mass_kg: mass as f32,
                stiffness: (mass * turns * turns) as f32,
                damping: (2.0 * soft.damping * mass * turns) as f32,
                off: Vector::new(0.0, 0.0, (-GRAVITY / (turns * turns)) as f32),
                velocity: Vector::ZERO,
            }
        }));
        BodyId(handle)
    }

    /// Adds the rigid part of the tool as a body that goes where it is told. Boxes in the tool's frame.
    pub fn add_tool(&mut self, world_from_tool: &Isometry3<f64>, boxes: &[(Isometry3<f64>, Vector3<f64>)]) {
        let body = RigidBodyBuilder::kinematic_position_based().pose(to_engine(world_from_tool));
        let handle = self.world.insert_body(body);
        for (tool_from_box, half) in boxes {
            let collider = ColliderBuilder::cuboid(half.x as f32, half.y as f32, half.z as f32)
                .position(to_engine(tool_from_box))
                .friction(TOOL_FRICTION as f32)
                .friction_combine_rule(CoefficientCombineRule::GeometricMean)
                .collision_groups(InteractionGroups::new(Group::GROUP_1, Group::ALL, InteractionTestMode::default()));
            self.world.insert_collider(collider, Some(handle));
        }
        self.tool = Some(handle);
    }

    /// Where the tool will be at the end of the next step.
    pub fn move_tool(&mut self, world_from_tool: &Isometry3<f64>) {
        if let Some(tool) = self.tool.and_then(|t| self.world.bodies.get_mut(t)) {
            tool.set_next_kinematic_position(to_engine(world_from_tool));
        }
    }

    /// Changes the length of the steps, seconds.
    pub fn set_step(&mut self, step_s: f64) {
        self.world.integration_parameters.dt = step_s as f32;
    }

    /// Force that items press on the stiff parts of the tool with, as of the last step, in the world, newtons.
    pub fn force_on_tool(&self) -> Vector3<f64> {
        let Some(tool) = self.tool.and_then(|t| self.world.bodies.get(t)) else {
            return Vector3::zeros();
        };
        let mut sum = Vector3::zeros();
        for &collider in tool.colliders() {
            for pair in self.world.contact_pairs_with(collider) {
                // The normals point from the first collider to the second.
                let impulse = from_vector(pair.total_impulse());
                sum += if pair.collider2 == collider { impulse } else { -impulse };
            }
        }
        sum / f64::from(self.world.integration_parameters.dt)
    }

    /// What gave a body a push upwards in the last step, N·s: other bodies, and none for what is fixed. Nothing new of one
    /// that sleeps.
    pub fn held_up_by(&self, body: BodyId) -> Vec<(Option<BodyId>, f64)> {
        let mut found = Vec::new();
        for &collider in self.world.bodies[body.0].colliders() {
            for pair in self.world.contact_pairs_with(collider) {
                // The normals point from the first collider to the second.
                let (other, way) =
                    if pair.collider2 == collider { (pair.collider1, 1.0) } else { (pair.collider2, -1.0) };
                let up = f64::from(way * pair.total_impulse().z);
                if up > 0.0 {
                    found.push((self.world.colliders.get(other).and_then(|c| c.parent()).map(BodyId), up));
                }
            }
        }
        found
    }

    /// How far above a pose an item that comes straight down to it first touches something, metres; 0 where it touches
    /// nothing, `way_m` where it touches from the start. The tool is not in the way.
    pub fn touches_above(&self, matter: &Matter, world_from_item: &Isometry3<f64>, way_m: f64) -> f64 {
        let from = to_engine(&(Translation3::new(0.0, 0.0, way_m) * world_from_item));
        let down = Vector::new(0.0, 0.0, -1.0);
        let mut free_m = way_m as f32;
        for part in colliders(&matter.solid).iter().map(ColliderBuilder::build) {
            let at = from * *part.position();
            for (_, other) in
                self.world.colliders.iter().filter(|(_, c)| self.tool.is_none() || c.parent() != self.tool)
            {
                let options = ShapeCastOptions::with_max_time_of_impact(free_m);
                // Pairs of shapes that the engine can't cast don't occur: all are convex.
                let hit = cast_shapes(&at, down, part.shape(), other.position(), Vector::ZERO, other.shape(), options);
                if let Ok(Some(hit)) = hit {
                    free_m = free_m.min(hit.time_of_impact);
                }
            }
        }
        // A cast ends up to a millimetre inside of rounded shapes.
        if free_m < way_m as f32 { (way_m - f64::from(free_m) + CAST_M).min(way_m) } else { 0.0 }
    }

    /// One step.
    pub fn step(&mut self) {
        self.slosh();
        self.world.step();
        self.resist_rolling();
    }

    /// Lets the content of bags swing, and pull on its bag.
    fn slosh(&mut self) {
        let step_s = self.world.integration_parameters.dt;
        let gravity = self.world.gravity;
        for content in &mut self.sloshing {
            let body = &mut self.world.bodies[content.body];
            if body.is_sleeping() {
                content.velocity = Vector::ZERO;
                continue;
            }
            let apart = content.velocity - body.linvel();
            let force = -content.stiffness * content.off - content.damping * apart;
            content.velocity += (force / content.mass_kg + gravity) * step_s;
            content.off += (content.velocity - body.linvel()) * step_s;
            body.apply_impulse(-force * step_s, false);
        }
    }

    /// True when a body is where something of the cell can be: in reach of the table, not under it, and a number.
    pub fn is_in_world(&self, body: BodyId) -> bool {
        let pose = self.pose(body);
        let at = pose.translation.vector;
        let [x, y] = WORLD_REACH_M;
        pose.rotation.coords.iter().all(|q| q.is_finite())
            && (at.x - 0.5).abs() < x
            && at.y.abs() < y
            && WORLD_HEIGHT_M.contains(&at.z)
    }

    /// Energy of motion of a body, joules.
    pub fn kinetic_j(&self, body: BodyId) -> f64 {
        f64::from(self.world.bodies[body.0].kinetic_energy())
    }

    /// Energy of motion, of height and of the spring of what shifts inside a body, joules.
    pub fn content_j(&self, body: BodyId) -> f64 {
        let Some(content) = self.sloshing.iter().find(|content| content.body == body.0) else {
            return 0.0;
        };
        let height = self.centre_of_mass(body).z + f64::from(content.off.z);
        let spring = 0.5 * f64::from(content.stiffness * content.off.length_squared());
        let motion = 0.5 * f64::from(content.mass_kg * content.velocity.length_squared());
        motion + spring + f64::from(content.mass_kg) * GRAVITY * height
    }

    /// Takes from each rolling cylinder what a ribbed floor takes: an angular deceleration c g / (1.5 r) about its axis,
    /// of a solid cylinder that rolls without slipping under its own weight; more where others press on it. In the
    /// air it takes as much as alone on the floor, which is little.
    fn resist_rolling(&mut self) {
        let step_s = self.world.integration_parameters.dt;
        for rolling in &self.rolling {
            let body = &self.world.bodies[rolling.body];
            if body.is_sleeping() {
                continue;
            }
            let own = body.mass() * GRAVITY as f32 * step_s;
            let colliders = body.colliders().iter();
            let pressed: f32 = colliders
                .flat_map(|&collider| self.world.contact_pairs_with(collider))
                .map(|pair| pair.total_impulse_magnitude())
                .sum();
            let loaded = (pressed / own).max(1.0);
            let body = &mut self.world.bodies[rolling.body];
            let turning = body.angvel();
            let axis = match rolling.axis {
                Some(axis) => body.position().rotation * axis,
                None => turning.normalize_or_zero(),
            };
            let about = turning.dot(axis);
            let most = (ROLLING * GRAVITY / (1.5 * rolling.radius)) as f32 * step_s * loaded;
            body.set_angvel(turning - axis * about.clamp(-most, most), false);
        }
    }

    /// Where a body is.
    pub fn pose(&self, body: BodyId) -> Isometry3<f64> {
        from_engine(self.world.bodies[body.0].position())
    }

    /// Sets a body down somewhere at rest.
    pub fn place(&mut self, body: BodyId, world_from_item: &Isometry3<f64>) {
        let body = &mut self.world.bodies[body.0];
        body.set_position(to_engine(world_from_item), true);
        body.set_vels(RigidBodyVelocity::zero(), true);
    }

    /// Lets a body move again.
    pub fn wake(&mut self, body: BodyId) {
        self.world.bodies[body.0].wake_up(true);
    }

    /// Stops a body where it is; it falls asleep by itself.
    pub fn rest(&mut self, body: BodyId) {
        // The engine's own `sleep` leaves a body in an active island without its contacts: it falls through the floor.
        self.world.bodies[body.0].set_vels(RigidBodyVelocity::zero(), false);
    }

    /// How a body moves.
    pub fn motion(&self, body: BodyId) -> Motion {
        let body = &self.world.bodies[body.0];
        Motion { linear: from_vector(body.linvel()), angular: from_vector(body.angvel()) }
    }

    /// Where its centre of mass is in the world.
    pub fn centre_of_mass(&self, body: BodyId) -> Point3<f64> {
        Point3::from(from_vector(self.world.bodies[body.0].center_of_mass()))
    }

    /// True when the engine has put the body to sleep.
    pub fn is_asleep(&self, body: BodyId) -> bool {
        self.world.bodies[body.0].is_sleeping()
    }

    /// Sets the force (N) and torque about the centre of mass (N·m) that act during the next step, in the world.
    pub fn set_wrench(&mut self, body: BodyId, force: &Vector3<f64>, torque: &Vector3<f64>) {
        let body = &mut self.world.bodies[body.0];
        body.reset_forces(false);
        body.reset_torques(false);
        body.add_force(to_vector(force), true);
        body.add_torque(to_vector(torque), true);
    }

    /// Joins two bodies as they lie.
    pub fn bond(&mut self, a: BodyId, b: BodyId) -> BondId {
        let (at_a, at_b) = (*self.world.bodies[a.0].position(), *self.world.bodies[b.0].position());
        let joint = FixedJointBuilder::new().local_frame1(at_a.inverse() * at_b).contacts_enabled(false);
        BondId(self.world.insert_impulse_joint(a.0, b.0, joint))
    }

    /// Force that a bond took in the last step, newtons; none once it is gone.
    pub fn bond_pull_n(&self, bond: BondId) -> f64 {
        let step_s = self.world.integration_parameters.dt;
        self.world.impulse_joints.get(bond.0).map_or(0.0, |joint| {
            let impulse = joint.impulses;
            f64::from((impulse[0] * impulse[0] + impulse[1] * impulse[1] + impulse[2] * impulse[2]).sqrt() / step_s)
        })
    }

    /// Parts what a bond held.
    pub fn unbond(&mut self, bond: BondId) {
        self.world.remove_impulse_joint(bond.0);
    }

    /// Takes away what [`Self::set_wrench`] set.
    pub fn clear_wrench(&mut self, body: BodyId) {
        let body = &mut self.world.bodies[body.0];
        body.reset_forces(true);
        body.reset_torques(true);
    }
}

/// The shapes that an item collides as. Edges of boxes and cylinders are rounded within their outline; the parts of a
/// mesh keep theirs.
fn colliders(solid: &Solid) -> Vec<ColliderBuilder> {
    let border = ROUNDING_M.min(0.25 * solid.half_extents().min());
    match solid {
        Solid::Box { half } => {
            let core = half.add_scalar(-border);
            vec![ColliderBuilder::round_cuboid(core.x as f32, core.y as f32, core.z as f32, border as f32)]
        }
        Solid::Cylinder { radius, half_height } => {
            let round =
                ColliderBuilder::round_cylinder((half_height - border) as f32, (radius - border) as f32, border as f32);
            // The engine's cylinders stand along y, ours along z.
            vec![round.rotation(Vector::new(std::f32::consts::FRAC_PI_2, 0.0, 0.0))]
        }
        Solid::Mesh(hull) => {
            let convex = |part: &Vec<Point3<f64>>| {
                let corners: Vec<Vector> = part.iter().map(|p| to_vector(&p.coords)).collect();
                ColliderBuilder::convex_hull(&corners)
            };
            let parts: Vec<ColliderBuilder> = hull.parts.iter().filter_map(convex).collect();
            if parts.is_empty() {
                // Flat parts enclose nothing: the box around them collides.
                let half = hull.half;
                return vec![ColliderBuilder::cuboid(half.x as f32, half.y as f32, half.z as f32)];
            }
            parts
        }
    }
}

pub(super) fn to_vector(v: &Vector3<f64>) -> Vector {
    Vector::new(v.x as f32, v.y as f32, v.z as f32)
}

pub(super) fn from_vector(v: Vector) -> Vector3<f64> {
    Vector3::new(f64::from(v.x), f64::from(v.y), f64::from(v.z))
}

pub(super) fn to_engine(pose: &Isometry3<f64>) -> EnginePose {
    let q = pose.rotation.coords;
    EnginePose::from_parts(
        to_vector(&pose.translation.vector),
        Rotation::from_xyzw(q.x as f32, q.y as f32, q.z as f32, q.w as f32).normalize(),
    )
}

fn from_engine(pose: &EnginePose) -> Isometry3<f64> {
    let r = pose.rotation;
    Isometry3::from_parts(
        Translation3::from(from_vector(pose.translation)),
        UnitQuaternion::from_quaternion(Quaternion::new(
            f64::from(r.w),
            f64::from(r.x),
            f64::from(r.y),
            f64::from(r.z),
        )),
    )
}
