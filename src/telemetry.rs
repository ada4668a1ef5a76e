//! What happens, as data: one enum; the terminal, the recording and the viewer are its sinks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use control::{ArmState, HeldBox, JointAngles, Program};
use firmware::Status;
use grasp::{Candidate, Placement};
use scene::{HeightMap, Item, ItemId, RgbdImage, SkuName, Timestamp, frame};
use serde::{Deserialize, Serialize};

use crate::cycle::Step;

/// Something that happened in the cell. `at` is the cell's time, never the wall's.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are described by their variant")]
pub enum Event {
    /// A camera gave an image.
    Image { at: Timestamp, camera: String, image: Arc<RgbdImage> },
    /// Perception found these items in the newest image of a camera.
    Items { at: Timestamp, camera: String, tote: String, items: Arc<Vec<Item>> },
    /// The height map of a tote, in its frame, as the newest image shows it.
    ToteSurface { at: Timestamp, tote: String, surface: Arc<HeightMap<frame::Tote>> },
    /// The height map of a bin, in its frame, as it is believed to be.
    BinSurface { at: Timestamp, bin: String, surface: Arc<HeightMap<frame::Bin>> },
    /// An item and its grasps were chosen, and where it goes.
    Choice { at: Timestamp, choice: Arc<Choice> },
    /// A motion was planned: 1 kHz joint positions, and the tool's path through the world, metres.
    Path { at: Timestamp, pick: u32, program: Arc<Program>, tool_path: Arc<Vec<[f64; 3]>> },
    /// The cycle entered a step.
    Step { at: Timestamp, pick: u32, step: Step },
    /// The arm and the tool as they are; about 50 times a second.
    State { at: Timestamp, arm: ArmState, tool: Option<Status> },
    /// A pick came to its end.
    Pick(Arc<PickRecord>),
    /// Something that a person should read.
    Warning { at: Timestamp, text: String },
}

/// What was decided for one pick.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The pick's number, from 1.
    pub pick: u32,
    /// The tote it is taken from.
    pub tote: String,
    /// The bin it goes to.
    pub bin: String,
    /// The order it is for.
    pub order: String,
    /// The SKU it is believed to be.
    pub sku: SkuName,
    /// What it may weigh, from and to, kilograms.
    pub mass_kg: [f64; 2],
    /// All items of the look it was chosen from.
    pub items: Arc<Vec<Item>>,
    /// The item among them.
    pub item: ItemId,
    /// Its grasps, accepted ones first in their rank, then the rejected.
    pub candidates: Vec<Candidate>,
    /// Which of them is tried.
    pub chosen: usize,
    /// Placements considered for the chosen grasp, accepted ones first.
    pub placements: Vec<Placement>,
    /// The bin's surface that they were found on.
    pub surface: Arc<HeightMap<frame::Bin>>,
}

/// How a pick ended. A missed pick is a value, not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The item was released in its bin and the bin's surface rose there.
    Placed,
    /// The cups that were needed did not seal in time.
    NoSeal,
    /// The item was lost between lift and release.
    Lost,
    /// What hangs on the cups weighs too little or too much for the SKU; it was put back.
    WrongWeight,
    /// What was held hit something on its way to the bin; it was put back.
    Collided,
    /// The tool met nothing, or met something too early.
    NoContact,
    /// Released, but the bin's surface did not change.
    NotSeenInBin,
    /// The tool's or the arm's own protection ended it.
    Faulted,
    /// Released in its bin, where it lies otherwise than placed: another side is up. It is delivered.
    Tipped,
    /// Released twice, and still on the cups: nothing is delivered, and the cell stops.
    Stuck,
}

impl Outcome {
    /// Whether the item counts for its order.
    #[must_use]
    pub fn is_delivered(self) -> bool {
        match self {
            Self::Placed | Self::Tipped => true,
            Self::NoSeal
            | Self::Lost
            | Self::WrongWeight
            | Self::Collided
            | Self::NoContact
            | Self::NotSeenInBin
            | Self::Faulted
            | Self::Stuck => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Placed => "placed",
            Self::NoSeal => "no seal",
            Self::Lost => "lost",
            Self::WrongWeight => "wrong weight",
            Self::Collided => "collided",
            Self::NoContact => "no contact",
            Self::NotSeenInBin => "not seen in bin",
            Self::Faulted => "faulted",
            Self::Tipped => "tipped over",
            Self::Stuck => "stuck to the cups",
        })
    }
}

/// A candidate as it is kept: score or reason.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandidateRecord {
    /// Which cups, by number.
    pub cups: Vec<usize>,
    /// Where the lips touch, world, metres.
    pub at_m: [f64; 3],
    /// Tilt of the tool's axis from the vertical, degrees.
    pub tilt_deg: f64,
    /// Probability of success that the planner gives it.
    pub score: f64,
    /// About how long the carry from there takes, seconds; none where it was not asked for.
    #[serde(default)]
    pub carry_s: Option<f64>,
    /// Why it was not taken, if it was rejected.
    pub rejected: Option<String>,
}

