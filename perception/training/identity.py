"""Trains the network that tells SKUs apart: crops of rendered items against reference views."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from training.data import CROP_REACH, STORED_REACH, Crops
from training.networks import CROP, EMBEDDING, Identity, running_mean
from training.resume import Resumable, averaged

log = logging.getLogger(__name__)

#: A SKU's gallery: six views, each in four quarter turns.
VIEWS, TURNS = 6, 4


@dataclass(frozen=True)
class Settings:
    """How long and on what to train."""

    steps: int = 2000
    skus: int = 24
    queries: int = 2
    learning_rate: float = 2e-3
    scale: float = 20.0
    margin: float = 0.08
    #: Steps between two choices of the view that each query is held against.
    refresh: int = 1000
    #: Steps between two checkpoints.
    save_every: int = 250
    seed: int = 11


def as_input(stored: NDArray[np.uint8], theta: Tensor) -> Tensor:
    """Stored crops, placed by affine matrices, as colour in 0…1 and a soft mask (n, 4, CROP, CROP)."""
    rgba = torch.from_numpy(stored).permute(0, 3, 1, 2).float().div_(255.0)
    grid = F.affine_grid(theta, [len(stored), 1, CROP, CROP], align_corners=False)
    return F.grid_sample(rgba, grid, mode="bilinear", align_corners=False)


def finish(rgba: Tensor) -> Tensor:
    """What the network takes: colour minus grey, times four, nothing outside the mask; the mask."""
    mask = (rgba[:, 3:] >= 0.5).float()
    return torch.cat([(rgba[:, :3] - 0.5) * 4.0 * mask, mask], 1)


def placements(turns: NDArray[np.int64]) -> Tensor:
    """The plain cut of the network, after so many quarter turns."""
    angle = torch.from_numpy(turns).float() * (math.pi / 2)
    zoom = CROP_REACH / STORED_REACH
    c, s = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    zero = torch.zeros_like(c)
    return torch.stack([torch.stack([c, -s, zero], 1), torch.stack([s, c, zero], 1)], 1)


def embed(network: Identity, stored: NDArray[np.uint8], turns: NDArray[np.int64]) -> Tensor:
    """Embeddings of stored crops without augmentation."""
    out = []
    with torch.no_grad():
        for at in range(0, len(stored), 512):
            part = np.s_[at : at + 512]
            crops = finish(as_input(stored[part], placements(turns[part])))
            out.append(network(crops.contiguous(memory_format=torch.channels_last)))
    return torch.cat(out)


def gallery(network: Identity, crops: Crops) -> Tensor:
    """Embeddings of all views in all quarter turns: (skus, VIEWS × TURNS, EMBEDDING)."""
    flat = crops.views.reshape(-1, *crops.views.shape[2:])
    turned = [embed(network, flat, np.full(len(flat), turn)) for turn in range(TURNS)]
    stacked = torch.stack(turned, 1)
    return stacked.reshape(len(crops.names), VIEWS * TURNS, EMBEDDING)


def thumbnails(crops: Crops) -> tuple[Tensor, Tensor]:
    """Tiny pictures as a first idea of which view a query shows: of queries and of views."""

    def tiny(stored: NDArray[np.uint8], turns: NDArray[np.int64]) -> Tensor:
        parts = []
        for at in range(0, len(stored), 512):
            part = np.s_[at : at + 512]
            small = F.avg_pool2d(finish(as_input(stored[part], placements(turns[part]))), 8)
            parts.append(small.flatten(1))
        return F.normalize(torch.cat(parts), dim=1)

    flat = crops.views.reshape(-1, *crops.views.shape[2:])
    turned = torch.stack([tiny(flat, np.full(len(flat), turn)) for turn in range(TURNS)], 1)
    views = turned.reshape(len(crops.names), VIEWS * TURNS, -1)
    return tiny(crops.items, np.zeros(len(crops.items), np.int64)), views


def matches(queries: Tensor, views: Tensor, sku: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each query the view (and turn) of its own SKU that is nearest."""
    own = views[torch.from_numpy(sku)]
    return torch.einsum("nd,nvd->nv", queries, own).argmax(1).numpy()


