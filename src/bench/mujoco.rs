//! The same pour in MuJoCo, for a row beside ours: a script in Python, run where `make peers` has installed it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use sim::world::Start;

const SCRIPT: &str = include_str!("mujoco_pour.py");

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

/// Wall seconds that MuJoCo takes for `steps` steps of a pour, or why it did not run.
pub(super) fn pour(home: &Path, starts: &[Start], step_s: f64, steps: u32) -> Result<f64, String> {
    let peers = home.join(".local/peers");
    if !peers.join("mujoco").is_dir() {
        return Err("mujoco is not in .local/peers; make peers installs it".into());
    }
    let told = serde_json::to_vec(&Told { step_s, steps, items: starts }).map_err(|e| e.to_string())?;
    let mut child = Command::new("python3")
        .args(["-c", SCRIPT])
        .env("PYTHONPATH", &peers)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("python3: {e}"))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(&told).map_err(|e| format!("python3: {e}"))?;
    }
    let output = child.wait_with_output().map_err(|e| format!("python3: {e}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("mujoco: {}", errors.lines().last().unwrap_or("ended without a word")));
    }
    serde_json::from_slice::<Answer>(&output.stdout).map(|answer| answer.seconds).map_err(|e| e.to_string())
}
