//! Motions of the joints with nothing in the way, for a look at their timing alone.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::RobotModel;
use crate::timing::{Bounds, State, Timed};

/// Share of the motions that begin while the arm moves.
const MOVING: f64 = 0.25;

/// From a state within the arm's limits to rest, all joints together.
#[derive(Debug, Clone, Copy)]
pub struct Transfer {
    /// Angles at the start, radians, within the joints' ranges.
    pub from: [f64; 6],
    /// Speeds at the start, rad/s: within the limits, though they may lead beyond them or out of a joint's range.
    pub velocity: [f64; 6],
    /// Accelerations at the start, rad/s².
    pub acceleration: [f64; 6],
    /// Angles at the end, radians.
    pub to: [f64; 6],
}

impl Transfer {
    /// The transfer of a seed: three of four begin at rest.
    #[must_use]
    pub fn draw(robot: &RobotModel, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let joints = &robot.joints;
        let from = std::array::from_fn(|i| rng.random_range(joints[i].min..joints[i].max));
        let to = std::array::from_fn(|i| rng.random_range(joints[i].min..joints[i].max));
        let share = if rng.random_bool(MOVING) { 1.0 } else { 0.0 };
        let velocity = std::array::from_fn(|i| share * joints[i].velocity * rng.random_range(-1.0..1.0));
        let acceleration = std::array::from_fn(|i| share * joints[i].acceleration * rng.random_range(-1.0..1.0));
        Self { from, velocity, acceleration, to }
    }

    /// Its least duration under the arm's full limits by the planner's own timing, seconds; `None` where that refuses.
    #[must_use]
    pub fn duration(&self, robot: &RobotModel) -> Option<f64> {
        let limits = robot.joints.map(|j| Bounds { velocity: j.velocity, acceleration: j.acceleration, jerk: j.jerk });
        let from = State { x: self.from, v: self.velocity, a: self.acceleration };
        let to = State { x: self.to, v: [0.0; 6], a: [0.0; 6] };
        Timed::between(&from, &to, &limits).ok().map(|timed| timed.duration())
    }
}
