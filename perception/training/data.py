"""Rendered sets as arrays: half-size scenes for `instances`, upright crops for `identity`."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.networks import HEIGHT, WIDTH

log = logging.getLogger(__name__)

#: Side of a stored crop, pixels.
STORED = 128
#: How far a stored crop reaches past the item's rectangle: side over longest side.
STORED_REACH = 1.30
#: The same for the network's crop. The Rust side uses the same number.
CROP_REACH = 1.04
#: Items with fewer visible pixels than this give no crop.
SMALLEST_CROP_PX = 250


@dataclass
class RenderedScene:
    """One rendered look with its truth."""

    #: (h, w, 3) bytes.
    rgb: NDArray[np.uint8]
    #: (h, w) height above the tote floor in metres, NaN where depth is missing.
    height_m: NDArray[np.float32]
    #: (h, w) number of the item that a pixel shows; 0 is none.
    ids: NDArray[np.uint16]
    #: SKU name of each item number.
    skus: dict[int, str]
    #: Share of each item that no other item hides.
    visible: dict[int, float]


@dataclass
class Scenes:
    """All scenes of a set at the size of the network's input."""

    rgb: NDArray[np.uint8]
    height_m: NDArray[np.float16]
    ids: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.rgb)


@dataclass
class Crops:
    """All items of a set, turned upright, and the reference views of their SKUs."""

    #: (n, STORED, STORED, 4) red, green, blue, mask.
    items: NDArray[np.uint8]
    #: (n,) which SKU.
    sku: NDArray[np.int64]
    #: (n, 2) width and height of the item's rectangle over the longer of them.
    shape: NDArray[np.float32]
    #: (n,) share of the item that is visible.
    visible: NDArray[np.float32]
    #: (skus, 6, STORED, STORED, 4).
    views: NDArray[np.uint8]
    #: (skus, 6, 2).
    view_shape: NDArray[np.float32]
    names: list[str]


@dataclass(frozen=True)
class Rectangle:
    """The smallest rectangle around a mask; `angle` turns image x to its long side, radians."""

    x: float
    y: float
    long: float
    short: float
    angle: float


def rectangle(points_xy: NDArray[np.float32]) -> Rectangle:
    """The smallest rectangle around pixel centres, half a pixel wider on each side."""
    (x, y), (w, h), degrees = cv2.minAreaRect(points_xy)
    angle = math.radians(degrees)
    if h > w:
        w, h, angle = h, w, angle + math.pi / 2
    return Rectangle(x, y, w + 1.0, h + 1.0, angle)


def cut(rgba: NDArray[np.uint8], around: Rectangle, side: int, reach: float) -> NDArray[np.uint8]:
    """A square of `side` pixels around the rectangle, its long side level, four channels."""
    scale = around.long * reach / (2 * side)
    c, s = math.cos(around.angle) * scale, math.sin(around.angle) * scale
    middle = side - 0.5
    back = np.array(
        [
            [c, -s, around.x - c * middle + s * middle],
            [s, c, around.y - s * middle - c * middle],
        ]
    )
    # Twice as fine and then averaged, so that fine print doesn't alias.
    fine = cv2.warpAffine(rgba, back, (2 * side, 2 * side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA)


def item_crop(rgb: NDArray[np.uint8], mask: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], Rectangle]:
    """The stored crop of one item of an image."""
    ys, xs = np.nonzero(mask)
    around = rectangle(np.stack([xs, ys], 1).astype(np.float32))
    rgba = np.dstack([rgb, mask.astype(np.uint8) * 255])
    return cut(rgba, around, STORED, STORED_REACH), around


def view_crop(rgba: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Rectangle]:
    """The stored crop of a reference view: it stands upright already."""
    ys, xs = np.nonzero(rgba[:, :, 3] >= 128)
    w, h = float(xs.max() - xs.min() + 1), float(ys.max() - ys.min() + 1)
    x, y = 0.5 * (xs.max() + xs.min()), 0.5 * (ys.max() + ys.min())
    around = Rectangle(x, y, w, h, 0.0) if w >= h else Rectangle(x, y, h, w, math.pi / 2)
    return cut(rgba, around, STORED, STORED_REACH), around