def augmented(
    stored: NDArray[np.uint8],
    turns: NDArray[np.int64],
    keep: NDArray[np.float32],
    colours: Tensor,
    rng: np.random.Generator,
    query: bool,
) -> Tensor:
    """Crops as a camera may see them.

    `keep` (n, 4) is what is seen of each, [x0, y0, x1, y1] in halves of the longest side;
    `colours` (n, 3, 4) recolours a SKU the same way everywhere.
    """
    n = len(stored)
    theta = torch.zeros(n, 2, 3)
    for i in range(n):
        angle = turns[i] * math.pi / 2
        zoom = CROP_REACH / STORED_REACH
        middle = np.zeros(2)
        if query:
            middle = 0.5 * (keep[i, :2] + keep[i, 2:]) / STORED_REACH
            zoom *= float((0.5 * (keep[i, 2:] - keep[i, :2])).max())
            angle += rng.normal(0.0, 0.03)
            zoom *= math.exp(rng.normal(0.0, 0.03))
            middle = middle + rng.normal(0.0, 0.015, 2)
        c, s = math.cos(angle) * zoom, math.sin(angle) * zoom
        theta[i] = torch.tensor([[c, -s, middle[0]], [s, c, middle[1]]])
    if query:
        stored = stored.copy()
        span = np.linspace(-STORED_REACH, STORED_REACH, stored.shape[1])
        for i in range(n):
            x0, y0, x1, y1 = keep[i]
            inside = ((span >= y0 - 0.04) & (span <= y1 + 0.04))[:, None]
            inside = inside & ((span >= x0 - 0.04) & (span <= x1 + 0.04))[None, :]
            stored[i, :, :, 3] *= inside
    rgba = as_input(stored, theta)
    rgb, mask = rgba[:, :3], rgba[:, 3:]
    rgb = torch.einsum("nij,njhw->nihw", colours[:, :, :3], rgb) + colours[:, :, 3, None, None]
    strength = 1.0 if query else 0.4

    def per_image(spread: float, channels: int = 1) -> Tensor:
        size = (n, channels, 1, 1)
        return torch.from_numpy(rng.normal(0.0, spread * strength, size).astype(np.float32))

    mean = rgb.mean((2, 3), keepdim=True)
    rgb = (rgb - mean) * torch.exp(per_image(0.2)) + mean * torch.exp(per_image(0.2))
    rgb = rgb * torch.exp(per_image(0.06, 3)) + per_image(0.03)
    if query:
        rgb = rgb + _shade(n, rng)
        for i in range(n):
            if rng.random() < 0.3:
                rgb[i] = F.avg_pool2d(rgb[i], 3, 1, 1, count_include_pad=False)
            roll = rng.random()
            if roll < 0.2:
                mask[i] = F.max_pool2d(mask[i], 3, 1, 1)
            elif roll < 0.5:
                mask[i] = -F.max_pool2d(-mask[i], 3, 1, 1)
    rgb = rgb + torch.randn(rgb.shape) * per_image(0.03).abs()
    return finish(torch.cat([rgb.clamp(0.0, 1.0), mask], 1))


def seen_parts(shape: NDArray[np.float32], rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """What is seen of each query, and the quarter turns that lay its long side level again.

    Up to half is cut away from one or two sides of some; half of all stand upside down.
    """
    n = len(shape)
    keep = np.concatenate([-shape, shape], 1)
    for i in range(n):
        if rng.random() < 0.4:
            _hide(keep[i], rng)
    sides = keep[:, 2:] - keep[:, :2]
    turns = (sides[:, 1] > sides[:, 0]).astype(np.int64) + 2 * rng.integers(0, 2, n)
    return keep, turns


def _hide(keep: NDArray[np.float32], rng: np.random.Generator) -> None:
    for _ in range(rng.integers(1, 3)):
        axis, share = rng.integers(2), rng.uniform(0.05, 0.5)
        size = keep[axis + 2] - keep[axis]
        if rng.random() < 0.5:
            keep[axis] += share * size
        else:
            keep[axis + 2] -= share * size


def _shade(n: int, rng: np.random.Generator) -> Tensor:
    """A slope of light, and sometimes a highlight."""
    span = torch.linspace(-1.0, 1.0, CROP)
    slope = torch.from_numpy(rng.normal(0.0, 0.05, (n, 2)).astype(np.float32))
    light = slope[:, :1, None] * span[None, :, None] + slope[:, 1:, None] * span[None, None, :]
    for i in range(n):
        if rng.random() < 0.2:
            x, y = rng.uniform(-0.8, 0.8, 2)
            width = rng.uniform(0.1, 0.4)
            square = (span[:, None] - y) ** 2 + (span[None, :] - x) ** 2
            light[i] += rng.uniform(0.1, 0.6) * torch.exp(-square / (2 * width**2))
    return light[:, None]


def recolourings(n: int, rng: np.random.Generator) -> Tensor:
    """Affine maps of colour (n, 3, 4) that turn a SKU into another with the same print."""
    out = np.tile(np.eye(3, 4, dtype=np.float32), (n, 1, 1))
    for i in range(n):
        if rng.random() < 0.5:
            out[i, :, :3] = out[i, rng.permutation(3), :3]
            if rng.random() < 0.3:
                flip = rng.integers(3)
                out[i, flip, :3] *= -1.0
                out[i, flip, 3] = 1.0
    return torch.from_numpy(out)


def train(crops: Crops, settings: Settings, checkpoint: Path, stop_after: int | None = None) -> Identity:
    """Trains on from `checkpoint` where there is one, else from scratch; writes it now and then."""
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    network = Identity().to(memory_format=torch.channels_last)
    average = torch.optim.swa_utils.AveragedModel(network, avg_fn=running_mean, use_buffers=True)
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, settings.steps, pct_start=0.1)
    run = Resumable(checkpoint, rng, network, average, optimiser, schedule)
    first = run.load()
    of_sku = [np.nonzero(crops.sku == k)[0] for k in range(len(crops.names))]
    seen = np.array([k for k, items in enumerate(of_sku) if len(items) >= 2])
    tiny_queries, tiny_views = thumbnails(crops)
    match = matches(tiny_queries, tiny_views, crops.sku)
    near = _neighbours(tiny_views)
    for step in range(first, settings.steps if stop_after is None else stop_after):
        if step > 0 and (step == first or step % settings.refresh == 0):
            average.module.eval()
            views = gallery(average.module, crops)
            turns = np.zeros(len(crops.items), np.int64)
            match = matches(embed(average.module, crops.items, turns), views, crops.sku)
            near = _neighbours(views)
        chosen = _choose(seen, near, settings.skus, rng)
        total, right = _step(network, crops, settings, chosen, of_sku, match, rng)
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(network)
        if step % 50 == 0:
            log.info("identity step %d of %d: loss %.4f, right %.3f", step, settings.steps, total.item(), right)
        if (step + 1) % settings.save_every == 0 or step + 1 == settings.steps:
            run.save(step + 1)
    return averaged(average)


