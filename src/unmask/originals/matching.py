"""Candidates for the original that a clip shows, and its times, by votes of hashes.

A single hash proves nothing. Many regions of many frames must agree on the same offset between the
clip's clock and the original's, at one speed, and lie in the same arrangement: a Hough vote in time
(temporal Hough voting, Douze et al. 2010), then a similarity by RANSAC in space. The result is a
candidate; `unmask.originals.alignment` lays the pictures over each other and confirms or drops it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.originals.hashing import QUERY_KEPT, QUERY_PX, Regions, hash_regions
from unmask.originals.index import Hits
from unmask.types import Frame

SPEEDS = np.round(np.arange(0.90, 1.1001, 0.01), 2)
"""Speeds that are tried, seconds of the original per second of the clip.

Film of 24 frames/s played at 25 has 1.04.
"""

SLOT = 1.0
"""Half of the width, s, in which votes on an offset count together."""

LEAST = 8
"""Regions that must agree in time and in place."""

CANDIDATES = 12
"""Stretches of originals that are examined more closely."""


@dataclass(frozen=True, slots=True)
class Looks:
    """The hashes of a clip's frames.

    Those of frame ``of[i]`` at ``times[of[i]]`` s are ``hashes[i]``, ``places[i]``.

    Attributes:
        times: float64 ``(m,)``, s.
        of: int64 ``(n,)``.
        hashes: uint64 ``(n, 4)``.
        places: float32 ``(n, 3)``: x, y and size, in widths of the frame.
        aspect: height of the frame, in widths.
    """

    times: NDArray[np.float64]
    of: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    places: NDArray[np.float32]
    aspect: float

    def mirrored(self) -> Looks:
        """Returns the hashes of the mirrored frames, computed without hashing again."""
        places = self.places.copy()
        places[:, 0] = 1 - places[:, 0]
        return Looks(self.times, self.of, mirror(self.hashes), places, self.aspect)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stretch of a clip that may show some footage.

    Attributes:
        footage: number in the store.
        mirrored: whether left and right are exchanged.
        speed, offset: the original's time is ``speed * time + offset``, s.
        start, end: of the stretch in the clip, s: where the votes lie.
        place: float64 ``(2, 3)``: carries a place in the original to one in the clip's frame, both
            in widths of the frame.
        support: regions that agree.
    """

    footage: int
    mirrored: bool
    speed: float
    offset: float
    start: float
    end: float
    place: NDArray[np.float64]
    support: int


def look(
    frames: Iterable[Frame],
    tell: Callable[[float], None] = lambda _time: None,
    longest_px: int = QUERY_PX,
    at_most: int = QUERY_KEPT,
) -> Looks:
    """Hashes frames, in order of time.

    Args:
        tell: receives the time of each frame that is done.
        longest_px, at_most: see `unmask.originals.hashing.hash_regions`.
    """
    times: list[float] = []
    regions: list[Regions] = []
    aspect = 1.0
    for frame in frames:
        times.append(frame.time)
        regions.append(hash_regions(frame.rgb, longest_px, at_most))
        aspect = frame.rgb.shape[0] / frame.rgb.shape[1]
        tell(frame.time)
    counts = [len(r.hashes) for r in regions]
    return Looks(
        np.array(times),
        np.repeat(np.arange(len(times)), counts),
        np.concatenate([np.zeros((0, 4), np.uint64), *(r.hashes for r in regions)]),
        np.concatenate([np.zeros((0, 3), np.float32), *(r.places for r in regions)]),
        aspect,
    )


def candidates(looks: Looks, search: Callable[[NDArray[np.uint64]], Hits]) -> list[Candidate]:
    """Finds stretches of originals that a clip may show, the best supported first."""
    return voted(looks, search(looks.hashes), search(looks.mirrored().hashes))


def voted(looks: Looks, plain: Hits, mirrored: Hits) -> list[Candidate]:
    """Counts the votes of hits, see `candidates`.

    Args:
        looks: the clip.
        plain: hits of its hashes.
        mirrored: hits of its hashes with left and right exchanged.
    """
    found = [
        _Votes(footage, exchanged, seen, hits, mine)
        for exchanged, seen, hits in ((False, looks, plain), (True, looks.mirrored(), mirrored))
        for footage, mine in _by_footage(hits)
    ]
    every = [candidate for votes in found for candidate in votes.candidates()]
    return sorted(every, key=lambda c: -c.support)[:CANDIDATES]


