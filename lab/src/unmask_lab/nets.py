"""Networks that a training can choose from: the project's own, and rivals from papers.

Each takes faces, uint8 ``(n, px, px, 3)`` rgb, and gives a logit each, ``(n,)``, and a map of
logits, ``(n, px / STRIDE, px / STRIDE)``, or None if it has no map. The rivals are reimplemented
from the papers and start from random weights.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from unmask.faces import CROP_PX
from unmask_lab.net import Detector
from unmask_lab.tower import Tower


class Meso4(nn.Module):
    """Four small convolutions (Meso4).

    Afchar et al. 2018, "MesoNet: a compact facial video forgery detection network", figure 3.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _conv(3, 8, 3), nn.MaxPool2d(2), _conv(8, 8, 5), nn.MaxPool2d(2), *_meso_end(8)
        )

    def forward(self, rgb: Tensor) -> tuple[Tensor, None]:
        return self.features(rgb.permute(0, 3, 1, 2).float() / 255).squeeze(1), None


class MesoInception4(nn.Module):
    """Meso4 with its first two convolutions replaced by inception modules.

    Afchar et al. 2018, figure 4 and table 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _Inception(3, (1, 4, 4, 2)),
            nn.MaxPool2d(2),
            _Inception(11, (2, 4, 4, 2)),
            nn.MaxPool2d(2),
            *_meso_end(12),
        )

    def forward(self, rgb: Tensor) -> tuple[Tensor, None]:
        return self.features(rgb.permute(0, 3, 1, 2).float() / 255).squeeze(1), None


class _Inception(nn.Module):
    """Inception module with four branches.

    The last two are dilated instead of the 5 x 5 of the usual module.
    """

    def __init__(self, inp: int, out: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.views = nn.ModuleList([nn.Sequential(nn.Conv2d(inp, out[0], 1), nn.ReLU())])
        for dilation, channels in enumerate(out[1:], start=1):
            point = nn.Conv2d(inp, channels, 1)
            wide = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
            self.views.append(nn.Sequential(point, nn.ReLU(), wide, nn.ReLU()))
        self.norm = nn.BatchNorm2d(sum(out))

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(torch.cat([view(x) for view in self.views], 1))
        return normed


def _conv(inp: int, out: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inp, out, kernel, padding=kernel // 2), nn.ReLU(), nn.BatchNorm2d(out)
    )


def _meso_end(inp: int) -> list[nn.Module]:
    """Returns the last convolutions and dense layers, two each, shared by Afchar et al.'s nets."""
    convolutions = [
        _conv(inp, 16, 5),
        nn.MaxPool2d(2),
        _conv(16, 16, 5),
        nn.MaxPool2d(4),
        nn.Flatten(),
        nn.Dropout(0.5),
    ]
    return [
        *convolutions,
        nn.Linear(16 * (CROP_PX // 32) ** 2, 16),
        nn.LeakyReLU(0.1),
        nn.Dropout(0.5),
        nn.Linear(16, 1),
    ]


class Xception(nn.Module):
    """Depthwise separable convolutions in 14 modules, in full size, with one output.

    Chollet 2017, figure 5. Rössler et al. (2019, "FaceForensics++") made this detector the usual
    benchmark; theirs starts from ImageNet, this one from random weights.
    """

    def __init__(self) -> None:
        super().__init__()
        entry = [
            _Module(64, (128, 128), starts=False),
            _Module(128, (256, 256)),
            _Module(256, (728, 728)),
        ]
        middle = [_Module(728, (728, 728, 728), stride=1) for _ in range(8)]
        last = [*_separable(1024, 1536), nn.ReLU(), *_separable(1536, 2048), nn.ReLU()]
        self.stem = nn.Sequential(*_dense(3, 32, 2), nn.ReLU(), *_dense(32, 64, 1), nn.ReLU())
        self.features = nn.Sequential(*entry, *middle, _Module(728, (728, 1024)), *last)
        self.whether = nn.Sequential(nn.Dropout(0.5), nn.Linear(2048, 1))

    def forward(self, rgb: Tensor) -> tuple[Tensor, None]:
        x = (rgb.permute(0, 3, 1, 2).float() - 127.5) / 127.5
        return self.whether(self.features(self.stem(x)).mean((2, 3))).squeeze(1), None


class _Module(nn.Module):
    """Separable convolutions, each after a ReLU, beside a residual path.

    They are followed by pooling where the stride is 2. ``starts`` is False for the first module
    only, whose input was through a ReLU already.
    """

    def __init__(
        self, inp: int, outs: tuple[int, ...], stride: int = 2, starts: bool = True
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, (before, out) in enumerate(zip((inp, *outs), outs, strict=False)):
            layers += [nn.ReLU()] * (starts or i > 0) + _separable(before, out)
        pool = [nn.MaxPool2d(3, stride, 1)] * (stride > 1)
        self.layers = nn.Sequential(*layers, *pool)
        short = [nn.Conv2d(inp, outs[-1], 1, stride, bias=False), nn.BatchNorm2d(outs[-1])]
        self.short = nn.Sequential(*short) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        both: Tensor = self.layers(x) + self.short(x)
        return both


def _separable(inp: int, out: int) -> list[nn.Module]:
    per_channel = nn.Conv2d(inp, inp, 3, padding=1, groups=inp, bias=False)
    return [per_channel, nn.Conv2d(inp, out, 1, bias=False), nn.BatchNorm2d(out)]


def _dense(inp: int, out: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(inp, out, 3, stride, padding=1, bias=False), nn.BatchNorm2d(out)]


NETS: dict[str, Callable[[], nn.Module]] = {
    "detector": Detector,
    "meso4": Meso4,
    "mesoinception4": MesoInception4,
    "xception": Xception,
    "close_detector": Detector,
    "tower": Tower,
}

SEE_CLOSE_UPS = frozenset({"close_detector", "tower"})
"""Networks that take close-ups, see `unmask.faces.close_up`, instead of aligned crops."""
