"""What rendered items are made of: labels of the nine kinds, from what the renderer knows of each SKU."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.networks import MATERIALS

#: From this gloss on, or this much of a metal, an item is shiny.
GLOSS, METALLIC = 0.6, 0.4
#: A surface of which the camera's stereo loses so much, and which is no metal, is clear.
LOST = 0.25
#: A surface that is open by so much is a mesh.
OPEN = 0.05


def of_sku(folder: Path) -> list[bool]:
    """The kinds of one SKU, in the order of `MATERIALS`; an item may be several."""
    told = tomllib.loads((folder / "sku.toml").read_text())
    truth = tomllib.loads((folder / "truth" / "truth.toml").read_text())
    material, fragile = told["material"], told["fragility"] == "fragile"
    soft, surface = truth.get("soft"), truth.get("surface", {})
    cloth = material == "fabric"
    porous = material == "mesh" or surface.get("open_share", 0.0) > OPEN
    bag = soft is not None and soft.get("slosh_share", 0.0) > 0.0 and not cloth
    kinds = {
        "rigid": soft is None and not cloth and not (material == "carton" and fragile),
        # Thin board gives way without being limp.
        "semi-rigid": soft is None and material == "carton" and fragile,
        "flexible": soft is not None and not bag and not cloth,
        "loose-bag": bag,
        "cloth": cloth,
        "porous-or-mesh": porous,
        "fragile": fragile,
        "clear": truth["depth_invalid_share"] > LOST and truth["metallic"] < METALLIC,
        "shiny": truth["gloss"] > GLOSS or truth["metallic"] >= METALLIC,
    }
    return [kinds[kind] for kind in MATERIALS]


def of_catalogue(folder: Path, names: list[str]) -> NDArray[np.float32]:
    """(skus, kinds) of 0 and 1."""
    return np.array([of_sku(folder / name) for name in names], np.float32)
