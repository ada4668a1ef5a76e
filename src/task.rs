//! The words between the cycle and those who do its slow work: steps, tasks, answers, attempts.

use std::fmt;
use std::sync::Arc;

use control::{Hold, JointAngles, Program, SegmentKind};
use scene::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::telemetry::{Choice, Outcome};

/// What the cycle must know beside its inputs. From the cell file.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// How long cups may take to seal after contact.
    pub seal_timeout: Span,
    /// A load this far beyond what item and motion explain means that something was hit, newtons.
    pub collision_n: f64,
    /// A cup below this pressure that the tool calls lost holds nothing, pascals.
    pub lost_pa: u32,
    /// How long the released cups blow.
    pub blow: Span,
    /// Longest wait for the cups to come down to `released_pa`.
    pub release_timeout: Span,
    /// Cups below this pressure hold nothing, pascals.
    pub released_pa: u32,
}

/// A step of the cycle, by the name that a person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The arm waits for an image and its items.
    Look,
    /// The arm waits for the choice of item, grasp and placement.
    Choose,
    /// The arm waits for the motion.
    Plan,
    /// To the stand-off before the item.
    Reach,
    /// Guarded and slow, until the cups touch.
    Approach,
    /// The vacuum builds up.
    Seal,
    /// Off the pile; the load cell weighs.
    Lift,
    /// Over the walls to the bin.
    Carry,
    /// Guarded down into the bin.
    Place,
    /// Vacuum off, a short blow.
    Release,
    /// Up and out of the bin.
    Retreat,
    /// At rest over the place of release: what stuck to the cups is blown off once more.
    BlowOff,
    /// Back into the tote with something that is not what was wanted.
    PutBack,
    /// Out of the camera's view after a missed pick.
    Clear,
    /// Nothing more to do.
    Done,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Look => "look",
            Self::Choose => "choose",
            Self::Plan => "plan",
            Self::Reach => "reach",
            Self::Approach => "approach",
            Self::Seal => "seal",
            Self::Lift => "lift",
            Self::Carry => "carry",
            Self::Place => "place",
            Self::Release => "release",
            Self::Retreat => "retreat",
            Self::BlowOff => "blow-off",
            Self::PutBack => "put-back",
            Self::Clear => "clear",
            Self::Done => "done",
        })
    }
}

/// What was let go in its bin.
#[derive(Debug, Clone)]
pub struct Released {
    /// What was chosen.
    pub choice: Arc<Choice>,
    /// What it weighed, kilograms.
    pub weighed_kg: Option<f64>,
}

/// Slow work that the cycle asks for. Every task but [`Task::Begin`], [`Task::Withdraw`] and
/// [`Task::Finish`] is answered once.
#[derive(Debug, Clone)]
pub enum Task {
    /// Take an image of the tote and find its items.
    Look,
    /// Choose item, grasp and placement from the newest look, for the pick of this number.
    Choose {
        /// The pick's number, from 1.
        pick: u32,
    },
    /// Plan the way from `from` to the grasp, and make sure that the way on exists.
    PlanReach {
        /// Where the arm will be.
        from: JointAngles,
        /// What was chosen.
        choice: Arc<Choice>,
        /// A reach to the same grasp from where the arm was thought to end.
        like: Option<Arc<Program>>,
    },
    /// Make a reach shorter that has been planned and may not have begun.
    RefineReach {
        /// The reach.
        reach: Arc<Program>,
        /// What was chosen.
        choice: Arc<Choice>,
    },
    /// Plan a short carry from where a reach should touch; [`Task::PlanCarry`] takes it up.
    RefineCarry {
        /// The reach.
        reach: Arc<Program>,
        /// What was chosen.
        choice: Arc<Choice>,
    },
    /// Plan lift, carry and lowering for what is held.
    PlanCarry {
        /// Where the arm is.
        from: JointAngles,
        /// What was chosen.
        choice: Arc<Choice>,
        /// Share of the expected pull of the wanted cups that is there, 0…1; the allowed acceleration shrinks with it.
        pull_share: f64,
    },
    /// Plan the way back into the tote.
    PlanPutBack {
        /// Where the arm is.
        from: JointAngles,
        /// What was chosen.
        choice: Arc<Choice>,
    },
    /// Plan straight up out of the container that the tool is in.
    PlanRetreat {
        /// Where the arm is.
        from: JointAngles,
        /// What was let go in its bin, if something was.
        released: Option<Released>,
    },
    /// Plan to the rest pose, out of every camera's view.
    PlanClear {
        /// Where the arm is.
        from: JointAngles,
    },
    /// Look into the bins, and whether the item of a pick lies there.
    Confirm {
        /// The pick's number; 0 before the first.
        pick: u32,
    },
    /// A pick begins: the arm starts towards the item.
    Begin(Arc<Choice>),
    /// A pick that had begun does not take place: what came before it was not over. Its item is wanted as before.
    Withdraw(Arc<Choice>),
    /// A pick has come to its end, but for what Confirm may add.
    Finish(Box<Attempt>),
}

