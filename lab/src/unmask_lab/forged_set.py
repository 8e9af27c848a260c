"""Writes a data set of forgeries with their true masks, and of their originals.

Both are encoded alike.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unmask.types import Rgb
from unmask_lab.autoencoder import Autoencoder, Linear, decode_as
from unmask_lab.data import BONA_FIDE, CHANGED, DataError, Row
from unmask_lab.forge import Forged
from unmask_lab.forge.autoencoder import paste
from unmask_lab.forge.face import FaceImage
from unmask_lab.samples import forge_visibly, nearest, shapes

JPEG_QUALITY = 92
"""JPEG quality of both classes."""

SCHEMA = pa.schema(
    [
        ("image", pa.binary()),
        ("label", pa.int8()),
        *((name, pa.string()) for name in ("source", "identity", "clip", "made_from", "licence")),
        ("points", pa.list_(pa.float32())),
        ("mask", pa.binary()),
    ]
)
"""Columns of a forged data set.

``mask`` is a grey PNG of the image's size, 255 where it was replaced; None for bona fide faces.
"""

Maker = Callable[[Row, np.random.Generator], Forged | None]
"""Function that forges a bona fide row, or returns None to leave it out."""


def of_family(family: str, rows: Sequence[Row]) -> Maker:
    """Makes forgeries of a family of `FAMILIES`.

    The donor is the most similar of some other people among ``rows``.
    """
    points = shapes(rows)
    return lambda row, rng: forge_visibly(family, _face(row), nearest(rows, points, row, rng), rng)


def of_pair(net: Autoencoder | Linear) -> Maker:
    """Makes forgeries of each person whom an autoencoder was trained on, as the next one.

    Rows of other people are left out.
    """

    def swap(row: Row, rng: np.random.Generator) -> Forged | None:
        if row.identity not in net.people:
            return None
        other, face = (net.people.index(row.identity) + 1) % len(net.people), _face(row)
        return Forged(*paste(face, decode_as(net, face, other), rng), "autoencoder")

    return swap


def write(
    rows: Sequence[Row], makers: Sequence[Maker], source: str, target: Path, seed: int = 1
) -> int:
    """Writes every bona fide row that a maker forges, and each forgery of it, as a data set.

    Returns the number of forgeries.

    Raises:
        DataError: there was nothing to forge.
    """
    rows = [row for row in rows if row.label == BONA_FIDE]
    target.parent.mkdir(parents=True, exist_ok=True)
    partial, forgeries = target.with_suffix(".partial"), 0
    with pq.ParquetWriter(partial, SCHEMA) as writer:
        for i, row in enumerate(rows):
            rng = np.random.default_rng((seed, i))
            forged = [made for maker in makers if (made := maker(row, rng))]
            if forged:
                writer.write_table(
                    pa.Table.from_pylist(list(_entries(row, forged, source)), SCHEMA)
                )
                forgeries += len(forged)
            if i % 100 == 99:
                print(f"forged {i + 1} of {len(rows)}", file=sys.stderr, flush=True)
    if not forgeries:
        partial.unlink()
        raise DataError(
            "there was no bona fide face to forge; "
            "a pair's autoencoder forges only the people it knows"
        )
    partial.replace(target)
    return forgeries


def _entries(row: Row, forged: Sequence[Forged], source: str) -> Iterator[dict[str, Any]]:
    same = {
        "source": source,
        "identity": row.identity,
        "licence": row.licence,
        "points": row.points.ravel().tolist(),
    }
    yield {**same, "image": _jpeg(row.rgb), "label": BONA_FIDE, "clip": row.clip}
    for k, one in enumerate(forged):
        clip = f"{row.clip}/{one.family}-{k}"
        changed = {"label": CHANGED, "clip": clip, "made_from": row.clip, "mask": _png(one.mask)}
        yield {**same, "image": _jpeg(one.rgb), **changed}


def _face(row: Row) -> FaceImage:
    return FaceImage(row.rgb, row.points, row.mesh)


def _jpeg(rgb: Rgb) -> bytes:
    return cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[
        1
    ].tobytes()


def _png(mask: NDArray[np.float32]) -> bytes:
    return cv2.imencode(".png", (mask * 255 + 0.5).astype(np.uint8))[1].tobytes()
