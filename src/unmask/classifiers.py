"""User models: ONNX classifiers in one folder, each ``name.onnx`` with a card ``name.json``.

The card states the model's input and the meaning of its output; see docs/lines/your-model.md. Such
files come from strangers. A model is refused unless it is one file of bounded size, needs nothing
beyond ONNX Runtime, and its output in a trial run is what the card promises.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unmask import models
from unmask.errors import ModelError, printable

if TYPE_CHECKING:
    import onnxruntime as ort

MOST_BYTES, MOST_CARD_BYTES = 1 << 29, 1 << 16
"""Largest size of a model, 512 MiB, and of a card, 64 KiB."""

BATCH = 16
"""Faces per run where the model takes any number; limits memory and does not change the result."""

EXPLAINED = "docs/lines/your-model.md explains cards"


def _is_triple(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(_is_number(v) for v in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "input.size": (
        "a whole number of px from 16 to 1024",
        lambda v: type(v) is int and 16 <= v <= 1024,
    ),
    "input.layout": ('"nchw" or "nhwc"', lambda v: v in ("nchw", "nhwc")),
    "input.colour": ('"rgb" or "bgr"', lambda v: v in ("rgb", "bgr")),
    "input.mean": ("three numbers", _is_triple),
    "input.std": ("three numbers above 0", lambda v: _is_triple(v) and min(v) > 0),
    "output.name": ("the name of an output", _is_text),
    "output.changed": ("an index from 0", lambda v: type(v) is int and v >= 0),
    "output.is": (
        '"logit", "probability" or "softmax"',
        lambda v: v in ("logit", "probability", "softmax"),
    ),
    "licence": ("a text", _is_text),
    "origin": ("a text", _is_text),
}
"""Fields of a card, all required: a description of the value, and a test of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """A model that was loaded and passed its trial run.

    Attributes:
        name: name of the file without its ending, and of the line of evidence.
        card: values by `FIELDS`.
        custody: sha256 of the model, under its name, and of its card, under the card's file name.
        session: ONNX Runtime session of the model.
    """

    name: str
    card: dict[str, Any]
    custody: dict[str, str]
    session: ort.InferenceSession

    def log_odds(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Returns natural log-odds of *changed* for aligned crops, as the model sees it.

        Takes crops rgb uint8 ``(n, 192, 192, 3)`` and returns ``(n,)``.

        Raises:
            ValueError: the model's output is not what its card promises.
        """
        (given,) = self.session.get_inputs()
        batch = 1 if given.shape[0] == 1 else BATCH
        parts = [
            self.session.run(
                [self.card["output.name"]], {given.name: self._prepared(crops[i : i + batch])}
            )[0]
            for i in range(0, len(crops), batch)
        ]
        values = np.concatenate(
            [np.asarray(part, np.float64).reshape(len(part), -1) for part in parts]
        )
        if len(values) != len(crops):
            raise ValueError(f"{len(values)} answers to {len(crops)} faces")
        return _log_odds(values, self.card["output.changed"], self.card["output.is"])

    def _prepared(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Prepares crops as the card asks for them."""
        import cv2

        size = self.card["input.size"]
        way = cv2.INTER_AREA if size < crops.shape[1] else cv2.INTER_LINEAR
        scaled = np.stack([cv2.resize(crop, (size, size), interpolation=way) for crop in crops])
        ordered = scaled[..., ::-1] if self.card["input.colour"] == "bgr" else scaled
        mean, std = (np.float32(self.card[f"input.{name}"]) for name in ("mean", "std"))
        values = (ordered.astype(np.float32) / 255 - mean) / std
        channels_first = self.card["input.layout"] == "nchw"
        return np.ascontiguousarray(
            values.transpose(0, 3, 1, 2) if channels_first else values, np.float32
        )


@cache
def in_folder(folder: Path | None) -> tuple[Classifier, ...]:
    """Returns every model of a folder, by name; none without a folder. Reads it once per process.

    Raises:
        ModelError: there is no such folder, no model in it, or one that cannot be used.
    """
    if folder is None:
        return ()
    if not folder.is_dir():
        raise ModelError(
            folder, "no such folder", "name a folder with models, name.onnx and name.json each"
        )
    paths = sorted(folder.glob("*.onnx"))
    if not paths:
        raise ModelError(folder, "holds no model", "put name.onnx and its card name.json there")
    for card in sorted(folder.glob("*.json")):
        if card.name != "calibration.json" and card.with_suffix(".onnx") not in paths:
            raise ModelError(
                card,
                f"there is no {card.stem}.onnx beside it",
                "put the model there, or remove the card",
            )
    return tuple(load(path) for path in paths)


def known(folder: Path | None) -> dict[str, str]:
    """Returns the sha256 of every model in a folder and of its card, see `Classifier.custody`."""
    return {name: sha256 for model in in_folder(folder) for name, sha256 in model.custody.items()}


def load(path: Path) -> Classifier:
    """Loads one model and checks it against its card.

    Raises:
        ModelError: the model or its card cannot be used.
    """
    name = path.stem
    if not (name.isidentifier() and name.isascii() and name.islower()) or name in {
        *models.known(),
        "calibration",
    }:
        raise ModelError(
            path,
            "this name cannot be a line's",
            "use lower-case letters, digits and _, and no taken name",
        )
    described = path.with_suffix(".json")
    if not described.is_file():
        raise ModelError(path, f"its card {described.name} is missing", EXPLAINED)
    written, model = _bytes(described, MOST_CARD_BYTES), _bytes(path, MOST_BYTES)
    custody = {
        name: hashlib.sha256(model).hexdigest(),
        described.name: hashlib.sha256(written).hexdigest(),
    }
    _refuse_external_data(path, model)
    loaded = Classifier(name, _card(described, written), custody, _session(path, model))
    _try(path, loaded)
    return loaded


def _bytes(path: Path, most: int) -> bytes:
    if not path.is_file():
        raise ModelError(path, "not a regular file", "put the file itself there")
    if path.stat().st_size > most:
        raise ModelError(path, f"larger than {most >> 10:,} KiB", "use a smaller one")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            path, f"cannot be read ({_line(error)})", "check that you may read it"
        ) from error


