//! What the runtime drives: the devices of one cell, whoever stands behind them.

use std::collections::BTreeMap;

use control::{Arm, Clock, LinkError, Tool};
use scene::{Camera, Timestamp};

use crate::judge::Judge;

/// The cell's time, a millisecond after another.
pub trait Time {
    /// The cell's time.
    fn now(&self) -> Timestamp;

    /// Waits for, or brings about, the next millisecond.
    ///
    /// # Errors
    /// [`LinkError`] when the cell can't be reached: its own protection decides what it does then.
    fn advance(&mut self) -> Result<Timestamp, LinkError>;
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