def read_views(folder: Path) -> list[NDArray[np.uint8]]:
    """The six views of a SKU folder, RGBA."""
    views = []
    for k in range(6):
        file = folder / "views" / f"{k}.png"
        bgra = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        if bgra is None or bgra.ndim != 3 or bgra.shape[2] != 4:
            raise ValueError(f"{file} must be a PNG with four channels")
        views.append(cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA))
    return views


def half_size(scene: RenderedScene) -> tuple[NDArray[np.uint8], NDArray[np.float16], NDArray[np.uint8]]:
    """A scene at the network's size: colour averaged, height averaged over its valid pixels."""
    rgb = cv2.resize(scene.rgb, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    blocks = scene.height_m.reshape(HEIGHT, 2, WIDTH, 2)
    valid = np.isfinite(blocks)
    count = valid.sum((1, 3))
    total = np.where(valid, blocks, 0.0).sum((1, 3))
    height = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return rgb, height.astype(np.float16), scene.ids[::2, ::2].astype(np.uint8)


def pack(scenes: Iterable[RenderedScene], count: int, catalogue: Path, into: Path) -> None:
    """Writes the arrays of a set to a folder."""
    into.mkdir(parents=True, exist_ok=True)
    names = sorted(folder.name for folder in catalogue.iterdir() if (folder / "views").is_dir())
    number = {name: i for i, name in enumerate(names)}
    rgb = np.lib.format.open_memmap(into / "rgb.npy", "w+", np.uint8, (count, HEIGHT, WIDTH, 3))
    height = np.lib.format.open_memmap(into / "height.npy", "w+", np.float16, (count, HEIGHT, WIDTH))
    ids = np.lib.format.open_memmap(into / "ids.npy", "w+", np.uint8, (count, HEIGHT, WIDTH))
    crops, skus, shapes, visible = [], [], [], []
    for i, scene in enumerate(scenes):
        rgb[i], height[i], ids[i] = half_size(scene)
        for item, name in sorted(scene.skus.items()):
            mask = scene.ids == item
            if mask.sum() < SMALLEST_CROP_PX or scene.visible[item] < 0.3:
                continue
            crop, around = item_crop(scene.rgb, mask)
            crops.append(crop)
            skus.append(number[name])
            shapes.append((1.0, around.short / around.long))
            visible.append(scene.visible[item])
        if i % 200 == 0:
            log.info("packed scene %d of %d", i, count)
    views, view_shapes = [], []
    for name in names:
        cuts = [view_crop(view) for view in read_views(catalogue / name)]
        views.append(np.stack([crop for crop, _ in cuts]))
        view_shapes.append([(1.0, around.short / around.long) for _, around in cuts])
    np.save(into / "items.npy", np.stack(crops))
    np.save(into / "sku.npy", np.array(skus, np.int64))
    np.save(into / "shape.npy", np.array(shapes, np.float32))
    np.save(into / "visible.npy", np.array(visible, np.float32))
    np.save(into / "views.npy", np.stack(views))
    np.save(into / "view_shape.npy", np.array(view_shapes, np.float32))
    (into / "names.txt").write_text("\n".join(names))


def load_scenes(folders: Sequence[Path]) -> Scenes:
    """The scenes that `pack` wrote, of several sets one after another."""
    return Scenes(
        *(
            np.concatenate([np.load(folder / f"{name}.npy", mmap_mode="r") for folder in folders])
            for name in ("rgb", "height", "ids")
        )
    )


def load_crops(folders: Sequence[Path]) -> Crops:
    """The crops that `pack` wrote, of several sets one after another; SKUs of the same name stay apart."""
    names: list[str] = []
    skus = []
    for folder in folders:
        own = (folder / "names.txt").read_text().split("\n")
        skus.append(np.load(folder / "sku.npy") + len(names))
        names.extend(own)
    parts = ("items", "shape", "visible", "views", "view_shape")
    arrays = {name: np.concatenate([np.load(folder / f"{name}.npy") for folder in folders]) for name in parts}
    return Crops(sku=np.concatenate(skus), names=names, **arrays)
