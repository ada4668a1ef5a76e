//! The simulated arm: follows setpoints with a small lag, refuses what its drives could not do.

use std::cell::RefCell;
use std::rc::Rc;

use control::{Arm, ArmState, JOINT_NAMES, JointAngles, JointLimits, LinkError, Setpoint};
use scene::{Span, Timestamp};

use super::core::Core;

/// Time constant with which the joints follow the setpoint, seconds.
const LAG_S: f64 = 0.003;
/// How much faster or harder than its limits a setpoint may be before the drives fault: room for rounding.
const SPEED_SLACK: f64 = 1.05;
const ACCELERATION_SLACK: f64 = 1.25;
/// Longer than this without a setpoint and the next one may start anew from rest.
const GAP: Span = Span::from_millis(20);

/// The drives.
#[derive(Debug, Clone)]
pub(crate) struct ArmPlant {
    limits: [JointLimits; 6],
    q: [f64; 6],
    dq: [f64; 6],
    goal: [f64; 6],
    /// The newest setpoint and its speed by difference.
    last: Option<(Timestamp, [f64; 6], [f64; 6])>,
    stopped: bool,
    at: Timestamp,
}

impl ArmPlant {
    pub fn new(limits: [JointLimits; 6], rest: &JointAngles) -> Self {
        Self { limits, q: rest.0, dq: [0.0; 6], goal: rest.0, last: None, stopped: false, at: Timestamp::ZERO }
    }

    /// The joint angles as they are.
    pub fn angles(&self) -> JointAngles {
        JointAngles(self.q)
    }

    /// One millisecond.
    pub fn tick(&mut self, now: Timestamp) {
        const DT: f64 = 1e-3;
        self.at = now;
        let follow = 1.0 - (-DT / LAG_S).exp();
        for i in 0..6 {
            let before = self.q[i];
            if self.stopped {
                // The drives brake at what they can.
                let slower = self.limits[i].acceleration * DT;
                self.dq[i] -= self.dq[i].clamp(-slower, slower);
                self.q[i] += self.dq[i] * DT;
                self.goal[i] = self.q[i];
            } else {
                self.q[i] += follow * (self.goal[i] - self.q[i]);
                self.dq[i] = (self.q[i] - before) / DT;
            }
        }
    }

    pub fn state(&self) -> ArmState {
        ArmState { at: self.at, q: JointAngles(self.q), dq: self.dq, stopped: self.stopped }
    }

    /// Brakes; takes no setpoints until [`Self::reset`].
    pub fn stop(&mut self) {
        self.stopped = true;
        self.last = None;
    }

    /// A person acknowledges the stop.
    pub fn reset(&mut self) {
        self.stopped = false;
        self.last = None;
    }

    /// Takes a setpoint or faults.
    pub fn command(&mut self, setpoint: &Setpoint) -> Result<(), LinkError> {
        if self.stopped {
            return Err(LinkError::Stopped { device: "arm" });
        }
        let speed = match self.check(setpoint) {
            Ok(speed) => speed,
            Err(error) => {
                self.stop();
                return Err(error);
            }
        };
        self.goal = setpoint.q.0;
        self.last = Some((setpoint.at, setpoint.q.0, speed));
        Ok(())
    }

    /// Speed of the setpoint by its difference to the one before.
    fn check(&self, setpoint: &Setpoint) -> Result<[f64; 6], LinkError> {
        let refuse = |joint: usize, quantity, value, unit, min, max| {
            Err(LinkError::Limit { joint: JOINT_NAMES[joint], quantity, value, unit, min, max })
        };
        let recent = self.last.filter(|(at, ..)| setpoint.at > *at && setpoint.at.since(*at) < GAP);
        let (dt, from, before) = match recent {
            Some((at, q, speed)) => (setpoint.at.since(at).seconds(), q, speed),
            None => (1e-3, self.goal, [0.0; 6]),
        };
        let mut speed = [0.0; 6];
        for (i, limit) in self.limits.iter().enumerate() {
            let q = setpoint.q.0[i];
            // NaN is in no range.
            if !(limit.min - 1e-9..=limit.max + 1e-9).contains(&q) {
                return refuse(i, "angle", q, "rad", limit.min, limit.max);
            }
            speed[i] = (q - from[i]) / dt;
            let fastest = SPEED_SLACK * limit.velocity;
            if speed[i].abs() > fastest {
                return refuse(i, "velocity", speed[i], "rad/s", -fastest, fastest);
            }
            let acceleration = (speed[i] - before[i]) / dt;
            let hardest = ACCELERATION_SLACK * limit.acceleration;
            if acceleration.abs() > hardest {
                return refuse(i, "acceleration", acceleration, "rad/s²", -hardest, hardest);
            }
        }
        Ok(speed)
    }
}

