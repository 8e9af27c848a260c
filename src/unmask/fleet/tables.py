"""The tables of a scan: Parquet in Hive partitions, ``TABLE/configuration=C/day=D/PART.parquet``.

A part of a table appears whole or not at all: it is written beside its place, synced and renamed.
Rows that belong together are written under one part name, results last. A part that ``results``
does not have was never finished, and the next scan deletes it.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from unmask.fleet.durable import replacing

VERSION = 1
"""Version of the tables; raised whenever a column changes its meaning or is removed."""

Row = dict[str, Any]
Rows = Mapping[str, Sequence[Row]]
"""Rows by the name of their table."""

MOMENT = pa.timestamp("us", "UTC")
SPAN = pa.struct([("start", pa.float64()), ("end", pa.float64())])


class Column(NamedTuple):
    """One column: its type, and its meaning."""

    type: pa.DataType
    meaning: str


CONTENT = {"sha256": Column(pa.string(), "of the content, hexadecimal")}
ADDRESS = {
    "part": Column(pa.string(), "name of the part that the row was written with"),
}
PERSON = {"person": Column(pa.int32(), "number of the person in this content, from 1")}

TABLES: Mapping[str, Mapping[str, Column]] = {
    "files": {
        "path": Column(pa.string(), "address of the file, absolute"),
        "size_bytes": Column(pa.int64(), "when it was listed"),
        "written": Column(MOMENT, "when it was last written, as its folder or bucket says"),
        "sha256": Column(
            pa.string(), "of the content, hexadecimal; null where it was not read, or has gone"
        ),
        "problem": Column(
            pa.string(),
            "why it could not be read, and then sha256 is null; it is tried again by the next scan",
        ),
        "seen": Column(MOMENT, "when the scan read it, or missed it"),
    },
    "results": {
        **CONTENT,
        "outcome": Column(
            pa.string(),
            "changed, licensed change, no change found, cannot tell, no face; "
            "null where not judged",
        ),
        "verdict": Column(pa.string(), "the same, but cannot tell where nobody is in the picture"),
        "log10_lr": Column(
            pa.float64(),
            "log10 of the likelihood ratio changed : bona fide; null where it cannot be told",
        ),
        "posterior": Column(pa.float64(), "what a stated prior makes of it, 0 to 1"),
        "reason": Column(pa.string(), "one sentence for the verdict"),
        "reason_code": Column(pa.string(), "code of that sentence"),
        "basis": Column(pa.string(), "measured or declared; null where it cannot be told"),
        "error": Column(pa.string(), "why it could not be judged, a clause; null where it was"),
        "error_code": Column(pa.string(), "code of that clause"),
        "people": Column(pa.int32(), "how many were followed"),
        "kind": Column(pa.string(), "photo or video"),
        "container": Column(pa.string(), "as mp4 or jpeg"),
        "codec": Column(pa.string(), "as h264 or jpeg"),
        "width": Column(pa.int32(), "of the upright picture, px"),
        "height": Column(pa.int32(), "of the upright picture, px"),
        "duration": Column(pa.float64(), "s; 0 for a photo"),
        "size_bytes": Column(pa.int64(), "of the content"),
        "limits": Column(pa.list_(pa.string()), "codes of what limits the answer"),
        "originals": Column(pa.list_(pa.string()), "sha256 of the known originals that it shows"),
        "ai_declared": Column(
            pa.bool_(), "whether it declares AI; null where no folder of licences was given"
        ),
        "seconds": Column(
            pa.float64(), "that judging it took, by the clock; null where its workers died"
        ),
        "checked": Column(MOMENT, "when it was judged"),
        **ADDRESS,
    },
    "people": {
        **CONTENT,
        **PERSON,
        "verdict": Column(pa.string(), "on this person"),
        "log10_lr": Column(
            pa.float64(),
            "log10 of the likelihood ratio changed : bona fide; null where it cannot be told",
        ),
        "reason": Column(pa.string(), "one sentence for the verdict"),
        "reason_code": Column(pa.string(), "code of that sentence"),
        "basis": Column(pa.string(), "measured or declared; null where it cannot be told"),
        "spans": Column(pa.list_(SPAN), "when the face is judged changed, s"),
        "first_seen": Column(pa.float64(), "s"),
        "last_seen": Column(pa.float64(), "s"),
        "sightings": Column(pa.int32(), "how often the face was seen"),
        "judged": Column(pa.int32(), "how often it was seen well enough to be judged"),
        "face_px": Column(pa.float64(), "median width of the face, px"),
        **ADDRESS,
    },
    "findings": {
        **CONTENT,
        **PERSON,
        "line": Column(pa.string(), "line of evidence"),
        "status": Column(pa.string(), "ran, not_applicable or failed"),
        "score": Column(
            pa.float64(), "in the line's own unit, meaningless until calibrated; null unless it ran"
        ),
        "log10_lr": Column(
            pa.float64(), "what it adds to the lines before it; null where it weighed nothing"
        ),
        "summary": Column(pa.string(), "one sentence"),
        "summary_code": Column(pa.string(), "code of that sentence"),
        **ADDRESS,
    },
    "sketches": {
        **CONTENT,
        "times": Column(pa.list_(pa.float64()), "of the frames that were hashed, s"),
        "frame": Column(
            pa.list_(pa.int32()), "of each hash: which of these frames it is from, from 0"
        ),
        "hashes": Column(pa.binary(), "256 bits each, of a region of that frame"),
        "places": Column(
            pa.binary(), "three float32 each: x, y and size of the region, in widths of the frame"
        ),
        "aspect": Column(pa.float64(), "height of the frames, in widths"),
        **ADDRESS,
    },
    "groups": {
        **CONTENT,
        "group": Column(
            pa.string(), "sha256 of one content of the group: near-duplicates have the same"
        ),
    },
}
"""Every table and its columns.

