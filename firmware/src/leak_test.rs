//! The start-up leak test: what is wrong with generator, filter, manifold and valves while nothing is held. What it
//! finds clean can't be blamed for an item that leaks later.
//!
//! ```text
//! evacuate the closed manifold ─▶ hold it closed ─▶ each cup: open its line into free air, see the manifold fall
//! ```

use serde::{Deserialize, Serialize};

use crate::{CUPS, Calibration, CupSet, Fault};

/// The closed manifold is evacuated to this, Pa below ambient.
const GOAL_PA: u32 = 50_000;
/// Longest that it may take; a clean tool needs a tenth (our estimate).
const EVACUATE_MS: u32 = 1_500;
/// Pressure settles, then its fall over the rest is the leak.
const SETTLE_MS: u32 = 20;
const HOLD_MS: u32 = 150;
/// A closed manifold that loses more than this within the hold leaks (our estimate).
const LEAK_PA: u32 = 5_000;
/// How long a line is open, and how far the manifold must fall through it.
const OPEN_MS: u32 = 60;
const ANSWER_PA: u32 = 5_000;
/// Between two cups the generator runs until the goal, at most this long.
const REFILL_MS: u32 = 500;
/// So many times the clean time is a clogged filter.
const CLOGGED: u32 = 2;

/// What a leak test came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeakTest {
    /// Time to 50 kPa with every line closed; `u16::MAX` where that was not reached.
    pub evacuate_ms: u16,
    /// What the closed manifold lost in 130 ms, Pa.
    pub fall_pa: u32,
    /// Cups whose line drew air.
    pub answered: CupSet,
    /// Generator, filter and manifold are as they should be, and every cup answered.
    pub passed: bool,
}

/// Numbered from 1, so that no test is 0: see [`Controller::asleep`](crate::Controller::asleep).
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
enum Phase {
    Evacuate = 1,
    Hold { settled_pa: Option<u32> },
    Refill { cup: usize },
    Open { cup: usize, from_pa: u32 },
}

/// A test under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Test {
    phase: Phase,
    since_ms: u32,
    evacuate_ms: u16,
    fall_pa: u32,
    answered: CupSet,
}

/// What a test wants of the outputs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wants {
    pub(crate) generator: bool,
    pub(crate) on_vacuum: CupSet,
}

impl Test {
    pub(crate) fn begin(now_ms: u32) -> Self {
        Self { phase: Phase::Evacuate, since_ms: now_ms, evacuate_ms: u16::MAX, fall_pa: 0, answered: CupSet::NONE }
    }

    fn end(&self, passed: bool) -> LeakTest {
        LeakTest { evacuate_ms: self.evacuate_ms, fall_pa: self.fall_pa, answered: self.answered, passed }
    }

    pub(crate) fn wants(&self) -> Wants {
        let (generator, on_vacuum) = match self.phase {
            Phase::Evacuate | Phase::Refill { .. } => (true, CupSet::NONE),
            Phase::Hold { .. } => (false, CupSet::NONE),
            Phase::Open { cup, .. } => (false, CupSet::single(cup)),
        };
        Wants { generator, on_vacuum }
    }

    /// One millisecond; gives the result in the tick in which the test ends.
    pub(crate) fn update(&mut self, now_ms: u32, manifold_pa: u32) -> Option<LeakTest> {
        let elapsed = now_ms.wrapping_sub(self.since_ms);
        let next = match self.phase {
            Phase::Evacuate if manifold_pa >= GOAL_PA => {
                self.evacuate_ms = u16::try_from(elapsed).unwrap_or(u16::MAX);
                Some(Phase::Hold { settled_pa: None })
            }
            Phase::Evacuate if elapsed >= EVACUATE_MS => return Some(self.end(false)),
            Phase::Hold { settled_pa: None } if elapsed >= SETTLE_MS => {
                self.phase = Phase::Hold { settled_pa: Some(manifold_pa) };
                None
            }
            Phase::Hold { settled_pa: Some(from_pa) } if elapsed >= HOLD_MS => {
                self.fall_pa = from_pa.saturating_sub(manifold_pa);
                Some(Phase::Refill { cup: 0 })
            }
            Phase::Refill { cup } if manifold_pa >= GOAL_PA || elapsed >= REFILL_MS => {
                Some(Phase::Open { cup, from_pa: manifold_pa })
            }
            Phase::Open { cup, from_pa } if elapsed >= OPEN_MS => {
                if from_pa.saturating_sub(manifold_pa) > self.fall_pa.saturating_add(ANSWER_PA) {
                    self.answered = self.answered.with(cup);
                }
                if cup + 1 >= CUPS {
                    return Some(self.end(self.answered == CupSet::ALL && self.fall_pa <= LEAK_PA));
                }
                Some(Phase::Refill { cup: cup + 1 })
            }
            Phase::Evacuate | Phase::Hold { .. } | Phase::Refill { .. } | Phase::Open { .. } => None,
        };
        if let Some(phase) = next {
            self.phase = phase;
            self.since_ms = now_ms;
        }
        None
    }
}

impl LeakTest {
    /// The faults that a result shows, and those that it clears; `passed` false where one is found.
    pub(crate) fn judge(&mut self, calibration: &Calibration) -> impl Iterator<Item = (Fault, bool)> + use<> {
        let evacuated = self.evacuate_ms != u16::MAX;
        let leaks = evacuated && self.fall_pa > LEAK_PA;
        let clean_ms = u32::from(calibration.clean_evacuate_ms);
        // A leaking manifold is slow too: only a tight one tells of the filter.
        let clogged = evacuated && !leaks && clean_ms > 0 && u32::from(self.evacuate_ms) > CLOGGED * clean_ms;
        self.passed &= !clogged;
        let answered = self.answered;
        let shut = move |cup: u8| (Fault::LineShut { cup }, evacuated && !answered.contains(usize::from(cup)));
        [(Fault::NoVacuum, !evacuated), (Fault::ManifoldLeaks, leaks), (Fault::FilterClogged, clogged)]
            .into_iter()
            .chain((0..).take(CUPS).map(shut))
    }
}
