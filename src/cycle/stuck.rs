//! What does not come off the cups: weighed on the way up, blown off once more, and the end of the run where that is not
//! enough.

use scene::{SkuName, Span};

use super::{Cycle, Inputs, Outputs, Step, Task};
use crate::task::Attempt;
use crate::telemetry::Outcome;
use control::{Motion, SegmentKind};
use firmware::{CupSet, Request};

/// What was let go hangs still when the load cell shows more than this share of its mass after the way up, and more than so
/// much, kilograms: the empty tool is known to 0.25 N between two tares.
const HANGS_SHARE: f64 = 0.5;
const HANGS_KG: f64 = 0.03;
/// The second blow is so many times as long as the first; the tool's limits cap it.
const BLOW_LONGER: u64 = 4;
/// What still hangs after this stays there; tacky films come off within a second and a half (estimate).
const BLOW_OFF_WAIT: Span = Span::from_millis(2_000);

/// What has stuck to the cups for good.
#[derive(Debug, Clone, PartialEq)]
pub struct Stuck {
    /// The pick's number.
    pub pick: u32,
    /// What it is taken for.
    pub sku: SkuName,
    /// The bin that it was let go in.
    pub bin: String,
    /// What the load cell shows of it, kilograms.
    pub kg: f64,
}

impl Cycle {
    /// What has stuck to the cups, if the run has ended for that. The arm stands over the place where it let go.
    #[must_use]
    pub fn stuck(&self) -> Option<&Stuck> {
        self.stuck.as_ref()
    }

    /// The tool goes up from what it has let go.
    pub(super) fn go_up(&mut self) {
        self.weighing.leave();
        self.going_up = self.attempt.as_ref().or(self.leaving.as_deref()).is_some_and(|left| left.lifted);
    }

    /// Weighs what hangs on the tool on its way up; true once, at its end, where that is what should have been let go.
    pub(super) fn still_hangs(&mut self, inputs: &Inputs<'_>, motion: &Motion) -> bool {
        let left = if self.step == Step::Reach { self.leaving.as_deref() } else { self.attempt.as_ref() };
        let Some(most_kg) = left.map(most_kg).filter(|_| self.going_up) else { return false };
        self.weighing.left(&inputs.load());
        if motion.in_segment(SegmentKind::Retreat) {
            return false;
        }
        self.going_up = false;
        self.weighing.mass_kg().is_some_and(|kg| kg > most_kg)
    }

    /// Stops, and blows once more. A pick that has begun meanwhile has not.
    pub(super) fn blow_off(&mut self, inputs: &Inputs<'_>, out: &mut Outputs) {
        self.executor.halt();
        if let Some(left) = self.leaving.take()
            && let Some(next) = self.attempt.replace(*left)
        {
            self.picks -= 1;
            out.tasks.push(Task::Withdraw(next.choice));
        }
        if let Some(attempt) = &mut self.attempt {
            attempt.blown_off = true;
        }
        let blow_ms = u16::try_from(BLOW_LONGER * (self.rules.blow.nanos() / 1_000_000)).unwrap_or(u16::MAX);
        out.requests.push(Request::Release { cups: CupSet::ALL, blow_ms });
        self.enter(Step::BlowOff, inputs, out);
    }

    /// Weighs at rest, again and again, until the tool is empty or has been given up.
    pub(super) fn blown_off(&mut self, inputs: &Inputs<'_>, held_for: Span, motion: &Motion, out: &mut Outputs) {
        let Some(most_kg) = self.attempt.as_ref().map(most_kg) else { return };
        if !motion.is_over() {
            self.weighing.leave();
            return;
        }
        let Some(kg) = self.weighing.left_at_rest(&inputs.load()) else { return };
        if kg <= most_kg {
            // It lies below now: whoever looks into the bin tells how.
            self.finish(inputs, out);
            self.clear(inputs, out);
        } else if held_for >= BLOW_OFF_WAIT {
            if let Some(attempt) = &mut self.attempt {
                attempt.outcome = Outcome::Stuck;
                attempt.released_in_bin = false;
                let choice = &attempt.choice;
                self.stuck = Some(Stuck { pick: choice.pick, sku: choice.sku.clone(), bin: choice.bin.clone(), kg });
            }
            self.finish(inputs, out);
            self.unconfirmed = None;
            self.enter(Step::Done, inputs, out);
        }
    }
}

/// What the load cell may show with the tool empty, kilograms.
fn most_kg(left: &Attempt) -> f64 {
    let kg = left.weighed_kg.unwrap_or_else(|| left.hold().mass_kg);
    (HANGS_SHARE * kg).max(HANGS_KG)
}
