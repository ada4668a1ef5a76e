//! The bellows cups: what they push and how they take hold.
//!
//! A cup is a ring of springs along its axis. While nothing is held it only pushes. Once the pressure under a
//! closed lip passes [`GRAB_PA`] the lip stays where it is on the item ([`super::grip`]). Several cups share the
//! load as their springs do, which is the split of least spring energy (Lee et al., arXiv 2408.03498).

use control::ToolModel;
use firmware::CUPS;
use nalgebra::{Isometry3, Point3, Unit, Vector3};
use rand_chacha::ChaCha8Rng;

use super::grip::{self, Anchor, Grip};
use super::physics::STEP_S;
use super::pneumatics::{Leak, Mouth};
use super::ring::{self, LipTruth, Near, Seen, Target};
use super::shape::Matter;
use super::surface::{Attempt, Surface};

/// A closed lip holds from this pressure on, pascals.
const GRAB_PA: f64 = 3_000.0;
/// The largest gap that counts as closed enough to hold, m².
const CLOSED_M2: f64 = 6e-6;
/// Damping ratio of the bellows (silicone).
pub(super) const DAMPING: f64 = 0.2;
/// Share of the stroke after which the folds lie on each other.
const FOLDED: f64 = 0.88;
/// How much stiffer folds on folds are (constants 1.2: 10 to 30 times).
const FOLDED_STIFFNESS: f64 = 15.0;
/// Collapsed bellows keep this share of the cup's volume.
const LEAST_VOLUME: f64 = 0.3;

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
    /// Share of that area which is left on a soft face: it comes up into the lip.
    pub soft_share: f64,
    /// Area of the open mouth, m².
    pub mouth: f64,
    /// Volume of cup and line with the bellows open, m³.
    pub volume: f64,
    /// This run's leaks as a share of what the items' truth says.
    pub leak_share: f64,
    /// What the lip puts up with.
    pub lip: LipTruth,
}

impl CupTruth {
    /// A cup exactly as the tool file says; what it does not say is the middle of what the constants give.
    pub fn nominal(tool: &ToolModel, centre: [f64; 2]) -> Self {
        let r = tool.r_eff_m;
        Self {
            centre,
            stiffness: tool.stiffness_n_per_m,
            friction: tool.friction,
            area: tool.a_eff_m2,
            soft_share: 0.70 / 0.82,
            mouth: std::f64::consts::PI * r * r,
            volume: tool.vacuum.cup_volume_m3,
            leak_share: 1.0,
            lip: LipTruth::new(r, tool.stroke_m, 0.314, 0.8 * tool.cup_diameter_m, tool.stiffness_n_per_m),
        }
    }

    /// Volume of cup and line with the bellows closed by `compression` metres, m³.
    pub fn volume_at(&self, compression: f64) -> f64 {
        (self.volume - compression * self.area).max(LEAST_VOLUME * self.volume)
    }

    /// Stiffness of the bellows in series with the face that it is on, N/m.
    pub fn stiffness_on(&self, target: Target, items: &[Met]) -> f64 {
        match soft_of(target, items) {
            Some(face) => self.stiffness * face / (self.stiffness + face),
            None => self.stiffness,
        }
    }

    /// Area that the vacuum acts on over a target, m².
    pub fn area_on(&self, target: Target, items: &[Met]) -> f64 {
        if soft_of(target, items).is_some() { self.area * self.soft_share } else { self.area }
    }

    /// Force of folds that lie on each other, newtons.
    pub fn fold_force(&self, compression: f64, limit: f64) -> f64 {
        let beyond = compression - FOLDED * self.lip.stroke;
        (FOLDED_STIFFNESS * self.stiffness).min(limit) * beyond.max(0.0)
    }
}

/// Stiffness of a target's faces, N/m, when they are soft.
fn soft_of(target: Target, items: &[Met]) -> Option<f64> {
    match target {
        Target::Item(i) => items[i].matter.soft.map(|soft| soft.stiffness),
        Target::Fixed => None,
    }
}

/// An item as the cups meet it.
#[derive(Debug, Clone)]
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
    /// Pull of cups that hold it above the height of its loose part, newtons.
    pub loose_n: f64,
    /// True when some cup acts on the item.
    pub any: bool,
}

impl Wrench {
    pub fn add(&mut self, force: &Vector3<f64>, at: &Point3<f64>, centre: &Point3<f64>) {
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
    pub fn velocity_at(&self, point: &Point3<f64>) -> Vector3<f64> {
        self.linear + self.angular.cross(&(point.coords - self.world_from_tool.translation.vector))
    }
}

/// One cup.
#[derive(Debug, Clone)]
pub(crate) struct Cup {
    pub truth: CupTruth,
    pub(super) grip: Option<Grip>,
    /// What this attempt found under the lip.
    pub(super) attempt: Option<Attempt>,
    /// A loose part that came off lies on the lip and keeps it closed.
    pub(super) lidded: bool,
    /// How long the lip stays open after it was peeled, seconds.
    pub(super) open_s: f64,
    /// What lets air in.
    pub leak: Leak,
    /// Pull on the tool along its +z, newtons; negative when pressed.
    pub pull_n: f64,
    /// Compression, metres.
    pub compression: f64,
    /// How fast the bellows close while a lip is on something, m/s.
    pub(super) closing: f64,
}

impl Cup {
    pub fn new(truth: CupTruth) -> Self {
        let leak = Leak::open(truth.mouth);
        Self {
            truth,
            grip: None,
            attempt: None,
            lidded: false,
            open_s: 0.0,
            leak,
            pull_n: 0.0,
            compression: 0.0,
            closing: 0.0,
        }
    }

