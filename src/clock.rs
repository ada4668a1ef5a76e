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
