//! Wrappers around devices that are devices: limits, recording.

use crate::robot::RobotModel;
use crate::{Arm, ArmState, JOINT_NAMES, LinkError, Setpoint, Tool};

/// An arm that takes no setpoint outside its limits: angles, and the velocity, acceleration and
/// jerk that follow from the setpoints' differences. What is refused is not passed on.
pub struct Limited<A: Arm> {
    arm: A,
    robot: RobotModel,
    tolerance: f64,
    /// Newest setpoint and the velocity and acceleration that led to it.
    last: Option<(Setpoint, [f64; 6], [f64; 6])>,
}

impl<A: Arm> Limited<A> {
    /// Holds `arm` to the limits of `robot`, widened by the share `tolerance` (say 0.02).
    pub fn new(arm: A, robot: &RobotModel, tolerance: f64) -> Self {
        Self { arm, robot: robot.clone(), tolerance, last: None }
    }

    /// Forgets the last setpoint, after the arm has been moved otherwise.
    pub fn reset(&mut self) {
        self.last = None;
    }
}

impl<A: Arm> Arm for Limited<A> {
    fn state(&mut self) -> Result<ArmState, LinkError> {
        self.arm.state()
    }

    fn command(&mut self, setpoint: &Setpoint) -> Result<(), LinkError> {
        // The first setpoint is taken from where the arm stands.
        let (before, dq, ddq) = match self.last {
            Some(last) => last,
            None => (*setpoint, [0.0; 6], [0.0; 6]),
        };
        let dt = setpoint.at.since(before.at).seconds();
        let (mut velocity, mut acceleration) = ([0.0; 6], [0.0; 6]);
        for i in 0..6 {
            let limits = &self.robot.joints[i];
            let within = |quantity, unit, value: f64, min: f64, max: f64| {
                let slack = self.tolerance * 0.5 * (max - min);
                if value.is_finite() && value >= min - slack && value <= max + slack {
                    return Ok(());
                }
                Err(LinkError::Limit { joint: JOINT_NAMES[i], quantity, value, unit, min, max })
            };
            let angle = setpoint.q.0[i];
            if !(angle >= limits.min - 1e-9 && angle <= limits.max + 1e-9) {
                return Err(LinkError::Limit {
                    joint: JOINT_NAMES[i],
                    quantity: "angle",
                    value: angle,
                    unit: "rad",
                    min: limits.min,
                    max: limits.max,
                });
            }
            if self.last.is_none() {
                continue;
            }
            let step = angle - before.q.0[i];
            if dt <= 0.0 {
                // Two setpoints for one moment: the second may only repeat the first.
                within("step without time", "rad", step, 0.0, 0.0)?;
                (velocity[i], acceleration[i]) = (dq[i], ddq[i]);
                continue;
            }
            velocity[i] = step / dt;
            acceleration[i] = (velocity[i] - dq[i]) / dt;
            let jerk = (acceleration[i] - ddq[i]) / dt;
            within("velocity", "rad/s", velocity[i], -limits.velocity, limits.velocity)?;
            within("acceleration", "rad/s²", acceleration[i], -limits.acceleration, limits.acceleration)?;
            within("jerk", "rad/s³", jerk, -limits.jerk, limits.jerk)?;
        }
        self.arm.command(setpoint)?;
        self.last = Some((*setpoint, velocity, acceleration));
        Ok(())
    }

    fn stop(&mut self) -> Result<(), LinkError> {
        self.last = None;
        self.arm.stop()
    }
}

/// One thing that crossed a link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Record<'a> {
    /// The arm told its state.
    State(&'a ArmState),
    /// The arm was told to go.
    Command(&'a Setpoint),
    /// The arm was told to stop.
    Stop,
    /// A packet went to the tool.
    Sent(&'a [u8]),
    /// A packet came from the tool.
    Received(&'a [u8]),
    /// A call failed.
    Failed(&'a LinkError),
}

/// A device all of whose traffic is shown to a sink. The sink must not block.
pub struct Recorded<D, S> {
    device: D,
    sink: S,
}

impl<D, S: FnMut(Record<'_>)> Recorded<D, S> {
    /// Shows the traffic of `device` to `sink`.
    pub fn new(device: D, sink: S) -> Self {
        Self { device, sink }
    }

    fn note<V>(&mut self, result: Result<V, LinkError>) -> Result<V, LinkError> {
        if let Err(error) = &result {
            (self.sink)(Record::Failed(error));
        }
        result
    }
}

impl<T: Tool, S: FnMut(Record<'_>)> Tool for Recorded<T, S> {
    fn send(&mut self, packet: &[u8]) -> Result<(), LinkError> {
        (self.sink)(Record::Sent(packet));
        let result = self.device.send(packet);
        self.note(result)
    }
    fn receive(&mut self, into: &mut [u8]) -> Result<Option<usize>, LinkError> {
        let result = self.device.receive(into);
        if let Ok(Some(length)) = result {
            (self.sink)(Record::Received(&into[..length]));
        }
        self.note(result)
    }
}

impl<A: Arm, S: FnMut(Record<'_>)> Arm for Recorded<A, S> {
    fn state(&mut self) -> Result<ArmState, LinkError> {
        let result = self.device.state();
        if let Ok(state) = &result {
            (self.sink)(Record::State(state));
        }
        self.note(result)
    }
    fn command(&mut self, setpoint: &Setpoint) -> Result<(), LinkError> {
        (self.sink)(Record::Command(setpoint));
        let result = self.device.command(setpoint);
        self.note(result)
    }
    fn stop(&mut self) -> Result<(), LinkError> {
        (self.sink)(Record::Stop);
        let result = self.device.stop();
        self.note(result)
    }
}
