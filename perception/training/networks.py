"""The two networks, as plain as they can be: convolutions, batch norm, ReLU."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out."""
        return F.relu(x + self.second(self.first(x)))


class Instances(nn.Module):
    """Where items are and where each one's centre is: a small U-Net with one output of five maps.

    It works at a quarter of the camera's resolution and finer only in its last step.
    """

    def __init__(self, base: int = 16) -> None:
        super().__init__()
        c1, c2, c3, c4 = base, base * 2, base * 4, base * 8
        self.level1 = nn.Sequential(Block(CHANNELS_IN, c1, 5, stride=2), Residual(c1))
        self.level2 = nn.Sequential(Block(c1, c2, stride=2), Residual(c2))
        self.level3 = nn.Sequential(Block(c2, c3, stride=2), Residual(c3))
        self.level4 = nn.Sequential(Block(c3, c4, stride=2), Residual(c4), Residual(c4))
        self.narrow4, self.join3 = Block(c4, c3, 1), Block(c3, c3)
        self.narrow3, self.join2 = Block(c3, c2, 1), Block(c2, c2)
        self.narrow2, self.join1 = Block(c2, c1, 1), Block(c1, c1)
        self.fine = nn.Conv2d(c1, 4 * CHANNELS_OUT, 3, 1, 1)
        with torch.no_grad():
            self.fine.weight.mul_(0.1)
            first = torch.tensor([0.0, -2.0, -4.0, 0.0, 0.0])
            self.fine.bias.copy_(first.repeat_interleave(4))

    def forward(self, image: Tensor) -> Tensor:
        """(n, 5, h, w) to (n, 5, h, w); h and w are multiples of 16."""
        x1 = self.level1(image)
        x2 = self.level2(x1)
        x3 = self.level3(x2)
        x4 = self.level4(x3)
        y3 = self.join3(x3 + up(self.narrow4(x4)))
        y2 = self.join2(x2 + up(self.narrow3(y3)))
        y1 = self.join1(x1 + up(self.narrow2(y2)))
        return F.pixel_shuffle(self.fine(y1), 2)


def up(x: Tensor) -> Tensor:
    """Twice as large, bilinear."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


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
