//! The pick cycle: the one place where the flow is read, from camera image to placed item.
//!
//! ```text
//! Look ─▶ Choose ─▶ Plan ─▶ Reach ─▶ Approach ─▶ Seal ─▶ Lift ─▶ Carry ─▶ Place ─▶ Release ─▶ Reach, or Retreat
//!  ▲ image   │ grasp,   │ motion                    │       │ weight  │ held        │  while the arm lowers,
//!  │ to items│ placement│                           │       ▼ wrong   ▼ lost        ▼  the next item is looked for
//!  └─────────┴──────────┴─────── Clear ◀────────────┴── PutBack ──────┘        Confirm (bin image)
//! ```
//!
//! The bins are looked into before the first choice, and after each pick. What still hangs on the cups after Release and the
//! way up is blown off once more (BlowOff), and ends the run where that does not help.
//!
//! The weight is looked at early in the carry and judged later in it; what hits something on its way is put back too.
//! [`Cycle::tick`] is a pure function of its inputs, a thousand times a second. Slow work — networks, grasp and motion
//! planning — is asked for as a [`Task`] and answered through [`Inputs::answers`] when its declared latency has passed, so
//! that a recording of inputs replays the cell.

use std::sync::Arc;

use control::{ArmState, Executor, JointAngles, Motion, Program, Scale, SegmentKind, Setpoint, TickInputs};
use firmware::{CupSet, Request, Status};
use scene::{Span, Timestamp};

mod cups;
mod put_back;
mod stuck;

use crate::task::Next;
pub use crate::task::{Answer, Attempt, Released, Rules, Step, Task};
use crate::telemetry::{Choice, Outcome};
use crate::weighing::{Load, Weighing};
use cups::{pressures, sealed_cups};
pub use stuck::Stuck;

/// The vacuum may grow for so long after the cups have sealed, until it pulls with this share of what is expected: what
/// is held by more may be carried faster.
const PULL_WAIT: Span = Span::from_millis(80);
const FULL_PULL: f64 = 0.95;

/// Everything that one tick may depend on.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The cell's time.
    pub now: Timestamp,
    /// The arm as it is.
    pub arm: &'a ArmState,
    /// The newest status of the tool.
    pub tool: &'a Status,
    /// Answers to tasks that became available at this tick.
    pub answers: &'a [Answer],
}

impl Inputs<'_> {
    fn load(&self) -> Load<'_> {
        Load { now: self.now, q: &self.arm.q, newtons: f64::from(self.tool.load_mn) * 1e-3 }
    }
}

/// What one tick asks of the world.
#[derive(Debug, Default)]
pub struct Outputs {
    /// The joint angles to go to.
    pub setpoint: Option<Setpoint>,
    /// Requests to the tool, in order.
    pub requests: Vec<Request>,
    /// Tasks to start, in order.
    pub tasks: Vec<Task>,
    /// The step that was entered, if one was.
    pub entered: Option<Step>,
}

/// The state of the pick cycle.
#[derive(Debug)]
pub struct Cycle {
    rules: Rules,
    executor: Executor,
    step: Step,
    entered_at: Timestamp,
    attempt: Option<Attempt>,
    next: Next,
    /// The motion that was asked for the current attempt.
    waiting_for_plan: bool,
    planned: Option<Arc<Program>>,
    no_plan: bool,
    /// Where the newest setpoint is, and where the program under way ends.
    at: JointAngles,
    goal: JointAngles,
    /// The guarded approach ended by contact.
    touched: bool,
    weighing: Weighing,
    /// An attempt that let go in its bin, until the tool has left that.
    leaving: Option<Box<Attempt>>,
    /// When the cups of this grasp had sealed.
    sealed_since: Option<Timestamp>,
    /// The weight was wrong and the way back is not planned yet.
    put_back: bool,
    /// The way out of the view has been started.
    clearing: bool,
    /// How many picks have begun.
    picks: u32,
    /// When the pick to come began, and the steps of waiting for it.
    began_at: Timestamp,
    waits: Vec<(Step, Span)>,
    /// A pick that lifted something, after which the bins have not been looked at yet.
    unconfirmed: Option<u32>,
    /// The bins have been asked to be looked into, and have been.
    asked_for_bins: bool,
    bins_seen: bool,
    /// The tool is on its way up from what it let go, and weighed for it.
    going_up: bool,
    /// What does not come off.
    stuck: Option<Stuck>,
    /// True once a look from the rest pose found nothing.
    looked_again: bool,
    /// True once that is settled: the arm goes to rest for good.
    ending: bool,
}

