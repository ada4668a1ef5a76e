//! The bellows cups: what they push, what they hold, and when they let go.
//!
//! A cup is a ring of springs along its axis. While nothing is held it only pushes. Once the pressure under a
//! closed lip passes [`GRAB_PA`] the lip stays where it is on the item, and the item hangs on springs: axial
//! (the bellows against the vacuum), lateral, bending and twisting. Several cups share the load as their
//! springs do, which is the split of least spring energy (Lee et al., arXiv 2408.03498).

use firmware::CUPS;
use nalgebra::{Isometry3, Point3, Unit, UnitQuaternion, Vector3};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::physics::STEP_S;
use super::pneumatics::{AMBIENT_PA, Leak, Mouth};
use super::ring::{self, LipTruth, Near, Seen, Target};
use super::shape::Matter;

/// A closed lip holds from this pressure on, pascals.
const GRAB_PA: f64 = 3_000.0;
/// And lets go below this, pascals.
const LET_GO_PA: f64 = 1_000.0;
/// The largest gap that counts as closed enough to hold, m².
const CLOSED_M2: f64 = 6e-6;
/// Damping ratio of the bellows (silicone).
const DAMPING: f64 = 0.2;
/// Share of the stroke after which the folds lie on each other.
const FOLDED: f64 = 0.88;
/// How much stiffer folds on folds are.
const FOLDED_STIFFNESS: f64 = 15.0;
/// Lateral stiffness as a share of the axial one, open.
const LATERAL: f64 = 0.45;
/// And with the bellows half collapsed or more.
const LATERAL_COLLAPSED: f64 = 1.5;
/// Collapsed bellows keep this share of the cup's volume.
const LEAST_VOLUME: f64 = 0.3;
/// Bending stiffness over that of a ring of the axial springs.
const BENDING: f64 = 2.0;
/// A lip that has crept this far over its item loses it, metres.
const MOST_CREEP_M: f64 = 0.010;
/// How long a lip may stand beyond its limits before it is off, seconds.
const PEEL_S: f64 = 0.004;
/// A peeled lip stays open for this long, seconds.
const OPEN_S: f64 = 0.03;
/// Opening of a lip that lifts, for each unit of moment over the limit, metres.
const LIFT_M: f64 = 0.000_6;

/// True values of the cups in one run.
#[derive(Debug, Clone)]
pub(crate) struct CupTruth {
    /// Centre of the free lip in the tool's frame, metres.
    pub centre: [f64; 2],
    /// Axial stiffness, N/m.
    pub stiffness: f64,
    /// Friction of the lip.
    pub friction: f64,
    /// Area that the vacuum acts on, m².
    pub area: f64,
    /// Area of the open mouth, m².
    pub mouth: f64,
    /// Volume of cup and line with the bellows open, m³.
    pub volume: f64,
    /// What the lip puts up with.
    pub lip: LipTruth,
}

impl CupTruth {
    /// Volume of cup and line with the bellows closed by `compression` metres, m³.
    fn volume_at(&self, compression: f64) -> f64 {
        (self.volume - compression * self.area).max(LEAST_VOLUME * self.volume)
    }
}

/// How an item's surface leaks under a lip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Surface {
    /// Median leak at 40 kPa through material and roughness, m³/s.
    pub at_40_kpa: f64,
    /// Standard deviation of its logarithm from attempt to attempt.
    pub sigma: f64,
    /// Chance that the lip lies over a seam, and what that leaks at 40 kPa, m³/s.
    pub seam_chance: f64,
    pub seam_at_40_kpa: f64,
}

/// An item as the cups meet it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Met {
    pub world_from_item: Isometry3<f64>,
    pub centre_of_mass: Point3<f64>,
    pub linear: Vector3<f64>,
    pub angular: Vector3<f64>,
    pub matter: Matter,
    pub surface: Surface,
}

/// Force and torque about the centre of mass, in the world.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Wrench {
    pub force: Vector3<f64>,
    pub torque: Vector3<f64>,
    /// Force of springs that presses the item away from the tool, newtons.
    pub press_n: f64,
    /// True when some cup acts on the item.
    pub any: bool,
}

impl Wrench {
    fn add(&mut self, force: &Vector3<f64>, at: &Point3<f64>, centre: &Point3<f64>) {
        self.force += force;
        self.torque += (at - centre).cross(force);
        self.any = true;
    }
}

