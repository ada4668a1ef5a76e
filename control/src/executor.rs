//! The 1 kHz loop: runs a checked program, ends it at contact, stops it along its own path.
//!
//! Between samples the program is read as a uniform cubic B-spline whose control points are the
//! samples: its velocity, acceleration and jerk are averages of the samples' differences, so
//! whatever limits the samples keep, the spline keeps at any rate below one.

use std::sync::Arc;

use scene::Timestamp;

use crate::braking::{Brake, Rate};
use crate::program::{Program, SAMPLE_S, SegmentKind};
use crate::robot::RobotModel;
use crate::{ArmState, JOINT_NAMES, JointAngles, Setpoint};

/// A program must begin within this of where the arm is told to be, radians.
const START_TOLERANCE: f64 = 1e-8;

/// Everything that one tick may depend on.
#[derive(Debug, Clone, Copy)]
pub struct TickInputs {
    /// The cell's time; ticks are one millisecond apart.
    pub now: Timestamp,
    /// The arm as it is.
    pub arm: ArmState,
    /// The tool touches something.
    pub contact: bool,
    /// Somebody wants the motion stopped.
    pub stop: bool,
}

/// What one tick gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TickOutputs {
    /// Where the arm shall be now; always given, also at rest.
    pub setpoint: Setpoint,
    /// What the executor does.
    pub state: Motion,
}

/// Why a motion ends before its program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCause {
    /// The tool touched something in a guarded segment.
    Contact,
    /// [`Executor::halt`] or [`TickInputs::stop`].
    Asked,
    /// The arm says that it is stopped.
    Arm,
}

/// What the executor does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Motion {
    /// At rest; nothing has been started yet.
    Idle,
    /// A program runs.
    Running {
        /// The part that runs.
        segment: SegmentKind,
        /// Share of the part that is done, 0…1.
        progress: f64,
    },
    /// The arm slows down along the program's path.
    Stopping {
        /// The part that ran.
        segment: SegmentKind,
        /// Share of the part that was done, 0…1.
        progress: f64,
        /// Why.
        cause: StopCause,
    },
    /// At rest; a guarded part has ended at contact.
    Contact,
    /// At rest at the program's end.
    Done,
    /// At rest somewhere on the program's path.
    Stopped(StopCause),
}

impl Motion {
    /// True while a part of this kind runs or slows down.
    #[must_use]
    pub fn in_segment(&self, kind: SegmentKind) -> bool {
        self.progress_in(kind).is_some()
    }

    /// Share done of a part of this kind, while it runs or slows down.
    #[must_use]
    pub fn progress_in(&self, kind: SegmentKind) -> Option<f64> {
        match self {
            Self::Running { segment, progress } | Self::Stopping { segment, progress, .. } => {
                (*segment == kind).then_some(*progress)
            }
            _ => None,
        }
    }

    /// True at rest.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !matches!(self, Self::Running { .. } | Self::Stopping { .. })
    }

    /// True once contact ended a guarded part, and while the arm slows down for it.
    #[must_use]
    pub fn touched(&self) -> bool {
        matches!(self, Self::Contact | Self::Stopping { cause: StopCause::Contact, .. })
    }
}

/// Why a program was not started; what ran before runs on.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum StartError {
    /// Another program has not come to rest.
    #[error("a program can't start while the arm is in {segment}")]
    Moving {
        /// The part that runs.
        segment: SegmentKind,
    },
    /// The program begins elsewhere.
    #[error("program starts with {joint} at {start:.6} rad, the arm is at {at:.6} rad; must agree within 1e-8 rad")]
    Elsewhere {
        /// The joint that is off most.
        joint: &'static str,
        /// Where the program starts.
        start: f64,
        /// Where the arm is told to be.
        at: f64,
    },
}

/// Runs programs. [`Executor::tick`] reads no clock, does no IO and doesn't allocate.
#[derive(Debug, Clone)]
pub struct Executor {
    brake: Brake,
    at: JointAngles,
    dq: [f64; 6],
    program: Option<Arc<Program>>,
    /// Place in the program in samples, −1 (before the first) to the number of samples.
    sigma: f64,
    rate: Rate,
    braking: Option<StopCause>,
    rest: Motion,
}

/// Position and its first three derivatives by time at full rate.
pub(crate) struct Point {
    q: [f64; 6],
    pub(crate) d1: [f64; 6],
    pub(crate) d2: [f64; 6],
    pub(crate) d3: [f64; 6],
}

impl Executor {
    /// An executor at rest with the arm at `at`.
    #[must_use]
    pub fn new(robot: &RobotModel, at: JointAngles) -> Self {
        Self {
            brake: Brake::new(robot),
            at,
            dq: [0.0; 6],
            program: None,
            sigma: 0.0,
            rate: Rate::STILL,
            braking: None,
            rest: Motion::Idle,
        }
    }

    /// The newest setpoint's angles.
    #[must_use]
    pub fn at(&self) -> JointAngles {
        self.at
    }

    /// Takes a program; it moves from the next tick on.
    ///
    /// # Errors
    /// [`StartError`] when something still moves or the program starts elsewhere.
    pub fn start(&mut self, program: Arc<Program>) -> Result<(), StartError> {
        if let Motion::Running { segment, .. } | Motion::Stopping { segment, .. } = self.state() {
            return Err(StartError::Moving { segment });
        }
        let start = program.start();
        for ((&to, &at), joint) in start.0.iter().zip(&self.at.0).zip(JOINT_NAMES) {
            if (to - at).abs() > START_TOLERANCE {
                return Err(StartError::Elsewhere { joint, start: to, at });
            }
        }
        self.program = Some(program);
        self.sigma = -1.0;
        self.rate = Rate::FULL;
        self.braking = None;
        Ok(())
    }

