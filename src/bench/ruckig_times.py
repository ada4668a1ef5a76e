"""Times the joint motions told on standard input with Ruckig; answers durations and what each call took."""

import json
import sys
import time

from ruckig import InputParameter, Result, Ruckig, Trajectory

JOINTS = 6


def main() -> None:
    told = json.load(sys.stdin)
    rest = [0.0] * JOINTS
    timer, trajectory, motion = Ruckig(JOINTS), Trajectory(JOINTS), InputParameter(JOINTS)
    motion.max_velocity = told["velocity"]
    motion.max_acceleration = told["acceleration"]
    motion.max_jerk = told["jerk"]
    motion.target_velocity = motion.target_acceleration = rest
    durations_s: list[float | None] = []
    us: list[float] = []
    for asked in told["motions"]:
        motion.current_position = asked["from"]
        motion.current_velocity = asked["velocity"]
        motion.current_acceleration = asked["acceleration"]
        motion.target_position = asked["to"]
        start = time.perf_counter()
        result = timer.calculate(motion, trajectory)
        us.append((time.perf_counter() - start) * 1e6)
        durations_s.append(trajectory.duration if result == Result.Working else None)
    print(json.dumps({"durations_s": durations_s, "us": us}))


main()