/// Where the tool is and how it moves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ToolMotion {
    pub world_from_tool: Isometry3<f64>,
    pub linear: Vector3<f64>,
    pub angular: Vector3<f64>,
}

impl ToolMotion {
    fn velocity_at(&self, point: &Point3<f64>) -> Vector3<f64> {
        self.linear + self.angular.cross(&(point.coords - self.world_from_tool.translation.vector))
    }
}

/// A lip that stays where it is on something.
#[derive(Debug, Clone, Copy)]
struct Grip {
    target: Target,
    /// Centre of the lip and the face's outward normal, in the item's frame (the world's for fixed things).
    point: Point3<f64>,
    normal: Unit<Vector3<f64>>,
    /// The tool's x axis in that frame when the lip took hold, turned on as the lip slips.
    heading: Vector3<f64>,
    /// Where the lateral spring is anchored in the tool's frame, metres from the cup's axis.
    anchor: [f64; 2],
    crept: f64,
    over_s: f64,
    age: u32,
    gap_m2: f64,
}

/// One cup.
#[derive(Debug, Clone)]
pub(crate) struct Cup {
    pub truth: CupTruth,
    grip: Option<Grip>,
    /// The leak of this attempt on this target.
    attempt: Option<(Target, f64)>,
    open_s: f64,
    /// What lets air in.
    pub leak: Leak,
    /// Pull on the tool along its +z, newtons; negative when pressed.
    pub pull_n: f64,
    /// Compression, metres.
    pub compression: f64,
    /// How fast the bellows close while a lip is on something, m/s.
    closing: f64,
}

impl Cup {
    pub fn new(truth: CupTruth) -> Self {
        let leak = Leak::open(truth.mouth);
        Self { truth, grip: None, attempt: None, open_s: 0.0, leak, pull_n: 0.0, compression: 0.0, closing: 0.0 }
    }

    /// What the pneumatics need to know of its mouth.
    pub fn mouth(&self) -> Mouth {
        Mouth {
            leak: self.leak,
            volume_m3: self.truth.volume_at(self.compression),
            squeezing_m3_s: self.closing * self.truth.area,
        }
    }

    /// The item that the cup holds.
    pub fn held(&self) -> Option<usize> {
        match self.grip?.target {
            Target::Item(i) => Some(i),
            Target::Fixed => None,
        }
    }
}

/// Lets all cups act for one physics step; `wrenches` belong to `items`.
pub(crate) fn act(
    cups: &mut [Cup; CUPS],
    tool: &ToolMotion,
    near: &[Near],
    items: &[Met],
    pressures: &[f64; CUPS],
    wrenches: &mut [Wrench],
    rng: &mut ChaCha8Rng,
) {
    let mut on: [Option<Target>; CUPS] = [None; CUPS];
    let mut seen: [Option<Seen>; CUPS] = std::array::from_fn(|_| None);
    for (i, cup) in cups.iter_mut().enumerate() {
        if let Some(grip) = &cup.grip {
            on[i] = Some(grip.target);
        } else {
            seen[i] = ring::look(&tool.world_from_tool, cup.truth.centre, &cup.truth.lip, near);
            on[i] = seen[i].as_ref().filter(|s| !s.pressed.is_empty()).map(|s| s.target);
        }
    }
    for i in 0..CUPS {
        let sharing = on.iter().filter(|t| **t == on[i]).count().max(1);
        let cup = &mut cups[i];
        cup.open_s = (cup.open_s - STEP_S).max(0.0);
        if cup.grip.is_some() {
            hold(cup, tool, near, items, pressures[i], sharing, wrenches);
        } else {
            push(cup, seen[i].as_ref(), tool, items, pressures[i], sharing, wrenches, rng);
        }
    }
}

/// What one explicit step may put on a target without overshooting.
#[derive(Debug, Clone, Copy)]
struct Felt {
    /// Largest stiffness, N/m.
    limit: f64,
    /// Force of the damping at the speed that the target moves away with, newtons.
    damping_n: f64,
}

