"""Data set that the tests make themselves.

It is NASA's public-domain portrait from scikit-image, recoloured and turned.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from skimage.data import astronaut

from unmask.types import Rgb


def person(i: int) -> Rgb:
    """Makes the ``i``-th variant, uint8 ``(192, 192, 3)``.

    It is mirrored, turned and recoloured, so that no two are alike.
    """
    rng = np.random.default_rng(i)
    head = astronaut()[20:212, 130:322]
    head = head[:, ::-1] if i % 2 else head
    matrix = cv2.getRotationMatrix2D(
        (96, 96), float(rng.uniform(-12, 12)), float(rng.uniform(0.95, 1.1))
    )
    turned = cv2.warpAffine(head, matrix, (192, 192), borderMode=cv2.BORDER_REFLECT)
    return np.clip(turned * rng.uniform(0.8, 1.15, 3), 0, 255).astype(np.uint8)


def write(path: Path, people: range, **replaced: list[object]) -> Path:
    """Writes a Parquet file of bona fide faces with the columns of a data set.

    ``replaced`` overwrites columns.
    """
    n = len(people)
    columns: dict[str, list[object]] = {
        "image": [jpeg(person(i)) for i in people],
        "label": [0] * n,
        "source": ["test"] * n,
        "identity": [str(i) for i in people],
        "clip": [f"clip{i}" for i in people],
        "made_from": [None] * n,
        "licence": ["public domain"] * n,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({**columns, **replaced}), path)
    return path


def jpeg(rgb: Rgb) -> bytes:
    """Encodes as a JPEG of quality 95."""
    return cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
