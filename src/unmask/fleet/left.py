"""Files of a source that earlier scans left to be read, and files that have gone since."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass

from unmask.errors import encodable
from unmask.fleet import rows
from unmask.fleet.source import Item, Listing, prefix
from unmask.fleet.tables import Row, Tables


@dataclass(frozen=True, slots=True)
class Left:
    """State of a source before a scan.

    Attributes:
        items: files whose content is unknown, or has no result; of files known to have the same
            content, one.
        known: paths of files whose content is known, as they are listed now.
        gone: newest rows of files that the source no longer has.
    """

    items: tuple[Item, ...]
    known: frozenset[str]
    gone: tuple[Row, ...]


def left(source: str, found: Listing, tables: Tables, done: Set[str]) -> Left:
    """Compares the files of a source with those in the tables.

    If some of the source could not be listed, nothing is reported as gone: a disk that is not
    mounted looks empty, too.

    Args:
        source: source that was listed.
        found: files found in it.
        tables: tables of earlier scans.
        done: sha256 of every content that has its result.
    """
    seen = {row["path"]: row for row in tables.files()}
    items, known, queued = [], set(), set(done)
    for item in found.items:
        sha256 = _sha256(item, seen.get(encodable(item.path)))
        if sha256:
            known.add(item.path)
        if sha256 not in queued:
            items.append(item)
        if sha256:
            queued.add(sha256)
    gone = () if found.unreadable else tuple(_gone(source, found.items, seen.values()))
    return Left(tuple(items), frozenset(known), gone)


def _sha256(item: Item, row: Row | None) -> str | None:
    """Returns the sha256 of a file's content if the file is unchanged since it was read."""
    same = row and (row["size_bytes"], row["written"]) == (item.size, rows.moment(item.written))
    return row["sha256"] if row and same else None


def _gone(source: str, items: Iterable[Item], seen: Iterable[Row]) -> Iterable[Row]:
    there, within = {encodable(item.path) for item in items}, encodable(prefix(source))
    for row in seen:
        was_there = row["sha256"] or row["problem"]
        if was_there and row["path"].startswith(within) and row["path"] not in there:
            yield row