def _card(path: Path, written: bytes) -> dict[str, Any]:
    """Reads a card's values by `FIELDS`."""
    try:
        facts = json.loads(written)
        nested = {
            key: value if isinstance(value, dict) else {"": value} for key, value in facts.items()
        }
    except (ValueError, AttributeError, RecursionError) as error:
        raise ModelError(path, "not a JSON object", EXPLAINED) from error
    card = {
        f"{part}.{key}".rstrip("."): value
        for part, fields in nested.items()
        for key, value in fields.items()
    }
    if missing := [name for name in FIELDS if name not in card]:
        raise ModelError(path, f"lacks {missing[0]}, {FIELDS[missing[0]][0]}", EXPLAINED)
    if unknown := sorted(card.keys() - FIELDS):
        raise ModelError(path, f"has {unknown[0]!r}, which no card has", EXPLAINED)
    for name, (words, allowed) in FIELDS.items():
        if not allowed(card[name]):
            raise ModelError(
                path, f"{name} must be {words}, not {json.dumps(card[name])[:60]}", EXPLAINED
            )
    return card


def _refuse_external_data(path: Path, model: bytes) -> None:
    """Refuses weights stored in other files, since these could be any file of this machine."""
    import onnx

    try:
        parts = list(_parts(onnx.load_model_from_string(model)))
    except Exception as error:  # protobuf raises a type of its own
        raise ModelError(path, "not an ONNX file", "export the model to ONNX") from error
    if any(
        isinstance(part, onnx.TensorProto) and onnx.external_data_helper.uses_external_data(part)
        for part in parts
    ):
        raise ModelError(
            path, "keeps weights in other files", "export it as one file, without external data"
        )


def _parts(message: Any) -> Iterator[Any]:
    """Yields a protobuf message and all messages in it."""
    yield message
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for part in value if hasattr(value, "__len__") else (value,):
                yield from _parts(part)


def _session(path: Path, model: bytes) -> ort.InferenceSession:
    import onnxruntime as ort

    try:
        return models.make_session(model)
    except Exception as error:  # ONNX Runtime raises a type of its own for every sort of refusal
        why = f"ONNX Runtime {ort.__version__} cannot load it ({_line(error)})"
        way_out = "export it with an opset that this version knows, and without custom operators"
        raise ModelError(path, why, way_out) from error


def _try(path: Path, model: Classifier) -> None:
    """Refuses a model whose input, output or results for two pictures differ from its card."""
    card, size, inputs = model.card, model.card["input.size"], model.session.get_inputs()
    wanted = (1, 3, size, size) if card["input.layout"] == "nchw" else (1, size, size, 3)
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or not _fits(inputs[0].shape, wanted):
        there = " and ".join(f"{given.type} {given.shape}" for given in inputs)
        why = (
            f"takes {there}, but by its card one tensor(float) {list(wanted)}, where 1 may "
            f"be any number"
        )
        raise ModelError(path, why, f"correct the card or export the model so; {EXPLAINED}")
    outputs = [output.name for output in model.session.get_outputs()]
    if card["output.name"] not in outputs:
        raise ModelError(
            path,
            f"has no output {card['output.name']!r}, but {', '.join(outputs)}",
            "correct its card",
        )
    noise = np.random.default_rng(0).integers(0, 256, (2, 192, 192, 3), np.uint8)
    try:
        model.log_odds(noise)
    except Exception as error:  # whatever a stranger's model does
        why = f"fails a trial run ({_line(error)})"
        raise ModelError(path, why, f"correct the model or its card; {EXPLAINED}") from error


def _fits(shape: Sequence[int | str | None], wanted: tuple[int, ...]) -> bool:
    """Tells whether a shape is, or may become, the wanted one; names and None mean any number."""
    return len(shape) == len(wanted) and all(
        not isinstance(n, int) or n == w for n, w in zip(shape, wanted, strict=True)
    )


def _log_odds(values: NDArray[np.float64], changed: int, unit: str) -> NDArray[np.float64]:
    """Converts a model's output ``(n, classes)`` to log-odds of one class, ``(n,)``.

    ``unit`` is the card's ``output.is``.
    """
    classes = values.shape[1]
    if changed >= classes or (unit == "softmax" and classes < 2):
        raise ValueError(
            f"the output has {classes} values per face, too few for class {changed} as {unit}"
        )
    if not np.isfinite(values).all():
        raise ValueError("the output is not finite")
    of = values[:, changed]
    if unit == "logit":
        return of
    if unit == "softmax":
        return np.asarray(of - np.logaddexp.reduce(np.delete(values, changed, axis=1), axis=1))
    if of.min() < -1e-3 or of.max() > 1 + 1e-3:
        raise ValueError(f"the output, {of[0]:.3g}, is no probability")
    bounded = np.clip(of, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(bounded) - np.log1p(-bounded))


def _line(error: Exception) -> str:
    """Returns an exception's text on one short line."""
    return printable(" ".join(str(error).split()))[:160]
