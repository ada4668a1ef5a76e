//! What the load cell tells over a pick: the empty tool on its way down, the item while it is carried, and what pushes it.

use control::{Hold, JointAngles, Scale};
use scene::{Span, Timestamp};

/// Share of the slow way to where the face should be in which nothing should be touched yet.
const FREE_SHARE: f64 = 0.5;
/// The gripper is asked to tare so long after the slow way has begun: it takes the mean of its last samples, in which
/// the arm must have settled. Then it has, the packet's way counted.
const TARED_FROM: Span = Span::from_millis(25);
const TARED_BY: Span = Span::from_millis(35);
/// Shares of the carry after which the weight is looked at, and how much further off it may be then: what hangs
/// beside the item should not come along far, but a weight is better known over more of the carry.
const WEIGHED_AT: [(f64, f64); 2] = [(0.3, 3.0), (0.75, 1.0)];
/// What is held stands on something when so much of the load is gone, newtons.
const STANDS_N: f64 = 3.0;

/// A load that was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load<'a> {
    pub(crate) now: Timestamp,
    /// The measured joint angles.
    pub(crate) q: &'a JointAngles,
    /// Since the last tare, newtons, positive when something hangs.
    pub(crate) newtons: f64,
}

/// The scale and what has been weighed with it on this pick.
#[derive(Debug)]
pub(crate) struct Weighing {
    scale: Scale,
    /// When the slow way of this approach began, and whether the gripper was asked to tare on it.
    slow_since: Option<Timestamp>,
    tared: bool,
    /// How often the weight has been judged, up to the length of [`WEIGHED_AT`].
    judged: usize,
    /// Newtons that push what is held, beyond weight and motion.
    pushed_n: f64,
}

impl Weighing {
    pub(crate) fn new(scale: Scale) -> Self {
        Self { scale, slow_since: None, tared: false, judged: 0, pushed_n: 0.0 }
    }

    /// The tool comes down to a face.
    pub(crate) fn approach(&mut self) {
        (self.slow_since, self.tared) = (None, false);
    }

    /// The item is lifted.
    pub(crate) fn lift(&mut self) {
        (self.judged, self.pushed_n) = (0, 0.0);
    }

    /// The item hangs free.
    pub(crate) fn carry(&mut self) {
        self.scale.begin();
    }

    /// The empty tool slowly on its way down, a share of that gone: what is read before something may be touched tells
    /// the scale more exactly what the tare does, what the empty tool weighs. True when the gripper is to tare now.
    pub(crate) fn empty(&mut self, load: &Load<'_>, share: f64, hold: &Hold) -> bool {
        let free = FREE_SHARE * hold.guard_m / (hold.guard_m + hold.press_m).max(1e-6);
        let slow_for = load.now.since(*self.slow_since.get_or_insert(load.now));
        if !self.tared && slow_for >= TARED_FROM {
            self.tared = true;
            self.scale.zeroed(load.q);
            return true;
        }
        if share < free && slow_for > TARED_BY {
            self.scale.tare(load.q, load.newtons);
        }
        false
    }

    /// Weighs on while the item is carried, a share of the way gone; the slack at the ticks at which the weight is to
    /// be judged.
    pub(crate) fn item(&mut self, load: &Load<'_>, share: f64) -> Option<f64> {
        let due = WEIGHED_AT.get(self.judged).filter(|(at, _)| share > *at);
        self.judged += usize::from(due.is_some());
        if self.judged < WEIGHED_AT.len() {
            self.scale.add(load.q, load.newtons);
        } else {
            self.push(load);
        }
        due.map(|(_, slack)| *slack)
    }

    /// Follows what pushes the item, its weight being known.
    pub(crate) fn push(&mut self, load: &Load<'_>) {
        if let Some(kg) = self.scale.mass_kg() {
            self.pushed_n = self.scale.beyond(load.q, load.newtons, kg).unwrap_or(0.0);
        }
    }

    /// The item's mass as far as it is known, kilograms.
    pub(crate) fn mass_kg(&self) -> Option<f64> {
        self.scale.mass_kg()
    }

    /// Newtons that push the item, beyond weight and motion.
    pub(crate) fn pushed_n(&self) -> f64 {
        self.pushed_n
    }

    /// The item stands on something.
    pub(crate) fn stands(&self) -> bool {
        self.pushed_n < -STANDS_N
    }
}
