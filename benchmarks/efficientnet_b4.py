"""EfficientNet-B4 at 380 px with random weights, built as an ONNX graph.

SBI's detector uses this network, so its cost is the reference for ours. Layers after Tan and Le,
"EfficientNet", ICML 2019, table 1, widened by 1.4 and deepened by 1.8. Batch normalisation is left
out, because it is folded into the convolutions when a network is served. Random weights cost as
much time as trained ones.
"""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 380
# Expansion, channels, repeats, stride and kernel of each stage of B0.
B0 = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


class _Graph:
    """Collector of nodes and weights; every method takes and returns the name of a tensor."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.rng = np.random.default_rng(0)

    def op(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def weight(self, *shape: int) -> str:
        name = f"w{len(self.weights)}"
        values = self.rng.normal(0, 1 / math.sqrt(math.prod(shape[1:]) or 1), shape).astype(
            np.float32
        )
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def conv(
        self, x: str, inp: int, out: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> str:
        weights = self.weight(out, inp // groups, kernel, kernel), self.weight(out)
        return self.op(
            "Conv", x, *weights, strides=[stride] * 2, group=groups, auto_pad="SAME_UPPER"
        )

    def swish(self, x: str) -> str:
        return self.op("Mul", x, self.op("Sigmoid", x))

    def block(self, x: str, inp: int, out: int, kernel: int, stride: int, expansion: int) -> str:
        wide = inp * expansion
        y = self.swish(self.conv(x, inp, wide, 1)) if expansion > 1 else x
        y = self.swish(self.conv(y, wide, wide, kernel, stride, wide))
        squeezed = self.swish(self.conv(self.op("GlobalAveragePool", y), wide, max(1, inp // 4), 1))
        y = self.op("Mul", y, self.op("Sigmoid", self.conv(squeezed, max(1, inp // 4), wide, 1)))
        y = self.conv(y, wide, out, 1)
        return self.op("Add", x, y) if stride == 1 and inp == out else y


def model() -> bytes:
    """Returns the serialized network: ``rgb`` float32 ``(1, 3, 380, 380)`` to one number."""
    graph, width = _Graph(), lambda c: round(c * 1.4 / 8) * 8
    x, inp = graph.swish(graph.conv("rgb", 3, width(32), 3, 2)), width(32)
    for expansion, channels, repeats, stride, kernel in B0:
        for i in range(math.ceil(repeats * 1.8)):
            x = graph.block(x, inp, width(channels), kernel, stride if i == 0 else 1, expansion)
            inp = width(channels)
    x = graph.swish(graph.conv(x, inp, width(1280), 1))
    x = graph.op("Flatten", graph.op("GlobalAveragePool", x))
    x = graph.op("Gemm", x, graph.weight(width(1280), 1))
    value = helper.make_tensor_value_info
    inputs = [value("rgb", TensorProto.FLOAT, [1, 3, SIDE, SIDE])]
    made = helper.make_graph(
        graph.nodes, "b4", inputs, [value(x, TensorProto.FLOAT, [1, 1])], graph.weights
    )
    return bytes(
        helper.make_model(
            made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
        ).SerializeToString()
    )
