"""A training that goes on where it was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn


class Resumable:
    """All that a training is made of, in one file: weights, their average, optimiser, schedule, random numbers."""

    def __init__(self, file: Path, rng: np.random.Generator, *parts: Any) -> None:
        self.file, self.rng, self.parts = file, rng, parts

    def load(self) -> int:
        """The step to go on with: 0 without a file."""
        if not self.file.is_file():
            return 0
        stored = torch.load(self.file, weights_only=False)
        for part, state in zip(self.parts, stored["parts"], strict=True):
            part.load_state_dict(state)
        self.rng.bit_generator.state = stored["rng"]
        torch.set_rng_state(stored["torch"])
        return int(stored["step"])

    def save(self, step: int) -> None:
        """Writes the file whole or not at all."""
        new = self.file.with_suffix(".new")
        states = [part.state_dict() for part in self.parts]
        rng = {"rng": self.rng.bit_generator.state, "torch": torch.get_rng_state()}
        torch.save({"step": step, "parts": states, **rng}, new)
        new.replace(self.file)


def averaged(average: nn.Module) -> Any:
    """The averaged network, ready to answer."""
    return average.module.eval()


def averaged_of(checkpoint: Path, network: nn.Module) -> Any:
    """The averaged network that a checkpoint holds, ready to answer."""
    stored = torch.load(checkpoint, weights_only=False)["parts"][1]
    own = {name.removeprefix("module."): value for name, value in stored.items() if name.startswith("module.")}
    network.load_state_dict(own)
    return network.eval()
