"""Maps to items, as `src/grouping.rs` does it; used to measure the network on held-out renders."""

from __future__ import annotations

import heapq
import itertools

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
CORE_LOGIT = -1.0
CORE_LEAST_PX = 12
SAME_CENTRE = 0.7
OTHER_CENTRE = 0.4
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
    segments, of = _segments(labels, inside, boundary)
    labels, centre_of = _unite(segments, of, _sigmoid(boundary))
    return _clean(maps, labels, misses, inside, _sigmoid(heat[ys, xs])[centre_of - 1])


def _segments(
    labels: NDArray[np.int32], inside: NDArray[np.bool_], boundary: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Patches of one label that no boundary crosses, grown until they meet; the label of each, from 1."""
    core = np.where(boundary < CORE_LOGIT, labels, 0)
    cores = []
    for label in np.unique(core[core > 0]):
        count, pieces = cv2.connectedComponents((core == label).astype(np.uint8), connectivity=4)
        for piece in range(1, count):
            pixels = np.flatnonzero(pieces == piece)
            if len(pixels) >= CORE_LEAST_PX:
                cores.append((pixels, label))
    segments = np.zeros(labels.size, np.int32)
    of = [0]
    for pixels, label in sorted(cores, key=lambda core: core[0][0]):
        segments[pixels] = len(of)
        of.append(label)
    free, level, width = inside.ravel(), boundary.ravel(), labels.shape[1]
    following: list[tuple[float, int, int, int]] = []
    arrival = itertools.count()

    def reach(i: int) -> None:
        x = i % width
        around = ((i - 1, x > 0), (i + 1, x + 1 < width), (i - width, True), (i + width, True))
        for k, there in around:
            if there and 0 <= k < len(free) and free[k] and segments[k] == 0:
                heapq.heappush(following, (float(level[k]), next(arrival), k, int(segments[i])))

    open_ = cv2.dilate((inside & (segments.reshape(labels.shape) == 0)).astype(np.uint8), np.ones((3, 3), np.uint8))
    for i in np.flatnonzero((segments > 0) & (open_.ravel() > 0)):
        reach(int(i))
    while following:
        _, _, i, segment = heapq.heappop(following)
        if segments[i] == 0:
            segments[i] = segment
            reach(i)
    return segments.reshape(labels.shape), np.array(of, np.int32)


def _unite(
    segments: NDArray[np.int32], of: NDArray[np.int32], boundary: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Makes one item of neighbours without a boundary between them: labels, and the centre of each."""
    side = len(of)
    total, pairs = np.zeros((side, side)), np.zeros((side, side))
    for a, b in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        seam = (segments[a] != segments[b]) & (segments[a] > 0) & (segments[b] > 0)
        ends = segments[a][seam], segments[b][seam]
        np.add.at(total, ends, np.maximum(boundary[a], boundary[b])[seam])
        np.add.at(pairs, ends, 1)
    total, pairs = total + total.T, pairs + pairs.T
    area = np.bincount(segments.ravel(), minlength=side)
    now = np.arange(side)
    while True:
        most = np.where(of[:, None] == of[None, :], SAME_CENTRE, OTHER_CENTRE)
        over = np.where(pairs >= SEAM_LEAST, total / np.maximum(pairs, 1) - most, 0.0)
        a, b = divmod(int(over.argmin()), side)
        if over[a, b] >= 0.0:
            break
        if area[b] > area[a]:
            of[a] = of[b]
        area[a] += area[b]
        now[now == b] = a
        for seams in (total, pairs):
            seams[a] += seams[b]
            seams[:, a] = seams[a]
            seams[b] = seams[:, b] = seams[a, a] = 0
    left = np.unique(now[1:])
    label = np.zeros(side, np.int32)
    label[left] = np.arange(1, len(left) + 1)
    return label[now][segments], of[left]


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