    /// Stops what runs, along its path and within the joints' limits.
    pub fn halt(&mut self) {
        if self.program.is_some() && self.braking.is_none() {
            self.braking = Some(StopCause::Asked);
        }
    }

    /// What the executor does now.
    #[must_use]
    pub fn state(&self) -> Motion {
        let Some(program) = &self.program else { return self.rest };
        let index = self.sigma.max(0.0);
        let Some(part) = program.segment_at(index as usize) else { return self.rest };
        let length = (part.last - part.first).max(1) as f64;
        let progress = ((index - part.first as f64) / length).clamp(0.0, 1.0);
        let segment = part.kind;
        match self.braking {
            None => Motion::Running { segment, progress },
            Some(cause) => Motion::Stopping { segment, progress, cause },
        }
    }

    /// Share that is gone of what goes at the even speed of touch, 0…1; `None` elsewhere.
    #[must_use]
    pub fn slow(&self) -> Option<f64> {
        let index = self.sigma.max(0.0);
        let part = self.program.as_ref()?.segment_at(index as usize)?;
        let from = part.slow_from? as f64;
        (index >= from).then(|| ((index - from) / (part.last as f64 - from).max(1.0)).clamp(0.0, 1.0))
    }

    /// One millisecond.
    pub fn tick(&mut self, inputs: &TickInputs) -> TickOutputs {
        if inputs.arm.stopped {
            // The arm's own protection has it; the setpoint follows it so that nothing jumps later.
            if self.program.take().is_some() {
                self.rest = Motion::Stopped(StopCause::Arm);
            }
            self.at = inputs.arm.q;
            self.dq = [0.0; 6];
        } else if let Some(program) = self.program.clone() {
            self.advance(&program, inputs);
        }
        TickOutputs { setpoint: Setpoint { at: inputs.now, q: self.at, dq: self.dq }, state: self.state() }
    }

    fn advance(&mut self, program: &Program, inputs: &TickInputs) {
        if self.braking.is_none() {
            if inputs.stop {
                self.braking = Some(StopCause::Asked);
            } else if inputs.contact && self.is_guarded(program) {
                self.braking = Some(StopCause::Contact);
            }
        }
        if self.braking.is_some() {
            self.rate = self.brake.next(program, self.sigma, &self.rate);
        }
        let end = program.samples().len() as f64;
        self.sigma += self.rate.value;
        let point = read(program, self.sigma.min(end));
        self.at = JointAngles(point.q);
        self.dq = point.d1.map(|v| v * self.rate.value);
        if self.sigma >= end {
            self.come_to_rest(match self.braking {
                Some(StopCause::Contact) => Motion::Contact,
                _ => Motion::Done,
            });
        } else if let Some(cause) = self.braking
            && self.rate == Rate::STILL
        {
            self.come_to_rest(match cause {
                StopCause::Contact => Motion::Contact,
                other => Motion::Stopped(other),
            });
        }
    }

    fn is_guarded(&self, program: &Program) -> bool {
        let index = self.sigma.max(0.0) as usize;
        program.segment_at(index).and_then(|part| part.guarded_from).is_some_and(|from| index >= from)
    }

    fn come_to_rest(&mut self, rest: Motion) {
        self.program = None;
        self.braking = None;
        self.rate = Rate::STILL;
        self.dq = [0.0; 6];
        self.rest = rest;
    }
}

/// Reads the program as a uniform cubic B-spline; beyond its ends it stands still.
pub(crate) fn read(program: &Program, sigma: f64) -> Point {
    let samples = program.samples();
    let last = samples.len() as isize - 1;
    let base = sigma.floor();
    let u = sigma - base;
    let base = base as isize;
    let control = |k: isize| &samples[(base + k).clamp(0, last) as usize].0;
    let (p0, p1, p2, p3) = (control(-1), control(0), control(1), control(2));
    let v = 1.0 - u;
    let w = [
        v * v * v / 6.0,
        (3.0 * u * u * u - 6.0 * u * u + 4.0) / 6.0,
        (3.0 * v * v * v - 6.0 * v * v + 4.0) / 6.0,
        u * u * u / 6.0,
    ];
    let mut point = Point { q: [0.0; 6], d1: [0.0; 6], d2: [0.0; 6], d3: [0.0; 6] };
    let (h1, h2, h3) = (1.0 / SAMPLE_S, 1.0 / (SAMPLE_S * SAMPLE_S), 1.0 / (SAMPLE_S * SAMPLE_S * SAMPLE_S));
    for i in 0..6 {
        // Relative to one control point, so that standing still is exact.
        let (e0, e2, e3) = (p0[i] - p1[i], p2[i] - p1[i], p3[i] - p1[i]);
        point.q[i] = p1[i] + w[0] * e0 + w[2] * e2 + w[3] * e3;
        let (c0, c1, c2) = (-e0, e2, e3 - e2);
        point.d1[i] = h1 * (0.5 * v * v * c0 + (0.5 + u * v) * c1 + 0.5 * u * u * c2);
        point.d2[i] = h2 * (v * (c1 - c0) + u * (c2 - c1));
        point.d3[i] = h3 * (c2 - 2.0 * c1 + c0);
    }
    point
}
