//! The simulated arm: follows setpoints with a small lag, refuses what its drives could not do.

use std::cell::RefCell;
use std::rc::Rc;

use control::{Arm, ArmState, JOINT_NAMES, JointAngles, JointLimits, LinkError, Setpoint};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use scene::{Span, Timestamp};

use super::core::Core;
use crate::sensors::ArmSense;

/// Missing setpoints are bridged for so long at the last speed; then the drives stop (the controller's cycle, 8 ms).
const BRIDGED: Span = Span::from_millis(8);
/// How much faster or harder than its limits a setpoint may be before the drives fault: room for rounding.
const SPEED_SLACK: f64 = 1.05;
const ACCELERATION_SLACK: f64 = 1.25;
/// A joint slower than this stands, rad/s.
const STILL_RAD_S: f64 = 1e-4;
/// One tick of the drives.
const TICK: Span = Span::from_millis(1);
/// Longer than this without a setpoint and the next one may start anew from rest.
const GAP: Span = Span::from_millis(20);

/// One draw of a bell curve of deviation 1.
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// The drives.
#[derive(Debug, Clone)]
pub(crate) struct ArmPlant {
    limits: [JointLimits; 6],
    q: [f64; 6],
    dq: [f64; 6],
    goal: [f64; 6],
    /// The newest setpoint, its speed by difference and over how many seconds that was.
    last: Option<(Timestamp, [f64; 6], [f64; 6], f64)>,
    stopped: bool,
    at: Timestamp,
    sense: ArmSense,
    /// Where each joint truly is when its encoder says zero, radians.
    offset: [f64; 6],
    /// What the encoders say.
    measured: [f64; 6],
    rng: ChaCha8Rng,
}

impl ArmPlant {
    /// An arm at rest; its joints' zeros are drawn.
    pub fn new(limits: [JointLimits; 6], rest: &JointAngles, sense: ArmSense, mut rng: ChaCha8Rng) -> Self {
        let offset = std::array::from_fn(|_| sense.joint_offset_rad * normal(&mut rng));
        let (q, dq, at) = (rest.0, [0.0; 6], Timestamp::ZERO);
        Self { limits, q, dq, goal: q, last: None, stopped: false, at, sense, offset, measured: q, rng }
    }

    /// The joint angles as they truly are.
    pub fn angles(&self) -> JointAngles {
        JointAngles(std::array::from_fn(|i| self.q[i] + self.offset[i]))
    }