impl CandidateRecord {
    /// What is kept of a candidate.
    #[must_use]
    pub fn of(candidate: &Candidate) -> Self {
        let pose = &candidate.hold.world_from_tool;
        Self {
            cups: candidate.hold.cups.iter().collect(),
            at_m: pose.origin().coords.into(),
            tilt_deg: pose.direction(&-nalgebra::Vector3::z()).z.clamp(-1.0, 1.0).acos().to_degrees(),
            score: candidate.score,
            carry_s: candidate.carry.map(scene::Span::seconds),
            rejected: candidate.rejected.as_ref().map(ToString::to_string),
        }
    }
}

/// Where an arm stood on a pick: what the least time for it is reckoned from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// At the beginning.
    pub from: JointAngles,
    /// When what is held was sealed.
    pub grasp: JointAngles,
    /// When it was let go.
    pub drop: JointAngles,
    /// The box around what was held.
    pub held: HeldBox,
}

/// One line of `picks.jsonl`: all that decided one pick and what came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PickRecord {
    /// Number of the pick, from 1.
    pub pick: u32,
    /// When the pick began, nanoseconds of the cell's time.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// The order that it was for.
    pub order: String,
    /// The tote it was taken from.
    pub tote: String,
    /// The bin it went to.
    pub bin: String,
    /// The SKU it was believed to be.
    pub sku: SkuName,
    /// All beliefs about the item, most likely first; `null` is "none of these".
    pub beliefs: Vec<scene::Belief>,
    /// Size of the box around what was seen, metres.
    pub size_m: [f64; 3],
    /// Where the item's box was, seven numbers.
    pub world_from_item: scene::Pose<frame::World, frame::Item>,
    /// How much of it others may cover, 0…1.
    pub covered: f64,
    /// Grasps considered: accepted in rank, then rejected.
    pub candidates: Vec<CandidateRecord>,
    /// Which candidate was tried.
    pub chosen: usize,
    /// How often this item had been tried before in a row.
    pub retry: u32,
    /// Where the box was to rest in the bin, seven numbers.
    pub bin_from_box: scene::Pose<frame::Bin, frame::Item>,
    /// Share of the box's footprint that is supported there, 0…1.
    pub support: f64,
    /// Acceleration sideways that the grasp allows at the item, m/s².
    pub max_acceleration: f64,
    /// Acceleration along the vertical that it allows, m/s².
    pub max_vertical: f64,
    /// Length of the planned motion segments, seconds, by name.
    pub planned_s: BTreeMap<String, f64>,
    /// Between where the arm went, if something was let go in the bin.
    pub way: Option<Way>,
    /// Pressure below ambient that was expected at the cups, pascals.
    pub expected_pa: u32,
    /// Pressure of each cup at the end of Seal, pascals.
    pub sealed_pa: Vec<u32>,
    /// Lowest pressure of each cup between lift and release, pascals.
    pub lowest_pa: Vec<u32>,
    /// Mass from the load cell after the lift, kilograms.
    pub weighed_kg: Option<f64>,
    /// Nominal mass of the SKU, kilograms.
    pub nominal_kg: Option<f64>,
    /// How far above the planned drop the tool stood when it let go in the bin, metres; a bin's wall or an item may
    /// have stopped it early.
    pub released_over_m: Option<f64>,
    /// How it ended.
    pub outcome: Outcome,
    /// A sentence more, if there is one.
    pub remark: Option<String>,
    /// Time in each step, seconds, in order of entry.
    pub steps_s: Vec<(Step, f64)>,
}

impl PickRecord {
    /// Seconds from begin to end.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.ended_at.since(self.began_at).seconds()
    }

    /// Seconds spent in steps that `of` selects.
    #[must_use]
    pub fn seconds_in(&self, of: impl Fn(Step) -> bool) -> f64 {
        self.steps_s.iter().filter(|(step, _)| of(*step)).fold(0.0, |sum, (_, s)| sum + s)
    }
}

/// The line that the terminal shows for one pick.
impl fmt::Display for PickRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "pick {} {} {} in {:.2} s (look {:.2} choose {:.2} plan {:.2} move {:.2})",
            self.pick,
            self.sku,
            self.outcome,
            self.seconds(),
            self.seconds_in(|s| s == Step::Look),
            self.seconds_in(|s| s == Step::Choose),
            self.seconds_in(|s| s == Step::Plan),
            self.seconds_in(|s| !matches!(s, Step::Look | Step::Choose | Step::Plan)),
        )
    }
}

/// Takes events. A sink never blocks the loop: what it can't take at once it drops and counts.
pub trait Sink {
    /// Takes one event.
    fn take(&mut self, event: &Event);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_kebab_case_in_files_and_what_lies_otherwise_is_delivered() {
        let check = |outcome: Outcome, json: &str, words: &str, delivered: bool| {
            assert_eq!(serde_json::to_string(&outcome).unwrap(), json);
            assert_eq!((outcome.to_string().as_str(), outcome.is_delivered()), (words, delivered));
        };
        check(Outcome::Placed, "\"placed\"", "placed", true);
        check(Outcome::Tipped, "\"tipped\"", "tipped over", true);
        check(Outcome::Stuck, "\"stuck\"", "stuck to the cups", false);
        check(Outcome::NotSeenInBin, "\"not-seen-in-bin\"", "not seen in bin", false);
    }
}
