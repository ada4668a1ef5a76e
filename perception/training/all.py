"""Both models from nothing: render, pack, train, measure, write ONNX files and cards."""

from __future__ import annotations

import argparse
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training import cards, evaluate, export, identity, instances, sets
from training.data import Crops, load_crops, load_scenes, pack
from training.networks import CHANNELS_IN, CROP, HEIGHT, WIDTH, Identity, Instances
from training.resume import averaged_of

log = logging.getLogger(__name__)

MODELS = Path(__file__).resolve().parents[1] / "models"
TESTS = MODELS.parent / "tests" / "data"
#: What is trained on, and what is measured on: other SKUs, and other families of goods.
TRAIN = cards.RenderedSet("train", 303, 500, 2400)
HELD_OUT = (
    cards.RenderedSet("held-out", 202, 120, 240),
    cards.RenderedSet("held-out-families", 202, 120, 240, families=True),
)


def main() -> None:
    """The steps in order; what is there already is not made again."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--work", type=Path, required=True, help="folder for sets and checkpoints")
    options.add_argument("--only", choices=["instances", "identity"], help="train one of the two")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--instances-steps", type=int, default=instances.Settings.steps)
    options.add_argument("--identity-steps", type=int, default=identity.Settings.steps)
    options.add_argument("--measure", action="store_true", help="don't train: measure the checkpoints")
    chosen = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(chosen.threads)
    prepare(chosen.work, (TRAIN, *HELD_OUT))
    if chosen.only != "identity":
        make_instances(chosen.work, replace(instances.Settings(), steps=chosen.instances_steps), not chosen.measure)
    if chosen.only != "instances":
        make_identity(chosen.work, replace(identity.Settings(), steps=chosen.identity_steps), not chosen.measure)


def prepare(work: Path, wanted: tuple[cards.RenderedSet, ...]) -> None:
    """Renders and packs sets."""
    for one in wanted:
        rendered, packed = work / "sets" / one.folder, work / "packed" / one.folder
        if (packed / "names.txt").is_file():
            continue
        sets.render(rendered, one.seed, one.skus, one.scenes, one.families)
        shutil.rmtree(packed, ignore_errors=True)
        pack(sets.read(rendered), sets.count(rendered), rendered / "catalog", packed)


def make_instances(work: Path, settings: instances.Settings, train: bool) -> None:
    """Trains (or loads) the network that finds items; writes model, card and what it answers."""
    checkpoint = work / "instances.pt"
    if train:
        network = instances.train(load_scenes([work / "packed" / TRAIN.folder]), settings, checkpoint)
    else:
        network = averaged_of(checkpoint, Instances())
    found = {}
    for one in HELD_OUT:
        scenes = load_scenes([work / "packed" / one.folder])
        found[one] = {
            "colour and depth": evaluate.average_precision(network, scenes),
            "colour alone": evaluate.average_precision(network, scenes, with_depth=False),
            "depth alone": evaluate.average_precision(network, scenes, with_colour=False),
        }
        log.info("instances, %s: AP50, AP75, recall %s", one.folder, found[one])
    export.instances(network, MODELS / "instances.onnx")
    export.remember(network, (1, CHANNELS_IN, HEIGHT, WIDTH), TESTS / "instances.bin")
    size = parameters(network)
    cards.instances(MODELS / "instances.md", TRAIN, found, settings.steps, settings.seed, size)


def make_identity(work: Path, settings: identity.Settings, train: bool) -> None:
    """Trains (or loads) the network that tells SKUs apart; writes model, card and what it answers."""
    checkpoint = work / "identity.pt"
    if train:
        network = identity.train(load_crops([work / "packed" / TRAIN.folder]), settings, checkpoint)
    else:
        network = averaged_of(checkpoint, Identity()).to(memory_format=torch.channels_last)
    fit, rest = halves(load_crops([work / "packed" / HELD_OUT[0].folder]))
    families = load_crops([work / "packed" / HELD_OUT[1].folder])
    found = {
        one: evaluate.identification(network, fit, check) for one, check in zip(HELD_OUT, (rest, families), strict=True)
    }
    log.info("identity: %s", found)
    calibration = found[HELD_OUT[0]]
    export.identity(network, MODELS / "identity.onnx", calibration.temperature, calibration.none)
    export.remember(network, (2, 4, CROP, CROP), TESTS / "identity.bin")
    size = parameters(network)
    cards.identity(MODELS / "identity.md", TRAIN, found, settings.steps, settings.seed, size)


def halves(crops: Crops) -> tuple[Crops, Crops]:
    """The items of every other SKU, and the rest; both with all views."""
    return tuple(
        replace(
            crops,
            **{name: getattr(crops, name)[crops.sku % 2 == side] for name in ("items", "shape", "visible")},
            sku=crops.sku[crops.sku % 2 == side],
        )
        for side in (0, 1)
    )


def parameters(network: nn.Module) -> int:
    """How many numbers a network learnt."""
    return int(np.sum([p.numel() for p in network.parameters()]))


if __name__ == "__main__":
    main()