def _by_footage(hits: Hits) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yields footage with enough hits, that with most first, and the numbers of its hits."""
    numbers, counts = np.unique(hits.footage, return_counts=True)
    best = np.argsort(-counts)[:200]
    for number in numbers[best][counts[best] >= LEAST]:
        yield int(number), np.flatnonzero(hits.footage == number)


class _Votes:
    """The hits of one footage, mirrored or not."""

    def __init__(
        self, footage: int, mirrored: bool, looks: Looks, hits: Hits, mine: NDArray[np.int64]
    ) -> None:
        self.footage, self.mirrored = footage, mirrored
        query = hits.query[mine]
        self.region = query
        self.time, self.there = looks.times[looks.of[query]], hits.times[mine]
        self.here_at, self.there_at = looks.places[query], hits.places[mine]
        self.left = np.ones(mine.size, np.bool_)

    def candidates(self, at_most: int = 4) -> Iterator[Candidate]:
        """Yields one peak of votes after the other, each without the frames of those before it."""
        for _ in range(at_most):
            speed, offset = self._peak()
            near = self.left & (np.abs(self.there - speed * self.time - offset) <= 1.5 * SLOT)
            place, agree = self._in_place(np.flatnonzero(near))
            support = np.unique(self.region[agree]).size
            if place is None or support < LEAST:
                return
            offset = float(np.median(self.there[agree] - speed * self.time[agree]))
            start, end = float(self.time[agree].min()), float(self.time[agree].max())
            yield Candidate(self.footage, self.mirrored, speed, offset, start, end, place, support)
            self.left &= (self.time < start) | (self.time > end)

    def _peak(self) -> tuple[float, float]:
        """Finds the speed and offset with most votes.

        A region that is found in many frames of the original divides its vote among them.
        """
        _, which, times = np.unique(self.region, return_inverse=True, return_counts=True)
        weight = np.where(self.left, 1 / times[which], 0)
        best = (-1.0, 1.0, 0.0)
        for speed in SPEEDS:
            offset = self.there - speed * self.time
            slots = np.floor((offset - offset.min()) / SLOT).astype(np.int64)
            votes = np.bincount(slots, weight)
            both = votes[:-1] + votes[1:] if votes.size > 1 else votes
            # A speed near 1 is more likely; it wins where votes are nearly equal.
            total = float(both.max()) * (1 - 0.2 * abs(float(speed) - 1))
            if total > best[0]:
                best = (total, float(speed), float(offset.min() + (both.argmax() + 1) * SLOT))
        return best[1], best[2]

    def _in_place(
        self, which: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64] | None, NDArray[np.int64]]:
        """Fits the similarity that most of these hits agree on, and returns those hits.

        The sizes of the regions must agree as well.
        """
        import cv2

        if which.size < LEAST:
            return None, which[:0]
        here, there = self.here_at[which], self.there_at[which]
        cv2.setRNGSeed(1)
        place, inside = cv2.estimateAffinePartial2D(
            there[:, :2].copy(), here[:, :2].copy(), method=cv2.RANSAC,
            ransacReprojThreshold=0.03, maxIters=500, confidence=0.99,
        )  # fmt: skip
        if place is None:
            return None, which[:0]
        scale = float(np.hypot(place[0, 0], place[1, 0]))
        turned = abs(float(np.degrees(np.arctan2(place[1, 0], place[0, 0]))))
        sized = (
            np.abs(np.log2(np.maximum(here[:, 2], 1e-6) / np.maximum(scale * there[:, 2], 1e-6)))
            < 0.6
        )
        if not 0.15 < scale < 6 or turned > 15:
            return None, which[:0]
        return np.asarray(place, np.float64), which[inside.ravel().astype(bool) & sized]


def mirror(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Computes the hashes, uint64 ``(n, 4)``, of the same regions with left and right exchanged.

    SIFT's 128 values are 4 rows of 4 cells of 8 directions. A mirror reverses the cells of a row,
    and a direction of k eighths of a turn becomes one of 4 - k.
    """
    row, cell, direction = np.unravel_index(np.arange(128), (4, 4, 8))
    swapped = np.ravel_multi_index((row, 3 - cell, (4 - direction) % 8), (4, 4, 8))
    bits = np.unpackbits(np.ascontiguousarray(hashes).view(np.uint8).reshape(-1, 32), axis=1)
    both = np.packbits(bits[:, np.concatenate([swapped, 128 + swapped])], axis=1)
    return np.ascontiguousarray(both).view(np.uint64).reshape(-1, 4)
