"""Search for equal hashes among millions: multi-index hashing in NumPy.

The method is that of Norouzi, Punjani and Fleet (2012). Each hash is indexed by eight bands of 16
bits. A hash that differs in d of 256 bits from the sought one shares a whole band with it in most
cases (d = 16: 97 in 100; d = 32: 63), and a frame has dozens of hashes, so looking up bands is
enough. The index is built from the store's rows, holds 36 bytes a hash beside the hash, and is
never the only copy of anything. A folder keeps it as files that are mapped into memory, so that a
check need not rebuild it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unmask.originals.store import Hashes, Store

BANDS = 8
_BITS = 16
RADIUS = 36
"""Bits of 256 in which two hashes of one region may differ.

Hashes of unrelated frames come this near once in about 30,000 hashes of a frame compared with one
other frame. That is why votes are counted, and then checked.
"""

CROWDED = 16
"""Multiple of the usual number of hashes in a bucket, above which the bucket is skipped.

A value that so many regions share carries no information.
"""

USUAL = 32
"""Hashes in a bucket that count as usual even where there are fewer."""

TAIL = 0.1
"""Share of the moments that may be newer than an index's files before these are rebuilt."""


@dataclass(frozen=True, slots=True)
class Hits:
    """Hashes that were found, one entry each.

    Attributes:
        query: int64 ``(k,)``: number of the sought hash.
        footage, times: int64 and float64 ``(k,)``: footage and time, s, of the found hash.
        places: float32 ``(k, 3)``: x, y and size there, in widths of the frame.
    """

    query: NDArray[np.int64]
    footage: NDArray[np.int64]
    times: NDArray[np.float64]
    places: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Index:
    """Sorted bands over `Hashes`.

    Attributes:
        order: uint32 ``(8, n)``.
        starts: uint32 ``(8, 65537)``.
        moment: uint32 ``(n,)``.
    """

    footage: NDArray[np.int64]
    times: NDArray[np.float64]
    hashes: NDArray[np.uint64]
    places: NDArray[np.float32]
    moment: NDArray[np.uint32]
    order: NDArray[np.uint32]
    starts: NDArray[np.uint32]

    @classmethod
    def of(cls, known: Hashes) -> Index:
        """Builds the index with a radix sort per band."""
        moment = np.repeat(np.arange(known.counts.size, dtype=np.uint32), known.counts)
        order = np.empty((BANDS, len(known.hashes)), np.uint32)
        starts = np.empty((BANDS, (1 << _BITS) + 1), np.uint32)
        for band in range(BANDS):
            keys = _band(known.hashes, band)
            order[band] = np.argsort(keys, kind="stable")
            starts[band] = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=1 << _BITS))])
        return cls(known.footage, known.times, known.hashes, known.places, moment, order, starts)

    def search(self, hashes: NDArray[np.uint64], radius: int = RADIUS) -> Hits:
        """Finds hashes at most ``radius`` bits from those sought, uint64 ``(q, 4)``."""
        pairs = [self._in_band(hashes, band, radius) for band in range(BANDS)]
        both = np.unique(np.concatenate(pairs))
        query, found = (
            (both >> np.uint64(32)).astype(np.int64),
            (both & np.uint64(0xFFFFFFFF)).astype(np.int64),
        )
        moment = self.moment[found]
        return Hits(query, self.footage[moment], self.times[moment], self.places[found])

    def _in_band(self, hashes: NDArray[np.uint64], band: int, radius: int) -> NDArray[np.uint64]:
        """Returns pairs of a sought hash and one found by this band, packed into 64 bits."""
        keys = _band(hashes, band)
        begin = self.starts[band][keys].astype(np.int64)
        length = self.starts[band][keys.astype(np.int64) + 1].astype(np.int64) - begin
        length[length > CROWDED * max(USUAL, len(self.hashes) >> _BITS)] = 0
        query = np.repeat(np.arange(len(hashes)), length)
        within = np.arange(query.size) - np.repeat(np.cumsum(length) - length, length)
        found = self.order[band][np.repeat(begin, length) + within].astype(np.int64)
        close = _apart(hashes, query, self.hashes, found) <= radius
        return np.asarray(
            (query[close].astype(np.uint64) << np.uint64(32)) | found[close].astype(np.uint64)
        )


