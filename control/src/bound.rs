//! The least time that the joints' limits allow, whatever stands in the way: what plans are held against.

use scene::Span;

use crate::timing::{Bounds, State, Timed};
use crate::{JointAngles, RobotModel};

/// The shortest time from rest at `from` to rest at `to` under the joints' velocity, acceleration and jerk,
/// obstacles, grasp and straight ways ignored; no motion between the two is faster. `None` for angles that
/// are not finite.
#[must_use]
pub fn least_time(robot: &RobotModel, from: &JointAngles, to: &JointAngles) -> Option<Span> {
    let still = |q: &JointAngles| State { x: q.0, v: [0.0; 6], a: [0.0; 6] };
    let bounds = robot.joints.map(|j| Bounds { velocity: j.velocity, acceleration: j.acceleration, jerk: j.jerk });
    if !from.is_finite() || !to.is_finite() {
        return None;
    }
    Timed::between(&still(from), &still(to), &bounds).ok().map(|t| Span::from_seconds(t.duration()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_joint_alone_takes_what_its_jerk_acceleration_and_speed_ask() {
        let robot = RobotModel::find("fanuc-m20id-25", std::path::Path::new(".")).unwrap();
        let [from, mut to] = [JointAngles([0.0; 6]); 2];
        to.0[0] = 2.0;
        // Far enough for full speed: way over speed, one ramp of acceleration, one of jerk (0.4 s and 0.1 s by the robot file's rule).
        let j = &robot.joints[0];
        let expected = 2.0 / j.velocity + j.velocity / j.acceleration + j.acceleration / j.jerk;
        let found = least_time(&robot, &from, &to).unwrap().seconds();
        assert!((found - expected).abs() < 1e-6, "{found} s, expected {expected} s");
    }
}
