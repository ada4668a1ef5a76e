"""Writes the networks as ONNX with fixed names, shapes and metadata."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from training.networks import CHANNELS_IN, CROP, HEIGHT, WIDTH, Identity, Instances

OPSET = 17


def instances(network: Instances, file: Path) -> None:
    """`image` (1, 5, 240, 320) to `maps` (1, 5, 240, 320)."""
    example = torch.rand(1, CHANNELS_IN, HEIGHT, WIDTH)
    _write(network, example, file, "image", ["maps"], None, {})


def identity(network: Identity, file: Path, temperature: float, none: float) -> None:
    """`crops` (n, 4, CROP, CROP) to `vectors` (n, EMBEDDING), with the calibration as metadata."""
    example = torch.rand(3, 4, CROP, CROP)
    axes = {name: {0: "n"} for name in ("crops", "vectors")}
    numbers = {"temperature": f"{temperature:.6f}", "none": f"{none:.6f}"}
    _write(network, example, file, "crops", ["vectors"], axes, numbers)


def _write(
    network: nn.Module,
    example: torch.Tensor,
    file: Path,
    name_in: str,
    names_out: list[str],
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
            output_names=names_out,
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(str(part))
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model)
    onnx.save(model, str(part))
    session = onnxruntime.InferenceSession(str(part))
    answers = session.run(names_out, {name_in: example.numpy()})
    for name, answer, expected in zip(names_out, answers, answered(network, example), strict=True):
        off = float(np.abs(answer - expected).max())
        if off > 1e-3:
            raise ValueError(f"{file.name} answers {name} {off} away from the network; must be at most 0.001")
    part.replace(file)


def answered(network: nn.Module, example: torch.Tensor) -> list[NDArray[np.float32]]:
    """What a network answers, output by output."""
    with torch.no_grad():
        answer = network(example)
    return [part.numpy() for part in (answer if isinstance(answer, tuple) else (answer,))]


def pattern(shape: tuple[int, ...]) -> torch.Tensor:
    """An input that both languages can make: sines of the place of each number."""
    place = np.arange(np.prod(shape), dtype=np.float64)
    return torch.from_numpy(np.sin(0.37 * place + 3e-4 * (place % 977) ** 2).astype(np.float32).reshape(shape))


def remember(network: nn.Module, shape: tuple[int, ...], file: Path) -> None:
    """Writes what the network answers to `pattern` for `src/network.rs`: every 97th number, little-endian floats."""
    network = network.to(memory_format=torch.contiguous_format).eval()
    parts = [part.ravel()[::97] if part.size > 4000 else part.ravel() for part in answered(network, pattern(shape))]
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(np.concatenate(parts).astype("<f4").tobytes())
