"""Groups of files that show the same footage (near-duplicates).

They are found by the same hashes as known originals. Each file is sketched by the hashes of a few
frames, and searched for among the leaders of the groups so far. If it shows the footage of a
leader, it joins that group; otherwise it leads a new one (leader clustering, Hartigan 1975). Only
leaders are indexed, so a flood of ten thousand copies costs no more than ten thousand single files
and does not crowd the index. A file that shows the footage of two leaders joins their groups.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np

from unmask.originals.film import Film
from unmask.originals.hashing import LONGEST_PX, scaled
from unmask.originals.index import Index, Searcher
from unmask.originals.matching import Looks, candidates, look
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
    for number, looks in enumerate(sketches):
        alike = {_root(first, other) for other in leaders.like(looks)}
        first.append(min(alike, default=number))
        for other in alike:
            first[other] = first[number]
        if not alike:
            leaders.add(number, looks)
    return [_root(first, number) for number in range(len(first))]


class _Leaders:
    """The files that lead groups.

    The sizes of their indexes double, so that adding a leader seldom rebuilds a large one.
    """

    def __init__(self) -> None:
        self._parts: list[tuple[Hashes, Index]] = []

    def like(self, looks: Looks) -> list[int]:
        """Returns the leaders whose footage a file shows."""
        if not looks.hashes.size or not self._parts:
            return []
        searcher = Searcher(tuple(index for _, index in self._parts))
        found = candidates(looks, searcher.search)
        return [one.footage for one in found if one.support >= SHARE * len(looks.hashes)]

    def add(self, number: int, looks: Looks) -> None:
        if not looks.hashes.size:
            return
        new = _hashes(number, looks)
        while self._parts and len(self._parts[-1][0].hashes) < 2 * len(new.hashes):
            new = _joined(self._parts.pop()[0], new)
        self._parts.append((new, Index.of(new)))


def _hashes(number: int, looks: Looks) -> Hashes:
    """Converts a sketch to the form that the index takes; the order within a frame stays."""
    frames, counts = np.unique(looks.of, return_counts=True)
    footage = np.full(frames.size, number, np.int64)
    return Hashes(
        number, frames.size, footage, looks.times[frames], counts, looks.hashes, looks.places
    )


def _joined(one: Hashes, other: Hashes) -> Hashes:
    arrays = ("footage", "times", "counts", "hashes", "places")
    both = {name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in arrays}
    return Hashes(last=other.last, moments=one.moments + other.moments, **both)


def _root(first: list[int], number: int) -> int:
    while first[number] != number:
        number = first[number]
    return number
