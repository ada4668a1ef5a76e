"""Times one picture and a number of crops through both models with Python's ONNX Runtime."""

import json
import sys
import time

import numpy
import onnxruntime

told = json.load(sys.stdin)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = told["threads"]
options.inter_op_num_threads = 1
options.add_session_config_entry("session.intra_op.allow_spinning", "0")


def model(name: str, batch: int) -> tuple[onnxruntime.InferenceSession, dict[str, numpy.ndarray]]:
    session = onnxruntime.InferenceSession(f"{told['models']}/{name}", options, providers=["CPUExecutionProvider"])
    tensor = session.get_inputs()[0]
    shape = [side if isinstance(side, int) else batch for side in tensor.shape]
    noise = numpy.random.default_rng(1).uniform(-0.5, 0.5, shape).astype(numpy.float32)
    return session, {tensor.name: noise}


pairs = [model("instances.onnx", 1), model("identity.onnx", told["crops"])]
times = []
for _ in range(told["runs"]):
    since = time.perf_counter()
    for session, feed in pairs:
        session.run(None, feed)
    times.append((time.perf_counter() - since) * 1e3)
json.dump({"ms": times}, sys.stdout)
