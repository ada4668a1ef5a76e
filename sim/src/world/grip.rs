//! A lip that holds: springs between item and tool, limits of pull, moment and shear, and how it lets go.
//!
//! The item hangs on axial (the bellows against the vacuum), lateral, bending and twisting springs of each cup. The
//! lip lifts from a moment of N r / 2 on, is off at twice that, and slips at μ N. A lip that spans two items
//! holds each with its share of the ring, and opens as they part.

use nalgebra::{Isometry3, Point3, Unit, UnitQuaternion, Vector3};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::cups::{Cup, CupTruth, DAMPING, Met, ToolMotion, Wrench, felt_mass, frame_of, velocity_at};
use super::physics::STEP_S;
use super::pneumatics::{AMBIENT_PA, Leak};
use super::ring::{Near, Target};

/// A lip lets go below this, pascals.
pub(super) const LET_GO_PA: f64 = 1_000.0;
/// Lateral stiffness as a share of the axial one, open (constants 1.2: 0.3 to 0.6).
const LATERAL: f64 = 0.45;
/// And with the bellows half collapsed or more.
const LATERAL_COLLAPSED: f64 = 1.5;
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
/// Stretched by this much the bellows has lost its item, metres.
const MOST_STRETCH_M: f64 = 0.01;
/// Force with which a tacky surface clings to one lip after release, newtons, and for how long at the longest,
/// seconds; each drawn up to twice the mean. It lets go sooner when weight or a shake pulls harder (estimates).
const CLING_N: f64 = 2.5;
const CLING_S: f64 = 0.7;

/// Where a lip lies on one target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Anchor {
    pub target: Target,
    /// Share of the ring that lies on it.
    pub share: f64,
    /// Where its force acts, metres from the cup's axis in the tool's plane.
    pub off: [f64; 2],
    /// That point on the target and the face's outward normal, in the item's frame (the world's for fixed things).
    pub point: Point3<f64>,
    pub normal: Unit<Vector3<f64>>,
    /// The tool's x axis in that frame when the lip took hold, turned on as the lip slips.
    pub heading: Vector3<f64>,
    /// How far the lateral spring's anchor has slipped, metres in the tool's frame, and how far in all.
    pub slipped: [f64; 2],
    pub crept: f64,
}

/// A surface that sticks to a lip without vacuum.
#[derive(Debug, Clone, Copy)]
struct Cling {
    force_n: f64,
    left_s: f64,
}

/// A lip that stays where it is on something.
#[derive(Debug, Clone)]
pub(super) struct Grip {
    /// One anchor, or two where the lip spans two items.
    pub on: Vec<Anchor>,
    over_s: f64,
    age: u32,
    gap_m2: f64,
    /// Vector between two anchors' points when the lip took hold, in the tool's frame.
    between: Option<Vector3<f64>>,
    cling: Option<Cling>,
}

impl Grip {
    /// A lip that has just closed over one target or two.
    pub fn new(on: Vec<Anchor>, gap_m2: f64) -> Self {
        Self { on, over_s: 0.0, age: 0, gap_m2, between: None, cling: None }
    }

    /// What most of the lip lies on.
    pub fn target(&self) -> Target {
        self.on.first().map_or(Target::Fixed, |anchor| anchor.target)
    }

    /// How much the targets have moved apart under the lip, metres.
    fn parted(&mut self, tool: &ToolMotion, items: &[Met]) -> f64 {
        let [one, other] = self.on.as_slice() else { return 0.0 };
        let at = |anchor: &Anchor| frame_of(anchor.target, items) * anchor.point;
        let now = tool.world_from_tool.inverse_transform_vector(&(at(other) - at(one)));
        (now - *self.between.get_or_insert(now)).norm()
    }
}

/// What one anchor does in a step.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// Pull on the tool, newtons, compression and its speed.
    pull_n: f64,
    compression: f64,
    closing: f64,
    /// Moment on the lip over what lifts it; beyond 2 it is off.
    lift: f64,
    /// The lip presses on its target no more.
    slack: bool,
}

