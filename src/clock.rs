//! The only place that reads the wall's clock or waits on it. It measures how long stages took and paces; it decides nothing.

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

/// Waits on the wall's clock: for a socket that is not there yet, and to pace a world that runs on wall time.
#[expect(clippy::disallowed_methods, reason = "the runtime's edge: nothing that decides waits here")]
pub fn sleep_s(seconds: f64) {
    if seconds > 0.0 {
        std::thread::sleep(std::time::Duration::from_secs_f64(seconds.min(60.0)));
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

/// User and system time, fields 14 and 15, in ticks of 10 ms; threads that have ended count.
fn core_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may hold blanks.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks * 0.01)
}
