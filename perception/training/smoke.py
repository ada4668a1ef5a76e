"""Both trainings for a few steps on a tiny set, stopped and gone on with, to ONNX and back: two minutes."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from training import cards, evaluate, export, identity, instances
from training.all import prepare
from training.data import load_crops, load_scenes

TINY = cards.RenderedSet("tiny", 7, 16, 12)


def main() -> None:
    """Fails where a part of the way does."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        prepare(work, (TINY,))
        packed = [work / "packed" / TINY.folder]
        scenes, crops = load_scenes(packed), load_crops(packed)
        first = replace(instances.Settings(), steps=6, batch=2, save_every=3)
        instances.train(scenes, first, work / "instances.pt", stop_after=3)
        network = instances.train(scenes, first, work / "instances.pt")
        print("instances: AP50, AP75, recall", evaluate.average_precision(network, scenes))
        export.instances(network, work / "instances.onnx")
        second = replace(identity.Settings(), steps=4, skus=6, save_every=2)
        identity.train(crops, second, work / "identity.pt", stop_after=2)
        export.identity(identity.train(crops, second, work / "identity.pt"), work / "identity.onnx", 0.05, 0.5)
    print("train-smoke: both networks train, go on, export, and answer as ONNX as they do in PyTorch")


if __name__ == "__main__":
    main()