/// A cup that holds, for one step.
#[expect(clippy::too_many_arguments, reason = "one call, all of it is needed")]
pub(super) fn hold(
    cup: &mut Cup,
    tool: &ToolMotion,
    near: &[Near],
    items: &[Met],
    pressure: f64,
    sharing: usize,
    wrenches: &mut [Wrench],
    rng: &mut ChaCha8Rng,
) {
    let Some(mut grip) = cup.grip.take() else { return };
    let cling_n = grip.cling.map(|cling| cling.force_n);
    // A clinging surface lies askew on the lip: no pressure stands under it.
    let pressure = if cling_n.is_some() { 0.0 } else { pressure };
    let held: Vec<Held> = grip
        .on
        .iter_mut()
        .map(|anchor| pull(anchor, &cup.truth, tool, items, pressure, cling_n, sharing, wrenches))
        .collect();
    cup.pull_n = held.iter().map(|h| h.pull_n).sum();
    let mean = |of: fn(&Held) -> f64| held.iter().zip(&grip.on).map(|(h, anchor)| anchor.share * of(h)).sum::<f64>();
    let compression = mean(|h| h.compression);
    cup.closing = mean(|h| h.closing);
    cup.compression = compression.clamp(0.0, cup.truth.lip.stroke);
    let lift = held.iter().map(|h| h.lift).fold(0.0, f64::max);

    grip.age = grip.age.saturating_add(1);
    if grip.age.is_multiple_of(8)
        && let Some(seen) = cup.look(&tool.world_from_tool, near)
        && seen.target == grip.target()
        && seen.parts.len() == grip.on.len()
    {
        grip.gap_m2 = grip.gap_m2.min(seen.gap_m2);
    }
    let lifted = if lift > 1.0 {
        let arc = 2.0 * cup.truth.lip.radius * (1.0 / lift).acos();
        0.5 * arc * LIFT_M * (lift - 1.0)
    } else {
        0.0
    };
    let parted = 2.0 * cup.truth.lip.radius * grip.parted(tool, items);
    cup.leak = cup.leak_with(grip.gap_m2 + lifted + parted);
    let beyond = lift >= 2.0 || held.iter().any(|h| h.slack);
    grip.over_s = if beyond { grip.over_s + STEP_S } else { 0.0 };
    let crept = grip.on.iter().map(|anchor| anchor.crept).fold(0.0, f64::max);
    let peeled = grip.over_s >= PEEL_S || crept > MOST_CREEP_M || compression < -MOST_STRETCH_M;
    if let Some(cling) = &mut grip.cling {
        cling.left_s -= STEP_S;
        cup.leak = Leak::open(cup.truth.mouth);
        cup.grip = (!peeled && cling.left_s > 0.0).then_some(grip);
        return;
    }
    if peeled {
        cup.leak = Leak::open(cup.truth.mouth);
        cup.open_s = OPEN_S;
        return;
    }
    if pressure < LET_GO_PA {
        grip.cling = clings(&grip, items, rng);
        cup.grip = grip.cling.is_some().then_some(grip);
        return;
    }
    cup.grip = Some(grip);
}

/// Draws whether what is let go of clings to the lip.
fn clings(grip: &Grip, items: &[Met], rng: &mut ChaCha8Rng) -> Option<Cling> {
    let Target::Item(i) = grip.target() else { return None };
    let chance = items[i].surface.stick_chance;
    if chance <= 0.0 || rng.random::<f64>() >= chance {
        return None;
    }
    let mut up_to_twice = |mean: f64| 2.0 * mean * rng.random::<f64>();
    Some(Cling { force_n: up_to_twice(CLING_N), left_s: up_to_twice(CLING_S) })
}

