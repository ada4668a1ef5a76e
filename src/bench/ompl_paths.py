"""Looks for paths of six joints with OMPL's RRT-Connect; whether a way is free is asked of who started it.

Standard input gives a line about joints and limits, then a line for each problem. For each problem standard
output gives lines {"from": …, "to": …}, each answered by true or false, and at last
{"found": …, "seconds": …, "asking_s": …}.
"""

import json
import os
import sys
import time
import traceback

from ompl import base, geometric, util

JOINTS = 6


class Asker:
    """The other end of the pipe, and the seconds spent waiting for it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def is_free(self, start: list[float], end: list[float]) -> bool:
        since = time.perf_counter()
        print(json.dumps({"from": start, "to": end}), flush=True)
        answer = json.loads(sys.stdin.readline())
        self.seconds += time.perf_counter() - since
        return answer


class States(base.StateValidityChecker):
    """Asks about one configuration: a way from it to itself."""

    def __init__(self, info: base.SpaceInformation, asker: Asker) -> None:
        super().__init__(info)
        self.asker = asker

    def isValid(self, state: base.State) -> bool:  # noqa: N802, OMPL's name
        at = state[0:JOINTS]
        return self.asker.is_free(at, at)


class Ways(base.MotionValidator):
    """Asks about all of a way in one message."""

    def __init__(self, info: base.SpaceInformation, asker: Asker) -> None:
        super().__init__(info)
        self.asker = asker

    def checkMotion(self, start: base.State, end: base.State) -> bool:  # noqa: N802, OMPL's name
        return self.asker.is_free(start[0:JOINTS], end[0:JOINTS])


def state(info: base.SpaceInformation, angles: list[float]) -> base.State:
    made = info.allocState()
    made[0:JOINTS] = angles
    return made


def solve(info: base.SpaceInformation, asker: Asker, problem: dict, limit_s: float) -> dict:
    goals = base.GoalStates(info)
    for angles in problem["goals"]:
        goals.addState(state(info, angles))
    definition = base.ProblemDefinition(info)
    definition.addStartState(state(info, problem["start"]))
    definition.setGoal(goals)
    planner = geometric.RRTConnect(info)
    planner.setProblemDefinition(definition)
    asker.seconds = 0.0
    start = time.perf_counter()
    planner.setup()
    planner.solve(limit_s)
    seconds = time.perf_counter() - start
    return {"found": definition.hasExactSolution(), "seconds": seconds, "asking_s": asker.seconds}


def main() -> None:
    told = json.loads(sys.stdin.readline())
    util.noOutputHandler()
    util.RNG.setSeed(told["seed"])
    bounds = base.RealVectorBounds(JOINTS)
    for joint, (low, high) in enumerate(told["ranges"]):
        bounds.setLow(joint, low)
        bounds.setHigh(joint, high)
    space = base.RealVectorStateSpace(JOINTS)
    space.setBounds(bounds)
    info = base.SpaceInformation(space)
    asker = Asker()
    states, ways = States(info, asker), Ways(info, asker)
    info.setStateValidityChecker(states)
    info.setMotionValidator(ways)
    info.setup()
    for line in sys.stdin:
        print(json.dumps(solve(info, asker, json.loads(line), told["limit_s"])), flush=True)


# What the bindings print of leaks at an ordinary end would hide why it ended.
code = 0
try:
    main()
except Exception:
    traceback.print_exc()
    code = 1
sys.stderr.flush()
os._exit(code)
