//! The edge around the pure cycle: devices, the cell's clock, and tasks answered when their declared latency has passed.
//!
//! On a virtual clock everything runs in lockstep: one thread, one millisecond a turn, the same input giving the
//! same output, whether the devices stand in this process or behind a socket. On the wall's clock the world paces, and
//! slow work is done on a thread of its own.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use control::{Arm, Budgets, Cell, LinkError, Tool, ToolClient, ToolError};
use firmware::{CupState, Request, Status};
use perception::LookError;
use scene::{Camera, CameraError, Span, Timestamp};

use crate::clock::Stopwatch;
use crate::cycle::{Answer, Cycle, Inputs, Outputs, Step, Stuck, Task};
use crate::desk::{Desk, DeskError, Done, Job};
use crate::devices::{Devices, Time, TimeError};
use crate::judge::{Claim, Ended, Judge, Tally, to_seven};
use crate::report::{Stage, StageTimes};
use crate::station::Station;
use crate::station::orders::Orders;
use crate::telemetry::{Event, Sink};

/// State is told to the sinks once in so many ticks: 50 times a second.
const STATE_EVERY: u64 = 20;
/// A cell whose clock passes this is stuck: twelve hours.
const LONGEST: Span = Span::from_millis(12 * 3600 * 1000);
/// How long the tool may take to answer hello, limits and arm.
const GREETING: Span = Span::from_millis(5_000);
/// An image that has not come for so long never will: cameras take up to a third of a second. It is asked for again.
const IMAGE_PATIENCE: Span = Span::from_millis(1_000);
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
    /// The cell's time does not go on.
    #[error(transparent)]
    Time(#[from] TimeError),
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
    /// Something hangs on the tool that nobody here has picked: what an earlier run carried.
    #[error(
        "tool holds something on {with}, {load_n:.1} N, that this run has not picked; nothing was moved, the tool goes on holding: take it in hand and press the tool's release input"
    )]
    Holding {
        /// The cups that hold, or had hold; or the pinch.
        with: String,
        /// What the scale reads since its tare.
        load_n: f64,
    },
    /// An item does not come off the cups.
    #[error(
        "{sku} of pick {pick} still hangs on the cups after two releases over {bin}, {kg:.2} kg; the arm stands there, the tool is vented: take the item off and start again"
    )]
    Clings {
        /// What it is taken for.
        sku: scene::SkuName,
        /// The pick's number.
        pick: u32,
        /// The bin that it was let go in.
        bin: String,
        /// What the load cell shows of it, kilograms.
        kg: f64,
    },
    /// Inference broke.
    #[error(transparent)]
    Look(#[from] LookError),
    /// Slow work is not done any more.
    #[error(transparent)]
    Desk(#[from] DeskError),
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

/// A station with its devices.
pub struct Runtime<'a> {
    time: Box<dyn Time>,
    arm: Box<dyn Arm>,
    tool: ToolClient<Box<dyn Tool>>,
    desk: Desk,
    cycle: Cycle,
    judge: Box<dyn Judge>,
    budgets: Budgets,
    cameras: BTreeMap<String, Box<dyn Camera>>,
    tote_camera: String,
    bin_camera: String,
    sinks: Vec<&'a mut dyn Sink>,
    /// Requests that wait for the tool to be greeted, and when it last was.
    requests: VecDeque<Request>,
    up_at: Timestamp,
    answers: VecDeque<(Timestamp, Answer)>,
    /// Images that were asked for: what for, of which camera, and when.
    images: Vec<(Wanted, String, Timestamp)>,
    times: StageTimes,
    /// Seconds of a core that looking took.
    look_core_s: Option<f64>,
    /// Wall seconds until the first motion.
    start_s: Option<f64>,
}

impl<'a> Runtime<'a> {
    /// Takes devices, the limits that the tool is held to, and a station about to begin.
    ///
    /// # Errors
    /// [`RuntimeError`] when a container has no camera or nobody hears what is wanted.
    #[expect(clippy::too_many_arguments, reason = "called once, where the station is put together")]
    pub fn new(
        devices: Devices,
        limits: firmware::Limits,
        station: Station,
        cycle: Cycle,
        orders: &Orders,
        cell: &Cell,
        tote: usize,
        sinks: Vec<&'a mut dyn Sink>,
    ) -> Result<Self, RuntimeError> {
        let Devices { clock, time, arm, tool, mut cameras, mut judge } = devices;
        let camera = |container: &str| {
            cell.cameras
                .iter()
                .find(|c| c.sees.iter().any(|s| s == container))
                .map(|c| c.name.clone())
                .ok_or_else(|| RuntimeError::NoCamera { container: container.into() })
        };
        let tote_camera = camera(&cell.totes[tote].name)?;
        let bin_camera = camera(&cell.bins[0].name)?;
        cameras.retain(|name, _| *name == tote_camera || *name == bin_camera);
        judge.hear(Claim::Wants(orders.orders.iter().map(|o| (o.bin.clone(), o.lines.clone())).collect()))?;
        Ok(Self {
            time,
            arm,
            tool: ToolClient::new(tool, limits),
            cameras,
            desk: Desk::new(station, clock),
            cycle,
            judge,
            budgets: cell.budgets,
            tote_camera,
            bin_camera,
            sinks,
            requests: VecDeque::new(),
            up_at: Timestamp::ZERO,
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
        let began = self.time.now();
        let mut status = self.greet()?;
        self.up_at = self.time.now();
        let mut entered = self.time.now();
        let mut turn: u64 = 0;
        while !self.cycle.is_done() && self.time.now().since(began) < LONGEST {
            let Some(now) = self.time.advance()? else {
                self.tool.keep_alive()?;
                continue;
            };
            let arm = self.arm.state()?;
            self.tool.poll(now)?;
            self.send_waiting(now)?;
            if let Some(new) = self.tool.status() {
                status = *new;
            }
            self.hear(now);
            self.fetch_images(now)?;
            while let Some(done) = self.desk.done()? {
                self.settle(done)?;
            }
            let due = self.due(now);
            let stopwatch = Stopwatch::start();
            let outputs = self.cycle.tick(&Inputs { now, arm: &arm, tool: &status, answers: &due });
            self.times.add(Stage::Tick, stopwatch.seconds());
            if outputs.entered.is_some() {
                entered = now;
            }
            if outputs.entered == Some(Step::Reach) && self.start_s.is_none() {
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
        let (station, events) = self.desk.close()?;
        for event in &events {
            self.sinks.iter_mut().for_each(|sink| sink.take(event));
        }
        if let Some(Stuck { pick, sku, bin, kg }) = self.cycle.stuck() {
            return Err(RuntimeError::Clings { pick: *pick, sku: sku.clone(), bin: bin.clone(), kg: *kg });
        }
        Ok(Finished {
            took: self.time.now().since(began),
            start_s: self.start_s.unwrap_or_else(|| since.seconds()),
            tally: self.judge.tally()?,
            station,
            times: self.times,
            look_core_s: self.look_core_s,
        })
    }

    /// Hello, limits, arm: until the tool has answered all three.
    fn greet(&mut self) -> Result<Status, RuntimeError> {
        let asked = self.time.now();
        loop {
            let Some(now) = self.time.advance()? else { continue };
            self.tool.poll(now)?;
            if let (true, Some(status)) = (self.tool.is_up(), self.tool.status()) {
                let holds = |cup: &&(usize, _)| matches!(cup.1, CupState::Sealed | CupState::Leaking | CupState::Lost);
                let cups: Vec<_> = status.cups.iter().map(|cup| cup.state).enumerate().collect();
                let held: Vec<_> = cups.iter().filter(holds).map(|(number, _)| number.to_string()).collect();
                if !held.is_empty() || status.pinch_mn > 0 {
                    let load_n = f64::from(status.load_mn) * 1e-3;
                    let cups = (!held.is_empty()).then(|| format!("cups {}", held.join(", ")));
                    let pinch = (status.pinch_mn > 0).then(|| "the pinch".to_owned());
                    let with = cups.into_iter().chain(pinch).collect::<Vec<_>>().join(" and ");
                    return Err(RuntimeError::Holding { with, load_n });
                }
                return Ok(*status);
            }
            if now.since(asked) > GREETING {
                return Err(RuntimeError::NoGreeting { seconds: GREETING.seconds() });
            }
        }
    }

    /// Tells what the tool's own protection did and what it refused.
    fn hear(&mut self, at: Timestamp) {
        while let Some(event) = self.tool.next_event() {
            use firmware::Event as E;
            if matches!(event, E::HostSilent { .. }) {
                // We are here: the link was not, or this machine was busy. What the tool holds it goes on holding.
                self.tool.greet_again();
            }
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

    /// Sends what the tool is to do, as soon as it is greeted.
    fn send_waiting(&mut self, now: Timestamp) -> Result<(), RuntimeError> {
        if self.tool.is_up() {
            self.up_at = now;
        } else if now.since(self.up_at) > GREETING {
            return Err(RuntimeError::NoGreeting { seconds: GREETING.seconds() });
        }
        while self.tool.is_up()
            && let Some(request) = self.requests.pop_front()
        {
            self.tool.send(request, now)?;
        }
        Ok(())
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
        self.requests.extend(outputs.requests);
        self.send_waiting(now)?;
        if let Some(step) = outputs.entered {
            if let (Step::Lift | Step::Place | Step::Release, Some(choice)) = (step, self.cycle.choice()) {
                let held = &choice.candidates[choice.chosen].hold.held;
                self.judge.hear(Claim::Holds { tool_from_box: to_seven(held.tool_from_box.isometry()) })?;
            }
            self.tell(&Event::Step { at: now, pick: self.cycle.pick(), step });
        }
        for task in outputs.tasks {
            self.start(now, task)?;
        }
        Ok(())
    }

    /// Sees to it that a task is done.
    fn start(&mut self, now: Timestamp, task: Task) -> Result<(), RuntimeError> {
        match &task {
            Task::Look => return self.trigger(now, Wanted::Look),
            Task::Confirm { pick } => return self.trigger(now, Wanted::Confirm { pick: *pick }),
            Task::Finish(attempt) => self.judge.hear(Claim::Ended(Ended {
                pick: attempt.choice.pick,
                sku: attempt.choice.sku.clone(),
                bin: attempt.choice.bin.clone(),
                outcome: attempt.outcome,
                attempted: attempt.attempted,
                released_in_bin: attempt.released_in_bin,
            }))?,
            _ => {}
        }
        self.hand_in(now, Job::Task(task))
    }

    fn hand_in(&mut self, now: Timestamp, job: Job) -> Result<(), RuntimeError> {
        match self.desk.give(now, job)? {
            Some(done) => self.settle(done),
            None => Ok(()),
        }
    }

    /// Takes what was done: it is answered when its declared latency has passed, and not before it is done.
    fn settle(&mut self, done: Done) -> Result<(), RuntimeError> {
        if let Some(fault) = done.fault {
            return Err(fault.into());
        }
        for event in &done.events {
            self.tell(event);
        }
        if let Some((stage, seconds)) = done.took {
            self.times.add(stage, seconds);
            if stage == Stage::Look {
                self.look_core_s = self.look_core_s.zip(done.core_s).map(|(sum, seconds)| sum + seconds);
            }
        }
        if let Some((stage, answer)) = done.answer {
            let latency = match stage {
                Stage::Look => self.budgets.look,
                Stage::Choose => self.budgets.choose,
                Stage::Plan | Stage::Tick => self.budgets.plan,
                Stage::Refine => self.budgets.refine,
            };
            self.answers.push_back((done.asked + latency, answer));
        }
        Ok(())
    }

    fn trigger(&mut self, now: Timestamp, wanted: Wanted) -> Result<(), RuntimeError> {
        let name = if wanted == Wanted::Look { &self.tote_camera } else { &self.bin_camera };
        if let Some(camera) = self.cameras.get_mut(name) {
            camera.trigger(now)?;
        }
        self.images.push((wanted, name.clone(), now));
        Ok(())
    }

    fn fetch_images(&mut self, now: Timestamp) -> Result<(), RuntimeError> {
        let mut i = 0;
        while i < self.images.len() {
            let (wanted, name, asked) = self.images[i].clone();
            let image = match self.cameras.get_mut(&name) {
                Some(camera) => camera.fetch(now)?,
                None => None,
            };
            if let Some(image) = image {
                self.images.remove(i);
                let (camera, image) = (name, Arc::new(image));
                let job = match wanted {
                    Wanted::Look => Job::Look { camera, image },
                    Wanted::Confirm { pick } => Job::Confirm { pick, camera, image },
                };
                self.hand_in(now, job)?;
                continue;
            }
            if now.since(asked) >= IMAGE_PATIENCE {
                self.tell(&Event::Warning { at: now, text: format!("camera {name} gave no image, asked again") });
                if let Some(camera) = self.cameras.get_mut(&name) {
                    camera.trigger(now)?;
                }
                self.images[i].2 = now;
            }
            i += 1;
        }
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
    /// The cell's time from start to end.
    pub took: Span,
    /// Wall seconds before the first motion.
    pub start_s: f64,
    /// The station as it ended.
    pub station: Station,
    /// What truly happened.
    pub tally: Tally,
    /// Measured latencies.
    pub times: StageTimes,
    /// Seconds of a core that looking took, on all threads; `None` where the system does not tell.
    pub look_core_s: Option<f64>,
}
