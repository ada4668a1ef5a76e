//! From events to Rerun: which event draws what, at which time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use control::{Cell, Planner, RobotModel, ToolModel};
use firmware::CupState;
use rerun::{AsComponents, RecordingStream, TextLog, TextLogLevel};
use scene::Timestamp;

use super::{ShowError, layout, paths};
use crate::cycle::Step;
use crate::telemetry::{Choice, Event, Outcome};

/// Seconds of the cell's clock.
pub const CELL_TIME: &str = "cell";
/// Number of the pick.
pub const PICK: &str = "pick";

/// A recording and what must be remembered to draw on it.
pub struct Draw {
    pub(super) stream: RecordingStream,
    pub(super) to: String,
    pub(super) cell: Cell,
    pub(super) robot: RobotModel,
    pub(super) tool: ToolModel,
    /// Knows where the links are.
    pub(super) planner: Planner,
    /// The newest choices by pick: the next pick's is made while this one is still carried.
    pub(super) choices: BTreeMap<u32, Arc<Choice>>,
    /// The cups as they are drawn.
    pub(super) cups: Option<[CupState; firmware::CUPS]>,
    pick: u32,
}

impl Draw {
    /// Takes a stream; sends the layout and what stands in the cell. `live`: someone looks on while it runs.
    pub fn new(
        stream: RecordingStream,
        to: String,
        cell: Cell,
        robot: RobotModel,
        tool: ToolModel,
        live: bool,
    ) -> Result<Self, ShowError> {
        // The cell's clock is the only one that means anything here.
        stream.set_log_tick_enabled(false);
        stream.set_log_time_enabled(false);
        let planner = Planner::new(&robot, &tool, &cell);
        let draw = Self { stream, to, cell, robot, tool, planner, choices: BTreeMap::new(), cups: None, pick: 0 };
        layout::send(&draw.stream, &draw.cell, live).map_err(|source| draw.fault(source))?;
        draw.standing()?;
        Ok(draw)
    }

    /// Draws one event.
    pub fn event(&mut self, event: &Event) -> Result<(), ShowError> {
        match event {
            Event::Image { at, camera, image } => {
                self.set_time(*at, self.pick);
                self.image(camera, image)
            }
            Event::Items { at, camera, tote, items } => {
                self.set_time(*at, self.pick);
                self.items(camera, tote, items)
            }
            Event::ToteSurface { at, tote, surface } => {
                self.set_time(*at, self.pick);
                let walls = self.cell.tote(tote).map(|t| t.size);
                self.surface(&paths::surface(paths::Kind::Tote, tote), surface, walls)
            }
            Event::BinSurface { at, bin, surface } => {
                self.set_time(*at, self.pick);
                let walls = self.cell.bin(bin).map(|b| b.size);
                self.surface(&paths::surface(paths::Kind::Bin, bin), surface, walls)
            }
            Event::Choice { at, choice } => {
                self.set_time(*at, choice.pick);
                self.choices.insert(choice.pick, choice.clone());
                while self.choices.len() > 2 {
                    self.choices.pop_first();
                }
                self.choice(choice)
            }
            Event::Path { at, pick, program, tool_path } => {
                self.set_time(*at, *pick);
                self.path(program, tool_path)
            }
            Event::Step { at, pick, step } => {
                self.pick = *pick;
                self.set_time(*at, *pick);
                self.step(*pick, *step)
            }
            Event::State { at, arm, tool } => {
                self.set_time(*at, self.pick);
                self.arm(arm)?;
                tool.as_ref().map_or(Ok(()), |status| self.status(status))
            }
            Event::Pick(record) => {
                self.set_time(record.ended_at, record.pick);
                self.log(paths::OUTCOME, &rerun::TextDocument::from_markdown(super::words::outcome(record)))?;
                let level = match record.outcome {
                    Outcome::Placed => TextLogLevel::INFO,
                    Outcome::Faulted | Outcome::Stuck => TextLogLevel::ERROR,
                    _ => TextLogLevel::WARN,
                };
                self.log(paths::PICK_LOG, &TextLog::new(record.to_string()).with_level(level))
            }
            Event::Warning { at, text } => {
                self.set_time(*at, self.pick);
                self.log(paths::WARNING_LOG, &TextLog::new(text.as_str()).with_level(TextLogLevel::WARN))
            }
        }
    }

    /// Waits until all is written; `None` waits as long as it takes.
    pub fn flush(&self, within: Option<Duration>) -> Result<(), ShowError> {
        let flushed = match within {
            Some(within) => self.stream.flush_with_timeout(within),
            None => self.stream.flush_blocking(),
        };
        flushed.map_err(|source| ShowError::Flush { to: self.to.clone(), source })
    }

    pub(super) fn log(&self, path: &str, what: &dyn AsComponents) -> Result<(), ShowError> {
        self.stream.log(path, what).map_err(|source| self.fault(source))
    }

    pub(super) fn log_static(&self, path: &str, what: &dyn AsComponents) -> Result<(), ShowError> {
        self.stream.log_static(path, what).map_err(|source| self.fault(source))
    }

    /// Takes an entity and all below it out of the picture from now on.
    pub(super) fn clear(&self, path: &str) -> Result<(), ShowError> {
        self.log(path, &rerun::Clear::recursive())
    }

    /// The choice that a pick acts on, if it is one of the newest.
    pub(super) fn choice_of(&self, pick: u32) -> Option<Arc<Choice>> {
        self.choices.get(&pick).cloned()
    }

    fn set_time(&self, at: Timestamp, pick: u32) {
        self.stream.set_duration_secs(CELL_TIME, at.seconds());
        self.stream.set_time_sequence(PICK, i64::from(pick));
    }

    fn fault(&self, source: rerun::RecordingStreamError) -> ShowError {
        ShowError::Draw { to: self.to.clone(), source: Box::new(source) }
    }

    fn step(&self, pick: u32, step: Step) -> Result<(), ShowError> {
        self.log(paths::STEPS, &rerun::StateChange::single(step.to_string()))?;
        let line = format!("pick {pick}: {step}");
        self.log(paths::STEP_LOG, &TextLog::new(line).with_level(TextLogLevel::DEBUG))?;
        self.held(pick, step)
    }
}
