"""Rendering the sets, and reading what the renderer wrote (`sim`'s `SetWriter`)."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data import RenderedScene

ROOT = Path(__file__).resolve().parents[2]


def render(out: Path, seed: int, skus: int, scenes: int, families: bool = False) -> None:
    """Renders a set with the workspace's renderer, unless it is there; of families never trained on if so asked."""
    if (out / "coco.json").is_file():
        return
    out.mkdir(parents=True, exist_ok=True)
    command = ["cargo", "run", "--release", "-p", "sim", "--example", "render_totes", "--"]
    command += ["--seed", str(seed), "--skus", str(skus), "--scenes", str(scenes), "--out", str(out)]
    command += ["--held-out"] * families
    subprocess.run(command, cwd=ROOT, check=True)


def count(folder: Path) -> int:
    """How many scenes a set has."""
    return len(json.loads((folder / "coco.json").read_text())["images"])


def read(folder: Path) -> Iterator[RenderedScene]:
    """The scenes of a set, in order."""
    coco = json.loads((folder / "coco.json").read_text())
    name = {category["id"]: category["name"] for category in coco["categories"]}
    items: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for annotation in coco["annotations"]:
        items[annotation["image_id"]].append(annotation)
    for image in coco["images"]:
        bgr = cv2.imread(str(folder / "images" / image["file_name"]), cv2.IMREAD_COLOR)
        raw = cv2.imread(str(folder / image["depth_file_name"]), cv2.IMREAD_UNCHANGED)
        ids = cv2.imread(str(folder / image["ids_file_name"]), cv2.IMREAD_UNCHANGED)
        depth = np.where(raw > 0, raw * image["depth_unit_m"], np.nan)
        yield RenderedScene(
            rgb=cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB),
            height_m=heights(depth, image),
            ids=ids.astype(np.uint16),
            skus={item["number"]: name[item["category_id"]] for item in items[image["id"]]},
            visible={item["number"]: item["visible"] for item in items[image["id"]]},
        )


def heights(depth: NDArray[np.float64], image: dict[str, Any]) -> NDArray[np.float32]:
    """Height above the tote floor of each pixel, metres."""
    camera = image["camera"]
    up = rotation(image["world_from_tote"])[:, 2]
    pose = image["world_from_camera"]
    up_in_camera = rotation(pose).T @ up
    origin = up @ (np.array(pose[:3]) - np.array(image["world_from_tote"][:3]))
    v, u = np.mgrid[0 : image["height"], 0 : image["width"]]
    slope = (
        up_in_camera[0] * (u - camera["cx"]) / camera["fx"]
        + up_in_camera[1] * (v - camera["cy"]) / camera["fy"]
        + up_in_camera[2]
    )
    return (origin + depth * slope).astype(np.float32)


def rotation(pose: list[float]) -> NDArray[np.float64]:
    """The rotation matrix of a pose written as [x, y, z, qx, qy, qz, qw]."""
    x, y, z, w = pose[3:]
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
