"""Clips of films that are not in the index: is any film named nevertheless?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.originals.media import SECONDS, encode, small
from benchmarks.originals.tables import OUT
from tests.support import films
from tests.support.films import Portrait
from unmask import originals, pipeline

LIBRARY = 300
"""Films in the index: 4 x 20 minutes."""


def unrelated(people: list[Portrait], seeds: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Yields the number of matches of clips of films outside the index, with other people.

    Two frames a second, as many as a clip is hashed at, against a frame every two seconds of
    `LIBRARY` films.
    """
    acting, others = people[: len(people) // 2], people[len(people) // 2 :]
    with originals.open_index(_library(acting)) as known, tempfile.TemporaryDirectory() as name:
        for seed in seeds:
            film = films.film(seed + 2 * 10**6, others, SECONDS)
            frames = (small(film.frame(i / 2)) for i in range(SECONDS * 2))
            found = pipeline.match(encode(Path(name) / "clip.mp4", frames, 30, fps=2), known)
            yield {"seed": seed, "matches": len(found)}


def _library(people: list[Portrait]) -> Path:
    """Makes, once, an index of films with a frame every two seconds each."""
    where = OUT / "library"
    with (
        originals.opened_store(where, writing=True) as store,
        tempfile.TemporaryDirectory() as name,
    ):
        for seed in range(len(store.originals()), LIBRARY):
            film = films.film(seed, people, SECONDS + 6)
            frames = (film.frame(2.0 * i) for i in range(8))
            path = encode(Path(name) / "film.mp4", frames, 20, gop=1, fps=Fraction(1, 2))
            pipeline.register(path, store, f"film {seed}", "benchmark")
    return where
