//! The edge around the pure cycle: devices, the cell's clock, and tasks answered when their declared latency has passed.
//!
//! With the simulated world in the same process everything runs in lockstep on its virtual clock:
//! one thread, one millisecond a turn, the same input giving the same output.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use control::{Arm as _, Budgets, Cell, LinkError, ToolClient, ToolError};
use firmware::Status;
use perception::LookError;
use scene::{Camera as _, CameraError, RgbdImage, Span, Timestamp};
use sim::world::{SimArm, SimCamera, SimTool, World, WorldFault};

use crate::clock::{CoreWatch, Stopwatch};
use crate::cycle::{Answer, Cycle, Inputs, Outputs, Task};
use crate::report::{Stage, StageTimes};
use crate::score::Scorer;
use crate::station::Station;
use crate::telemetry::{Event, Sink};

/// State is told to the sinks once in so many ticks: 50 times a second.
const STATE_EVERY: u64 = 20;
/// A cell whose clock passes this is stuck: twelve hours.
const LONGEST: Span = Span::from_millis(12 * 3600 * 1000);
/// How long the tool may take to answer hello, limits and arm.
const GREETING: Span = Span::from_millis(5_000);
/// A cycle that has stayed in one step for so long is stuck.
const LONGEST_STEP: Span = Span::from_millis(60_000);

/// Why the cell stopped. The arm stands; the tool is in the safe state that fits what it holds.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// A device does not answer.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The tool does not answer, or refuses the greeting.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A camera does not answer.
    #[error(transparent)]
    Camera(#[from] CameraError),
    /// The simulated world can't go on.
    #[error(transparent)]
    World(#[from] WorldFault),
    /// The cell has no such camera.
    #[error("container {container} is seen by no camera of the cell")]
    NoCamera {
        /// The container.
        container: String,
    },
    /// The tool never came up.
    #[error("tool did not answer hello, limits and arm within {seconds:.0} s")]
    NoGreeting {
        /// How long it was asked.
        seconds: f64,
    },
    /// Inference broke.
    #[error(transparent)]
    Look(#[from] LookError),
    /// The cycle waits for something that doesn't come.
    #[error("step {step} has lasted {seconds:.0} s at {at}, limit 60 s")]
    Stuck {
        /// The step.
        step: crate::cycle::Step,
        /// For how long.
        seconds: f64,
        /// The cell's time.
        at: Timestamp,
    },
}

/// What a picture is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Look,
    Confirm { pick: u32 },
}

/// A station with its devices, in lockstep with the simulated world.
pub struct Runtime<'a> {
    world: World,
    arm: SimArm,
    tool: ToolClient<SimTool>,
    station: Station,
    cycle: Cycle,
    scorer: Scorer,
    budgets: Budgets,
    cameras: BTreeMap<String, SimCamera>,
    tote_camera: String,
    bin_camera: String,
    sinks: Vec<&'a mut dyn Sink>,
    answers: VecDeque<(Timestamp, Answer)>,
    images: Vec<(Wanted, String)>,
    times: StageTimes,
    /// Seconds of a core that looking took.
    look_core_s: Option<f64>,
    /// Wall seconds until the first motion.
    start_s: Option<f64>,
}

impl<'a> Runtime<'a> {
    /// Takes a world and a station about to begin.
    ///
    /// # Errors
    /// [`RuntimeError`] when the tool does not greet or a container has no camera.
    #[expect(clippy::too_many_arguments, reason = "called once, where the devices are chosen")]
    pub fn new(
        world: World,
        tool: ToolClient<SimTool>,
        station: Station,
        cycle: Cycle,
        scorer: Scorer,
        cell: &Cell,
        tote: usize,
        sinks: Vec<&'a mut dyn Sink>,
    ) -> Result<Self, RuntimeError> {
        let camera = |container: &str| {
            cell.cameras
                .iter()
                .find(|c| c.sees.iter().any(|s| s == container))
                .map(|c| c.name.clone())
                .ok_or_else(|| RuntimeError::NoCamera { container: container.into() })
        };
        let tote_camera = camera(&cell.totes[tote].name)?;
        let bin_camera = camera(&cell.bins[0].name)?;
        let cameras = [&tote_camera, &bin_camera]
            .into_iter()
            .filter_map(|name| Some((name.clone(), world.camera(name)?)))
            .collect();
        Ok(Self {
            arm: world.arm(),
            cameras,
            world,
            tool,
            station,
            cycle,
            scorer,
            budgets: cell.budgets,
            tote_camera,
            bin_camera,
            sinks,
            answers: VecDeque::new(),
            images: Vec::new(),
            times: StageTimes::default(),
            look_core_s: Some(0.0),
            start_s: None,
        })
    }

