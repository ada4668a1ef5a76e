//! Where the cycle's slow work is done: at once on a virtual clock, on a thread of its own on the wall's, so that the
//! millisecond is never waited for.

use std::sync::Arc;
use std::thread::JoinHandle;

use control::{Clock, PlanError, Program};
use crossbeam::channel::{Receiver, Sender, TryRecvError, bounded};
use perception::LookError;
use scene::{RgbdImage, Timestamp};

use crate::clock::{CoreWatch, Stopwatch};
use crate::report::Stage;
use crate::station::Station;
use crate::task::{Answer, Task};
use crate::telemetry::Event;

/// Jobs that may wait. The cycle has three under way at most: a look, a plan, a confirmation.
const WAITING: usize = 16;

/// Slow work.
#[derive(Debug)]
pub enum Job {
    /// A task of the cycle but for [`Task::Look`] and [`Task::Confirm`], which need an image first.
    Task(Task),
    /// An image of the tote has come.
    Look {
        /// The camera.
        camera: String,
        /// The image.
        image: Arc<RgbdImage>,
    },
    /// An image of the bins has come.
    Confirm {
        /// The pick that is looked for.
        pick: u32,
        /// The camera.
        camera: String,
        /// The image.
        image: Arc<RgbdImage>,
    },
}

/// What became of a [`Job`].
#[derive(Debug)]
pub struct Done {
    /// The cell's time when it was given.
    pub asked: Timestamp,
    /// The answer, if the job has one, and whose declared latency counts.
    pub answer: Option<(Stage, Answer)>,
    /// Wall seconds that it took, where a bench holds the stage to its budget.
    pub took: Option<(Stage, f64)>,
    /// Seconds of a core that went by meanwhile, on all threads; `None` where the system does not tell.
    pub core_s: Option<f64>,
    /// What happened meanwhile.
    pub events: Vec<Event>,
    /// Inference broke.
    pub fault: Option<LookError>,
}

/// The thread that does the work has ended, or is so far behind that its queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("slow work is not done: its thread has ended or {WAITING} jobs wait")]
pub struct DeskError;

/// Somebody who does slow work.
pub enum Desk {
    /// At once.
    Here(Box<Station>),
    /// On a thread of its own, one job after another.
    There(Worker),
}

/// A station on its thread.
pub struct Worker {
    jobs: Sender<(Timestamp, Job)>,
    done: Receiver<Done>,
    thread: JoinHandle<Station>,
}

impl Desk {
    /// A desk for a clock.
    #[must_use]
    pub fn new(mut station: Station, clock: Clock) -> Self {
        if clock == Clock::Virtual {
            return Self::Here(Box::new(station));
        }
        let (jobs, taken) = bounded::<(Timestamp, Job)>(WAITING);
        let (finished, done) = bounded(WAITING);
        let thread = std::thread::spawn(move || {
            for (asked, job) in taken {
                if finished.send(work(&mut station, asked, job)).is_err() {
                    break;
                }
            }
            station
        });
        Self::There(Worker { jobs, done, thread })
    }

    /// Hands in a job; what is done at once comes back.
    ///
    /// # Errors
    /// [`DeskError`]; the job was not taken.
    pub fn give(&mut self, now: Timestamp, job: Job) -> Result<Option<Done>, DeskError> {
        match self {
            Self::Here(station) => Ok(Some(work(station, now, job))),
            Self::There(worker) => worker.jobs.try_send((now, job)).map(|()| None).map_err(|_| DeskError),
        }
    }

    /// The oldest job that has been done meanwhile.
    ///
    /// # Errors
    /// [`DeskError`] when the thread has ended.
    pub fn done(&mut self) -> Result<Option<Done>, DeskError> {
        let Self::There(worker) = self else { return Ok(None) };
        match worker.done.try_recv() {
            Ok(done) => Ok(Some(done)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(DeskError),
        }
    }

    /// The station, once what was handed in is done, with what happened meanwhile.
    ///
    /// # Errors
    /// [`DeskError`] when its thread did not end well.
    pub fn close(self) -> Result<(Station, Vec<Event>), DeskError> {
        match self {
            Self::Here(station) => Ok((*station, Vec::new())),
            Self::There(Worker { jobs, done, thread }) => {
                drop(jobs);
                // Nobody waits for the answers of what is still under way.
                let events = done.iter().flat_map(|done| done.events).collect();
                Ok((thread.join().map_err(|_| DeskError)?, events))
            }
        }
    }
}

/// Does a job. What it costs on the wall is measured; when it is answered is declared.
fn work(station: &mut Station, asked: Timestamp, job: Job) -> Done {
    let (stopwatch, cores) = (Stopwatch::start(), CoreWatch::start());
    let mut fault = None;
    let plan =
        |planned: Result<Arc<Program>, PlanError>| Some((Stage::Plan, planned.map_or(Answer::NoPlan, Answer::Planned)));
    let mut timed = true;
    let answer = match job {
        Job::Look { camera, image } => {
            fault = station.look(&camera, &image).err();
            Some((Stage::Look, Answer::Looked))
        }
        Job::Confirm { pick, camera, image } => {
            timed = false;
            station.confirm(pick, &camera, &image);
            Some((Stage::Look, Answer::Confirmed))
        }
        Job::Task(task) => match task {
            // An image comes first; whoever has one hands in the jobs above.
            Task::Look | Task::Confirm { .. } => None,
            Task::Begin(choice) => {
                station.begin(&choice);
                None
            }
            Task::Withdraw(choice) => {
                station.withdraw(&choice);
                None
            }
            Task::Choose { pick } => {
                Some((Stage::Choose, station.choose(pick, asked).map_or(Answer::Nothing, Answer::Chosen)))
            }
            Task::PlanReach { from, choice, like } => {
                let alike = like.and_then(|like| station.reach_like(&like, &from, &choice, asked));
                let answer = match alike {
                    Some(reach) => Answer::Reached { reach, choice, is_like: true },
                    None => match station.plan_reach(&from, &choice, asked) {
                        Ok((reach, choice)) => Answer::Reached { reach, choice, is_like: false },
                        Err(_) => Answer::Unreachable,
                    },
                };
                Some((Stage::Plan, answer))
            }
            Task::RefineReach { reach, choice } => {
                let shorter = station.refine_reach(&reach, &choice, asked);
                Some((Stage::Refine, Answer::Refined { reach, shorter }))
            }
            Task::RefineCarry { reach, choice } => {
                station.refine_carry(&reach, &choice, asked);
                Some((Stage::Refine, Answer::CarryRefined))
            }
            Task::PlanCarry { from, choice, pull_share } => plan(station.plan_carry(&from, &choice, pull_share, asked)),
            Task::PlanPutBack { from, choice } => plan(station.plan_put_back(&from, &choice, asked)),
            Task::PlanRetreat { from, released } => {
                if let Some(released) = released {
                    station.released(&released.choice, released.weighed_kg, asked);
                }
                plan(station.plan_retreat(&from))
            }
            Task::PlanClear { from } => plan(station.plan_clear(&from)),
            Task::Finish(attempt) => {
                station.finish(&attempt);
                None
            }
        },
    };
    let took = answer.as_ref().filter(|_| timed).map(|(stage, _)| (*stage, stopwatch.seconds()));
    Done { asked, answer, took, core_s: cores.seconds(), events: station.drain_events(), fault }
}
