"""Models as a user might add them, made by the tests: ONNX files with a card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = 32


def card(**fields: Any) -> dict[str, Any]:
    """Returns the card of `brightness` with ``fields`` changed.

    ``input_size=64`` replaces ``input.size``; None leaves a field out.
    """
    whole: dict[str, Any] = {
        "input": {
            "size": SIZE,
            "layout": "nchw",
            "colour": "rgb",
            "mean": [0, 0, 0],
            "std": [1, 1, 1],
        },
        "output": {"name": "logit", "changed": 0, "is": "logit"},
        "licence": "CC0-1.0",
        "origin": "made by a test",
    }
    for name, value in fields.items():
        part, _, field = name.partition("_")
        of, key = (whole[part], field) if field else (whole, part)
        of[key] = value
        if value is None:
            del of[key]
    return whole


def brightness(
    shape: tuple[int | str, ...] = ("faces", 3, SIZE, SIZE),
    weights: tuple[tuple[float, ...], ...] = ((1.0,), (0.0,), (0.0,)),
    opset: int = 18,
    operator: str = "MatMul",
) -> onnx.ModelProto:
    """Makes a model that weighs the mean of each channel, ``(3, classes)``.

    By default its score is the brightness of red.
    """
    axes = numpy_helper.from_array(np.array([2, 3] if shape[1:2] == (3,) else [1, 2]), "axes")
    nodes = [
        helper.make_node("ReduceMean", ["faces", "axes"], ["means"], keepdims=0),
        helper.make_node(operator, ["means", "weights"], ["logit"]),
    ]
    given = helper.make_tensor_value_info("faces", TensorProto.FLOAT, shape)
    output = helper.make_tensor_value_info("logit", TensorProto.FLOAT, None)
    kept = numpy_helper.from_array(np.array(weights, np.float32), "weights")
    graph = helper.make_graph(nodes, "brightness", [given], [output], [axes, kept])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def write(
    folder: Path, name: str = "mine", model: onnx.ModelProto | None = None, **fields: Any
) -> Path:
    """Writes a model, by default `brightness`, and its `card` into a folder; returns the folder."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.onnx").write_bytes((model or brightness()).SerializeToString())
    (folder / f"{name}.json").write_text(json.dumps(card(**fields)))
    return folder
