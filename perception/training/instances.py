"""Trains the network that finds items: augmentation, targets, losses, the loop."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from training.data import Scenes
from training.networks import HEIGHT_UNIT_M, OFFSET_UNIT_PX, Instances, running_mean
from training.resume import Resumable, averaged

log = logging.getLogger(__name__)

#: Width and height of the patches the network is trained on, network pixels.
PATCH = (256, 192)
#: Standard deviation of a centre's peak in the heat map, network pixels.
CENTRE_SIGMA_PX = 3.5
#: A patch's item with fewer visible pixels than this is trained as foreground without a centre.
SMALLEST_PX = 16
#: Shares of patches that are trained on without depth, and without colour.
WITHOUT_DEPTH, WITHOUT_COLOUR = 0.25, 0.08


@dataclass(frozen=True)
class Settings:
    """How long and on what to train."""

    steps: int = 2200
    batch: int = 10
    learning_rate: float = 2e-3
    #: The trunk's learning rate beside the rest's.
    trunk_share: float = 0.3
    #: Steps between two checkpoints.
    save_every: int = 100
    seed: int = 7


def patches(scenes: Scenes, picks: NDArray[np.int64], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Augmented inputs (n, 5, h, w) and item numbers (n, h, w; 0 is none) of the picked scenes."""
    n = len(picks)
    width, height = PATCH
    rgb = torch.from_numpy(scenes.rgb[picks]).permute(0, 3, 1, 2).float().div_(255.0)
    metres = torch.from_numpy(scenes.height_m[picks].astype(np.float32))[:, None]
    valid = torch.isfinite(metres).float()
    metres = torch.nan_to_num(metres, nan=0.0)
    ids = torch.from_numpy(scenes.ids[picks].astype(np.float32))[:, None]

    grid = F.affine_grid(_placements(n, rgb.shape, rng), [n, 1, height, width], align_corners=False)
    rgb = F.grid_sample(rgb, grid, mode="bilinear", padding_mode="border", align_corners=False)
    depth = F.grid_sample(torch.cat([metres * valid, valid], 1), grid, align_corners=False)
    valid = (depth[:, 1:] > 0.75).float()
    metres = depth[:, :1] / depth[:, 1:].clamp(min=0.5)
    ids = F.grid_sample(ids, grid, mode="nearest", align_corners=False)

    rgb = _colour(rgb, rng)
    metres, valid = _depth(metres, valid, rng)
    for i in range(n):
        if valid[i].any() and rng.random() < WITHOUT_COLOUR:
            rgb[i] = 0.5
    image = torch.cat([rgb * 2.0 - 1.0, metres / HEIGHT_UNIT_M * valid, valid], 1)
    return image, ids[:, 0].to(torch.int64)


def _placements(n: int, shape: torch.Size, rng: np.random.Generator) -> Tensor:
    """Flips, quarter turns, slight turns, scales 0.75 to 1.35 and shifts, as affine matrices."""
    rows = np.zeros((n, 2, 3), np.float32)
    rh, rw = shape[2], shape[3]
    for i in range(n):
        zoom = math.exp(rng.uniform(math.log(0.75), math.log(1.35)))
        angle = rng.normal(0.0, 0.06) + (math.pi / 2 * rng.integers(4) if rng.random() < 0.5 else 0.0)
        flip = rng.choice([-1.0, 1.0])
        c, s = math.cos(angle), math.sin(angle)
        # Patch pixels to scene pixels, then both to the unit square of `grid_sample`.
        turn = np.array([[c * flip, -s], [s * flip, c]]) / zoom
        scene, patch = np.array([rw / 2, rh / 2]), np.array([PATCH[0] / 2, PATCH[1] / 2])
        room = np.maximum(scene - np.abs(turn) @ patch, 12.0)
        rows[i, :, :2] = turn * patch[None, :] / scene[:, None]
        rows[i, :, 2] = rng.uniform(-room, room) / scene
    return torch.from_numpy(rows)


def _colour(rgb: Tensor, rng: np.random.Generator) -> Tensor:
    """Brightness, contrast, white balance, channel order, noise, blur."""
    n = rgb.shape[0]

    def per_image(low: float, high: float, channels: int = 1) -> Tensor:
        return torch.from_numpy(rng.uniform(low, high, (n, channels, 1, 1)).astype(np.float32))

    mean = rgb.mean((1, 2, 3), keepdim=True)
    rgb = (rgb - mean) * per_image(0.6, 1.4) + mean * per_image(0.6, 1.35)
    rgb = rgb * per_image(0.85, 1.15, 3)
    grey = rgb.mean(1, keepdim=True)
    rgb = grey + (rgb - grey) * per_image(0.3, 1.5)
    for i in range(n):
        if rng.random() < 0.3:
            rgb[i] = rgb[i, torch.from_numpy(rng.permutation(3))]
        if rng.random() < 0.25:
            rgb[i] = F.avg_pool2d(rgb[i], 3, 1, 1, count_include_pad=False)
    rgb = rgb + torch.randn(rgb.shape) * per_image(0.0, 0.03)
    return rgb.clamp(0.0, 1.0)


