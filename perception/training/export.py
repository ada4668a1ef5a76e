"""Writes the networks as ONNX with fixed names, shapes and metadata."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from training.networks import CHANNELS_IN, CROP, HEIGHT, WIDTH, Identity, Instances

OPSET = 17


def instances(network: Instances, file: Path) -> None:
    """`image` (1, 5, 240, 320) to `maps` (1, 5, 240, 320)."""
    example = torch.rand(1, CHANNELS_IN, HEIGHT, WIDTH)
    _write(network, example, file, "image", "maps", None, {})


def identity(network: Identity, file: Path, temperature: float, none: float) -> None:
    """`crops` (n, 4, 96, 96) to `vectors` (n, 128), with the calibration as metadata."""
    example = torch.rand(3, 4, CROP, CROP)
    axes = {"crops": {0: "n"}, "vectors": {0: "n"}}
    numbers = {"temperature": f"{temperature:.6f}", "none": f"{none:.6f}"}
    _write(network, example, file, "crops", "vectors", axes, numbers)


def _write(
    network: nn.Module,
    example: torch.Tensor,
    file: Path,
    name_in: str,
    name_out: str,
    axes: dict[str, dict[int, str]] | None,
    metadata: dict[str, str],
) -> None:
    network = network.to(memory_format=torch.contiguous_format).eval()
    part = file.with_suffix(".part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (example,),
            str(part),
            input_names=[name_in],
            output_names=[name_out],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(str(part))
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model)
    onnx.save(model, str(part))
    with torch.no_grad():
        expected = network(example).numpy()
    session = onnxruntime.InferenceSession(str(part))
    answer = session.run([name_out], {name_in: example.numpy()})[0]
    off = float(np.abs(answer - expected).max())
    if off > 1e-3:
        raise ValueError(f"{file.name} answers {off} away from the network; must be at most 0.001")
    part.replace(file)
