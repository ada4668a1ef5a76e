//! The only place that reads the wall's clock. It measures how long stages took; it decides nothing.

use std::time::Instant;

/// Wall time since it was made.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the runtime's edge: stage times are reported, never decided on")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Seconds since the start.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// Seconds that all threads of this program together have had a core since it was made, as Linux tells them.
#[derive(Debug, Clone, Copy)]
pub struct CoreWatch(Option<f64>);

impl CoreWatch {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        Self(core_seconds())
    }

    /// Seconds of a core since the start; `None` where the system does not tell.
    #[must_use]
    pub fn seconds(&self) -> Option<f64> {
        Some(core_seconds()? - self.0?)
    }
}

fn core_seconds() -> Option<f64> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let nanos = |task: std::fs::DirEntry| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    let all: f64 = tasks.filter_map(|task| nanos(task.ok()?)).sum();
    (all > 0.0).then_some(all * 1e-9)
}
