"""The model cards: what each network is, what it was trained on, how good it is on held-out renders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.evaluate import Identification

COMMAND = "make -C perception/training"


@dataclass(frozen=True)
class RenderedSet:
    """One rendered set of totes."""

    folder: str
    seed: int
    skus: int
    scenes: int


def say(train: tuple[RenderedSet, ...], held_out: RenderedSet) -> str:
    """The sets as a sentence."""
    parts = [f"{s.scenes} totes of {s.skus} generated SKUs (seed {s.seed})" for s in train]
    return (
        f"Renders: {' and '.join(parts)}; held out: {held_out.scenes} totes of {held_out.skus} other SKUs "
        f"(seed {held_out.seed}). No photograph, and none of the SKUs in `perception/catalog`."
    )


def instances(
    file: Path,
    data: str,
    steps: int,
    seed: int,
    parameters: int,
    with_depth: tuple[float, float, float],
    without: tuple[float, float, float],
) -> None:
    """Writes `instances.md`."""
    file.write_text(
        f"""# instances.onnx

Where items are in a look into a tote: a U-Net of {parameters:,} parameters, fp32, opset 17.

| tensor | shape | what |
|---|---|---|
| in: `image` | 1 × 5 × 240 × 320 | red, green, blue (−1…1); height above the tote floor / 0.1 m, 0 where unknown; 1 where known |
| out: `maps` | 1 × 5 × 240 × 320 | logits of foreground, boundary, centre; offset to the item's centre x, y / 32 px |

**Data.** {data}
**Training.** `{COMMAND}`; {steps} steps, seed {seed}. Some looks are trained on without depth.

| on the held-out totes, at 320 × 240, `grouping` as at run time | AP50 | AP75 | recall at score 0.3 |
|---|---|---|---|
| with depth | {with_depth[0]:.3f} | {with_depth[1]:.3f} | {with_depth[2]:.3f} |
| without depth | {without[0]:.3f} | {without[1]:.3f} | {without[2]:.3f} |

Items with fewer than 25 visible pixels (100 of the camera's) are ignored. These are renders: figures on
photographs are another matter.
"""
    )


def identity(file: Path, data: str, steps: int, seed: int, parameters: int, found: Identification) -> None:
    """Writes `identity.md`."""
    file.write_text(
        f"""# identity.onnx

Which SKU of a manifest an item is: a crop becomes a unit vector that is compared with those of the SKUs'
reference views. {parameters:,} parameters, fp32, opset 17.

| tensor | shape | what |
|---|---|---|
| in: `crops` | n × 4 × 96 × 96 | (red, green, blue − 0.5) × 4, 0 outside the mask; the mask. Upright, longest side 1 / 1.04 of 96 px |
| out: `vectors` | n × 128 | unit length |

Metadata: `temperature` {found.temperature:.4f} (cosines are divided by it) and `none` {found.none:.4f}
(the cosine of "none of these"), fitted on half of the held-out SKUs.

**Data.** {data}
**Training.** `{COMMAND}`; {steps} steps, seed {seed}.

| on the other half of the held-out SKUs, items visible by half or more, outlines as rendered | |
|---|---|
| recall@1 in a manifest of 14, picture alone (no size, no weight) | {found.recall_at_1:.4f} |
| expected calibration error, one item in five not in the manifest | {found.ece:.4f} |
| items | {found.queries} |

These are renders: figures on photographs are another matter.
"""
    )