    /// What the pneumatics need to know of its mouth.
    pub fn mouth(&self) -> Mouth {
        Mouth {
            leak: self.leak,
            volume_m3: self.truth.volume_at(self.compression),
            squeezing_m3_s: self.closing * self.truth.area,
        }
    }

    /// The items that the cup holds: one, or two that its lip spans.
    pub fn held(&self) -> impl Iterator<Item = usize> + '_ {
        self.grip.iter().flat_map(|grip| &grip.on).filter_map(|anchor| match anchor.target {
            Target::Item(i) => Some(i),
            Target::Fixed => None,
        })
    }

    /// The leak of this attempt with a gap of the lip.
    pub(super) fn leak_with(&self, gap_m2: f64) -> Leak {
        let (holes, leaking) = self.attempt.as_ref().map_or((0.0, 0.0), |a| (a.holes_m2, a.leaking));
        Leak { gap_m2: (gap_m2 + holes).min(self.truth.mouth), at_40_kpa: leaking }
    }

    /// What the cup's ring sees.
    pub(super) fn look(&self, world_from_tool: &Isometry3<f64>, near: &[Near]) -> Option<Seen> {
        let folds = self.attempt.as_ref().and_then(|a| a.folds.as_ref().map(|folds| (a.target, folds)));
        ring::look(world_from_tool, self.truth.centre, &self.truth.lip, near, folds)
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
            on[i] = Some(grip.target());
        } else {
            seen[i] = cup.look(&tool.world_from_tool, near);
            on[i] = seen[i].as_ref().filter(|s| !s.pressed.is_empty()).map(|s| s.target);
        }
    }
    for i in 0..CUPS {
        let sharing = on.iter().filter(|t| **t == on[i]).count().max(1);
        let cup = &mut cups[i];
        cup.open_s = (cup.open_s - STEP_S).max(0.0);
        if cup.grip.is_some() {
            grip::hold(cup, tool, near, items, pressures[i], sharing, wrenches, rng);
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
    if cup.lidded {
        cup.lidded = pressure >= grip::LET_GO_PA;
        cup.leak = cup.leak_with(0.0);
        return;
    }
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
        let stiffness = cup.truth.stiffness_on(point.target, items).min(feel.limit);
        let spring = stiffness * point.depth + cup.truth.fold_force(point.depth, feel.limit);
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
    if cup.attempt.as_ref().is_none_or(|attempt| attempt.target != seen.target) {
        let surface = match seen.target {
            Target::Item(i) => Some(&items[i].surface),
            Target::Fixed => None,
        };
        let round = std::f64::consts::TAU * cup.truth.lip.radius;
        let (mouth, run_share) = (cup.truth.mouth, cup.truth.leak_share);
        cup.attempt = Some(Attempt::draw(seen.target, surface, mouth, round, run_share, rng));
    }
    cup.leak = cup.leak_with(seen.gap_m2);
    // The vacuum (or the blow) acts on whatever closes the mouth, held or not yet.
    let closed = 1.0 - (seen.gap_m2 / cup.truth.mouth).min(1.0);
    let lip = |off: [f64; 2], compression: f64| {
        let [x, y] = cup.truth.centre;
        tool.world_from_tool * Point3::new(x + off[0], y + off[1], -compression)
    };
    for part in &seen.parts {
        let suction = part.share * pressure * cup.truth.area_on(part.target, items) * closed;
        cup.pull_n += suction;
        if let Target::Item(i) = part.target {
            let centre = items[i].centre_of_mass;
            wrenches[i].add(&(axis * -suction), &lip(part.off, seen.compression), &centre);
        }
    }
    if pressure > GRAB_PA && seen.gap_m2 < CLOSED_M2 {
        let heading = tool.world_from_tool.transform_vector(&Vector3::x());
        let on = seen.parts.iter().map(|part| {
            let pose = frame_of(part.target, items);
            let at = lip(part.off, part.compression);
            Anchor {
                target: part.target,
                share: part.share,
                off: part.off,
                point: pose.inverse_transform_point(&at),
                normal: Unit::new_normalize(pose.inverse_transform_vector(&part.normal)),
                heading: pose.inverse_transform_vector(&heading),
                slipped: [0.0; 2],
                crept: 0.0,
            }
        });
        cup.grip = Some(Grip::new(on.collect(), seen.gap_m2));
    }
}

pub(super) fn frame_of(target: Target, items: &[Met]) -> Isometry3<f64> {
    match target {
        Target::Item(i) => items[i].world_from_item,
        Target::Fixed => Isometry3::identity(),
    }
}

pub(super) fn velocity_at(met: &Met, point: &Point3<f64>) -> Vector3<f64> {
    met.linear + met.angular.cross(&(point - met.centre_of_mass))
}

/// The mass that a force along a unit vector at a point moves, kilograms: its inverse is that of the
/// translation and of the turning that goes with it.
pub(super) fn felt_mass(met: &Met, at: &Point3<f64>, along: &Vector3<f64>) -> f64 {
    let arm = (at - met.centre_of_mass).cross(along);
    let inverse = met.matter.inverse_inertia(&met.world_from_item.rotation);
    1.0 / (1.0 / met.matter.core_kg() + arm.dot(&(inverse * arm)))
}
