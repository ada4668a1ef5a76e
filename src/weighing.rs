//! What the load cell tells over a pick: the empty tool on its way down, the item while it is carried, and what pushes it.

use control::{Hold, JointAngles, Scale};
use scene::{Span, Timestamp};

/// Share of the slow way to where the face should be in which nothing should be touched yet.
const FREE_SHARE: f64 = 0.5;
/// So long after the slow way has begun the arm has settled. If the gripper is asked to tare then, it has by the second.
const EVEN_AFTER: Span = Span::from_millis(10);
const TARED_AFTER: Span = Span::from_millis(30);
/// Shares of the carry after which the weight is looked at, and how much further off it may be then: what hangs
/// beside the item should not come along far, but a weight is better known over more of the carry.
const WEIGHED_AT: [(f64, f64); 2] = [(0.3, 3.0), (0.75, 1.0)];
/// Ticks over which the tool is weighed at rest.
const REST_TICKS: u32 = 100;
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
    /// When the slow way of this approach began, and whether the gripper is asked to tare on it, and has been.
    slow_since: Option<Timestamp>,
    tares: bool,
    asked: bool,
    /// How often the weight has been judged, up to the length of [`WEIGHED_AT`].
    judged: usize,
    /// Newtons that push what is held, beyond weight and motion.
    pushed_n: f64,
    /// Ticks since the tool began to be weighed at rest.
    rest_ticks: u32,
}

impl Weighing {
    pub(crate) fn new(scale: Scale) -> Self {
        Self { scale, slow_since: None, tares: false, asked: false, judged: 0, pushed_n: 0.0, rest_ticks: 0 }
    }

    /// The tool comes down to a face.
    pub(crate) fn approach(&mut self) {
        (self.slow_since, self.tares, self.asked) = (None, self.scale.wants_zero(), false);
        self.scale.begin_tare();
    }

    /// The item is lifted.
    pub(crate) fn lift(&mut self) {
        (self.judged, self.pushed_n) = (0, 0.0);
        self.scale.end_tare();
    }

    /// The item hangs free.
    pub(crate) fn carry(&mut self) {
        self.scale.begin();
    }

    /// The empty tool on its way down, `slow` the share of the slow way that is gone: what is read before something may
    /// be touched is the empty tool's weight. True when the gripper is to tare now.
    pub(crate) fn empty(&mut self, load: &Load<'_>, slow: Option<f64>, hold: &Hold) -> bool {
        let free = FREE_SHARE * hold.guard_m / (hold.guard_m + hold.press_m).max(1e-6);
        let slow_for = slow.map(|_| load.now.since(*self.slow_since.get_or_insert(load.now)));
        let is_even = |after| slow_for.is_some_and(|slow_for| slow_for >= after);
        let asks = self.tares && !self.asked && is_even(EVEN_AFTER);
        if asks {
            self.asked = true;
            self.scale.zeroed(load.q);
        }
        let counts =
            is_even(if self.tares { TARED_AFTER } else { EVEN_AFTER }) && slow.is_some_and(|share| share < free);
        self.scale.tare(load.q, load.newtons, counts);
        asks
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

    /// The tool has let go: what hangs on it from now on should not.
    pub(crate) fn leave(&mut self) {
        self.rest_ticks = 0;
        self.scale.begin();
    }

    /// Weighs on what should have been let go.
    pub(crate) fn left(&mut self, load: &Load<'_>) {
        self.scale.add(load.q, load.newtons);
    }

    /// The same at rest: what hangs there, kilograms, every tenth of a second.
    pub(crate) fn left_at_rest(&mut self, load: &Load<'_>) -> Option<f64> {
        self.left(load);
        self.rest_ticks += 1;
        let found = self.scale.mass_kg().filter(|_| self.rest_ticks >= REST_TICKS)?;
        self.leave();
        Some(found)
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