/// The arm of a simulated cell. A setpoint beyond the limits of the drives faults it: it brakes and stays stopped.
#[derive(Debug, Clone)]
pub struct SimArm {
    pub(super) core: Rc<RefCell<Core>>,
}

impl Arm for SimArm {
    fn state(&mut self) -> Result<ArmState, LinkError> {
        Ok(self.core.borrow().arm.state())
    }

    fn command(&mut self, setpoint: &Setpoint) -> Result<(), LinkError> {
        self.core.borrow_mut().arm.command(setpoint)
    }

    fn stop(&mut self) -> Result<(), LinkError> {
        self.core.borrow_mut().arm.stop();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plant() -> ArmPlant {
        let limit = JointLimits { min: -2.0, max: 2.0, velocity: 3.0, acceleration: 8.0, jerk: 80.0 };
        ArmPlant::new([limit; 6], &JointAngles::default())
    }

    fn at(ms: u64, q: f64) -> Setpoint {
        Setpoint {
            at: Timestamp::from_nanos(ms * 1_000_000),
            q: JointAngles([q, 0.0, 0.0, 0.0, 0.0, 0.0]),
            dq: [0.0; 6],
        }
    }

    #[test]
    fn the_arm_follows_within_a_few_milliseconds() {
        let mut arm = plant();
        for ms in 1..=500_u64 {
            let t = ms as f64 * 1e-3;
            arm.command(&at(ms, 0.5 * 4.0 * t * t)).unwrap();
            arm.tick(Timestamp::from_nanos(ms * 1_000_000));
        }
        let behind = 0.5 * 4.0 * 0.25 - arm.angles().0[0];
        assert!((0.0..0.01).contains(&behind), "{behind} rad behind at 2 rad/s");
    }

    #[test]
    fn a_setpoint_beyond_the_drives_stops_the_arm() {
        let check = |setpoint: Setpoint, expected: &str| {
            let mut arm = plant();
            arm.command(&at(1, 0.0)).unwrap();
            let error = arm.command(&setpoint).unwrap_err().to_string();
            assert_eq!(error, expected);
            assert!(arm.state().stopped);
            assert_eq!(arm.command(&at(3, 0.0)).unwrap_err().to_string(), "arm is stopped");
        };
        check(at(2, 2.5), "setpoint of J1: angle 2.5000 rad; must be from -2.0000 to 2.0000");
        check(at(2, 0.01), "setpoint of J1: velocity 10.0000 rad/s; must be from -3.1500 to 3.1500");
        check(at(2, 0.001), "setpoint of J1: acceleration 1000.0000 rad/s²; must be from -10.0000 to 10.0000");
        check(at(2, f64::NAN), "setpoint of J1: angle NaN rad; must be from -2.0000 to 2.0000");
    }

    #[test]
    fn a_stopped_arm_brakes_and_then_stands() {
        let mut arm = plant();
        for ms in 1..=250_u64 {
            let t = ms as f64 * 1e-3;
            arm.command(&at(ms, 0.5 * 8.0 * t * t)).unwrap();
            arm.tick(Timestamp::from_nanos(ms * 1_000_000));
        }
        arm.stop();
        let from = arm.angles().0[0];
        for ms in 251..=600_u64 {
            arm.tick(Timestamp::from_nanos(ms * 1_000_000));
        }
        let way = arm.angles().0[0] - from;
        assert!(arm.state().dq[0].abs() < 1e-9);
        assert!((0.2..0.3).contains(&way), "{way} rad; v²/2a is 0.25 rad");
    }
}