    /// One millisecond.
    pub fn tick(&mut self, now: Timestamp) {
        const DT: f64 = 1e-3;
        self.at = now;
        self.bridge(now);
        let follow = 1.0 - (-DT / self.sense.lag_s).exp();
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
            self.measured[i] = self.q[i];
            if self.sense.encoder_noise_rad > 0.0 {
                self.measured[i] += self.sense.encoder_noise_rad * normal(&mut self.rng);
            }
        }
    }

    /// Goes on at the last speed where a setpoint is missing; stops where they stay away.
    fn bridge(&mut self, now: Timestamp) {
        let Some((at, q, speed, _)) = self.last else { return };
        // A setpoint is for the millisecond after the one in which it was given.
        let missing = now.since(at + TICK);
        if self.stopped || missing == Span::from_nanos(0) || speed.iter().all(|v| v.abs() < STILL_RAD_S) {
            return;
        }
        if missing > BRIDGED {
            self.stop();
            return;
        }
        let gone = missing.seconds();
        self.goal = std::array::from_fn(|i| (q[i] + speed[i] * gone).clamp(self.limits[i].min, self.limits[i].max));
    }

    /// True while a setpoint that stays away would be missed.
    pub fn moves(&self) -> bool {
        let fast = |speed: &[f64; 6]| speed.iter().any(|v| v.abs() >= STILL_RAD_S);
        !self.stopped && self.last.is_some_and(|(_, _, speed, _)| fast(&speed))
    }

    /// The arm as its encoders have it.
    pub fn state(&self) -> ArmState {
        ArmState { at: self.at, q: JointAngles(self.measured), dq: self.dq, stopped: self.stopped }
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
        let (speed, over_s) = match self.check(setpoint) {
            Ok(found) => found,
            Err(error) => {
                self.stop();
                return Err(error);
            }
        };
        self.goal = setpoint.q.0;
        self.last = Some((setpoint.at, setpoint.q.0, speed, over_s));
        Ok(())
    }

    /// Speed of the setpoint by its difference to the one before, and the seconds between them.
    fn check(&self, setpoint: &Setpoint) -> Result<([f64; 6], f64), LinkError> {
        let refuse = |joint: usize, quantity, value, unit, min, max| {
            Err(LinkError::Limit { joint: JOINT_NAMES[joint], quantity, value, unit, min, max })
        };
        let recent = self.last.filter(|(at, ..)| setpoint.at > *at && setpoint.at.since(*at) < GAP);
        let (dt, from, before, dt_before) = match recent {
            Some((at, q, speed, over_s)) => (setpoint.at.since(at).seconds(), q, speed, over_s),
            None => (1e-3, self.goal, [0.0; 6], 1e-3),
        };
        // Speeds by difference belong to the middles of their steps, which are unequal where setpoints are missing.
        let apart = 0.5 * (dt + dt_before);
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
            let acceleration = (speed[i] - before[i]) / apart;
            let hardest = ACCELERATION_SLACK * limit.acceleration;
            if acceleration.abs() > hardest {
                return refuse(i, "acceleration", acceleration, "rad/s²", -hardest, hardest);
            }
        }
        Ok((speed, dt))
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
    use rand::SeedableRng;

    use super::*;
    use crate::sensors::Level;

    fn plant() -> ArmPlant {
        sensed(Level::None)
    }

    fn sensed(level: Level) -> ArmPlant {
        let limit = JointLimits { min: -2.0, max: 2.0, velocity: 3.0, acceleration: 8.0, jerk: 80.0 };
        ArmPlant::new([limit; 6], &JointAngles::default(), ArmSense::at(level), ChaCha8Rng::seed_from_u64(1))
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

    /// Angle of J1 after it was sped up for 250 ms and then heard nothing for `silent` milliseconds and went on.
    fn after_silence(silent: u64) -> (f64, bool) {
        let mut arm = plant();
        for ms in 1..=500_u64 {
            arm.tick(Timestamp::from_nanos(ms * 1_000_000));
            let t = ms.min(250) as f64 * 1e-3;
            let then = ms.saturating_sub(250) as f64 * 1e-3;
            if !(250..250 + silent).contains(&ms) {
                let _ = arm.command(&at(ms, 0.5 * 4.0 * t * t + 4.0 * 0.25 * then));
            }
        }
        (arm.angles().0[0], arm.state().stopped)
    }

    #[test]
    fn a_few_missing_setpoints_are_bridged_and_more_of_them_stop_the_arm() {
        let (whole, _) = after_silence(0);
        let (bridged, stopped) = after_silence(6);
        assert!(!stopped && (whole - bridged).abs() < 1e-3, "{whole} rad, bridged {bridged} rad");
        let (braked, stopped) = after_silence(12);
        assert!(stopped && braked < whole - 0.05, "{whole} rad, braked {braked} rad");
    }

    #[test]
    fn encoders_are_noisy_and_the_arm_is_elsewhere_than_they_say() {
        let mut arm = sensed(Level::Bad);
        let mut noise = Vec::new();
        for ms in 1..=2_000_u64 {
            arm.tick(Timestamp::from_nanos(ms * 1_000_000));
            noise.push(arm.state().q.0[2]);
        }
        let rms = (noise.iter().map(|v| v * v).sum::<f64>() / noise.len() as f64).sqrt();
        let expected = ArmSense::at(Level::Bad);
        assert!((rms / expected.encoder_noise_rad - 1.0).abs() < 0.1, "{rms} rad");
        let off = arm.angles().largest_difference(&JointAngles::default());
        assert!(off > 0.3 * expected.joint_offset_rad && off < 4.0 * expected.joint_offset_rad, "{off} rad");
        assert_eq!(plant().angles(), JointAngles::default());
    }
}
