"""Maps to items, as `src/grouping.rs` does it; used to measure the network on held-out renders."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.networks import OFFSET_UNIT_PX

CENTRE_LEAST = 0.45
CENTRE_APART_PX = 3
ASTRAY_PX = 30.0
MISS_PX = 14.0
NO_CENTRE = 0.02
AGREED = 0.75
BOUNDARY_LOGIT = -1.5
UNITED = 0.45
SEAM_LEAST = 4
PIECE_LEAST_PX = 12
ASTRAY_LEAST_PX = 30


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return 1.0 / (1.0 + np.exp(-x))


def group(maps: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Labels (h, w; 0 is background) and the score of each item."""
    foreground, boundary, heat, dx, dy = maps
    inside = foreground > 0
    ys, xs = _centres(heat, inside)
    labels = np.zeros(heat.shape, np.int32)
    misses = np.zeros(heat.shape, np.float32)
    v, u = np.nonzero(inside)
    if len(xs) and len(v):
        x = u + dx[v, u] * OFFSET_UNIT_PX
        y = v + dy[v, u] * OFFSET_UNIT_PX
        square = (x[:, None] - xs[None, :]) ** 2 + (y[:, None] - ys[None, :]) ** 2
        nearest = square.argmin(1)
        miss = np.sqrt(square[np.arange(len(v)), nearest])
        labels[v, u] = np.where(miss <= ASTRAY_PX, nearest + 1, 0)
        misses[v, u] = np.where(miss <= ASTRAY_PX, miss, 0.0)
    count, patches = cv2.connectedComponents((inside & (boundary < BOUNDARY_LOGIT)).astype(np.uint8), connectivity=4)
    for k in range(1, count):
        patch = patches == k
        votes = np.bincount(labels[patch])
        most = int(votes.argmax())
        if most != 0 and votes[most] >= AGREED * patch.sum():
            labels[patch] = most
    peaks = _sigmoid(heat[ys, xs])
    _unite(labels, _sigmoid(boundary), peaks)
    return _clean(maps, labels, misses, inside, peaks)


def _unite(labels: NDArray[np.int32], boundary: NDArray[np.float32], peaks: NDArray[np.float32]) -> None:
    """Makes one item of two where hardly any boundary runs between them, the least divided first."""
    side = len(peaks) + 1
    total, pairs = np.zeros((side, side)), np.zeros((side, side))
    for a, b in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        seam = (labels[a] != labels[b]) & (labels[a] > 0) & (labels[b] > 0)
        low, high = np.minimum(labels[a], labels[b])[seam], np.maximum(labels[a], labels[b])[seam]
        np.add.at(total, (low, high), np.maximum(boundary[a], boundary[b])[seam])
        np.add.at(pairs, (low, high), 1)
    while True:
        mean = np.where(pairs >= SEAM_LEAST, total / np.maximum(pairs, 1), np.inf)
        low, high = divmod(int(mean.argmin()), side)
        if mean[low, high] >= UNITED:
            return
        labels[labels == high] = low
        peaks[low - 1] = max(peaks[low - 1], peaks[high - 1])
        for seams in (total, pairs):
            both = seams + seams.T
            both[low] += both[high]
            both[:, low] = both[low]
            both[high] = both[:, high] = both[low, low] = 0
            seams[:] = np.triu(both, 1)


def _centres(heat: NDArray[np.float32], inside: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    size = 2 * CENTRE_APART_PX + 1
    highest = cv2.dilate(heat, np.ones((size, size), np.uint8))
    near = cv2.dilate(inside.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    ys, xs = np.nonzero((heat == highest) & (_sigmoid(heat) >= CENTRE_LEAST) & near)
    return ys, xs


def _clean(
    maps: NDArray[np.float32],
    labels: NDArray[np.int32],
    misses: NDArray[np.float32],
    inside: NDArray[np.bool_],
    peaks: NDArray[np.float32],
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Drops crumbs, adopts strays, scores."""
    for k in range(1, len(peaks) + 1):
        count, pieces = cv2.connectedComponents((labels == k).astype(np.uint8), connectivity=4)
        areas = np.bincount(pieces.ravel(), minlength=count)[1:]
        for piece, area in enumerate(areas, 1):
            if area < max(-(-int(areas.max()) // 4), PIECE_LEAST_PX):
                labels[pieces == piece] = 0
    peaks = list(peaks)
    astray = (inside & (labels == 0)).astype(np.uint8)
    count, pieces = cv2.connectedComponents(astray, connectivity=4)
    before = labels.copy()
    for piece in range(1, count):
        patch = pieces == piece
        if patch.sum() >= ASTRAY_LEAST_PX:
            peaks.append(NO_CENTRE)
            labels[patch] = len(peaks)
        else:
            ring = cv2.dilate(patch.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            around = before[ring & (before > 0)]
            labels[patch] = np.bincount(around).argmax() if len(around) else 0
    sure = _sigmoid(maps[0]) * np.exp(-misses / MISS_PX)
    total = np.bincount(labels.ravel(), sure.ravel(), len(peaks) + 1)
    area = np.bincount(labels.ravel(), minlength=len(peaks) + 1)
    scores = np.sqrt(np.array(peaks)) * total[1:] / np.maximum(area[1:], 1)
    return labels, np.where(area[1:] > 0, scores, 0.0)