impl Felt {
    fn at(
        target: Target,
        items: &[Met],
        point: &Point3<f64>,
        axis: &Vector3<f64>,
        tool: &ToolMotion,
        truth: &CupTruth,
        sharing: usize,
    ) -> Self {
        let Target::Item(i) = target else {
            return Self { limit: f64::INFINITY, damping_n: 0.0 };
        };
        let n = sharing as f64;
        let mass = felt_mass(&items[i], point, axis);
        let speed = (velocity_at(&items[i], point) - tool.velocity_at(point)).dot(axis);
        let damping = (2.0 * DAMPING * (truth.stiffness * mass.min(0.5)).sqrt()).min(0.3 * mass / STEP_S / n);
        Self { limit: 0.6 * mass / (STEP_S * STEP_S) / n, damping_n: damping * speed }
    }
}

/// A cup that holds nothing: it pushes on what it touches, and takes hold once the pressure is there.
#[expect(clippy::too_many_arguments, reason = "one call, all of it is needed")]
fn push(
    cup: &mut Cup,
    seen: Option<&Seen>,
    tool: &ToolMotion,
    items: &[Met],
    pressure: f64,
    sharing: usize,
    wrenches: &mut [Wrench],
    rng: &mut ChaCha8Rng,
) {
    cup.pull_n = 0.0;
    cup.compression = 0.0;
    cup.closing = 0.0;
    cup.leak = Leak::open(cup.truth.mouth);
    let Some(seen) = seen.filter(|s| !s.pressed.is_empty()) else {
        cup.attempt = None;
        return;
    };
    cup.compression = seen.deepest.clamp(0.0, cup.truth.lip.stroke);
    let axis = tool.world_from_tool.transform_vector(&Vector3::z());
    let share = 1.0 / ring::POINTS as f64;
    let mut felt: Option<(Target, Felt)> = None;
    for point in &seen.pressed {
        // All points on one target feel about the same mass: it is worked out at the first of them.
        let feel = match felt {
            Some((target, feel)) if target == point.target => feel,
            _ => Felt::at(point.target, items, &point.at, &axis, tool, &cup.truth, sharing),
        };
        felt = Some((point.target, feel));
        let stiffness = cup.truth.stiffness.min(feel.limit);
        let spring = stiffness * point.depth + fold_force(&cup.truth, point.depth, feel.limit);
        let force = share * (spring - feel.damping_n).max(0.0);
        cup.pull_n -= force;
        if let Target::Item(i) = point.target {
            let centre = items[i].centre_of_mass;
            wrenches[i].add(&(axis * force), &point.at, &centre);
            wrenches[i].press_n += force;
        }
    }
    if cup.open_s > 0.0 {
        return;
    }
    let leaking = match cup.attempt {
        Some((target, leaking)) if target == seen.target => leaking,
        _ => {
            let leaking = match seen.target {
                Target::Item(i) => draw_leak(&items[i].surface, rng),
                Target::Fixed => 2e-6,
            };
            cup.attempt = Some((seen.target, leaking));
            leaking
        }
    };
    cup.leak = Leak { gap_m2: seen.gap_m2.min(cup.truth.mouth), at_40_kpa: leaking };
    // The vacuum (or the blow) acts on whatever closes the mouth, held or not yet.
    let closed = 1.0 - (seen.gap_m2 / cup.truth.mouth).min(1.0);
    let suction = pressure * cup.truth.area * closed;
    cup.pull_n += suction;
    if let Target::Item(i) = seen.target {
        let lip = tool.world_from_tool * Point3::new(cup.truth.centre[0], cup.truth.centre[1], -seen.compression);
        let centre = items[i].centre_of_mass;
        wrenches[i].add(&(axis * -suction), &lip, &centre);
    }
    if pressure > GRAB_PA && seen.gap_m2 < CLOSED_M2 {
        let pose = frame_of(seen.target, items);
        let lip = Point3::new(cup.truth.centre[0], cup.truth.centre[1], -seen.compression);
        let heading = tool.world_from_tool.transform_vector(&Vector3::x());
        cup.grip = Some(Grip {
            target: seen.target,
            point: pose.inverse_transform_point(&(tool.world_from_tool * lip)),
            normal: Unit::new_normalize(pose.inverse_transform_vector(&seen.normal)),
            heading: pose.inverse_transform_vector(&heading),
            anchor: [0.0; 2],
            crept: 0.0,
            over_s: 0.0,
            age: 0,
            gap_m2: seen.gap_m2,
        });
    }
}