def _depth(metres: Tensor, valid: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A shifted floor, correlated noise, holes, and sometimes no depth at all."""
    n, _, height, width = metres.shape
    coarse = torch.from_numpy(rng.normal(0.0, 1.0, (n, 1, height // 4, width // 4)).astype(np.float32))
    noise = F.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=False)
    strength = torch.from_numpy(rng.uniform(0.0, 0.003, (n, 1, 1, 1)).astype(np.float32))
    shift = torch.from_numpy(rng.normal(0.0, 0.004, (n, 1, 1, 1)).astype(np.float32))
    metres = metres + noise * strength + shift
    for i in range(n):
        if rng.random() < WITHOUT_DEPTH:
            valid[i] = 0.0
            continue
        for _ in range(rng.integers(0, 5)):
            w, h = rng.integers(4, 40, 2)
            x, y = rng.integers(0, width - w), rng.integers(0, height - h)
            valid[i, :, y : y + h, x : x + w] = 0.0
    return metres, valid


@dataclass
class Targets:
    """What the five maps should be, and where each counts."""

    foreground: Tensor
    boundary: Tensor
    centre: Tensor
    offset: Tensor


def targets(ids: Tensor) -> Targets:
    """Targets from item numbers (n, h, w)."""
    n, height, width = ids.shape
    foreground = (ids > 0).float()
    as_float = ids.float()[:, None]
    highest = F.max_pool2d(as_float, 3, 1, 1)
    lowest = -F.max_pool2d(-torch.where(as_float > 0, as_float, 1e6), 3, 1, 1)
    boundary = ((highest > lowest) & (as_float > 0))[:, 0].float()
    centre = torch.zeros(n, height, width)
    offset = torch.zeros(n, 2, height, width)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    for i in range(n):
        flat = ids[i].numpy()
        count = np.bincount(flat.ravel())
        sum_x = np.bincount(flat.ravel(), xs.ravel())
        sum_y = np.bincount(flat.ravel(), ys.ravel())
        at_x, at_y = sum_x / np.maximum(count, 1), sum_y / np.maximum(count, 1)
        offset[i, 0] = torch.from_numpy(at_x[flat].astype(np.float32) - xs)
        offset[i, 1] = torch.from_numpy(at_y[flat].astype(np.float32) - ys)
        peaks = centre[i].numpy()
        for k in range(1, len(count)):
            if count[k] < SMALLEST_PX:
                continue
            x0, y0 = max(int(at_x[k]) - 12, 0), max(int(at_y[k]) - 12, 0)
            part = np.s_[y0 : int(at_y[k]) + 13, x0 : int(at_x[k]) + 13]
            square = (xs[part] - at_x[k]) ** 2 + (ys[part] - at_y[k]) ** 2
            peaks[part] = np.maximum(peaks[part], np.exp(-square / (2 * CENTRE_SIGMA_PX**2)))
    return Targets(foreground, boundary, centre, offset / OFFSET_UNIT_PX)


def loss(maps: Tensor, goal: Targets) -> tuple[Tensor, dict[str, float]]:
    """The sum of the four losses, and each by name."""
    foreground = F.binary_cross_entropy_with_logits(maps[:, 0], goal.foreground)
    # Boundaries and centres are rare: the weights keep them from being answered by "none".
    boundary = F.binary_cross_entropy_with_logits(maps[:, 1], goal.boundary, weight=1.0 + 4.0 * goal.boundary)
    centre = F.binary_cross_entropy_with_logits(maps[:, 2], goal.centre, weight=1.0 + 25.0 * goal.centre)
    inside = goal.foreground[:, None]
    miss = F.smooth_l1_loss(maps[:, 3:5] * inside, goal.offset * inside, reduction="sum", beta=0.05)
    offset = miss / inside.sum().clamp(min=1.0)
    parts = {"foreground": foreground, "boundary": boundary, "centre": centre, "offset": offset}
    total = foreground + 0.5 * boundary + centre + offset
    return total, {name: value.item() for name, value in parts.items()}


def train(scenes: Scenes, settings: Settings, checkpoint: Path, stop_after: int | None = None) -> Instances:
    """Trains on from `checkpoint` where there is one, else from the pretrained trunk; writes it now and then."""
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    network = Instances().to(memory_format=torch.channels_last)
    average = torch.optim.swa_utils.AveragedModel(network, avg_fn=running_mean, use_buffers=True)
    trunk = {id(p) for p in network.trunk.parameters()}
    groups = [
        {"params": [p for p in network.parameters() if id(p) not in trunk]},
        {"params": list(network.trunk.parameters())},
    ]
    rates = [settings.learning_rate, settings.learning_rate * settings.trunk_share]
    optimiser = torch.optim.AdamW(groups, settings.learning_rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, settings.steps, pct_start=0.08)
    run = Resumable(checkpoint, rng, network, average, optimiser, schedule)
    order = np.empty(0, np.int64)
    began = time.monotonic()
    for step in range(run.load(), settings.steps if stop_after is None else stop_after):
        if len(order) < settings.batch:
            order = np.concatenate([order, rng.permutation(len(scenes))])
        picks, order = order[: settings.batch], order[settings.batch :]
        image, ids = patches(scenes, np.sort(picks), rng)
        goal = targets(ids)
        network.train()
        maps = network(image.contiguous(memory_format=torch.channels_last))
        total, parts = loss(maps, goal)
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(network)
        if step % 25 == 0:
            passed = time.monotonic() - began
            log.info("instances step %d of %d, %.0f s: %s", step, settings.steps, passed, _say(parts))
        if (step + 1) % settings.save_every == 0 or step + 1 == settings.steps:
            run.save(step + 1)
    return averaged(average)


def _say(parts: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in parts.items())
