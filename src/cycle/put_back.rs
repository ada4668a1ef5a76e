//! The way back into the tote of what is not what was wanted, or has hit something.

use control::Motion;

use super::{Cycle, Inputs, Outputs, Step, Task};
use crate::telemetry::Outcome;

impl Cycle {
    /// Stops along the path, then carries the item back to where it lay.
    pub(super) fn put_back(&mut self, why: Outcome, inputs: &Inputs<'_>, out: &mut Outputs) {
        if let Some(attempt) = &mut self.attempt {
            attempt.outcome = why;
        }
        self.put_back = true;
        self.executor.halt();
        self.enter(Step::PutBack, inputs, out);
    }

    pub(super) fn carry_back(&mut self, inputs: &Inputs<'_>, motion: &Motion, out: &mut Outputs) {
        if self.lost(inputs.tool) {
            self.fail(Outcome::Lost, inputs, out);
        } else if !self.put_back && self.weighing.pushed_n().abs() > self.rules.collision_n && !motion.is_over() {
            // Something is in the way of the way back too.
            self.executor.halt();
        } else if let Some(program) = self.planned.take() {
            self.start(program);
        } else if self.no_plan {
            // It hangs where it hung a moment ago: above the tote. Letting go there is the least harm.
            self.no_plan = false;
            self.release(inputs, out);
        } else if !self.waiting_for_plan && motion.is_over() {
            if self.put_back {
                self.put_back = false;
                if let Some(attempt) = &self.attempt {
                    let choice = attempt.choice.clone();
                    self.ask(Task::PlanPutBack { from: self.at, choice }, out);
                }
            } else {
                self.release(inputs, out);
            }
        }
    }
}
