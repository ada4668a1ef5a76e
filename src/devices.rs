//! What the runtime drives: the devices of one cell, whoever stands behind them.

use std::collections::BTreeMap;

use control::{Arm, Clock, LinkError, Tool};
use scene::{Camera, Timestamp};

use crate::judge::Judge;

/// Why the cell's time does not go on.
#[derive(Debug, thiserror::Error)]
pub enum TimeError {
    /// The cell can't be reached: its own protection decides what it does then.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The cell itself can't go on, in its words.
    #[error("the cell can't go on: {reason}")]
    Ended {
        /// What it says.
        reason: String,
    },
}

/// The cell's time, a millisecond after another.
pub trait Time {
    /// The cell's time.
    fn now(&self) -> Timestamp;

    /// Waits for, or brings about, the next millisecond. On the wall's clock none comes while the cell's time stands:
    /// `None` every 15 ms then, so that who must be told in real time is.
    ///
    /// # Errors
    /// [`TimeError`] when the cell can't be reached or can't go on.
    fn advance(&mut self) -> Result<Option<Timestamp>, TimeError>;
}

/// The devices of a cell.
pub struct Devices {
    /// Whose time it runs on.
    pub clock: Clock,
    /// Its time.
    pub time: Box<dyn Time>,
    /// Its arm.
    pub arm: Box<dyn Arm>,
    /// Its tool.
    pub tool: Box<dyn Tool>,
    /// Its cameras, by their names in the cell file.
    pub cameras: BTreeMap<String, Box<dyn Camera>>,
    /// Whoever can tell what truly happened.
    pub judge: Box<dyn Judge>,
}