/// A cup that holds: springs between lip and tool, limits of pull, moment and shear.
fn hold(
    cup: &mut Cup,
    tool: &ToolMotion,
    near: &[Near],
    items: &[Met],
    pressure: f64,
    sharing: usize,
    wrenches: &mut [Wrench],
) {
    let Some(mut grip) = cup.grip else { return };
    let truth = &cup.truth;
    let pose = frame_of(grip.target, items);
    let lip = pose * grip.point;
    let in_tool = tool.world_from_tool.inverse_transform_point(&lip);
    let axis = tool.world_from_tool.transform_vector(&Vector3::z());
    let compression = -in_tool.z;
    let met = match grip.target {
        Target::Item(i) => Some(&items[i]),
        Target::Fixed => None,
    };
    let velocity = met.map_or_else(Vector3::zeros, |m| velocity_at(m, &lip)) - tool.velocity_at(&lip);
    let velocity = tool.world_from_tool.inverse_transform_vector(&velocity);
    let n = sharing as f64;
    // What one explicit step can carry without overshooting.
    let mass = |along: &Vector3<f64>| met.map_or(f64::INFINITY, |m| felt_mass(m, &lip, along));
    let mass_axial = mass(&axis);
    let limit = 0.6 * mass_axial / (STEP_S * STEP_S) / n;
    let damping = |stiffness: f64, mass: f64| {
        (2.0 * DAMPING * (stiffness * mass.min(2.0) / n).sqrt()).min(0.3 * mass / STEP_S / n)
    };
    let stiffness = truth.stiffness.min(limit);
    let spring = stiffness * compression + fold_force(truth, compression, limit);
    // The air in the cup is a spring too. What its pressure will have become by the end of this step counts
    // now: without it the exchange with the pneumatics would feed the swing of light items.
    let air = (AMBIENT_PA - pressure) * truth.area * truth.area / truth.volume_at(compression);
    let coupled = (0.3 * mass_axial / (STEP_S * STEP_S) / n / air).min(1.0);
    let closing = -velocity.z * coupled;
    let suction = pressure * truth.area - air * closing * STEP_S;
    let axial = spring - suction - damping(stiffness, mass_axial) * velocity.z;
    // The lip's force on the item: what the vacuum presses less what hangs on it.
    let lip_n = spring.max(0.0);

    let lateral_axis = tool.world_from_tool.transform_vector(&Vector3::x());
    let mass_lateral = mass(&lateral_axis);
    let collapsed = (compression / (0.5 * truth.lip.stroke)).clamp(0.0, 1.0);
    let k_lateral = (truth.stiffness * (LATERAL + (LATERAL_COLLAPSED - LATERAL) * collapsed))
        .min(0.6 * mass_lateral / (STEP_S * STEP_S) / n);
    let mut offset = [in_tool.x - truth.centre[0] - grip.anchor[0], in_tool.y - truth.centre[1] - grip.anchor[1]];
    let most = truth.friction * lip_n;
    let length = offset[0].hypot(offset[1]);
    if k_lateral * length > most {
        let keep = if length > 0.0 { most / (k_lateral * length) } else { 0.0 };
        for (a, o) in grip.anchor.iter_mut().zip(&mut offset) {
            *a += *o * (1.0 - keep);
            *o *= keep;
        }
        grip.crept += length * (1.0 - keep);
    }
    let c_lateral = damping(k_lateral, mass_lateral);
    let force = Vector3::new(
        -k_lateral * offset[0] - c_lateral * velocity.x,
        -k_lateral * offset[1] - c_lateral * velocity.y,
        axial,
    );

    let k_bend = BENDING * 0.5 * truth.stiffness * truth.lip.radius * truth.lip.radius;
    let inward = -tool.world_from_tool.inverse_transform_vector(&(pose * grip.normal.into_inner()));
    let bend = inward.cross(&Vector3::z()) * k_bend;
    let heading = tool.world_from_tool.inverse_transform_vector(&(pose.rotation * grip.heading));
    let mut twist = heading.y.atan2(heading.x);
    let k_twist = k_lateral.min(truth.stiffness) * truth.lip.radius * truth.lip.radius;
    // Torsion of a ring under even pressure: two thirds of friction times force times radius.
    let most_twist = 2.0 / 3.0 * most * truth.lip.radius;
    if (k_twist * twist).abs() > most_twist {
        let kept = twist.signum() * most_twist / k_twist;
        let slip = UnitQuaternion::from_axis_angle(&Unit::new_unchecked(Vector3::z()), twist - kept);
        let turned = slip.inverse() * heading;
        grip.heading = pose.rotation.inverse_transform_vector(&(tool.world_from_tool * turned));
        twist = kept;
    }
    let torque = Vector3::new(bend.x, bend.y, -k_twist * twist);

    if let Target::Item(i) = grip.target {
        let met = &items[i];
        let spin = tool.world_from_tool.inverse_transform_vector(&(met.angular - tool.angular));
        let inertia = met.matter.solid.unit_inertia().min() * met.matter.mass_kg;
        let c_turn = (2.0 * DAMPING * (k_bend * inertia).sqrt()).min(0.2 * inertia / STEP_S / n);
        let torque = tool.world_from_tool * (torque - spin * c_turn);
        let force = tool.world_from_tool * force;
        let centre = met.centre_of_mass;
        wrenches[i].add(&force, &lip, &centre);
        wrenches[i].torque += torque;
        wrenches[i].press_n += axial.max(0.0);
    }
    cup.pull_n = -axial;
    cup.closing = closing;
    cup.compression = compression.clamp(0.0, truth.lip.stroke);

    // Even pressure plus a linear part round the ring: the lip lifts from M = N r / 2 and is off at twice that.
    let lift = bend.norm() / (0.5 * lip_n * truth.lip.radius).max(1e-9);
    grip.age = grip.age.saturating_add(1);
    if grip.age % 8 == 0
        && let Some(seen) = ring::look(&tool.world_from_tool, truth.centre, &truth.lip, near)
        && seen.target == grip.target
    {
        grip.gap_m2 = grip.gap_m2.min(seen.gap_m2);
    }
    let lifted = if lift > 1.0 {
        let arc = 2.0 * truth.lip.radius * (1.0 / lift).acos();
        0.5 * arc * LIFT_M * (lift - 1.0)
    } else {
        0.0
    };
    let leaking = cup.attempt.map_or(0.0, |(_, leaking)| leaking);
    cup.leak = Leak { gap_m2: (grip.gap_m2 + lifted).min(truth.mouth), at_40_kpa: leaking };
    let beyond = lip_n <= 0.0 || lift >= 2.0;
    grip.over_s = if beyond { grip.over_s + STEP_S } else { 0.0 };
    let peeled = grip.over_s >= PEEL_S || grip.crept > MOST_CREEP_M || compression < -0.01;
    if peeled {
        cup.leak = Leak::open(truth.mouth);
        cup.open_s = OPEN_S;
    }
    cup.grip = (!peeled && pressure >= LET_GO_PA).then_some(grip);
}

