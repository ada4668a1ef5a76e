"""Held-out figures: AP50 of the instances, recall@1 and calibration of the identities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from training.data import Crops, Scenes
from training.grouping import group
from training.identity import embed, gallery
from training.networks import HEIGHT_UNIT_M, Identity, Instances

#: Items with fewer visible pixels (of the half-size image) are ignored, as in `nuthatch bench segment`.
SMALLEST_PX = 25
#: SKUs in a tote's manifest.
MANIFEST = 20


def as_input(scenes: Scenes, index: int, with_depth: bool = True, with_colour: bool = True) -> torch.Tensor:
    """The network's input of one scene, as the Rust side makes it."""
    rgb = torch.from_numpy(scenes.rgb[index].astype(np.float32)).permute(2, 0, 1) / 255.0 * 2.0 - 1.0
    rgb = rgb * float(with_colour)
    metres = torch.from_numpy(scenes.height_m[index].astype(np.float32))
    valid = torch.isfinite(metres).float() * float(with_depth)
    height = torch.nan_to_num(metres, nan=0.0) / HEIGHT_UNIT_M * valid
    return torch.cat([rgb, height[None], valid[None]])[None]


def average_precision(
    network: Instances, scenes: Scenes, with_depth: bool = True, with_colour: bool = True
) -> tuple[float, float, float]:
    """AP at IoU 0.5 and 0.75 (area under the interpolated curve), and recall at 0.5 of scores ≥ 0.3."""
    found: list[tuple[float, float]] = []
    wanted = 0
    for index in range(len(scenes)):
        with torch.no_grad():
            maps = network(as_input(scenes, index, with_depth, with_colour))[0].numpy()
        labels, scores = group(maps)
        truth = scenes.ids[index].astype(np.int64)
        known = np.bincount(truth.ravel(), minlength=int(truth.max()) + 1)
        size = np.bincount(labels.ravel(), minlength=len(scores) + 1)
        cross = np.zeros((len(scores) + 1, len(known)), np.int64)
        np.add.at(cross, (labels.ravel(), truth.ravel()), 1)
        counted = known >= SMALLEST_PX
        counted[0] = False
        wanted += int(counted.sum())
        taken = np.zeros(len(known), bool)
        for k in np.argsort(-scores):
            if size[k + 1] < SMALLEST_PX:
                continue
            overlap = cross[k + 1, 1:] / np.maximum(size[k + 1] + known[1:] - cross[k + 1, 1:], 1)
            overlap[taken[1:]] = 0.0
            best = int(overlap.argmax()) + 1 if len(overlap) else 0
            iou = float(overlap[best - 1]) if best else 0.0
            if iou >= 0.5:
                taken[best] = True
                if not counted[best]:
                    continue
            found.append((float(scores[k]), iou))
    recall = sum(1 for score, iou in found if iou >= 0.5 and score >= 0.3) / max(wanted, 1)
    return _area(found, wanted, 0.5), _area(found, wanted, 0.75), recall


def _area(found: list[tuple[float, float]], wanted: int, least: float) -> float:
    right = np.cumsum([iou >= least for _, iou in sorted(found, key=lambda f: -f[0])])
    precision = right / np.arange(1, len(right) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(np.concatenate([[0], right])) / max(wanted, 1)
    return float((best_from_here * steps).sum())


@dataclass(frozen=True)
class Identification:
    """How well SKUs are told apart, and the calibration that was fitted."""

    recall_at_1: float
    temperature: float
    none: float
    #: Expected calibration error, with half of the SKUs left out of their manifests now and then.
    ece: float
    queries: int


def cosines(network: Identity, crops: Crops) -> NDArray[np.float32]:
    """Best cosine of each query to each SKU: (queries, skus)."""
    views = gallery(network, crops)
    queries = embed(network, crops.items, np.zeros(len(crops.items), np.int64))
    best = [torch.einsum("nd,svd->nsv", part, views).amax(2) for part in queries.split(256)]
    return torch.cat(best).numpy()


def identification(
    network: Identity, fit: Crops, check: Crops, seed: int = 5, least_visible: float = 0.5
) -> Identification:
    """Fits temperature and the cosine of "none of these" on one set of SKUs, measures on another."""
    fit_cosines, fit_truth, _ = _manifests(network, fit, np.random.default_rng(seed), least_visible)
    temperature, none = _calibrate(fit_cosines, fit_truth)
    rows, truth, present = _manifests(network, check, np.random.default_rng(seed + 1), least_visible)
    right = rows[:, :MANIFEST].argmax(1) == truth
    logits = np.concatenate([rows, np.full((len(rows), 1), none)], 1) / temperature
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return Identification(
        recall_at_1=float(right[present].mean()),
        temperature=temperature,
        none=none,
        ece=_ece(p.max(1), p.argmax(1) == truth),
        queries=int(present.sum()),
    )


def _manifests(
    network: Identity, crops: Crops, rng: np.random.Generator, least_visible: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Each query's cosines to a random manifest, its column (MANIFEST: none), and if it has one."""
    every = cosines(network, crops)
    skus = np.unique(crops.sku)
    rows, truth, present = [], [], []
    for k in np.nonzero(crops.visible >= least_visible)[0]:
        others = skus[skus != crops.sku[k]]
        missing = rng.random() < 0.2
        chosen = rng.choice(others, min(MANIFEST, len(others)), replace=False)
        column = MANIFEST
        if not missing:
            column = int(rng.integers(len(chosen)))
            chosen[column] = crops.sku[k]
        rows.append(every[k, chosen])
        truth.append(column)
        present.append(not missing)
    return np.array(rows, np.float64), np.array(truth), np.array(present)


def _calibrate(rows: NDArray[np.float64], truth: NDArray[np.int64]) -> tuple[float, float]:
    """Temperature and cosine of "none of these" with the least log loss."""
    cosine = torch.from_numpy(rows)
    goal = torch.from_numpy(truth)
    numbers = torch.tensor([np.log(0.05), 0.5], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([numbers], lr=0.5, max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        none = numbers[1].expand(len(cosine), 1)
        logits = torch.cat([cosine, none], 1) / numbers[0].exp()
        value = torch.nn.functional.cross_entropy(logits, goal)
        value.backward()
        return value

    optimiser.step(closure)
    return float(numbers[0].exp()), float(numbers[1])


def _ece(p: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    bins = np.minimum((p * 15).astype(int), 14)
    error = 0.0
    for k in range(15):
        inside = bins == k
        if inside.any():
            error += inside.mean() * abs(float(p[inside].mean()) - float(right[inside].mean()))
    return error