    /// Runs until orders are filled or nothing can be picked. `since` started with the program.
    ///
    /// # Errors
    /// [`RuntimeError`] for a fault; what was recorded until then stays.
    pub fn run(mut self, since: &Stopwatch) -> Result<Finished, RuntimeError> {
        let mut status = self.greet()?;
        let mut entered = self.world.now();
        let mut turn: u64 = 0;
        while !self.cycle.is_done() && self.world.now().since(Timestamp::ZERO) < LONGEST {
            self.world.step()?;
            let now = self.world.now();
            let arm = self.arm.state()?;
            self.tool.poll(now)?;
            if let Some(new) = self.tool.status() {
                status = *new;
            }
            self.hear(now);
            self.fetch_images(now)?;
            let due = self.due(now);
            let stopwatch = Stopwatch::start();
            let outputs = self.cycle.tick(&Inputs { now, arm: &arm, tool: &status, answers: &due });
            self.times.add(Stage::Tick, stopwatch.seconds());
            if outputs.entered.is_some() {
                entered = now;
            }
            if outputs.entered == Some(crate::cycle::Step::Reach) && self.start_s.is_none() {
                self.start_s = Some(since.seconds());
            }
            self.act(now, outputs)?;
            if turn.is_multiple_of(STATE_EVERY) {
                self.tell(&Event::State { at: now, arm, tool: Some(status) });
            }
            turn += 1;
            if now.since(entered) > LONGEST_STEP {
                return Err(RuntimeError::Stuck {
                    step: self.cycle.step(),
                    seconds: now.since(entered).seconds(),
                    at: now,
                });
            }
        }
        let delivered = self.scorer.delivered(&self.world.truth());
        Ok(Finished {
            at: self.world.now(),
            start_s: self.start_s.unwrap_or_else(|| since.seconds()),
            station: self.station,
            scorer: self.scorer,
            delivered,
            times: self.times,
            look_core_s: self.look_core_s,
        })
    }

    /// Hello, limits, arm: until the tool has answered all three.
    fn greet(&mut self) -> Result<Status, RuntimeError> {
        loop {
            self.world.step()?;
            let now = self.world.now();
            self.tool.poll(now)?;
            if let (true, Some(status)) = (self.tool.is_up(), self.tool.status()) {
                return Ok(*status);
            }
            if now.since(Timestamp::ZERO) > GREETING {
                return Err(RuntimeError::NoGreeting { seconds: GREETING.seconds() });
            }
        }
    }

    /// Tells what the tool's own protection did and what it refused.
    fn hear(&mut self, at: Timestamp) {
        while let Some(event) = self.tool.next_event() {
            use firmware::Event as E;
            if !matches!(event, E::CupSealed { .. } | E::CupLost { .. } | E::CupLeaking { .. } | E::SeekTimedOut { .. })
            {
                self.tell(&Event::Warning { at, text: format!("tool: {event}") });
            }
        }
        while let Some(answer) = self.tool.next_answer() {
            let text = match answer {
                control::Answer::Done { .. } => continue,
                control::Answer::Refused { seq, reason } => format!("tool refused request {seq}: {reason}"),
                control::Answer::Unanswered { seq } => format!("tool did not answer request {seq}"),
            };
            self.tell(&Event::Warning { at, text });
        }
    }

    fn due(&mut self, now: Timestamp) -> Vec<Answer> {
        let mut due = Vec::new();
        while let Some(i) = self.answers.iter().position(|(at, _)| *at <= now) {
            due.extend(self.answers.remove(i).map(|(_, answer)| answer));
        }
        due
    }

    fn act(&mut self, now: Timestamp, outputs: Outputs) -> Result<(), RuntimeError> {
        if let Some(setpoint) = &outputs.setpoint {
            self.arm.command(setpoint)?;
        }
        for request in outputs.requests {
            self.tool.send(request, now)?;
        }
        if let Some(step) = outputs.entered {
            if let (crate::cycle::Step::Lift | crate::cycle::Step::Place | crate::cycle::Step::Release, Some(choice)) =
                (step, self.cycle.choice())
            {
                self.scorer.note(choice, self.world.world_from_tool().isometry(), &self.world.truth());
            }
            self.tell(&Event::Step { at: now, pick: self.cycle.pick(), step });
        }
        for task in outputs.tasks {
            self.start(now, task)?;
        }
        for event in self.station.drain_events() {
            self.tell(&event);
        }
        Ok(())
    }