impl Cycle {
    /// A cycle at rest, about to look.
    #[must_use]
    pub fn new(rules: Rules, executor: Executor, scale: Scale) -> Self {
        let at = executor.at();
        Self {
            rules,
            executor,
            weighing: Weighing::new(scale),
            at,
            goal: at,
            touched: false,
            leaving: None,
            sealed_since: None,
            clearing: false,
            picks: 0,
            began_at: Timestamp::ZERO,
            waits: Vec::with_capacity(16),
            step: Step::Look,
            entered_at: Timestamp::ZERO,
            attempt: None,
            next: Next::Unknown,
            waiting_for_plan: false,
            planned: None,
            no_plan: false,
            put_back: false,
            unconfirmed: None,
            asked_for_bins: false,
            bins_seen: false,
            going_up: false,
            stuck: None,
            looked_again: false,
            ending: false,
        }
    }

    /// The step that the cycle is in.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step
    }

    /// The number of the pick under way, or 0.
    #[must_use]
    pub fn pick(&self) -> u32 {
        self.attempt.as_ref().map_or(0, |a| a.choice.pick)
    }

    /// What was chosen for the pick under way.
    #[must_use]
    pub fn choice(&self) -> Option<&Choice> {
        self.attempt.as_ref().map(|a| &*a.choice)
    }

    /// True when nothing moves and nothing more will be picked.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.step == Step::Done && self.unconfirmed.is_none()
    }

    /// One millisecond of the cell. Doesn't read a clock, doesn't block.
    pub fn tick(&mut self, inputs: &Inputs<'_>) -> Outputs {
        let mut out = Outputs::default();
        for answer in inputs.answers {
            self.take(answer, &mut out);
        }
        let contact = self.touches(inputs);
        let motion = self.executor.tick(&TickInputs { now: inputs.now, arm: *inputs.arm, contact, stop: false });
        out.setpoint = Some(motion.setpoint);
        self.at = motion.setpoint.q;
        self.advance(inputs, motion.state, &mut out);
        self.look_ahead(&mut out);
        out
    }

    fn take(&mut self, answer: &Answer, out: &mut Outputs) {
        match (answer, self.next.clone()) {
            (Answer::Looked, Next::Looking) => {
                self.next = Next::Looked;
                self.choose(out);
            }
            (Answer::Chosen(choice), Next::Choosing) => self.next = Next::Chosen(choice.clone()),
            (Answer::Nothing, Next::Choosing) => self.next = Next::Nothing,
            (Answer::Reached { reach, choice, is_like }, Next::Planning) => {
                let (of, choice) = (reach.clone(), choice.clone());
                out.tasks.push(match is_like {
                    true => Task::RefineCarry { reach: of, choice: choice.clone() },
                    false => Task::RefineReach { reach: of, choice: choice.clone() },
                });
                self.next = Next::Ready(choice, reach.clone());
            }
            (Answer::Refined { reach, shorter }, Next::Ready(choice, planned)) if Arc::ptr_eq(&planned, reach) => {
                let reach = shorter.as_ref().unwrap_or(reach).clone();
                out.tasks.push(Task::RefineCarry { reach: reach.clone(), choice: choice.clone() });
                self.next = Next::Ready(choice, reach);
            }
            // It runs already as it was.
            (Answer::Refined { reach, .. }, _) => {
                if let Some(attempt) = &self.attempt
                    && matches!(self.step, Step::Reach | Step::Approach)
                {
                    let choice = attempt.choice.clone();
                    out.tasks.push(Task::RefineCarry { reach: reach.clone(), choice });
                }
            }
            // The choice can't be reached; whoever chose knows, and chooses another.
            (Answer::Unreachable, Next::Planning) => {
                out.tasks.push(Task::Choose { pick: self.picks + 1 });
                self.next = Next::Choosing;
            }
            (Answer::Planned(program), _) if self.waiting_for_plan => {
                self.planned = Some(program.clone());
                self.waiting_for_plan = false;
            }
            (Answer::NoPlan, _) if self.waiting_for_plan => {
                self.no_plan = true;
                self.waiting_for_plan = false;
            }
            (Answer::Confirmed, _) => {
                self.unconfirmed = None;
                self.bins_seen = true;
                self.choose(out);
            }
            // An answer to a question that a failure has made stale.
            _ => {}
        }
    }

    /// Has the next pick chosen, once items and bins are known.
    fn choose(&mut self, out: &mut Outputs) {
        if self.bins_seen && matches!(self.next, Next::Looked) {
            out.tasks.push(Task::Choose { pick: self.picks + 1 });
            self.next = Next::Choosing;
        }
    }

    /// Looks for the next item while the arm is busy over the bins, and plans as soon as it is known where the arm will be.
    fn look_ahead(&mut self, out: &mut Outputs) {
        let idle = matches!(self.step, Step::Look | Step::Choose | Step::Plan);
        let released = self.attempt.as_ref().is_some_and(|a| a.released_in_bin);
        let over_bin = self.step == Step::Place || (released && matches!(self.step, Step::Release | Step::Retreat));
        match &self.next {
            Next::Unknown if idle || over_bin => {
                if !self.asked_for_bins {
                    self.asked_for_bins = true;
                    out.tasks.push(Task::Confirm { pick: 0 });
                }
                out.tasks.push(Task::Look);
                self.next = Next::Looking;
            }
            Next::Chosen(choice) if !self.waiting_for_plan => {
                if let Some(from) = self.leaves_from() {
                    out.tasks.push(Task::PlanReach { from, choice: choice.clone(), like: None });
                    self.next = Next::Planning;
                }
            }
            // The arm came to rest elsewhere than was thought.
            Next::Ready(choice, reach) if !self.waiting_for_plan => {
                if let Some(from) = self.leaves_from().filter(|from| *from != reach.start()) {
                    out.tasks.push(Task::PlanReach { from, choice: choice.clone(), like: Some(reach.clone()) });
                    self.next = Next::Planning;
                }
            }
            _ => {}
        }
    }

    /// Where the next reach begins, as far as that is known.
    fn leaves_from(&self) -> Option<JointAngles> {
        match self.step {
            Step::Look | Step::Choose | Step::Plan | Step::Release => Some(self.at),
            Step::Place | Step::Retreat => Some(self.goal),
            _ => None,
        }
    }

    fn advance(&mut self, inputs: &Inputs<'_>, motion: Motion, out: &mut Outputs) {
        let held_for = inputs.now.since(self.entered_at);
        match self.step {
            Step::Look | Step::Choose | Step::Plan => self.begin_when_ready(inputs, out),
            Step::Reach => {
                if self.still_hangs(inputs, &motion) {
                    self.blow_off(inputs, out);
                } else if motion.in_segment(SegmentKind::Approach) || motion.is_over() {
                    self.report_left(out);
                    if let Some(attempt) = &mut self.attempt {
                        attempt.attempted = true;
                        let hold = attempt.hold();
                        self.weighing.approach();
                        out.requests.push(Request::Seek { cups: hold.cups, expected_pa: hold.expected_pa });
                    }
                    self.confirm(out);
                    self.enter(Step::Approach, inputs, out);
                }
            }
            Step::Approach => {
                if let Some(attempt) = &self.attempt
                    && self.weighing.empty(&inputs.load(), self.executor.slow(), attempt.hold())
                {
                    out.requests.push(Request::Tare);
                }
                if motion.is_over() {
                    self.touched = motion.touched();
                    self.sealed_since = None;
                    self.enter(Step::Seal, inputs, out);
                }
            }
            Step::Seal => self.seal(inputs, held_for, out),
            Step::Lift => {
                // In the tote it may rub along a wall or a neighbour: that is no weight.
                if self.lost(inputs.tool) {
                    self.fail(Outcome::Lost, inputs, out);
                } else if !motion.in_segment(SegmentKind::Lift) {
                    if let Some(attempt) = &mut self.attempt {
                        attempt.lifted = true;
                    }
                    self.weighing.carry();
                    self.enter(Step::Carry, inputs, out);
                }
            }
            Step::Carry | Step::Place => {
                self.note_lowest(inputs.tool);
                let over = self.step == Step::Carry && motion.in_segment(SegmentKind::Lower);
                let share = motion.progress_in(SegmentKind::Carry).unwrap_or(1.0);
                let judged = (self.step == Step::Carry).then(|| self.weighing.item(&inputs.load(), share)).flatten();
                if self.lost(inputs.tool) {
                    self.fail(Outcome::Lost, inputs, out);
                } else if self.weighing.pushed_n().abs() > self.rules.collision_n {
                    self.put_back(Outcome::Collided, inputs, out);
                } else if let Some(slack) = judged
                    && self.weighs_wrong(slack)
                {
                    self.put_back(Outcome::WrongWeight, inputs, out);
                } else if motion.is_over() {
                    self.release(inputs, out);
                } else if over {
                    self.enter(Step::Place, inputs, out);
                }
            }
            Step::PutBack => self.carry_back(inputs, &motion, out),
            Step::Release => {
                let empty = inputs.tool.cups.iter().all(|c| c.pressure_pa <= self.rules.released_pa);
                let is_free = empty || held_for >= self.rules.release_timeout;
                let is_next = self.attempt.as_ref().is_some_and(|a| a.released_in_bin)
                    && matches!(&self.next, Next::Ready(_, reach) if reach.start() == self.at);
                if is_free && is_next {
                    // Out of the bin and to the next item in one motion.
                    self.planned = None;
                    self.waiting_for_plan = false;
                    self.leaving = self.end_attempt(inputs);
                    self.go_up();
                    self.begin_when_ready(inputs, out);
                } else if is_free && let Some(program) = self.planned.take() {
                    self.start(program);
                    self.go_up();
                    self.enter(Step::Retreat, inputs, out);
                } else if self.no_plan {
                    self.no_plan = false;
                    self.finish(inputs, out);
                    self.clear(inputs, out);
                }
            }
            Step::Retreat => {
                if self.still_hangs(inputs, &motion) {
                    self.blow_off(inputs, out);
                } else if motion.is_over() {
                    let clear = self.attempt.as_ref().is_some_and(|a| !a.released_in_bin);
                    self.finish(inputs, out);
                    if clear {
                        self.clear(inputs, out);
                    } else {
                        self.enter(Step::Look, inputs, out);
                        self.begin_when_ready(inputs, out);
                    }
                }
            }
            Step::Clear => {
                if let Some(program) = self.planned.take() {
                    self.clearing = true;
                    self.start(program);
                } else if !self.waiting_for_plan && motion.is_over() {
                    if self.clearing || self.no_plan {
                        self.no_plan = false;
                        self.confirm(out);
                        self.enter(if self.ending { Step::Done } else { Step::Look }, inputs, out);
                    } else {
                        self.ask(Task::PlanClear { from: self.at }, out);
                    }
                }
            }
            Step::BlowOff => self.blown_off(inputs, held_for, &motion, out),
            Step::Done => {}
        }
    }

    fn begin_when_ready(&mut self, inputs: &Inputs<'_>, out: &mut Outputs) {
        match self.next.clone() {
            Next::Ready(choice, program) => {
                self.enter(Step::Reach, inputs, out);
                self.picks += 1;
                out.tasks.push(Task::Begin(choice.clone()));
                self.attempt = Some(Attempt::new(choice, &program, self.began_at, std::mem::take(&mut self.waits)));
                self.start(program);
                self.next = Next::Unknown;
                self.looked_again = false;
            }
            Next::Nothing => {
                // The arm may have stood in the way, or a bin may not have been confirmed: look once more from rest.
                self.ending = self.looked_again;
                self.looked_again = true;
                self.clear(inputs, out);
            }
            Next::Choosing if self.step != Step::Choose => self.enter(Step::Choose, inputs, out),
            Next::Chosen(_) | Next::Planning if self.step != Step::Plan => self.enter(Step::Plan, inputs, out),
            _ => {}
        }
    }

    fn seal(&mut self, inputs: &Inputs<'_>, held_for: Span, out: &mut Outputs) {
        let Some(attempt) = &mut self.attempt else { return };
        let wanted = attempt.hold().cups;
        let sealed = sealed_cups(inputs.tool, wanted);
        let late = held_for >= self.rules.seal_timeout;
        // One cup of three or more may fail: the others carry the item more gently.
        let enough = sealed == wanted.count() || (late && wanted.count() >= 3 && sealed + 1 >= wanted.count());
        if let Some(program) = self.planned.take() {
            attempt.plan(&program);
            self.start(program);
            self.weighing.lift();
            self.enter(Step::Lift, inputs, out);
        } else if self.no_plan {
            self.no_plan = false;
            self.let_go(Outcome::Faulted, inputs, out);
        } else if self.waiting_for_plan {
        } else if enough {
            attempt.sealed_pa = pressures(inputs.tool);
            let expected = attempt.hold().expected_pa.max(1);
            let pull: u32 = wanted.iter().map(|cup| attempt.sealed_pa[cup].min(expected)).sum();
            let share = f64::from(pull) / (f64::from(expected) * f64::from(wanted.count().max(1)));
            let sealed_for = inputs.now.since(*self.sealed_since.get_or_insert(inputs.now));
            if share < FULL_PULL && sealed_for < PULL_WAIT {
                return;
            }
            attempt.held_at = Some(self.at);
            attempt.lowest_pa = attempt.sealed_pa;
            let choice = attempt.choice.clone();
            self.ask(Task::PlanCarry { from: self.at, choice, pull_share: share }, out);
        } else if late {
            attempt.sealed_pa = pressures(inputs.tool);
            let outcome = if self.touched { Outcome::NoSeal } else { Outcome::NoContact };
            self.let_go(outcome, inputs, out);
        }
    }

    /// Notes the weight so far; true when it is outside the choice's, widened about its middle by `slack`.
    fn weighs_wrong(&mut self, slack: f64) -> bool {
        let Some(attempt) = &mut self.attempt else { return false };
        attempt.weighed_kg = self.weighing.mass_kg();
        let [low, high] = attempt.choice.mass_kg;
        let (middle, half) = (0.5 * (low + high), 0.5 * (high - low) * slack);
        attempt.weighed_kg.is_some_and(|kg| (kg - middle).abs() > half)
    }

    fn release(&mut self, inputs: &Inputs<'_>, out: &mut Outputs) {
        let blow_ms = u16::try_from(self.rules.blow.nanos() / 1_000_000).unwrap_or(u16::MAX);
        out.requests.push(Request::Release { cups: CupSet::ALL, blow_ms });
        let mut released = None;
        if let Some(attempt) = &mut self.attempt {
            attempt.released_at = Some(self.at);
            attempt.released_in_bin = matches!(self.step, Step::Place | Step::Carry);
            let (choice, weighed_kg) = (attempt.choice.clone(), attempt.weighed_kg);
            released = attempt.released_in_bin.then_some(Released { choice, weighed_kg });
        }
        self.ask(Task::PlanRetreat { from: self.at, released }, out);
        self.enter(Step::Release, inputs, out);
    }

    /// Ends an attempt that holds nothing: the cups vent and the tool goes up.
    fn let_go(&mut self, outcome: Outcome, inputs: &Inputs<'_>, out: &mut Outputs) {
        if let Some(attempt) = &mut self.attempt {
            attempt.outcome = outcome;
        }
        self.release(inputs, out);
    }

    /// Something went wrong on the way: stop along the path, vent, then clear the view.
    fn fail(&mut self, outcome: Outcome, inputs: &Inputs<'_>, out: &mut Outputs) {
        if let Some(attempt) = &mut self.attempt {
            attempt.outcome = outcome;
        }
        out.requests.push(Request::Release { cups: CupSet::ALL, blow_ms: 0 });
        self.executor.halt();
        self.finish(inputs, out);
        self.put_back = false;
        self.clear(inputs, out);
    }

    /// Goes to rest; what was known of the next pick is stale by then.
    fn clear(&mut self, inputs: &Inputs<'_>, out: &mut Outputs) {
        self.next = Next::Unknown;
        self.planned = None;
        self.waiting_for_plan = false;
        self.no_plan = false;
        self.clearing = false;
        self.enter(Step::Clear, inputs, out);
    }

    /// Starts a motion that begins where the arm is. One that doesn't is dropped: the arm stays at rest,
    /// and the step that waited for the motion sees its end at once.
    fn start(&mut self, program: Arc<Program>) {
        let goal = program.end();
        if self.executor.start(program).is_ok() {
            self.goal = goal;
        } else {
            self.no_plan = true;
        }
    }

    /// The attempt under way, ended.
    fn end_attempt(&mut self, inputs: &Inputs<'_>) -> Option<Box<Attempt>> {
        let mut attempt = self.attempt.take()?;
        attempt.ended_at = inputs.now;
        attempt.steps.push((self.step, inputs.now.since(self.entered_at)));
        self.entered_at = inputs.now;
        self.began_at = inputs.now;
        Some(Box::new(attempt))
    }

    fn finish(&mut self, inputs: &Inputs<'_>, out: &mut Outputs) {
        self.report_left(out);
        self.leaving = self.end_attempt(inputs);
        self.report_left(out);
    }

    /// Tells of the attempt whose bin the tool has left; what was lifted may lie in a bin, wherever it was let go.
    fn report_left(&mut self, out: &mut Outputs) {
        if let Some(attempt) = self.leaving.take() {
            if attempt.lifted || attempt.released_in_bin {
                self.unconfirmed = Some(attempt.choice.pick);
            }
            out.tasks.push(Task::Finish(attempt));
        }
    }

    fn confirm(&mut self, out: &mut Outputs) {
        if let Some(pick) = self.unconfirmed {
            out.tasks.push(Task::Confirm { pick });
        }
    }

    fn ask(&mut self, task: Task, out: &mut Outputs) {
        self.waiting_for_plan = true;
        self.planned = None;
        self.no_plan = false;
        out.tasks.push(task);
    }

    fn enter(&mut self, step: Step, inputs: &Inputs<'_>, out: &mut Outputs) {
        let steps = self.attempt.as_mut().map_or(&mut self.waits, |a| &mut a.steps);
        steps.push((self.step, inputs.now.since(self.entered_at)));
        self.step = step;
        self.entered_at = inputs.now;
        out.entered = Some(step);
    }

    /// Whether what comes down has met something: the tool says so while it is empty; what is held stands when its
    /// weight is gone. Idle cups lean on what is held, so their stroke tells nothing then.
    fn touches(&mut self, inputs: &Inputs<'_>) -> bool {
        match self.step {
            Step::Approach => inputs.tool.contact || self.all_sealed(inputs.tool),
            Step::Place | Step::PutBack => {
                self.weighing.push(&inputs.load());
                self.weighing.stands()
            }
            _ => inputs.tool.contact,
        }
    }
}
