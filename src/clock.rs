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

/// Seconds that the calling thread has had a core so far, as Linux tells them; `None` elsewhere. Beside wall time it
/// shows how busy the machine was with other things.
#[must_use]
pub fn thread_cpu_s() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse::<f64>().ok().map(|nanos| nanos * 1e-9)
}
