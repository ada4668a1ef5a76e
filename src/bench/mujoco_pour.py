"""Pours the items told on standard input into a tote in MuJoCo; answers the wall seconds that stepping took."""

import json
import sys
import time

import mujoco

TOTE = (0.6, 0.4, 4.0)
WALL = 0.012


def box(half: list[float], at: list[float]) -> str:
    size, pos = (" ".join(f"{v:.6f}" for v in values) for values in (half, at))
    return f'<geom type="box" size="{size}" pos="{pos}" friction="0.3 0.005 0.0001"/>'


def model(told: dict) -> str:
    x, y, z = (0.5 * side for side in TOTE)
    walls = [
        '<geom type="plane" size="3 3 0.1" friction="0.3 0.005 0.0001"/>',
        box([0.5 * WALL, y + WALL, z], [x + 0.5 * WALL, 0, z]),
        box([0.5 * WALL, y + WALL, z], [-x - 0.5 * WALL, 0, z]),
        box([x, 0.5 * WALL, z], [0, y + 0.5 * WALL, z]),
        box([x, 0.5 * WALL, z], [0, -y - 0.5 * WALL, z]),
    ]
    bodies = []
    for item in told["items"]:
        half = item["half_m"]
        shape, size = ("cylinder", [half[0], half[2]]) if item["round"] else ("box", half)
        sizes, pos, quat = (" ".join(f"{v:.6f}" for v in values) for values in (size, item["at_m"], item["turn_wxyz"]))
        bodies.append(
            f'<body pos="{pos}" quat="{quat}"><freejoint/>'
            f'<geom type="{shape}" size="{sizes}" mass="{item["mass_kg"]}" friction="0.4 0.005 0.0001"/></body>'
        )
    return (
        f'<mujoco><option timestep="{told["step_s"]}" integrator="implicitfast"/>'
        f"<worldbody>{''.join(walls + bodies)}</worldbody></mujoco>"
    )


def main() -> None:
    told = json.load(sys.stdin)
    world = mujoco.MjModel.from_xml_string(model(told))
    state = mujoco.MjData(world)
    start = time.perf_counter()
    for _ in range(told["steps"]):
        mujoco.mj_step(world, state)
    print(json.dumps({"seconds": time.perf_counter() - start}))


main()
