"""Data sets of faces: a row per face, with JPEG bytes, label, source, identity and five points.

A data set is a Parquet file with at least the columns of `COLUMNS`; `collect` adds the points, or
makes the whole file from photos and videos. Changed rows may name in ``made_from`` the clip of the
bona fide row that they were made from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unmask.types import Rgb

COLUMNS = ("image", "label", "source", "identity", "clip", "made_from", "licence")
BONA_FIDE, CHANGED = 0, 1


class DataError(Exception):
    """Error: a data set cannot be used as it is; the text says which file and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One face: its JPEG, label (0 bona fide, 1 changed), provenance, and points.

    ``points`` are the five points, float32 ``(5, 2)`` px. ``mesh`` is the face mesh, float32
    ``(468, 2)`` px, see `unmask_lab.landmarks`; None where it was not found or not searched.
    """

    jpeg: bytes
    label: int
    source: str
    identity: str
    clip: str
    made_from: str | None
    licence: str
    points: NDArray[np.float32]
    mesh: NDArray[np.float32] | None = None

    @property
    def rgb(self) -> Rgb:
        """Decoded image, uint8 ``(h, w, 3)``."""
        return decode(self.jpeg)


def decode(jpeg: bytes) -> Rgb:
    """Decodes an image; raises DataError if the bytes are no image."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise DataError("a row's image cannot be decoded")
    return np.asarray(image, np.uint8)


def table(path: Path, columns: Collection[str]) -> pa.Table:
    """Reads a Parquet file as it is.

    Raises:
        DataError: it is missing, no Parquet file, or lacks one of ``columns``.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; check its name, or run unmask-lab collect first")
    try:
        found = pq.read_table(path)
    except pa.ArrowException as error:
        raise DataError(
            f"{path}: cannot be read as Parquet; collect it again ({str(error).splitlines()[0]})"
        ) from error
    if missing := set(columns) - set(found.column_names):
        raise DataError(
            f"{path}: lacks the columns {', '.join(sorted(missing))}; run unmask-lab collect first"
        )
    return found


def read(paths: Iterable[Path]) -> list[Row]:
    """Reads the rows of collected files, in order.

    Raises:
        DataError: a file is missing, no Parquet file, or lacks a column; or there are no rows at
            all.
    """
    rows: list[Row] = []
    for path in paths:
        found = table(path, {*COLUMNS, "points"})
        wanted = [*COLUMNS, "points", *({"mesh"} & set(found.column_names))]
        for r in found.select(wanted).to_pylist():
            points = np.float32(r["points"]).reshape(5, 2)
            mesh = r.get("mesh")
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
                    None if mesh is None else np.float32(mesh).reshape(-1, 2),
                )
            )
    if not rows:
        raise DataError("the data set is empty")
    return rows


def refuse_empty_class(rows: Sequence[Row], *labels: int) -> None:
    """Raises DataError if one of ``labels`` has no row."""
    for label in set(labels) - {row.label for row in rows}:
        name = "changed" if label == CHANGED else "bona fide"
        raise DataError(
            f"none of {len(rows)} rows is {name} (label {label}); "
            "add a data set that has such faces"
        )


def never_seen(trained_on: Iterable[Path], *held_out: Iterable[Path]) -> list[list[Row]]:
    """Reads sets to measure on; refuses them if one of their people was trained on.

    Raises:
        DataError: the split leaks, or a file cannot be used.
    """
    seen, sets = read(trained_on), [read(paths) for paths in held_out]
    refuse_leak(seen, [row for rows in sets for row in rows])
    return sets


def refuse_leak(train: Sequence[Row], held_out: Sequence[Row]) -> None:
    """Raises DataError if a person is on both sides of a split.

    Also if the training side has no bona fide face.
    """
    refuse_empty_class(train, BONA_FIDE)
    both = {row.identity for row in train} & {row.identity for row in held_out}
    if both:
        raise DataError(
            f"the split leaks: {len(both)} identities are on both sides, e.g. {min(both)}"
        )