/// What is known of the next pick while the current one still moves.
#[derive(Debug, Clone)]
pub(crate) enum Next {
    /// Nobody has asked yet.
    Unknown,
    Looking,
    /// Items are known, and the bins have not been looked into yet.
    Looked,
    Choosing,
    Chosen(Arc<Choice>),
    Planning,
    Ready(Arc<Choice>, Arc<Program>),
    Nothing,
}

/// The answer to a [`Task`].
#[derive(Debug, Clone)]
pub enum Answer {
    /// Items are known.
    Looked,
    /// What to pick next.
    Chosen(Arc<Choice>),
    /// Nothing can be picked, with the reason.
    Nothing,
    /// For PlanReach.
    Reached {
        /// The way to the grasp.
        reach: Arc<Program>,
        /// The choice with the placement that can be reached put first.
        choice: Arc<Choice>,
        /// True when it is as short as another one that it was made like.
        is_like: bool,
    },
    /// A reach, and a shorter one in its place if there is one, for RefineReach.
    Refined {
        /// The reach that was asked about.
        reach: Arc<Program>,
        /// The shorter one.
        shorter: Option<Arc<Program>>,
    },
    /// For RefineCarry: whoever planned it has it.
    CarryRefined,
    /// The chosen grasp can't be reached, or not be left again.
    Unreachable,
    /// A motion, for PlanCarry, PlanPutBack, PlanRetreat and PlanClear.
    Planned(Arc<Program>),
    /// No motion exists; why has been told by the one who planned.
    NoPlan,
    /// The bin was looked at. The outcome is settled by whoever keeps the ledger.
    Confirmed,
}

/// What one attempt came to, as the cycle saw it.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// What was chosen.
    pub choice: Arc<Choice>,
    /// How it ended, before the bin was looked at.
    pub outcome: Outcome,
    /// True once cups were told to seal.
    pub attempted: bool,
    /// True once the lift was over with something on the cups.
    pub lifted: bool,
    /// True when something was released in the bin.
    pub released_in_bin: bool,
    /// True when it had to be blown off the cups a second time.
    pub blown_off: bool,
    /// Where the way to the grasp began.
    pub reached_from: JointAngles,
    /// Where the arm was when what is held was sealed.
    pub held_at: Option<JointAngles>,
    /// Where the arm was when the cups were told to let go.
    pub released_at: Option<JointAngles>,
    /// When the pick began.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Time in each step, in order of entry.
    pub steps: Vec<(Step, Span)>,
    /// Pressure of each cup at the end of Seal, pascals below ambient.
    pub sealed_pa: [u32; firmware::CUPS],
    /// Lowest pressure of each cup while carrying, pascals below ambient.
    pub lowest_pa: [u32; firmware::CUPS],
    /// Mass from the load cell, kilograms.
    pub weighed_kg: Option<f64>,
    /// Planned seconds by segment name.
    pub planned: Vec<(SegmentKind, Span)>,
}

impl Attempt {
    /// How the item is held.
    #[must_use]
    pub fn hold(&self) -> &Hold {
        &self.choice.candidates[self.choice.chosen].hold
    }

    /// A pick that begins with the way to the grasp, after waiting through `waits`.
    pub(crate) fn new(choice: Arc<Choice>, reach: &Program, began_at: Timestamp, waits: Vec<(Step, Span)>) -> Self {
        let mut attempt = Self {
            choice,
            outcome: Outcome::Placed,
            attempted: false,
            lifted: false,
            released_in_bin: false,
            blown_off: false,
            reached_from: reach.start(),
            held_at: None,
            released_at: None,
            began_at,
            ended_at: began_at,
            steps: waits,
            sealed_pa: [0; firmware::CUPS],
            lowest_pa: [0; firmware::CUPS],
            weighed_kg: None,
            planned: Vec::new(),
        };
        attempt.plan(reach);
        attempt
    }

    /// Notes the planned length of each segment.
    pub(crate) fn plan(&mut self, program: &Program) {
        self.planned.extend(program.segments().iter().map(|s| (s.kind, s.duration())));
    }
}