The folders add the columns ``configuration`` and ``day`` (UTC, of writing); ``groups`` has neither,
``files`` only ``day``.
"""

OF_A_RESULT = ("sketches", "findings", "people", "results")
"""Tables whose rows belong together, in the order in which they are written."""

PARTS = {
    **dict.fromkeys(OF_A_RESULT, "configuration=*/day=*/*.parquet"),
    "files": "day=*/*.parquet",
    "groups": "*.parquet",
}
"""Patterns of the parts of each table, in its folder."""

SCRATCH = "unmask-scratch"
"""Name of the folder for temporary files, beside the tables; everything in it is deleted."""


@cache
def schema(table: str) -> pa.Schema:
    """Returns the Arrow schema of a table, with the meaning of each column and the version."""
    fields = [
        pa.field(name, column.type, metadata={"meaning": column.meaning})
        for name, column in TABLES[table].items()
    ]
    return pa.schema(fields, metadata={"unmask_fleet": str(VERSION)})


class Tables:
    """The tables in a folder, under one configuration. Only one process at a time may write.

    Args:
        folder: folder of the scan; made if missing.
        configuration: its name, see `unmask.fleet.configuration`.
    """

    def __init__(self, folder: Path, configuration: str) -> None:
        self._folder, self._configuration = folder, configuration
        self._groups = folder / "groups" / "groups.parquet"

    def commit(self, rows: Rows) -> None:
        """Writes rows so that they outlive a power cut.

        The rows of one result are written all together or not at all.
        """
        part = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
        day = f"day={datetime.now(UTC):%Y-%m-%d}"
        if rows.get("files"):
            _write("files", rows["files"], self._folder / "files" / day / f"{part}.parquet")
        if rows.get("results"):
            for table in OF_A_RESULT:
                where = self._folder / table / f"configuration={self._configuration}" / day
                if some := [{**row, "part": part} for row in rows.get(table, ())]:
                    _write(table, some, where / f"{part}.parquet")

    def replace_groups(self, rows: Sequence[Row], of: str) -> None:
        """Writes the groups of all contents anew; ``of`` is `sketched` at that time."""
        _write("groups", rows, self._groups, {"sketched": of})

    def sketched(self) -> str:
        """Returns a digest of the names of all parts with sketches, of all configurations.

        If it differs, the groups may.
        """
        names = sorted(path.name for path in (self._folder / "sketches").glob(PARTS["sketches"]))
        return hashlib.sha256("\n".join(names).encode()).hexdigest()

    def grouped(self) -> str | None:
        """Returns the value of `sketched` that the groups were made from; None without groups."""
        if not self._groups.exists():
            return None
        metadata = pq.read_schema(self._groups).metadata
        return str(metadata.get(b"sketched", b"").decode())

    def tidy(self) -> None:
        """Deletes the unfinished files of a scan that was killed."""
        for table, parts in PARTS.items():
            for path in (self._folder / table).glob(f"{parts}.tmp"):
                path.unlink()
        whole = {path.relative_to(self._folder / "results") for path in self._parts("results")}
        for table in OF_A_RESULT[:-1]:
            for path in self._parts(table):
                if path.relative_to(self._folder / table) not in whole:
                    path.unlink()

    def done(self) -> set[str]:
        """Returns the sha256 of every content that has its result under this configuration."""
        return {row["sha256"] for row in self._read("results", ["sha256"])}

    def files(self) -> Iterator[Row]:
        """Yields every row of ``files`` without ``seen``, in the order of writing."""
        yield from self._read("files", ["path", "size_bytes", "written", "sha256", "problem"])

    def _parts(self, table: str) -> list[Path]:
        """Lists the files of a table in the order in which they were written.

        Of a table by configuration, only this configuration's.
        """
        folder = "" if table == "files" else f"configuration={self._configuration}/"
        return sorted(
            (self._folder / table).glob(f"{folder}day=*/*.parquet"), key=lambda path: path.name
        )

    def _read(self, table: str, columns: list[str]) -> Iterator[Row]:
        for path in self._parts(table):
            yield from pq.read_table(path, columns=columns, partitioning=None).to_pylist()


def _write(
    table: str, rows: Sequence[Row], path: Path, more: Mapping[str, str] = MappingProxyType({})
) -> None:
    columns = schema(table)
    columns = columns.with_metadata({**columns.metadata, **more})
    with replacing(path) as file:
        pq.write_table(pa.Table.from_pylist(list(rows), columns), file, compression="zstd")
