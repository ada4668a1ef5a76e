"""How much of the items of a rendered set can be seen, how many lie under others, how many at walls.

python -m training.clutter SET [SET …]
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.sets import rotation

# Inner half sides of the tote, metres, and how near its wall an item is at the wall.
HALF = np.array([0.3, 0.2])
AT_WALL_M = 0.012
# An item of which more can be seen has nothing on it.
FREE = 0.95


def corners(item: dict[str, Any], tote: list[float]) -> NDArray[np.float64]:
    """Corners of an item's box in the tote's frame."""
    pose = item["world_from_item"]
    signs = np.array(list(itertools.product((-0.5, 0.5), repeat=3)))
    world = (signs * np.array(item["size_m"])) @ rotation(pose).T + np.array(pose[:3])
    return (world - np.array(tote[:3])) @ rotation(tote)


def main() -> None:
    """Prints a line a set."""
    print(f"{'set':24} {'scenes':>6} {'items':>6} {'visible p50':>11} {'free above':>10} {'at walls':>8}")
    for folder in map(Path, sys.argv[1:]):
        coco: dict[str, Any] = json.loads((folder / "coco.json").read_text())
        totes = {image["id"]: image["world_from_tote"] for image in coco["images"]}
        items = coco["annotations"]
        visible = np.array([item["visible"] for item in items])
        reach = [np.abs(corners(item, totes[item["image_id"]])[:, :2]).max(axis=0) for item in items]
        walls = np.array([(HALF - r < AT_WALL_M).any() for r in reach])
        row = f"{np.median(visible):11.2f} {np.mean(visible > FREE):10.2f} {np.mean(walls):8.2f}"
        print(f"{folder.name:24} {len(totes):6} {len(items):6} {row}")


if __name__ == "__main__":
    main()
