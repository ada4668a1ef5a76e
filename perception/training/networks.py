"""The two networks; the one that finds items begins with EfficientNet-Lite0, which knows photographs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.backbone import WIDTHS, Trunk

#: Network input of `instances`: width and height in pixels, half of the camera's.
WIDTH, HEIGHT = 320, 240
#: Channels in: red, green, blue, height above the tote floor, height is valid.
CHANNELS_IN = 5
#: Channels out: foreground logit, boundary logit, centre logit, offset x, offset y.
CHANNELS_OUT = 5
#: Heights are given to the network divided by this, metres.
HEIGHT_UNIT_M = 0.1
#: Offsets are predicted in units of this many network pixels.
OFFSET_UNIT_PX = 32.0
#: Side of the crop that `identity` takes, pixels.
CROP = 96
#: Length of an embedding.
EMBEDDING = 128
#: Channels of the decoder of `instances` at strides 2, 4, 8, 16 and 32.
DECODER = (32, 48, 64, 96, 96)


class Block(nn.Sequential):
    """A 3 × 3 convolution (or another size) with batch norm and ReLU."""

    def __init__(self, channels_in: int, channels_out: int, size: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels_out, size, stride, size // 2, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    """Two 3 × 3 convolutions around which the input is added again."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Block(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out."""
        return F.relu(x + self.second(self.first(x)))


class Instances(nn.Module):
    """Where items are and where each one's centre is: a U-Net over EfficientNet-Lite0, one output of five maps.

    Colour goes through the stem that was trained on photographs; heights, where they are known, and their slopes
    through one of their own, whose answer is added to it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        stem = self.trunk.stem[0].out_channels
        self.depth = nn.Sequential(Block(4, 16, 5, stride=2), nn.Conv2d(16, stem, 3, 1, 1))
        slopes = torch.zeros(2, 1, 3, 3)
        slopes[0, 0, 1], slopes[1, 0, :, 1] = torch.tensor([-1.0, 0.0, 1.0]), torch.tensor([-1.0, 0.0, 1.0])
        self.register_buffer("slopes", slopes)
        self.narrow = nn.ModuleList(Block(w, d, 1) for w, d in zip(WIDTHS, DECODER, strict=True))
        self.narrower = nn.ModuleList(Block(DECODER[k + 1], DECODER[k], 1) for k in range(len(DECODER) - 1))
        self.join = nn.ModuleList(Residual(d) for d in DECODER)
        self.fine = nn.Conv2d(DECODER[0], 4 * CHANNELS_OUT, 3, 1, 1)
        with torch.no_grad():
            self.depth[1].weight.mul_(0.1)
            self.depth[1].bias.zero_()
            self.fine.weight.mul_(0.1)
            first = torch.tensor([0.0, -2.0, -4.0, 0.0, 0.0])
            self.fine.bias.copy_(first.repeat_interleave(4))

    def forward(self, image: Tensor) -> Tensor:
        """(n, 5, h, w) to (n, 5, h, w); h and w are multiples of 16."""
        height, known = image[:, 3:4], image[:, 4:5]
        # The height of a step of 5 mm is 0.05 in the input: about one after this.
        slope = F.conv2d(height, self.slopes, padding=1).clamp(-0.5, 0.5) * 10.0 * known
        maps = self.trunk(image[:, :3], self.depth(torch.cat([height, known, slope], 1)))
        y = self.join[-1](self.narrow[-1](maps[-1]))
        for k in range(len(maps) - 2, -1, -1):
            side = self.narrow[k](maps[k])
            above = F.interpolate(self.narrower[k](y), size=side.shape[2:], mode="bilinear", align_corners=False)
            y = self.join[k](side + above)
        return F.pixel_shuffle(self.fine(y), 2)


class Identity(nn.Module):
    """A crop (red, green, blue, mask) to a unit vector; near vectors are the same kind of item."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            Block(4, 16, size=5, stride=2),
            Block(16, 48, stride=2),
            Residual(48),
            Block(48, 96, stride=2),
            Residual(96),
            Block(96, 128, stride=2),
            Residual(128),
            Block(128, 64, size=1),
        )
        self.head = nn.Linear(64 * (CROP // 16) ** 2, EMBEDDING)

    def forward(self, crops: Tensor) -> Tensor:
        """(n, 4, CROP, CROP) to (n, EMBEDDING)."""
        return F.normalize(self.head(self.body(crops).flatten(1)), dim=1)


def running_mean(average: Tensor, now: Tensor, count: Tensor | int) -> Tensor:
    """Weights averaged over the last steps, fewer at the beginning: for `AveragedModel`."""
    share = max(0.005, 1.0 / (2.0 + 0.2 * float(count)))
    return average + (now - average) * share if average.is_floating_point() else now