/// One anchor: its springs pull on its target and on the tool.
#[expect(clippy::too_many_arguments, reason = "one call, all of it is needed")]
fn pull(
    anchor: &mut Anchor,
    truth: &CupTruth,
    tool: &ToolMotion,
    items: &[Met],
    pressure: f64,
    cling_n: Option<f64>,
    sharing: usize,
    wrenches: &mut [Wrench],
) -> Held {
    let share = anchor.share;
    let pose = frame_of(anchor.target, items);
    let lip = pose * anchor.point;
    let in_tool = tool.world_from_tool.inverse_transform_point(&lip);
    let axis = tool.world_from_tool.transform_vector(&Vector3::z());
    let compression = -in_tool.z;
    let met = match anchor.target {
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
    let bellows = share * truth.stiffness_on(anchor.target, items);
    let stiffness = bellows.min(limit);
    let spring = stiffness * compression + share * truth.fold_force(compression, limit);
    // The air in the cup is a spring too. What its pressure will have become by the end of this step counts
    // now: without it the exchange with the pneumatics would feed the swing of light items.
    let area = share * truth.area_on(anchor.target, items);
    let air = (AMBIENT_PA - pressure) * area * truth.area / truth.volume_at(compression);
    let coupled = (0.3 * mass_axial / (STEP_S * STEP_S) / n / air).min(1.0);
    let closing = -velocity.z * coupled;
    let suction = if cling_n.is_some() { 0.0 } else { pressure * area - air * closing * STEP_S };
    let axial = spring - suction - damping(stiffness, mass_axial) * velocity.z;
    // The lip's force on the item: what the vacuum (or the tack) presses less what hangs on it.
    let lip_n = (spring + share * cling_n.unwrap_or(0.0)).max(0.0);

    let lateral_axis = tool.world_from_tool.transform_vector(&Vector3::x());
    let mass_lateral = mass(&lateral_axis);
    let collapsed = (compression / (0.5 * truth.lip.stroke)).clamp(0.0, 1.0);
    let k_lateral = (bellows * (LATERAL + (LATERAL_COLLAPSED - LATERAL) * collapsed))
        .min(0.6 * mass_lateral / (STEP_S * STEP_S) / n);
    let free = [in_tool.x, in_tool.y];
    let mut offset: [f64; 2] = std::array::from_fn(|k| free[k] - truth.centre[k] - anchor.off[k] - anchor.slipped[k]);
    let most = truth.friction * lip_n;
    let length = offset[0].hypot(offset[1]);
    if k_lateral * length > most {
        let keep = if length > 0.0 { most / (k_lateral * length) } else { 0.0 };
        for (a, o) in anchor.slipped.iter_mut().zip(&mut offset) {
            *a += *o * (1.0 - keep);
            *o *= keep;
        }
        anchor.crept += length * (1.0 - keep);
    }
    let c_lateral = damping(k_lateral, mass_lateral);
    let force = Vector3::new(
        -k_lateral * offset[0] - c_lateral * velocity.x,
        -k_lateral * offset[1] - c_lateral * velocity.y,
        axial,
    );

    let radius = truth.lip.radius;
    let k_bend = BENDING * 0.5 * bellows * radius * radius;
    let inward = -tool.world_from_tool.inverse_transform_vector(&(pose * anchor.normal.into_inner()));
    let bend = inward.cross(&Vector3::z()) * k_bend;
    let twist = twisted(anchor, &pose, &tool.world_from_tool, k_lateral.min(bellows) * radius * radius, most * radius);
    let torque = Vector3::new(bend.x, bend.y, -twist);

    if let (Target::Item(i), Some(met)) = (anchor.target, met) {
        let spin = tool.world_from_tool.inverse_transform_vector(&(met.angular - tool.angular));
        let inertia = met.matter.inertia().diagonal().min();
        let c_turn = (2.0 * DAMPING * (k_bend * inertia).sqrt()).min(0.2 * inertia / STEP_S / n);
        let torque = tool.world_from_tool * (torque - spin * c_turn);
        let force = tool.world_from_tool * force;
        wrenches[i].add(&force, &lip, &met.centre_of_mass);
        wrenches[i].torque += torque;
        wrenches[i].press_n += axial.max(0.0);
        if met.surface.loose.is_some_and(|loose| anchor.point.z > loose.above_m) {
            wrenches[i].loose_n -= axial;
        }
    }
    Held {
        pull_n: -axial,
        compression,
        closing,
        // Even pressure plus a linear part round the ring: the lip lifts from M = N r / 2.
        lift: bend.norm() / (0.5 * lip_n * radius).max(1e-9),
        slack: lip_n <= 0.0,
    }
}

/// The torque about the cup's axis, N·m, after as much slip as friction does not hold: the torsion of a ring under even
/// pressure is two thirds of friction times force times radius. `most` is friction times force times radius.
fn twisted(
    anchor: &mut Anchor,
    world_from_target: &Isometry3<f64>,
    world_from_tool: &Isometry3<f64>,
    k_twist: f64,
    most: f64,
) -> f64 {
    let heading = world_from_tool.inverse_transform_vector(&(world_from_target.rotation * anchor.heading));
    let twist = heading.y.atan2(heading.x);
    let most = 2.0 / 3.0 * most;
    if (k_twist * twist).abs() <= most {
        return k_twist * twist;
    }
    let kept = twist.signum() * most / k_twist;
    let slip = UnitQuaternion::from_axis_angle(&Unit::new_unchecked(Vector3::z()), twist - kept);
    let turned = slip.inverse() * heading;
    anchor.heading = world_from_target.rotation.inverse_transform_vector(&(world_from_tool * turned));
    k_twist * kept
}

/// The loose part of an item has come off: cups that held it keep it on their lips, and the item falls.
pub(super) fn come_off(cups: &mut [Cup], item: usize, above_m: f64) {
    for cup in cups {
        let on_part = |anchor: &Anchor| anchor.target == Target::Item(item) && anchor.point.z > above_m;
        if cup.grip.as_ref().is_some_and(|grip| grip.on.iter().any(on_part)) {
            cup.grip = None;
            cup.lidded = true;
        }
    }
}
