//! What the runtime claims to have done, and what it truly came to: for figures only, nothing that plans hears of it.

use std::collections::BTreeMap;

use control::LinkError;
use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion};
use scene::SkuName;
use serde::{Deserialize, Serialize};

use crate::telemetry::Outcome;

/// Something that the runtime says of its work. Crosses the link to a world of its own process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Claim {
    /// What each bin should get. Said before anything moves.
    Wants(BTreeMap<String, BTreeMap<SkuName, u32>>),
    /// Something hangs on the tool, and this is where it should be.
    Holds {
        /// Centre and axes of its box, `[x, y, z, qx, qy, qz, qw]` in the tool's frame, as they are: never normalised again.
        tool_from_box: [f64; 7],
    },
    /// A pick has come to its end.
    Ended(Ended),
}

/// How a pick ended, as the runtime saw it before it looked into the bin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// The pick's number.
    pub pick: u32,
    /// What the item was taken for.
    pub sku: SkuName,
    /// The bin that it should go to.
    pub bin: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Cups were told to seal.
    pub attempted: bool,
    /// Something was released in the bin.
    pub released_in_bin: bool,
}

/// What a run truly came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Attempts, as the interface defines them.
    pub attempted: u32,
    /// Attempts after which the wanted item alone lay undamaged in its bin.
    pub succeeded: u32,
    /// Items that fell between lift and release.
    pub drops: u32,
    /// More than one item came with a pick.
    pub double_picks: u32,
    /// Of these, those that the cell took for one.
    pub double_picks_undetected: u32,
    /// Ordered items in their bins at the end.
    pub right: u32,
    /// Items in bins whose order doesn't want them.
    pub wrong: u32,
    /// Damaged items anywhere.
    pub damaged: u32,
    /// A line of JSON for each attempt.
    pub verdicts: Vec<String>,
}

/// Whoever can tell what truly happened.
pub trait Judge {
    /// Takes a claim.
    ///
    /// # Errors
    /// [`LinkError`] when nobody hears it.
    fn hear(&mut self, claim: Claim) -> Result<(), LinkError>;

    /// What it came to so far.
    ///
    /// # Errors
    /// [`LinkError`] when nobody answers.
    fn tally(&mut self) -> Result<Tally, LinkError>;
}

/// Seven numbers of an isometry, bit for bit.
pub(crate) fn to_seven(pose: &Isometry3<f64>) -> [f64; 7] {
    let (t, q) = (pose.translation.vector, pose.rotation.coords);
    [t.x, t.y, t.z, q.x, q.y, q.z, q.w]
}

/// The isometry of seven numbers, bit for bit.
pub(crate) fn from_seven(v: &[f64; 7]) -> Isometry3<f64> {
    let turn = UnitQuaternion::new_unchecked(Quaternion::new(v[6], v[3], v[4], v[5]));
    Isometry3::from_parts(Translation3::new(v[0], v[1], v[2]), turn)
}
