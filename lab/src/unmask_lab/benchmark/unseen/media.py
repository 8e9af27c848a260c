"""Files to measure on, each with its ground truth.

Stills come from Parquet files, clips from a folder with ``labels.csv``. For measuring only: nothing
is trained on these sets, and no threshold, calibration or combination is fitted to them.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

from unmask.types import Rgb
from unmask_lab.benchmark.unseen.halves import Place, cut, where_they_differ
from unmask_lab.data import BONA_FIDE, COLUMNS, DataError, decode, table

LABELS = ("file", "side", "label", "source", "method", "identity")
"""Columns of ``labels.csv``; ``side`` is ``left``, ``right`` or empty for the whole frame."""


@dataclass(frozen=True, slots=True)
class Medium:
    """Photo or clip, and whether its face was changed.

    Attributes:
        path: of the file.
        label: 0 bona fide, 1 changed.
        source: name of the set.
        method: that changed it; "" if bona fide or not known.
        identity: whose head it is.
        clip: names the still or clip within its set.
        made_from: the ``clip`` of the bona fide one that a changed one was made from; "" if not
            known.
        place: where the face that counts is, px of the picture; None for the largest.
    """

    path: Path
    label: int
    source: str
    method: str
    identity: str
    clip: str
    made_from: str = ""
    place: Place | None = None

    @property
    def rgb(self) -> Rgb:
        """Picture of a still, uint8 ``(h, w, 3)``."""
        return decode(self.path.read_bytes())


def stills(source: Path, folder: Path) -> list[Medium]:
    """Reads the pictures of a Parquet file and writes each to a folder as the JPEG that it is.

    Raises:
        DataError: the file is missing, no Parquet file, or lacks a column.
    """
    folder.mkdir(parents=True, exist_ok=True)
    media = []
    for row in table(source, COLUMNS).to_pylist():
        path = folder / f"{hashlib.sha256(row['image']).hexdigest()}.jpg"
        if not path.is_file():
            path.write_bytes(row["image"])
        about = (row["source"], row.get("method") or "", str(row["identity"]), str(row["clip"]))
        media.append(Medium(path, row["label"], *about, row["made_from"] or ""))
    return media


def clips(source: Path, folder: Path) -> list[Medium]:
    """Reads the clips that ``labels.csv`` in a folder names.

    Halves of one clip are written as clips of their own to another folder.

    Raises:
        DataError: ``labels.csv`` or a clip is missing, or a column.
    """
    labels = source / "labels.csv"
    if not labels.is_file():
        raise DataError(f"{labels}: no such file; it says which clip is changed, and how")
    with labels.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if missing := set(LABELS) - set(rows[0] if rows else ()):
        raise DataError(f"{labels}: lacks the columns {', '.join(sorted(missing))}")
    return [_clip(source, row, folder) for row in rows]


def _clip(source: Path, row: dict[str, str], folder: Path) -> Medium:
    path = source / row["file"]
    if not path.is_file():
        raise DataError(f"{path}: no such clip, though labels.csv names it")
    place = None
    if row["side"]:
        place = where_they_differ(path)
        path = cut(path, row["side"], folder / f"{path.stem}-{row['side']}.mp4")
    label = int(row["label"])
    original = row["file"] if label != BONA_FIDE and row["side"] else ""
    return Medium(
        path, label, row["source"], row["method"], row["identity"], row["file"], original, place
    )
