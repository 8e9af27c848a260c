"""Groups of files that show the same footage (near-duplicates).

They are found by the same hashes as known originals. Each file is sketched by the hashes of a few
frames, and searched for among the leaders of the groups so far. If it shows the footage of a
leader, it joins that group; otherwise it leads a new one (leader clustering, Hartigan 1975). Only
leaders are indexed, so a flood of ten thousand copies costs no more than ten thousand single files
and does not crowd the index. A file that shows the footage of two leaders joins their groups.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from unmask.originals.film import Film
from unmask.originals.hashing import LONGEST_PX, scaled
from unmask.originals.index import Hits, Index, Searcher
from unmask.originals.matching import Looks, look, mirror, voted
from unmask.originals.store import Hashes
from unmask.types import Frame

EVERY = 2.0
"""Seconds between the frames of a sketch, as between those kept of an original."""

FRAMES = 8
"""Most frames of a sketch, evenly spaced; with their regions a file costs 10 kB at most."""

REGIONS = 32
"""Most regions of a frame in a sketch."""

SHARE = 0.25
"""Share of a file's regions that must agree with a leader's in time and place.

A station's logo covers a few of them; a changed face leaves most of them unchanged.
"""

TOGETHER, HASHES_TOGETHER = 100, 2048
"""Most files, and hashes, that are searched for at once.

A search has a fixed cost, and needs memory for each hash.
"""


class Sketcher:
    """Computes the hashes by which a photo or video is compared with many others.

    It takes its frames from those that are decoded anyway, because decoding more of them would cost
    a tenth of a check.

    Args:
        film: photo or video whose frames it will see.
    """

    def __init__(self, film: Film) -> None:
        self._due = deque(film.times(EVERY, FRAMES))
        self._frames: list[Frame] = []

    def see(self, frame: Frame) -> None:
        """Keeps a small copy of a frame if one is due; frames come in order of time."""
        if self._due and frame.time >= self._due[0]:
            self._frames.append(Frame(frame.time, scaled(frame.rgb, LONGEST_PX)))
        while self._due and frame.time >= self._due[0]:
            self._due.popleft()

    def sketch(self) -> Looks:
        """Returns the hashes of the frames that were kept."""
        return look(self._frames, longest_px=LONGEST_PX, at_most=REGIONS)


def groups(sketches: Iterable[Looks]) -> list[int]:
    """Returns the group of each file, in their order: the number, from 0, of its first file.

    The order decides where a chain of similar files is split, so give the files in a stable order.
    """
    first: list[int] = []
    leaders = _Leaders()
    for batch in _batches(sketches):
        start = len(first)
        sought = _Sought(start, batch, leaders.parts)
        new: list[int] = []
        for number, looks in enumerate(batch, start):
            alike = {_root(first, other) for other in sought.alike(number, looks, new)}
            first.append(min(alike, default=number))
            for other in alike:
                first[other] = first[number]
            if not alike:
                new.append(number)
        leaders.add(_hashes({number: batch[number - start] for number in new}))
    return [_root(first, number) for number in range(len(first))]


def _batches(sketches: Iterable[Looks]) -> Iterator[list[Looks]]:
    batch: list[Looks] = []
    for looks in sketches:
        batch.append(looks)
        if len(batch) == TOGETHER or sum(len(one.hashes) for one in batch) >= HASHES_TOGETHER:
            yield batch
            batch = []
    if batch:
        yield batch


class _Sought:
    """Hits of a batch of files among the leaders and among each other.

    Args:
        start: number of the batch's first file.
        batch: its files.
        leaders: indexes of the leaders before it.
    """

    def __init__(self, start: int, batch: Sequence[Looks], leaders: Sequence[Index]) -> None:
        self._start = start
        self._ends = np.cumsum([0, *(len(looks.hashes) for looks in batch)])
        mine = Index.of(_hashes(dict(enumerate(batch, start))))
        searcher = Searcher((*leaders, mine))
        hashes = np.concatenate([looks.hashes for looks in batch])
        self._plain, self._mirrored = map(searcher.search, (hashes, mirror(hashes)))

    def alike(self, number: int, looks: Looks, new: Sequence[int]) -> Iterator[int]:
        """Yields the leaders whose footage a file shows: those before the batch, and ``new``."""
        begin, end = self._ends[number - self._start : number - self._start + 2]
        plain, mirrored = (
            self._of(hits, begin, end, new) for hits in (self._plain, self._mirrored)
        )
        for one in voted(looks, plain, mirrored):
            if one.support >= SHARE * len(looks.hashes):
                yield one.footage

    def _of(self, hits: Hits, begin: int, end: int, new: Sequence[int]) -> Hits:
        """Returns the hits of the hashes from ``begin`` to ``end``, numbered from 0."""
        mine = np.flatnonzero((hits.query >= begin) & (hits.query < end))
        footage = hits.footage[mine]
        mine = mine[(footage < self._start) | np.isin(footage, np.asarray(new, np.int64))]
        return Hits(
            hits.query[mine] - begin, hits.footage[mine], hits.times[mine], hits.places[mine]
        )


class _Leaders:
    """The files that lead groups.

    The sizes of their indexes double, so that adding leaders seldom rebuilds a large one.
    """

    def __init__(self) -> None:
        self._parts: list[tuple[Hashes, Index]] = []

    @property
    def parts(self) -> list[Index]:
        return [index for _, index in self._parts]

    def add(self, new: Hashes) -> None:
        if not new.hashes.size:
            return
        while self._parts and len(self._parts[-1][0].hashes) < 2 * len(new.hashes):
            new = _joined([self._parts.pop()[0], new])
        self._parts.append((new, Index.of(new)))


def _hashes(files: Mapping[int, Looks]) -> Hashes:
    """Converts sketches to the form that the index takes; the order within a frame stays."""
    return _joined([_NO_HASHES, *(_of_one(number, looks) for number, looks in files.items())])


def _of_one(number: int, looks: Looks) -> Hashes:
    frames, counts = np.unique(looks.of, return_counts=True)
    footage = np.full(frames.size, number, np.int64)
    return Hashes(
        number, frames.size, footage, looks.times[frames], counts, looks.hashes, looks.places
    )


_NO_HASHES = Hashes(
    0,
    0,
    np.zeros(0, np.int64),
    np.zeros(0),
    np.zeros(0, np.int64),
    np.zeros((0, 4), np.uint64),
    np.zeros((0, 3), np.float32),
)


def _joined(parts: Sequence[Hashes]) -> Hashes:
    arrays = ("footage", "times", "counts", "hashes", "places")
    all_of = {name: np.concatenate([getattr(one, name) for one in parts]) for name in arrays}
    return Hashes(last=parts[-1].last, moments=sum(one.moments for one in parts), **all_of)


def _root(first: list[int], number: int) -> int:
    while first[number] != number:
        number = first[number]
    return number
