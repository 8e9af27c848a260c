"""The index finds what comparing with everything finds; its files are only a copy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unmask import originals
from unmask.media import open_media
from unmask.originals.index import BANDS, RADIUS, Hits, Index, searcher
from unmask.originals.store import Hashes


def known(seed: int, frames: int = 50, each: int = 20) -> Hashes:
    """Returns random hashes of two films."""
    rng = np.random.default_rng(seed)
    return Hashes(
        last=frames,
        moments=frames,
        footage=np.arange(frames) % 2,
        times=np.arange(frames) / 2,
        counts=np.full(frames, each),
        hashes=rng.integers(0, 2**64, (frames * each, 4), np.uint64),
        places=rng.random((frames * each, 3), np.float32),
    )


def flipped(hashes: np.ndarray, bits: int, seed: int) -> np.ndarray:
    """Flips this many bits of each hash."""
    rng = np.random.default_rng(seed)
    octets = np.unpackbits(hashes.view(np.uint8).reshape(len(hashes), 32), axis=1)
    for row in octets:
        row[rng.choice(256, bits, replace=False)] ^= 1
    return np.packbits(octets, axis=1).view(np.uint64).reshape(-1, 4)


def by_comparing(rows: Hashes, sought: np.ndarray) -> set[tuple[int, int, float]]:
    """Finds every hash within the radius that shares a band, without an index.

    Each is a tuple of query, footage and time.
    """
    xor = sought[:, None] ^ rows.hashes[None]
    same_band = (
        xor[..., :2].copy().view(np.uint16).reshape(len(sought), len(rows.hashes), BANDS) == 0
    ).any(axis=2)
    query, found = np.nonzero((np.bitwise_count(xor).sum(axis=2) <= RADIUS) & same_band)
    moment = np.repeat(np.arange(len(rows.counts)), rows.counts)[found]
    return {
        (int(q), int(rows.footage[m]), float(rows.times[m]))
        for q, m in zip(query, moment, strict=True)
    }


def as_set(hits: Hits) -> set[tuple[int, int, float]]:
    return {
        (int(q), int(f), float(t))
        for q, f, t in zip(hits.query, hits.footage, hits.times, strict=True)
    }


@pytest.mark.parametrize("bits", [0, 10, 25, 40])
def test_it_finds_what_comparing_with_everything_finds(bits: int) -> None:
    rows = known(1)
    sought = flipped(rows.hashes[::7], bits, 2)
    assert as_set(Index.of(rows).search(sought)) == by_comparing(rows, sought)


def test_few_differences_are_nearly_always_found_and_many_never() -> None:
    rows = known(3, frames=100)
    index = Index.of(rows)
    assert np.unique(index.search(flipped(rows.hashes, 12, 4)).query).size >= 0.97 * len(
        rows.hashes
    )
    assert index.search(flipped(rows.hashes, RADIUS + 1, 4)).query.size == 0


def test_nothing_is_found_in_nothing() -> None:
    rows = known(5, frames=0)
    assert Index.of(rows).search(known(6).hashes).query.size == 0
    assert Index.of(known(6)).search(rows.hashes).query.size == 0


def test_files_answer_like_the_store_also_after_it_has_changed(
    tmp_path: Path, footage: Path
) -> None:
    with originals.opened_store(tmp_path, writing=True) as store:
        (one,) = originals.register(open_media(footage), store, "The drama", "The broadcaster")
        sought = store.hashes().hashes[::3]
        fresh, again = (as_set_of(searcher(store, folder), sought) for folder in (None, tmp_path))
        assert fresh == again == as_set_of(searcher(store, tmp_path), sought)
        assert len(list(tmp_path.glob("index-*"))) == 1
        store.remove(one.id)
        assert as_set_of(searcher(store, tmp_path), sought) == set()


@pytest.mark.slow
def test_damaged_index_files_are_made_anew(tmp_path: Path, footage: Path) -> None:
    with originals.opened_store(tmp_path, writing=True) as store:
        originals.register(open_media(footage), store, "The drama", "The broadcaster")
        sought = store.hashes().hashes[::3]
        whole = as_set_of(searcher(store, tmp_path), sought)
        (folder,) = tmp_path.glob("index-*")
        (folder / "order.npy").write_bytes(b"no array")
        assert as_set_of(searcher(store, tmp_path), sought) == whole


def as_set_of(search: object, sought: np.ndarray) -> set[tuple[int, int, float]]:
    return as_set(search.search(sought))  # type: ignore[attr-defined]
