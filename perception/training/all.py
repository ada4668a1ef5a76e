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
from training.networks import Identity, Instances

log = logging.getLogger(__name__)

MODELS = Path(__file__).resolve().parents[1] / "models"
#: The sets: folder, seed, SKUs, scenes. What is trained on first, what is measured on last.
TRAIN = (cards.RenderedSet("train", 101, 300, 2500), cards.RenderedSet("train-b", 303, 600, 1300))
HELD_OUT = cards.RenderedSet("held-out", 202, 120, 240)


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
    prepare(chosen.work)
    if chosen.only != "identity":
        settings = replace(instances.Settings(), steps=chosen.instances_steps)
        make_instances(chosen.work, settings, not chosen.measure)
    if chosen.only != "instances":
        settings_identity = replace(identity.Settings(), steps=chosen.identity_steps)
        make_identity(chosen.work, settings_identity, not chosen.measure)


def prepare(work: Path) -> None:
    """Renders and packs the training and the held-out set."""
    for wanted in (*TRAIN, HELD_OUT):
        rendered, packed = work / "sets" / wanted.folder, work / "packed" / wanted.folder
        if (packed / "names.txt").is_file():
            continue
        sets.render(rendered, wanted.seed, wanted.skus, wanted.scenes)
        shutil.rmtree(packed, ignore_errors=True)
        pack(sets.read(rendered), sets.count(rendered), rendered / "catalog", packed)


def make_instances(work: Path, settings: instances.Settings, train: bool) -> None:
    """Trains (or loads) the network that finds items; writes model and card."""
    checkpoint = work / "instances.pt"
    if train:
        network = instances.train(
            load_scenes([work / "packed" / s.folder for s in TRAIN]), settings, checkpoint
        )
    else:
        network = Instances().eval()
        network.load_state_dict(torch.load(checkpoint))
    held_out = load_scenes([work / "packed" / HELD_OUT.folder])
    with_depth = evaluate.average_precision(network, held_out)
    without = evaluate.average_precision(network, held_out, with_depth=False)
    log.info("instances: AP50, AP75, recall %s with depth, %s without", with_depth, without)
    export.instances(network, MODELS / "instances.onnx")
    size = parameters(network)
    cards.instances(
        MODELS / "instances.md",
        cards.say(TRAIN, HELD_OUT),
        settings.steps,
        settings.seed,
        size,
        with_depth,
        without,
    )


def make_identity(work: Path, settings: identity.Settings, train: bool) -> None:
    """Trains (or loads) the network that tells SKUs apart; writes model and card."""
    checkpoint = work / "identity.pt"
    if train:
        network = identity.train(
            load_crops([work / "packed" / s.folder for s in TRAIN]), settings, checkpoint
        )
    else:
        network = Identity().to(memory_format=torch.channels_last).eval()
        network.load_state_dict(torch.load(checkpoint))
    fit, check = halves(load_crops([work / "packed" / HELD_OUT.folder]))
    found = evaluate.identification(network, fit, check)
    log.info("identity: %s", found)
    export.identity(network, MODELS / "identity.onnx", found.temperature, found.none)
    size = parameters(network)
    cards.identity(
        MODELS / "identity.md", cards.say(TRAIN, HELD_OUT), settings.steps, settings.seed, size, found
    )


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
