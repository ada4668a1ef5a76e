//! The true items: where each is, who holds it, whether it was damaged.

use nalgebra::{Isometry3, Point3, Vector3};
use scene::{Fragility, Pose, SkuName, frame};

use super::cups::{Met, Wrench};
use super::physics::{BodyId, GRAVITY, Physics, STEP_S, Walls};
use super::ring::{Near, Target};
use super::shape::Matter;
use super::surface::Surface;

/// An item is damaged when pressed this many times harder than its class allows, or when it hits something as
/// after a fall from this many times the height: what a site may do is less than what breaks it (estimates).
const PRESS_MARGIN: f64 = 1.5;
const FALL_MARGIN: f64 = 1.25;
/// A press counts as what it is over this time, seconds; what is shorter is a knock.
const PRESS_S: f64 = 0.005;
/// A loose part comes off after a pull of this long, seconds (estimate): it must move a few millimetres first, and the jerk
/// with which bellows take up an item is shorter.
const COMES_OFF_S: f64 = 0.03;
/// How far over its rim a container still holds an item's centre, metres.
const HEAP_M: f64 = 0.12;

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Where {
    /// In the tote of this name.
    Tote(String),
    /// In the bin of this name.
    Bin(String),
    /// On one cup or more, or between the fingers.
    Held,
    /// On the table or below it: out of everything.
    Floor,
}

/// What broke an item.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Damage {
    /// Cups or what holds against them pressed it with so many newtons.
    PressedN(f64),
    /// It was knocked: its speed changed by so much in a millisecond, m/s.
    KnockedMS(f64),
    /// Its loose part came off with so many newtons.
    CameOffN(f64),
}

/// The truth about one item; nothing of it is known to the runtime.
#[derive(Debug, Clone, PartialEq)]
pub struct TruthItem {
    /// Which item: its place in the world's list, from 0.
    pub id: u32,
    /// What kind it is.
    pub sku: SkuName,
    /// Where it is.
    pub at: Where,
    /// Where exactly.
    pub world_from_item: Pose<frame::World, frame::Item>,
    /// What broke it, once it was pressed too hard or fell too far.
    pub damaged: Option<Damage>,
    /// Other items that hung on the cups together with it when it was last held; empty when it moved alone.
    pub held_with: Vec<u32>,
    /// Cups that hold it now, as bits.
    pub cups: u8,
}

/// A container as the truth sees it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub at: Where,
    pub walls: Walls,
}

/// One item in the world.
#[derive(Debug, Clone)]
pub(crate) struct ItemState {
    pub sku: usize,
    pub body: BodyId,
    pub met: Met,
    pub fragility: Fragility,
    pub damaged: Option<Damage>,
    pub cups: u8,
    pub held_with: Vec<u32>,
    pub pushed: bool,
    /// The fingers hold it with so many newtons.
    pub pinched_n: f64,
    /// How long its loose part has been pulled too hard, seconds; infinite once it is off.
    pulled_s: f64,
    /// What it was pressed with over the last milliseconds, newtons.
    pressed_n: f64,
}

impl ItemState {
    pub fn new(sku: usize, body: BodyId, matter: Matter, surface: Surface, fragility: Fragility) -> Self {
        Self {
            sku,
            body,
            met: Met {
                world_from_item: Isometry3::identity(),
                centre_of_mass: Point3::origin(),
                linear: Vector3::zeros(),
                angular: Vector3::zeros(),
                matter,
                surface,
            },
            fragility,
            damaged: None,
            cups: 0,
            held_with: Vec::new(),
            pushed: false,
            pinched_n: 0.0,
            pulled_s: 0.0,
            pressed_n: 0.0,
        }
    }

    /// Takes pose and motion over from the engine.
    pub fn read(&mut self, physics: &Physics) {
        let motion = physics.motion(self.body);
        self.met.world_from_item = physics.pose(self.body);
        self.met.centre_of_mass = physics.centre_of_mass(self.body);
        self.met.linear = motion.linear;
        self.met.angular = motion.angular;
    }

    /// As [`Self::read`] after a step in which `wrench` acted; judges whether it was damaged in it.
    pub fn read_after_step(&mut self, physics: &Physics, wrench: &Wrench) {
        if physics.is_asleep(self.body) {
            return;
        }
        let before = self.met.linear;
        self.read(physics);
        let mass = self.met.matter.mass_kg;
        let change = self.met.linear - before;
        let applied = wrench.force / mass - Vector3::z() * GRAVITY;
        // What the item's surroundings did to it, as a change of speed.
        let answer = (change - applied * STEP_S).norm();
        // What cups and gravity do is no knock, nor is what the pile gives back to a press.
        let knock = change.norm().min(answer);
        // It is pressed only as far as something holds against the cups.
        let pressed = wrench.press_n.min(mass * answer / STEP_S).max(self.pinched_n);
        self.pressed_n += (pressed - self.pressed_n) * (STEP_S / PRESS_S);
        let (press_n, fall_m) = limits(self.fragility);
        let hardest = (2.0 * GRAVITY * fall_m * FALL_MARGIN).sqrt() * (1.0 + self.met.matter.restitution);
        let broken = if self.pressed_n > press_n * PRESS_MARGIN {
            Some(Damage::PressedN(self.pressed_n))
        } else {
            (knock > hardest).then_some(Damage::KnockedMS(knock))
        };
        self.damaged = self.damaged.or(broken);
    }

    /// True in the step in which a pull on its loose part, newtons, takes it off: the item is damaged.
    pub fn comes_off(&mut self, pull_n: f64) -> bool {
        let Some(loose) = self.met.surface.loose.filter(|_| self.pulled_s.is_finite()) else { return false };
        self.pulled_s = if pull_n > loose.holds_n { self.pulled_s + STEP_S } else { 0.0 };
        if self.pulled_s < COMES_OFF_S {
            return false;
        }
        self.pulled_s = f64::INFINITY;
        self.damaged = self.damaged.or(Some(Damage::CameOffN(pull_n)));
        true
    }

    /// As the cups' rings see it.
    pub fn near(&self, index: usize) -> Near {
        let matter = &self.met.matter;
        Near {
            target: Target::Item(index),
            solid: matter.solid.clone(),
            world_from: self.met.world_from_item,
            stiffness: matter.soft.map_or(f64::INFINITY, |soft| soft.stiffness),
        }
    }

    /// Where it is.
    pub fn place(&self, places: &[Place]) -> Where {
        if self.cups != 0 || self.pinched_n > 0.0 {
            return Where::Held;
        }
        let centre = Point3::from(self.met.world_from_item.translation.vector);
        places.iter().find(|p| p.walls.holds(&centre, p.walls.size.z + HEAP_M)).map_or(Where::Floor, |p| p.at.clone())
    }
}

/// What a class of item may be pressed with (N) and fall (m); see [`Fragility`].
fn limits(fragility: Fragility) -> (f64, f64) {
    match fragility {
        Fragility::Sturdy => (30.0, 0.2),
        Fragility::Normal => (15.0, 0.1),
        Fragility::Fragile => (5.0, 0.05),
    }
}