/// Force of folds that lie on each other, newtons.
fn fold_force(truth: &CupTruth, compression: f64, limit: f64) -> f64 {
    let beyond = compression - FOLDED * truth.lip.stroke;
    (FOLDED_STIFFNESS * truth.stiffness).min(limit) * beyond.max(0.0)
}

fn frame_of(target: Target, items: &[Met]) -> Isometry3<f64> {
    match target {
        Target::Item(i) => items[i].world_from_item,
        Target::Fixed => Isometry3::identity(),
    }
}

fn velocity_at(met: &Met, point: &Point3<f64>) -> Vector3<f64> {
    met.linear + met.angular.cross(&(point - met.centre_of_mass))
}

/// The mass that a force along a unit vector at a point moves, kilograms: its inverse is that of the
/// translation and of the turning that goes with it.
fn felt_mass(met: &Met, at: &Point3<f64>, along: &Vector3<f64>) -> f64 {
    let arm = (at - met.centre_of_mass).cross(along);
    let inverse = met.matter.inverse_inertia(&met.world_from_item.rotation);
    1.0 / (1.0 / met.matter.mass_kg + arm.dot(&(inverse * arm)))
}

/// Leak of one attempt at 40 kPa, m³/s: lognormal about the median, now and then a seam under the lip.
fn draw_leak(surface: &Surface, rng: &mut ChaCha8Rng) -> f64 {
    use rand_distr::{Distribution, LogNormal};
    let scatter = LogNormal::new(0.0, surface.sigma.clamp(0.0, 3.0)).map_or(1.0, |d| d.sample(rng));
    let seam = if rng.random::<f64>() < surface.seam_chance { surface.seam_at_40_kpa } else { 0.0 };
    surface.at_40_kpa * scatter + seam
}
