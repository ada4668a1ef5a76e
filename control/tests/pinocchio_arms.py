"""Poses and Jacobians of the arms by pinocchio, for tests/arms.rs: joint origins as the makers' descriptions give them,
none of ours. Writes JSON to standard output; tests/pinocchio.json is what it wrote.

    python3 -m venv V && V/bin/pip install pin==4.1.0
    V/bin/python control/tests/pinocchio_arms.py > control/tests/pinocchio.json
"""

import json
import random
from math import pi

import numpy as np
import pinocchio

CONFIGURATIONS = 20
# A tool that stands askew on the flange: metres, quaternion x y z w.
FLANGE_FROM_TOOL = [0.03, -0.02, 0.27, 0.1, -0.2, 0.3, 0.927361849549570]

X, Y, Z = np.eye(3)
NONE = (0, 0, 0)

# Six joints (origin in the frame before: xyz, rpy; axis) and what leads from the last to the maker's flange.
# FANUC-CORPORATION/fanuc_description, fanuc_m20_description/urdf/m20_25_18d_urdf_macro.xacro; m20_35_18d has the same.
FANUC_M20ID = (
    [
        ((0, 0, 0.425), NONE, Z),
        ((0.075, 0, 0), NONE, Y),
        ((0, 0, 0.84), NONE, -Y),
        ((0, 0, 0.215), NONE, -X),
        ((0.89, 0, 0), NONE, -Y),
        (NONE, NONE, -X),
    ],
    [((0.09, 0, 0), NONE), (NONE, (pi, -pi / 2, 0))],
)
# ros-industrial/abb_experimental, abb_irb1200_support/urdf/irb1200_7_70_macro.xacro
ABB_IRB1200 = (
    [
        ((0, 0, 0.3991), NONE, Z),
        (NONE, NONE, Y),
        ((0, 0, 0.350), NONE, Y),
        ((0, 0, 0.042), NONE, X),
        ((0.351, 0, 0), NONE, Y),
        ((0.082, 0, 0), NONE, X),
    ],
    [(NONE, (0, pi / 2, 0))],
)
# ros-industrial/kuka_experimental, kuka_kr10_support/urdf/kr10r1100sixx_macro.xacro
KUKA_KR10_R1100 = (
    [
        ((0, 0, 0.400), NONE, -Z),
        ((0.025, 0, 0), NONE, Y),
        ((0.560, 0, 0), NONE, Y),
        ((0, 0, 0.035), NONE, -X),
        ((0.515, 0, 0), NONE, Y),
        ((0.080, 0, 0), NONE, -X),
    ],
    [(NONE, (0, pi / 2, 0))],
)
# UniversalRobots/Universal_Robots_ROS2_Description, config/ur10e/default_kinematics.yaml, from the controller's base;
# angles there are rounded, and two lengths below 1e-10 m are left out.
UR10E = (
    [
        ((0, 0, 0.1807), NONE, Z),
        (NONE, (pi / 2, 0, 0), Z),
        ((-0.6127, 0, 0), NONE, Z),
        ((-0.57155, 0, 0.17415), NONE, Z),
        ((0, -0.11985, 0), (pi / 2, 0, 0), Z),
        ((0, 0.11655, 0), (pi / 2, pi, pi), Z),
    ],
    [],
)
ARMS = {
    "fanuc-m20id-25": FANUC_M20ID,
    "fanuc-m20id-35": FANUC_M20ID,
    "abb-irb1200-7-07": ABB_IRB1200,
    "kuka-kr10-r1100": KUKA_KR10_R1100,
    "ur10e": UR10E,
}


def placed(xyz, rpy):
    return pinocchio.SE3(pinocchio.rpy.rpyToMatrix(*map(float, rpy)), np.array(xyz, float))


def answers(name, joints, ends):
    """Seeded configurations of an arm with the tool's pose and Jacobian at each."""
    model = pinocchio.Model()
    last = 0
    for i, (xyz, rpy, axis) in enumerate(joints):
        joint = pinocchio.JointModelRevoluteUnaligned(axis)
        last = model.addJoint(last, joint, placed(xyz, rpy), f"J{i + 1}")
    last_from_tool = pinocchio.SE3.Identity()
    for xyz, rpy in ends:
        last_from_tool = last_from_tool * placed(xyz, rpy)
    turn = pinocchio.Quaternion(np.array(FLANGE_FROM_TOOL[3:])).normalized()
    last_from_tool = last_from_tool * pinocchio.SE3(turn, np.array(FLANGE_FROM_TOOL[:3]))
    tool = model.addFrame(pinocchio.Frame("tool", last, last_from_tool, pinocchio.FrameType.OP_FRAME))
    data = model.createData()
    draw = random.Random(name)
    for _ in range(CONFIGURATIONS):
        q = [round(draw.uniform(-pi, pi), 6) for _ in joints]
        jacobian = pinocchio.computeFrameJacobian(
            model, data, np.array(q), tool, pinocchio.ReferenceFrame.LOCAL_WORLD_ALIGNED
        )
        pinocchio.framesForwardKinematics(model, data, np.array(q))
        yield {
            "q": q,
            "pose": rounded(pinocchio.SE3ToXYZQUAT(data.oMf[tool])),
            "jacobian": [rounded(row) for row in jacobian],
        }


def rounded(values):
    # Adding zero turns −0 into 0.
    return [round(float(v), 15) + 0.0 for v in values]


def main():
    print('{"pinocchio": "%s",' % pinocchio.__version__)
    print('"flange_from_tool": %s,' % json.dumps(FLANGE_FROM_TOOL))
    print('"arms": {')
    arms = []
    for name, (joints, ends) in ARMS.items():
        lines = ",\n".join(json.dumps(answer) for answer in answers(name, joints, ends))
        arms.append('"%s": [\n%s]' % (name, lines))
    print(",\n".join(arms))
    print("}}")


main()
