"""Data sets of faces: one row a face, as JPEG bytes with its label, source, identity and five points.

A data set is a Parquet file with at least the columns of `COLUMNS`; `collect` adds the points. Changed rows may name in
``made_from`` the clip of the bona fide row that they were made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unmask.types import Rgb

COLUMNS = ("image", "label", "source", "identity", "clip", "made_from", "licence")
BONA_FIDE, CHANGED = 0, 1


class DataError(Exception):
    """A data set that cannot be used as it is; the text says which file and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One face: its JPEG, label (0 bona fide, 1 changed), provenance, and five points, float32 ``(5, 2)`` px."""

    jpeg: bytes
    label: int
    source: str
    identity: str
    clip: str
    made_from: str | None
    licence: str
    points: NDArray[np.float32]

    @property
    def rgb(self) -> Rgb:
        """The decoded image, uint8 ``(h, w, 3)``."""
        return decode(self.jpeg)


def decode(jpeg: bytes) -> Rgb:
    """Raises DataError where the bytes are no image."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise DataError("a row's image cannot be decoded")
    return image


def read(paths: Iterable[Path]) -> list[Row]:
    """Rows of collected files, in order.

    Raises:
        DataError: a file is missing, lacks a column, or holds no rows.
    """
    rows: list[Row] = []
    for path in paths:
        if not path.is_file():
            raise DataError(f"{path}: no such file; run unmask-lab collect first")
        table = pq.read_table(path)
        if missing := {*COLUMNS, "points"} - set(table.column_names):
            raise DataError(f"{path}: lacks the columns {', '.join(sorted(missing))}; run unmask-lab collect first")
        for r in table.to_pylist():
            points = np.float32(r["points"]).reshape(5, 2)
            rows.append(
                Row(
                    r["image"],
                    r["label"],
                    r["source"],
                    str(r["identity"]),
                    str(r["clip"]),
                    r["made_from"],
                    r["licence"],
                    points,
                )
            )
    if not rows:
        raise DataError("the data set is empty")
    return rows


def refuse_leak(train: Sequence[Row], held_out: Sequence[Row]) -> None:
    """Raises DataError where a person is on both sides of a split."""
    both = {row.identity for row in train} & {row.identity for row in held_out}
    if both:
        raise DataError(f"the split leaks: {len(both)} identities are on both sides, e.g. {min(both)}")
