//! The same pour in MuJoCo, for a row beside ours.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sim::world::Start;

use super::peer::{Peer, PeerError};

/// Several times what the longest pour takes.
const MUJOCO: Peer = Peer { package: "mujoco", script: include_str!("mujoco_pour.py"), limit_s: 600.0 };

/// What the script is told.
#[derive(Debug, Serialize)]
struct Told<'a> {
    step_s: f64,
    steps: u32,
    items: &'a [Start],
}

/// What the script answers.
#[derive(Debug, Deserialize)]
struct Answer {
    seconds: f64,
}

/// Wall seconds that MuJoCo takes for `steps` steps of a pour.
pub(super) fn pour(home: &Path, starts: &[Start], step_s: f64, steps: u32) -> Result<f64, PeerError> {
    MUJOCO.ask(home, &Told { step_s, steps, items: starts }).map(|answer: Answer| answer.seconds)
}