def _neighbours(views: Tensor) -> NDArray[np.int64]:
    """For each SKU the others, most alike first."""
    first = views[:, ::TURNS]
    alike = torch.einsum("avd,bwd->abvw", F.normalize(first, dim=2), F.normalize(views, dim=2))
    alike = alike.amax((2, 3))
    alike.fill_diagonal_(-2.0)
    return alike.argsort(1, descending=True).numpy()


def _choose(
    seen: NDArray[np.int64], near: NDArray[np.int64], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Half of a batch at random, the other half among their likes."""
    chosen = list(rng.choice(seen, min(count // 2, len(seen)), replace=False))
    allowed = set(seen.tolist()) - set(chosen)
    for sku in chosen[:]:
        alike = [k for k in near[sku, :15] if k in allowed]
        if alike:
            pick = int(rng.choice(alike))
            chosen.append(pick)
            allowed.discard(pick)
    return np.array(chosen)


def _step(
    network: Identity,
    crops: Crops,
    settings: Settings,
    chosen: NDArray[np.int64],
    of_sku: list[NDArray[np.int64]],
    match: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[Tensor, float]:
    """One batch: the loss, and the share of queries whose best view is of their SKU."""
    query = np.concatenate([rng.choice(of_sku[sku], settings.queries, replace=False) for sku in chosen])
    keep, turns = seen_parts(crops.shape[query], rng)
    # The view that shows the same side, turned as the query is.
    wanted = match[query] // TURNS * TURNS + (match[query] + turns) % TURNS
    owner, views = [], []
    for k, sku in enumerate(chosen):
        own = list(dict.fromkeys(wanted[k * settings.queries : (k + 1) * settings.queries].tolist()))
        while len(own) < settings.queries + 1:
            own.append(int(rng.integers(VIEWS * TURNS)))
        owner.extend([sku] * len(own))
        views.extend(own)
    owner, views = np.array(owner), np.array(views)
    recolour = recolourings(len(crops.names), rng)
    query_sku = crops.sku[query]
    taken = augmented(crops.items[query], turns, keep, recolour[query_sku], rng, query=True)
    side, turn = views // TURNS, views % TURNS
    whole = np.ones((len(views), 4), np.float32)
    shown = augmented(crops.views[owner, side], turn, whole, recolour[owner], rng, query=False)
    batch = torch.cat([taken, shown]).contiguous(memory_format=torch.channels_last)
    vectors = network(batch)
    cosine = vectors[: len(query)] @ vectors[len(query) :].T
    same = torch.from_numpy(query_sku[:, None] == owner[None, :])
    exact = same & torch.from_numpy(wanted[:, None] == views[None, :])
    right = (cosine.masked_fill(~same, -2).amax(1) > cosine.masked_fill(same, -2).amax(1)).float().mean()
    positive = (cosine * exact).sum(1) / exact.sum(1)
    others = (cosine * settings.scale).masked_fill(same, -1e4)
    first = ((positive - settings.margin) * settings.scale)[:, None]
    total = F.cross_entropy(torch.cat([first, others], 1), torch.zeros(len(query), dtype=torch.int64))
    return total, right.item()
