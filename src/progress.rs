//! The terminal while a run goes on: a line a pick, and one line that moves.

use indicatif::{ProgressBar, ProgressStyle};
use scene::Timestamp;

use crate::cycle::Step;
use crate::telemetry::{Event, Sink};

/// Shows progress on standard error.
pub struct Progress {
    bar: ProgressBar,
    shown: bool,
    items: u64,
    ended: u32,
    placed: u32,
    step: Option<Step>,
    now: Timestamp,
}

impl Progress {
    /// For so many ordered items.
    #[must_use]
    pub fn new(items: u32) -> Self {
        let bar = ProgressBar::new(u64::from(items));
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} items · {msg}") {
            bar.set_style(style.progress_chars("━╸ "));
        }
        let shown = !bar.is_hidden();
        Self { bar, shown, items: u64::from(items), ended: 0, placed: 0, step: None, now: Timestamp::ZERO }
    }

    /// Removes the moving line.
    pub fn close(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, text: &str) {
        if self.shown {
            self.bar.println(text);
        } else {
            eprintln!("{text}");
        }
    }

    fn update(&self) {
        let hours = self.now.seconds() / 3600.0;
        let rate = if hours > 0.0 { f64::from(self.placed) / hours } else { 0.0 };
        let step = self.step.map_or(String::new(), |s| s.to_string());
        self.bar.set_position(u64::from(self.placed).min(self.items));
        self.bar.set_message(format!(
            "{step:<8} · {} of {} picks succeeded · {rate:.0} an hour · cell time {:.1} s",
            self.placed,
            self.ended,
            self.now.seconds()
        ));
    }
}

impl Sink for Progress {
    fn take(&mut self, event: &Event) {
        match event {
            Event::Pick(record) => {
                self.ended += 1;
                self.placed += u32::from(record.outcome.is_delivered());
                self.line(&record.to_string());
            }
            Event::Warning { at, text } => self.line(&format!("warning at {at}: {text}")),
            Event::Step { step, .. } => self.step = Some(*step),
            Event::State { at, .. } => {
                self.now = *at;
                if self.shown {
                    self.update();
                }
            }
            _ => {}
        }
    }
}
