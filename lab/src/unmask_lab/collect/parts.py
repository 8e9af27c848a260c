"""Intermediate results: one Parquet file per media file, complete or absent, merged at the end."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unmask.models import CENTERFACE_SHA256
from unmask_lab.collect import identity
from unmask_lab.collect.look import Found, LookSettings

VERSION = 3
"""Version of a part's content; parts of another version are made anew."""

FLOATS = pa.list_(pa.float32())
QUALITY = pa.struct(
    [(name, pa.float32()) for name in ("size_px", "sharpness", "yaw", "blockiness")]
)
PART = pa.schema(
    [
        ("image", pa.binary()),
        ("points", FLOATS),
        ("mesh", FLOATS),
        ("box", FLOATS),
        ("time", pa.float64()),
        ("quality", QUALITY),
        ("track", pa.int32()),
        ("embedding", FLOATS),
    ]
)
DATA = pa.schema(
    [
        ("image", pa.binary()),
        ("label", pa.int8()),
        *((name, pa.string()) for name in ("source", "identity", "clip", "made_from", "licence")),
        ("points", FLOATS),
        ("mesh", FLOATS),
        ("quality", QUALITY),
        ("time", pa.float64()),
        (
            "provenance",
            pa.struct([("file", pa.string()), ("sha256", pa.string()), ("box", FLOATS)]),
        ),
    ]
)
"""Columns of a data set collected from media.

``time`` is in seconds, ``box`` in px of the frame, ``sha256`` is that of the whole file.
"""


@dataclass(frozen=True, slots=True)
class MediaPart:
    """Faces of one media file, and what is declared of it.

    Attributes:
        path: of the part.
        file: name of the media file.
        sha256: of the media file.
        source: where it comes from.
    """

    path: Path
    file: str
    sha256: str
    source: str

    def name(self, track: int) -> str:
        """Returns the name of one of its tracks, the same in every run."""
        return f"{self.sha256[:16]}-{track}"


def place(folder: Path, sha256: str, settings: LookSettings) -> Path:
    """Returns the path of a media file's part.

    It differs for other settings, another finder, or an embedding where there was none.
    """
    made_with = {
        "version": VERSION,
        "finder": CENTERFACE_SHA256,
        "embedded": identity.available(),
        **asdict(settings),
    }
    digest = hashlib.sha256(json.dumps(made_with, sort_keys=True).encode()).hexdigest()
    return folder / f"{sha256[:32]}-{digest[:8]}.parquet"


def write(path: Path, found: Sequence[Found], left_out: Counter[str]) -> None:
    """Writes a part atomically."""
    rows = [
        {
            "image": f.jpeg,
            "points": f.points.ravel(),
            "mesh": None if f.mesh is None else f.mesh.ravel(),
            "box": f.box,
            "time": f.time,
            "quality": asdict(f.quality),
            "track": f.track,
            "embedding": f.embedding,
        }
        for f in found
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    pq.write_table(
        pa.Table.from_pylist(rows, PART.with_metadata({"left_out": json.dumps(left_out)})), partial
    )
    partial.replace(path)


def counted(path: Path) -> tuple[int, Counter[str]]:
    """Counts the faces of a part, and those left out by reason."""
    with pq.ParquetFile(path) as part:
        return part.metadata.num_rows, Counter(json.loads(part.schema_arrow.metadata[b"left_out"]))


def merge(parts: Sequence[MediaPart], target: Path, label: int, licence: str) -> int:
    """Writes one data set from all parts, atomically, with one part in memory at a time.

    Returns:
        How many people are in it.
    """
    embeddings: dict[str, NDArray[np.float32] | None] = {}
    for part in parts:
        tracks = pq.read_table(part.path, columns=["track", "embedding"]).to_pylist()
        for t in tracks:
            mean = t["embedding"]
            embeddings[part.name(t["track"])] = None if mean is None else np.array(mean, np.float32)
    person = identity.people(embeddings)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    with pq.ParquetWriter(partial, DATA) as writer:
        for part in parts:
            rows = list(_rows(part, person, label, licence))
            writer.write_table(pa.Table.from_pylist(rows, DATA))
    partial.replace(target)
    return len(set(person.values()))


def _rows(
    part: MediaPart, person: dict[str, str], label: int, licence: str
) -> Iterator[dict[str, Any]]:
    for found in pq.read_table(part.path).to_pylist():
        track = part.name(found["track"])
        yield {
            **{name: found[name] for name in ("image", "points", "mesh", "quality", "time")},
            "label": label,
            "source": part.source,
            "identity": person[track],
            "clip": f"{track}@{found['time']:.3f}",
            "made_from": None,
            "licence": licence,
            "provenance": {"file": part.file, "sha256": part.sha256, "box": found["box"]},
        }
