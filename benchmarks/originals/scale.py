"""An index of 5 million hashes, and registering a film against real time."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.originals.media import SECONDS
from tests.support import films
from tests.support.films import Portrait
from unmask import originals, pipeline

if TYPE_CHECKING:
    from unmask.originals.matching import Looks


def scale(
    _people: list[Portrait], _seeds: Iterable[int], hashes: int = 5_000_000, each: int = 64
) -> Iterator[dict[str, Any]]:
    """Measures an index of ``hashes`` hashes against comparing with every one of them."""
    from unmask.originals.index import Index
    from unmask.originals.matching import candidates
    from unmask.originals.store import Hashes

    rng = np.random.default_rng(1)
    looks, known = drawn(rng, hashes)
    moments = hashes // each
    rows = Hashes(
        moments, moments, np.arange(moments) // 1800, np.arange(moments) % 1800 * 2.0,
        np.full(moments, each), known, rng.random((hashes, 3), np.float32),
    )  # fmt: skip
    begun = time.perf_counter()
    index = Index.of(rows)
    built = time.perf_counter() - begun
    begun = time.perf_counter()
    candidates(looks, index.search)
    asked = time.perf_counter() - begun
    begun = time.perf_counter()
    for one in looks.hashes[:8]:
        np.flatnonzero(np.bitwise_count(known ^ one).sum(axis=1) <= 36)
    flat = (time.perf_counter() - begun) / 8 * 2 * len(looks.hashes)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    held = (
        sum(
            part.nbytes
            for part in (index.hashes, index.places, index.moment, index.order, index.starts)
        )
        / 1e9
    )
    yield {
        "hashes": hashes,
        "build_s": built,
        "query_s": asked,
        "flat_s": flat,
        "index_gb": held,
        "peak_gb": peak,
    }


def drawn(rng: np.random.Generator, hashes: int) -> tuple[Looks, NDArray[np.uint64]]:
    """Hashes a film of ten seconds; returns that, and so many hashes that resemble its own.

    Each of them differs from one of the film's in a quarter of its bits.
    """
    from unmask.originals.matching import look
    from unmask.types import Frame

    film = films.film(1, films.portraits(), SECONDS)
    looks = look(Frame(t, film.frame(t)) for t in np.arange(0, SECONDS, 0.5))
    noise = (
        np.packbits(rng.random((hashes, 256)) < 0.25, axis=1).view(np.uint64)
        if hashes <= 10**5
        else _noise(rng, hashes)
    )
    return looks, looks.hashes[rng.integers(len(looks.hashes), size=hashes)] ^ noise


def _noise(rng: np.random.Generator, rows: int) -> Any:
    """Returns rows of bits of which a quarter is set, made block by block."""
    a, b = (rng.integers(0, 2**64, (rows, 4), np.uint64) for _ in range(2))
    return a & b


def ingest(
    _people: list[Portrait], _seeds: Iterable[int], minutes: int = 2
) -> Iterator[dict[str, Any]]:
    """Registers a 1080p film with a key frame every two seconds, three times."""
    from benchmarks.speed import write_clip

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "film.mp4"
        write_clip(path, 20, repeat=3 * minutes, gop=50)
        for turn in range(3):
            with originals.opened_store(Path(name) / str(turn), writing=True) as store:
                begun = time.perf_counter()
                (one,) = pipeline.register(path, store, "film", "benchmark")
                yield {
                    "ingest_times_real_time": one.duration / (time.perf_counter() - begun),
                    "frames": one.frames,
                }
