"""Queries to an index of known originals: from a clip to the stretches of originals it shows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from unmask.originals.alignment import Aligned, align, nearer
from unmask.originals.database import on_server
from unmask.originals.film import Film
from unmask.originals.hashing import QUERY_PX
from unmask.originals.index import Searcher, searcher
from unmask.originals.matching import Candidate, candidates, look
from unmask.originals.registration import picture
from unmask.originals.store import Store, opened_store
from unmask.originals.timing import FrameStrip, strip
from unmask.types import Match, Original, Rgb

EVERY = 0.5
"""Seconds between the frames of a clip that are hashed; regions stay in place for longer than that.
"""

MOST_LOOKS = 240
"""Most frames of a clip that are hashed, evenly spaced."""

MOST_MATCHES = 6
"""Most stretches that are reported."""

MOST_CLOSER = 60
"""Most frames of a stretch laid over the original in a closer look."""


class Known:
    """A store and the index of its hashes; made by `open_index`."""

    def __init__(self, store: Store, index: Searcher) -> None:
        self._store, self._index = store, index

    def find(
        self, film: Film, progress: Callable[[float], None] = lambda _done: None
    ) -> tuple[Match, ...]:
        """Finds the stretches of known originals that a photo or video shows, in order of time.

        Args:
            film: the photo or video, open.
            progress: receives the share that is done, 0 to 1.

        Raises:
            MediaError, OriginalsError: the clip or the store cannot be read.
        """
        length = film.facts.duration or 1.0
        looks = look(
            film.frames(film.times(EVERY, MOST_LOOKS), QUERY_PX),
            lambda t: progress(0.5 * t / length),
        )
        maybe = candidates(looks, self._index.search)
        frames = strip(film) if maybe else FrameStrip(np.zeros(0), np.zeros((0, 1, 1), np.float32))
        found: list[tuple[Candidate, Match]] = []
        for i, candidate in enumerate(maybe):
            middle = (candidate.start + candidate.end) / 2
            if len(found) < MOST_MATCHES and not _covered(candidate, middle, found):
                found += [(candidate, match) for match in self._confirmed(film, frames, candidate)]
            progress(0.5 + 0.5 * (i + 1) / len(maybe))
        return tuple(sorted(_best(found), key=lambda match: (match.start, -match.support)))

    def _confirmed(self, film: Film, frames: FrameStrip, candidate: Candidate) -> list[Match]:
        originals = self._store.originals(candidate.footage)
        if not originals:
            return []

        def thumbnail(time: float) -> Rgb | None:
            data = self._store.thumbnail(candidate.footage, time)
            return None if data is None else picture(data)

        aligned = align(film, frames, candidate, self._store.times(candidate.footage), thumbnail)
        return [_match(film, candidate, originals, part) for part in aligned]


def closer(
    where: str | os.PathLike[str],
    film: Film,
    matches: Sequence[Match],
    windows: Sequence[tuple[float, float]],
) -> tuple[Match, ...]:
    """Compares matches at every moment that the index knows within some stretches of the file.

    At most `MOST_CLOSER` moments are added.

    Args:
        where: folder or ``postgresql://`` address of the index.
        film: the file, open.
        matches: as found in it.
        windows: beginning and end of each stretch, s, the most important first.

    Raises:
        MediaError, OriginalsError: the file or the index cannot be read.
    """
    with opened_store(where) as store:
        return tuple(_closer(store, film, match, windows) for match in matches)


def _closer(
    store: Store, film: Film, match: Match, windows: Sequence[tuple[float, float]]
) -> Match:
    footage, length = store.footage(match.originals[0].sha256), match.end - match.start
    if footage is None or not length or not match.speed:
        return match
    known = {pair.original_time for pair in match.pairs}
    moments = np.array([time for time in store.times(footage) if time not in known])
    here = match.start + (moments - match.original_start) / match.speed
    within = [
        moments[(here >= max(a, match.start)) & (here <= min(b, match.end))] for a, b in windows
    ]
    wanted = list(dict.fromkeys(float(time) for times in within for time in times))[:MOST_CLOSER]

    def thumbnail(time: float) -> Rgb | None:
        data = store.thumbnail(footage, time)
        return None if data is None else picture(data)

    pairs = nearer(film, match, wanted, thumbnail)
    return replace(match, pairs=tuple(sorted((*match.pairs, *pairs), key=lambda pair: pair.time)))


def _match(
    film: Film, candidate: Candidate, originals: tuple[Original, ...], part: Aligned
) -> Match:
    """Makes a match from the first to the last frame with the original, by votes or overlay."""
    pairs, timing = part.pairs, part.timing
    start, end = min(candidate.start, pairs[0].time), max(candidate.end, pairs[-1].time)
    start, end = max(start, part.start, timing.here(0.0)), min(end, part.end)
    if film.facts.frames == 1:
        start = end = 0.0
    there = timing.there(start), timing.there(end)
    return Match(originals, start, end, *there, candidate.mirrored, candidate.support, pairs)


def _best(found: Sequence[tuple[Candidate, Match]]) -> list[Match]:
    """Keeps the best match of each moment: a frame shows one moment of a film only."""
    kept: list[tuple[Candidate, Match]] = []
    for candidate, match in sorted(found, key=lambda pair: -len(pair[1].pairs)):
        if not _covered(candidate, (match.start + match.end) / 2, kept):
            kept.append((candidate, match))
    return [match for _, match in kept]


def _covered(candidate: Candidate, time: float, found: Sequence[tuple[Candidate, Match]]) -> bool:
    """Tells whether it is known which moment of the footage the clip shows at a time."""
    same = (
        match
        for other, match in found
        if (other.footage, other.mirrored) == (candidate.footage, candidate.mirrored)
    )
    return any(match.start <= time <= match.end for match in same)


@contextmanager
def open_index(where: str | os.PathLike[str]) -> Iterator[Known]:
    """Opens the index in a folder or at a ``postgresql://`` address, for reading.

    Raises:
        OriginalsError: there is none, or it cannot be read.
    """
    folder = None if on_server(where) else Path(where)
    with opened_store(where) as store:
        yield Known(store, searcher(store, folder))