    /// Does a task. What it costs on the wall is measured; when it is answered is declared.
    fn start(&mut self, now: Timestamp, task: Task) -> Result<(), RuntimeError> {
        let stopwatch = Stopwatch::start();
        let plan = |planned: Result<Arc<control::Program>, control::PlanError>| {
            planned.map_or(Answer::NoPlan, Answer::Planned)
        };
        let (stage, answer) = match task {
            Task::Look => return self.trigger(now, Wanted::Look),
            Task::Confirm { pick } => return self.trigger(now, Wanted::Confirm { pick }),
            Task::Begin(choice) => {
                self.station.begin(&choice);
                return Ok(());
            }
            Task::Choose { pick } => {
                (Stage::Choose, self.station.choose(pick, now).map_or(Answer::Nothing, Answer::Chosen))
            }
            Task::PlanReach { from, choice } => {
                let planned = self.station.plan_reach(&from, &choice, now);
                (Stage::Plan, planned.map_or(Answer::Unreachable, |(program, choice)| Answer::Reached(program, choice)))
            }
            Task::PlanCarry { from, choice, sealed_share } => {
                (Stage::Plan, plan(self.station.plan_carry(&from, &choice, sealed_share, now)))
            }
            Task::PlanPutBack { from, choice } => (Stage::Plan, plan(self.station.plan_put_back(&from, &choice, now))),
            Task::PlanRetreat { from, released } => {
                if let Some(choice) = released {
                    self.station.released(&choice, now);
                }
                (Stage::Plan, plan(self.station.plan_retreat(&from)))
            }
            Task::PlanClear { from } => (Stage::Plan, plan(self.station.plan_clear(&from))),
            Task::Finish(attempt) => {
                self.scorer.score(&attempt, &self.world.truth());
                self.station.finish(&attempt);
                return Ok(());
            }
        };
        self.times.add(stage, stopwatch.seconds());
        let latency = if stage == Stage::Choose { self.budgets.choose } else { self.budgets.plan };
        self.answers.push_back((now + latency, answer));
        Ok(())
    }

    fn trigger(&mut self, now: Timestamp, wanted: Wanted) -> Result<(), RuntimeError> {
        let name = if wanted == Wanted::Look { &self.tote_camera } else { &self.bin_camera };
        if let Some(camera) = self.cameras.get_mut(name) {
            camera.trigger(now)?;
        }
        self.images.push((wanted, name.clone()));
        Ok(())
    }

    fn fetch_images(&mut self, now: Timestamp) -> Result<(), RuntimeError> {
        let mut i = 0;
        while i < self.images.len() {
            let (wanted, name) = self.images[i].clone();
            let image = match self.cameras.get_mut(&name) {
                Some(camera) => camera.fetch(now)?,
                None => None,
            };
            if let Some(image) = image {
                self.images.remove(i);
                self.see(now, wanted, &name, image)?;
            } else {
                i += 1;
            }
        }
        Ok(())
    }

    fn see(&mut self, now: Timestamp, wanted: Wanted, camera: &str, image: RgbdImage) -> Result<(), RuntimeError> {
        let image = Arc::new(image);
        let stopwatch = Stopwatch::start();
        let answer = match wanted {
            Wanted::Look => {
                let cores = CoreWatch::start();
                self.station.look(camera, &image)?;
                self.times.add(Stage::Look, stopwatch.seconds());
                self.look_core_s = self.look_core_s.zip(cores.seconds()).map(|(sum, s)| sum + s);
                Answer::Looked
            }
            Wanted::Confirm { pick } => {
                self.station.confirm(pick, camera, &image);
                Answer::Confirmed
            }
        };
        self.answers.push_back((now + self.budgets.look, answer));
        Ok(())
    }

    fn tell(&mut self, event: &Event) {
        for sink in &mut self.sinks {
            sink.take(event);
        }
    }
}

/// A run that came to its end.
pub struct Finished {
    /// The cell's time at the end.
    pub at: Timestamp,
    /// Wall seconds before the first motion.
    pub start_s: f64,
    /// The station as it ended.
    pub station: Station,
    /// What truly happened.
    pub scorer: Scorer,
    /// What truly lies in the bins.
    pub delivered: crate::score::Delivered,
    /// Measured latencies.
    pub times: StageTimes,
    /// Seconds of a core that looking took, on all threads; `None` where the system does not tell.
    pub look_core_s: Option<f64>,
}