def _apart(
    a: NDArray[np.uint64],
    i: NDArray[np.int64],
    b: NDArray[np.uint64],
    j: NDArray[np.int64],
    block: int = 1 << 18,
) -> NDArray[np.int64]:
    """Counts the bits in which ``a[i]`` and ``b[j]`` differ, by blocks that fit in the cache.

    They are at most 240, because one band agrees.
    """
    bits = np.empty(i.size, np.int64)
    for at in range(0, i.size, block):
        part = slice(at, at + block)
        counts = np.bitwise_count(np.take(b, j[part], axis=0) ^ np.take(a, i[part], axis=0))
        # One multiplication adds the four byte counts of a row; a sum over a short axis is slow.
        bits[part] = (counts.view(np.uint32)[:, 0] * np.uint32(0x01010101)) >> np.uint32(24)
    return bits


def _band(hashes: NDArray[np.uint64], band: int) -> NDArray[np.uint16]:
    """Returns 16 of the 128 bits that tell which values are above the median.

    Each of these bits is set in half of all hashes.
    """
    octets = hashes.view(np.uint8).reshape(-1, 32)
    return np.asarray(
        octets[:, 2 * band] | octets[:, 2 * band + 1].astype(np.uint16) << 8, np.uint16
    )


@dataclass(frozen=True, slots=True)
class Searcher:
    """Searchable hashes of a store: the index kept in files, and a small one of newer hashes."""

    parts: tuple[Index, ...]

    def search(self, hashes: NDArray[np.uint64], radius: int = RADIUS) -> Hits:
        """Searches all parts, see `Index.search`."""
        found = [part.search(hashes, radius) for part in self.parts]
        return Hits(
            *(np.concatenate([getattr(hits, f.name) for hits in found]) for f in fields(Hits))
        )


def searcher(store: Store, folder: Path | None = None) -> Searcher:
    """Builds or loads the searcher of everything that the store holds now.

    Args:
        store: what to search.
        folder: where index files are kept; None, or one that cannot be written to, to keep them in
            memory only.
    """
    kept = _newest(folder) if folder else None
    if kept and folder:
        last, moments = kept
        until, after = store.state(last)
        if until == moments and after <= TAIL * (moments + 10_000):
            with suppress(OSError, ValueError):
                base = _load(folder / _name(last, moments))
                return Searcher((base, Index.of(store.hashes(last))) if after else (base,))
    known = store.hashes()
    index = Index.of(known)
    if folder and known.moments:
        with suppress(OSError):
            _save(index, folder, _name(known.last, known.moments))
    return Searcher((index,))


def _name(last: int, moments: int) -> str:
    return f"index-{last}-{moments}"


def _newest(folder: Path) -> tuple[int, int] | None:
    found = [
        tuple(map(int, path.name.split("-")[1:]))
        for path in folder.glob("index-*-*")
        if path.is_dir()
    ]
    return max(((pair[0], pair[1]) for pair in found if len(pair) == 2), default=None)


def _load(path: Path) -> Index:
    return Index(*(np.load(path / f"{field.name}.npy", mmap_mode="r") for field in fields(Index)))


def _save(index: Index, folder: Path, name: str) -> None:
    """Writes the index to a temporary folder and renames it, so that nobody reads half of it.

    Older indexes are removed.
    """
    older = [path for path in folder.glob("index-*") if path.is_dir()]
    made = Path(tempfile.mkdtemp(prefix="index.", dir=folder))
    try:
        for field in fields(Index):
            np.save(made / f"{field.name}.npy", getattr(index, field.name))
        os.rename(made, folder / name)  # noqa: PTH104  rename must not move into a folder of that name
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        raise
    for path in older:
        shutil.rmtree(path, ignore_errors=True)
