"""Look-ups of single hashes in a large index: how many a second, what is found, memory over time.

faiss's binary indexes stand beside it in the same run where faiss-cpu is installed: the flat one
compares with every hash and is exact; the other one is multi-index hashing with the same bands.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.originals.scale import drawn
from unmask.originals.index import BANDS, RADIUS, Index
from unmask.originals.store import Hashes

EACH = 64
"""Hashes of a moment, as many as are kept of a key frame; also the size of a batch."""

APART = (0, 8, 16, 32)
"""Bits in which a sought hash differs from the one that it was made from."""

EXACT = 64
"""Hashes that are compared with every one of the index."""


def lookups(count: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Yields the figures of one index, then of faiss's.

    Args:
        count: hashes in the index.
        seconds: length of the run of single look-ups.
    """
    rng = np.random.default_rng(1)
    known = drawn(rng, count)[1]
    rows, begun = _rows(rng, known), time.perf_counter()
    index = Index.of(rows)
    built = time.perf_counter() - begun
    held = sum(getattr(index, field.name).nbytes for field in fields(Index)) / 1e9
    yield {"index": "unmask", "hashes": count, "build_s": built, "gb": held}
    sought = known[rng.integers(count, size=4096)] ^ _flips(rng, 4096, 16)
    yield {"index": "unmask", **_sustained(index.search, sought, seconds)}
    yield {"index": "unmask", "batch": EACH, **_rates(index.search, sought, EACH)}
    yield {"index": "unmask", "found": _found(rng, known, index)}
    yield from _faiss(known, sought, index)


def _rows(rng: np.random.Generator, known: NDArray[np.uint64]) -> Hashes:
    moments = len(known) // EACH
    places = rng.random((len(known), 3), np.float32)
    numbers = np.arange(moments)
    counts = np.full(moments, EACH)
    return Hashes(moments, moments, numbers // 1800, numbers % 1800 * 2.0, counts, known, places)


def _sustained(
    search: Callable[[NDArray[np.uint64]], object], sought: NDArray[np.uint64], seconds: float
) -> dict[str, float]:
    """Looks up one hash after the other; returns the rates, the slowest in 100, and the memory."""
    taken, begun, first, used = list[float](), time.perf_counter(), _resident_gb(), _cpu()
    while (now := time.perf_counter()) - begun < seconds:
        at = len(taken) % len(sought)
        search(sought[at : at + 1])
        taken.append(time.perf_counter() - now)
    return {
        "lookups": len(taken),
        "per_s": len(taken) / (time.perf_counter() - begun),
        "per_cpu_s": len(taken) / (_cpu() - used),
        "p99_ms": 1000 * float(np.percentile(taken, 99)),
        "gb_first": first,
        "gb_last": _resident_gb(),
    }


def _rates(search: Callable[[Any], object], sought: Any, each: int) -> dict[str, float]:
    """Looks up so many hashes at once; returns look-ups per second, and per CPU second."""
    begun, used = time.perf_counter(), _cpu()
    for at in range(0, len(sought), each):
        search(sought[at : at + each])
    wall, cpu = time.perf_counter() - begun, _cpu() - used
    return {"per_s": len(sought) / wall, "per_cpu_s": len(sought) / cpu}


def _found(
    rng: np.random.Generator, known: NDArray[np.uint64], index: Index, n: int = 1000
) -> dict[int, float]:
    """Returns the share of hashes whose own row is found, by the bits in which they differ."""
    shares = {}
    for bits in APART:
        rows = rng.integers(len(known), size=n)
        hits = index.search(known[rows] ^ _flips(rng, n, bits))
        own = np.isclose(hits.places, index.places[rows][hits.query]).all(axis=1)
        shares[bits] = np.unique(hits.query[own]).size / n
    return shares


def _faiss(
    known: NDArray[np.uint64], sought: NDArray[np.uint64], index: Index
) -> Iterator[dict[str, Any]]:
    try:
        import faiss
    except ImportError:
        yield {"index": "faiss", "missing": "pip install faiss-cpu"}
        return
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    octets, asked = known.view(np.uint8), sought.view(np.uint8)
    flat = faiss.IndexBinaryFlat(256)
    yield {"load": os.getloadavg()[0], "cores": os.cpu_count()}
    for name, other in (("flat", flat), ("multi", faiss.IndexBinaryMultiHash(256, BANDS, 16))):
        before, begun = _resident_gb(), time.perf_counter()
        other.add(octets)
        built, held = time.perf_counter() - begun, _resident_gb() - before
        some = asked[:EXACT] if name == "flat" else asked
        rates = _rates(partial(_within, other), some, 1)
        yield {"index": f"faiss {name}", "build_s": built, "gb": held, **rates}
    within = int(_within(flat, asked[:EXACT])[0][-1])
    mine = len(index.search(sought[:EXACT]).query)
    yield {"within_radius": within, "found_by_unmask": mine, "sought": EXACT, "bits": 16}


def _within(index: Any, octets: NDArray[np.uint8]) -> Any:
    """Finds hashes at most `RADIUS` bits away; faiss excludes the radius itself."""
    return index.range_search(octets, RADIUS + 1)


def _cpu() -> float:
    """Returns the CPU seconds of this process, all threads."""
    return time.process_time()


def _flips(rng: np.random.Generator, count: int, bits: int) -> NDArray[np.uint64]:
    """Returns masks, uint64 ``(count, 4)``, of so many bits each."""
    which = np.argsort(rng.random((count, 256)), axis=1) < bits
    return np.packbits(which, axis=1).view(np.uint64)


def _resident_gb() -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 / 1e9 if found else 0.0
