"""Rebuilds a trainable detector from its exported file.

In that file, batch normalisation is folded into the convolutions.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from unmask_lab.data import DataError
from unmask_lab.net import Detector

PREFIX = "net."
"""Prefix of every name of a value in an exported file."""


def unfold(net: Detector, path: Path, rgb: Tensor) -> None:
    """Loads the weights of an exported detector.

    Afterwards the network computes the same in training as in evaluation. Each normalisation gets
    the mean and variance of its input over ``rgb``, and the scale and offset that undo them.

    Args:
        net: the network to fill.
        path: the exported file.
        rgb: faces to measure the statistics over, uint8 ``(n, px, px, 3)``; a few hundred suffice.

    Raises:
        DataError: the file is not an exported detector.
    """
    values = {
        one.name.removeprefix(PREFIX): torch.from_numpy(numpy_helper.to_array(one).copy())
        for one in onnx.load(path).graph.initializer
    }
    try:
        with torch.no_grad():
            for name, module in net.named_modules():
                for own, value in module.named_parameters(recurse=False):
                    if not isinstance(module, nn.BatchNorm2d):
                        value.copy_(values[f"{name}.{own}"])
                if isinstance(module, nn.Sequential):
                    _identities(module, name, values)
    except (KeyError, RuntimeError) as error:
        raise DataError(f"{path}: not an exported detector ({error})") from None
    _measure(net, rgb)


def _identities(sequence: nn.Sequential, name: str, values: dict[str, Tensor]) -> None:
    """Makes each normalisation after a convolution add only the convolution's folded offset."""
    children = list(sequence.named_children())
    for (before, _), (_, norm) in pairwise(children):
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.zero_()  # type: ignore[union-attr]  # it tracks its statistics
            norm.running_var.fill_(1 - norm.eps)  # type: ignore[union-attr]
            norm.weight.fill_(1)
            norm.bias.copy_(values[f"{name}.{before}.weight_bias"])


def _measure(net: Detector, rgb: Tensor, batch: int = 32) -> None:
    """Replaces the neutral statistics of every normalisation by those of its input.

    The output does not change.
    """
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    sums = {norm: torch.zeros(3, norm.num_features, dtype=torch.float64) for norm in norms}

    def add(norm: Any, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].double()
        sums[norm] += torch.stack(
            [
                x.sum((0, 2, 3)),
                (x * x).sum((0, 2, 3)),
                torch.full_like(sums[norm][0], x[:, 0].numel()),
            ]
        )

    hooks = [norm.register_forward_pre_hook(add) for norm in norms]
    net.eval()
    with torch.inference_mode():
        for part in rgb.split(batch):
            net(part)
    for hook in hooks:
        hook.remove()
    with torch.no_grad():
        for norm in norms:
            total, squares, count = sums[norm]
            mean, variance = total / count, squares / count - (total / count) ** 2
            norm.running_mean.copy_(mean)  # type: ignore[union-attr]
            norm.running_var.copy_(variance)  # type: ignore[union-attr]
            norm.weight.copy_(torch.sqrt(variance + norm.eps))
            norm.bias.add_(mean.float())
