"""Store of known originals: who registered what, hashes of its frames, and their thumbnails.

The footage itself is never kept. There is one row per registration, one per file whose frames are
known, one per frame; two owners of one file share its frames. What was committed stays: an
interrupted registration goes on where it stopped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.errors import OriginalsError
from unmask.originals.database import IndexDatabase, opened_database
from unmask.originals.hashing import Regions
from unmask.types import Kind, MediaFacts, Original, Seal

FORMAT = 1
"""Format of the tables and of the hashes in them.

Another format is refused, never converted or overwritten.
"""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS about (format INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS footage (id {counter}, sha256 TEXT NOT NULL UNIQUE,"
    " name TEXT NOT NULL, kind TEXT NOT NULL,"
    " duration {real} NOT NULL, complete INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS registrations (id {counter}, footage INTEGER NOT NULL,"
    " title TEXT NOT NULL,"
    " owner TEXT NOT NULL, registered_at TEXT NOT NULL, UNIQUE (footage, owner))",
    "CREATE TABLE IF NOT EXISTS moments (id {counter}, footage INTEGER NOT NULL,"
    " seconds {real} NOT NULL,"
    " hashes {bytes} NOT NULL, places {bytes} NOT NULL, UNIQUE (footage, seconds))",
    "CREATE TABLE IF NOT EXISTS thumbnails (footage INTEGER NOT NULL, seconds {real} NOT NULL,"
    " jpeg {bytes} NOT NULL,"
    " PRIMARY KEY (footage, seconds))",
    "CREATE TABLE IF NOT EXISTS credentials (footage BIGINT PRIMARY KEY, seal TEXT NOT NULL,"
    " signer TEXT NOT NULL)",
)
"""Older versions do not know the last one, and need not."""

_OF_NO_FOOTAGE = "DELETE FROM credentials WHERE footage NOT IN (SELECT id FROM footage)"
"""Deletes what an older version left when it removed footage."""


@dataclass(frozen=True, slots=True)
class IndexedFrame:
    """One frame of an original: its time in seconds, its regions, and a thumbnail as JPEG bytes."""

    time: float
    regions: Regions
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Hashes:
    """All hashes from some moment on, as an index needs them.

    Attributes:
        last: number of the last moment, 0 if there is none.
        moments: number of moments.
        footage, times: int64 and float64 ``(m,)`` of each moment that has hashes.
        counts: int64 ``(m,)``: number of hashes of each.
        hashes: uint64 ``(n, 4)``, the moments' one after the other.
        places: float32 ``(n, 3)``: x, y and size, in widths of the frame.
    """

    last: int
    moments: int
    footage: NDArray[np.int64]
    times: NDArray[np.float64]
    counts: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    places: NDArray[np.float32]


class Store:
    """The tables of one database; see the module. Made by `opened_store`.

    Args:
        database: open.
        with_credentials: whether it has the table of credentials; indexes of older versions lack
            it until they are written to.
    """

    def __init__(self, database: IndexDatabase, with_credentials: bool) -> None:
        self._db, self._with_credentials = database, with_credentials

    def register(
        self, facts: MediaFacts | Original, name: str, title: str | None, owner: str
    ) -> tuple[int, bool]:
        """Registers an owner of a file.

        Returns the number of the file's footage and whether all its frames are known already. The
        same file of the same owner is registered once; another title replaces the older one.
        Without a title the older one stays, and a new registration is called by the file's name
        without its ending.
        """
        with self._db.transaction():
            self._db.run(
                "INSERT INTO footage (sha256, name, kind, duration, complete)"
                " VALUES (:sha256, :name, :kind, :duration, 0)"
                " ON CONFLICT (sha256) DO NOTHING",
                sha256=facts.sha256, name=name, kind=str(facts.kind), duration=facts.duration,
            )  # fmt: skip
            ((footage, complete),) = self._db.run(
                "SELECT id, complete FROM footage WHERE sha256 = :sha256", sha256=facts.sha256
            )
            self._db.run(
                "INSERT INTO registrations (footage, title, owner, registered_at)"
                " VALUES (:footage, :title, :owner, :now)"
                " ON CONFLICT (footage, owner) DO UPDATE"
                " SET title = coalesce(CAST(:given AS TEXT), registrations.title)",
                footage=footage, title=Path(name).stem if title is None else title,
                owner=owner, given=title,
                now=datetime.now(UTC).isoformat(timespec="seconds"),
            )  # fmt: skip
        return footage, bool(complete)

    def add_credentials(self, footage: int, seal: Seal, signer: str) -> None:
        """Keeps what the content credentials of a registered file said; the first answer stays."""
        self._db.run(
            "INSERT INTO credentials (footage, seal, signer) VALUES (:footage, :seal, :signer)"
            " ON CONFLICT DO NOTHING",
            footage=footage, seal=str(seal), signer=signer,
        )  # fmt: skip

    def footage(self, sha256: str) -> int | None:
        """Returns the number of a file's footage; None if it is not registered."""
        found = self._db.run("SELECT id FROM footage WHERE sha256 = :sha256", sha256=sha256)
        return int(found[0][0]) if found else None

    def times(self, footage: int) -> list[float]:
        """Returns the times of the known frames of some footage, s, in order."""
        found = self._db.run(
            "SELECT seconds FROM moments WHERE footage = :footage ORDER BY seconds", footage=footage
        )
        return [seconds for (seconds,) in found]

    def add(self, footage: int, moments: Sequence[IndexedFrame]) -> None:
        """Adds frames of some footage, all or none; those already known stay as they are."""
        with self._db.transaction():
            for moment in moments:
                row = {"footage": footage, "seconds": moment.time}
                self._db.run(
                    "INSERT INTO moments (footage, seconds, hashes, places)"
                    " VALUES (:footage, :seconds, :hashes, :places)"
                    " ON CONFLICT DO NOTHING",
                    **row, hashes=moment.regions.hashes.astype("<u8").tobytes(),
                    places=moment.regions.places.astype("<f2").tobytes(),
                )  # fmt: skip
                self._db.run(
                    "INSERT INTO thumbnails (footage, seconds, jpeg)"
                    " VALUES (:footage, :seconds, :jpeg)"
                    " ON CONFLICT DO NOTHING",
                    **row, jpeg=moment.jpeg,
                )  # fmt: skip

    def moments(self, sha256: str) -> list[IndexedFrame]:
        """Returns all that is known of a file's frames, in order of time."""
        found = self._db.run(
            "SELECT m.seconds, m.hashes, m.places, t.jpeg"
            " FROM footage f JOIN moments m ON m.footage = f.id"
            " JOIN thumbnails t ON t.footage = f.id AND t.seconds = m.seconds"
            " WHERE f.sha256 = :sha256 ORDER BY m.seconds",
            sha256=sha256,
        )
        return [
            IndexedFrame(seconds, _regions(hashes, places), bytes(jpeg))
            for seconds, hashes, places, jpeg in found
        ]

    def finish(self, footage: int) -> None:
        """Marks some footage as complete: all its frames are known."""
        self._db.run("UPDATE footage SET complete = 1 WHERE id = :footage", footage=footage)

    def originals(self, footage: int | None = None) -> tuple[Original, ...]:
        """Returns all registrations, or those of some footage, in order of registration."""
        kept, more = (
            ("c.seal, c.signer", " LEFT JOIN credentials c ON c.footage = f.id")
            if self._with_credentials
            else ("NULL, NULL", "")
        )
        found = self._db.run(
            "SELECT r.id, r.title, r.owner, f.name, f.sha256, f.kind, f.duration,"  # noqa: S608
            " (SELECT count(*) FROM moments m WHERE m.footage = f.id), f.complete, r.registered_at,"
            f" {kept} FROM registrations r JOIN footage f ON f.id = r.footage{more}"
            " WHERE :every = 1 OR f.id = :footage ORDER BY r.id",
            every=int(footage is None), footage=footage or 0,
        )  # fmt: skip
        return tuple(map(_original, found))

    def remove(self, number: int) -> Original | None:
        """Removes a registration and returns it; None if there is none with that number.

        The frames are removed with the last registration of their footage.
        """
        gone = next((original for original in self.originals() if original.id == number), None)
        if gone is None:
            return None
        with self._db.transaction():
            self._db.run("DELETE FROM registrations WHERE id = :number", number=number)
            for table, key in (
                ("moments", "footage"),
                ("thumbnails", "footage"),
                ("credentials", "footage"),
                ("footage", "id"),
            ):
                self._db.run(
                    f"DELETE FROM {table} WHERE {key} IN"  # noqa: S608
                    " (SELECT id FROM footage WHERE sha256 = :sha256)"
                    " AND NOT EXISTS (SELECT 1 FROM registrations r"
                    " JOIN footage f ON f.id = r.footage"
                    " WHERE f.sha256 = :sha256)",
                    sha256=gone.sha256,
                )
        return gone

    def thumbnail(self, footage: int, time: float) -> bytes | None:
        """Returns the JPEG of the frame at ``time`` seconds, None if it was removed meanwhile."""
        found = self._db.run(
            "SELECT jpeg FROM thumbnails WHERE footage = :footage AND seconds = :seconds",
            footage=footage,
            seconds=time,
        )
        return bytes(found[0][0]) if found else None

    def state(self, last: int) -> tuple[int, int]:
        """Counts the moments up to the one numbered ``last``, and those after it."""
        ((until,),) = self._db.run("SELECT count(*) FROM moments WHERE id <= :last", last=last)
        ((after,),) = self._db.run("SELECT count(*) FROM moments WHERE id > :last", last=last)
        return until, after

    def hashes(self, after: int = 0) -> Hashes:
        """Returns the hashes of all moments numbered above ``after``."""
        rows = self._db.run(
            "SELECT id, footage, seconds, hashes, places FROM moments"
            " WHERE id > :after ORDER BY id",
            after=after,
        )
        told = [row for row in rows if len(row[3])]
        regions = _regions(b"".join(row[3] for row in told), b"".join(row[4] for row in told))
        return Hashes(
            last=rows[-1][0] if rows else after,
            moments=len(rows),
            footage=np.array([row[1] for row in told], np.int64),
            times=np.array([row[2] for row in told], np.float64),
            counts=np.array([len(row[3]) // 32 for row in told], np.int64),
            hashes=regions.hashes,
            places=regions.places,
        )


def _original(row: tuple[Any, ...]) -> Original:
    number, title, owner, name, sha256, kind, duration, frames, complete, at, seal, signer = row
    return Original(
        number, title, owner, name, sha256, Kind(kind), duration, frames, bool(complete), at,
        None if seal is None else Seal(seal), signer or "",
    )  # fmt: skip


def _regions(hashes: bytes, places: bytes) -> Regions:
    return Regions(
        np.frombuffer(hashes, "<u8").reshape(-1, 4).astype(np.uint64, copy=False),
        np.frombuffer(places, "<f2").reshape(-1, 3).astype(np.float32),
    )


@contextmanager
def opened_store(where: str | os.PathLike[str], writing: bool = False) -> Iterator[Store]:
    """Opens the store in a folder or at a ``postgresql://`` address.

    A new store is made if there is none and ``writing``.

    Raises:
        OriginalsError: it cannot be opened, or is of another format: nothing is written then.
    """
    with opened_database(where, writing) as database:
        tables = {name for (name,) in database.run(database.listing)}
        _check_format(database, writing, new="about" not in tables)
        if writing:
            database.run(_OF_NO_FOOTAGE if "credentials" in tables else _TABLES[-1])
        yield Store(database, writing or "credentials" in tables)


def _check_format(database: IndexDatabase, writing: bool, new: bool) -> None:
    if new and not writing:
        raise OriginalsError(
            database.where, "it holds no index of originals", "make one: unmask originals add"
        )
    if new:
        with database.transaction():
            for table in _TABLES:
                database.run(table.format(**database.types))
            if not database.run("SELECT format FROM about"):
                database.run("INSERT INTO about (format) VALUES (:format)", format=FORMAT)
    ((found,),) = database.run("SELECT format FROM about")
    if found != FORMAT:
        newer = found > FORMAT
        way_out = (
            "install that version: pip install --upgrade unmask"
            if newer
            else "register the originals again"
        )
        said = (
            f"the index has format {found}, made by {'a newer' if newer else 'an older'}"
            " version of Unmask"
        )
        raise OriginalsError(database.where, f"{said}; this one reads {FORMAT}", way_out)
