"""Adds points to face crops by the runtime's own finder, so that training sees what is served."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unmask import faces
from unmask.types import Rgb
from unmask_lab.data import COLUMNS, DataError, decode, table
from unmask_lab.landmarks import face_mesh

MARGIN = 0.25
"""Padding around a crop before the search, in parts of a side.

A face that fills its picture is not found.
"""


def collect(source: Path, target: Path) -> tuple[int, list[str]]:
    """Adds the columns ``points`` and ``mesh`` to a Parquet file of face crops.

    Returns:
        How many faces were kept, and for each row left out a line that says which and why.

    Raises:
        DataError: the file is missing, no Parquet file, or lacks a column.
    """
    rows = table(source, COLUMNS)
    points: list[list[float]] = []
    meshes: list[list[float] | None] = []
    kept: list[int] = []
    left_out: list[str] = []
    for i, (image, clip) in enumerate(
        zip(rows["image"].to_pylist(), rows["clip"].to_pylist(), strict=True)
    ):
        try:
            rgb = decode(image)
            found = five_points(rgb)
        except DataError as error:
            left_out.append(f"row {i} ({clip}): {error}")
            continue
        if found is None:
            left_out.append(f"row {i} ({clip}): no face found")
            continue
        kept.append(i)
        points.append(found.ravel().tolist())
        mesh = face_mesh(rgb, found)
        meshes.append(None if mesh is None else mesh.ravel().tolist())
        if i % 500 == 0:
            print(f"{source.name}: {i} of {rows.num_rows}", file=sys.stderr, flush=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    added = {"points": points, "mesh": meshes}
    found_rows = rows.take(kept)
    for name, values in added.items():
        found_rows = found_rows.append_column(name, pa.array(values, type=pa.list_(pa.float32())))
    partial = target.with_suffix(".partial")
    pq.write_table(found_rows, partial)
    partial.replace(target)
    return len(kept), left_out


def five_points(rgb: Rgb) -> NDArray[np.float32] | None:
    """Finds the points, float32 ``(5, 2)`` px, of the most central large face of a crop.

    Returns None if there is none.
    """
    h, w = rgb.shape[:2]
    pad = int(MARGIN * max(h, w))
    padded = np.asarray(
        cv2.copyMakeBorder(rgb, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=(127, 127, 127)),
        np.uint8,
    )
    found = faces.find(padded, search_px=320, confidence=0.4)
    if not found:
        return None
    centre = np.array([w / 2 + pad, h / 2 + pad], np.float32)
    best = min(
        found,
        key=lambda f: float(np.hypot(*(f.points.mean(axis=0) - centre))) / (f.box[2] - f.box[0]),
    )
    return best.points - np.array([pad, pad], np.float32)
