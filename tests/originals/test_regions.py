"""Hashes of regions: the same after uploaders' edits, none where nothing was filmed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.support import films
from unmask.originals.hashing import QUERY_KEPT, QUERY_PX, hash_regions
from unmask.originals.matching import mirror
from unmask.types import Rgb


def apart(a: Rgb, b: Rgb) -> np.ndarray:
    """Returns, for each region of ``a``, the bits to the nearest region of ``b``."""
    one, other = hash_regions(a), hash_regions(b, QUERY_PX, QUERY_KEPT)
    return np.bitwise_count(one.hashes[:, None] ^ other.hashes[None]).sum(axis=2).min(axis=1)


def saved(rgb: Rgb, quality: int = 30) -> Rgb:
    """Scales to 240 lines and saves as a poor JPEG."""
    small = cv2.resize(rgb, (426, 240), interpolation=cv2.INTER_AREA)
    return cv2.imdecode(
        cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR
    )


EDITS = {
    "240 lines, JPEG 30": saved,
    "cropped": films.cropped,
    "between bars": films.barred,
    "graded": films.graded,
    "subtitled": films.subtitled,
    "shown small in a corner": lambda rgb: films.inset(rgb, np.full_like(rgb, 90)),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_enough_regions_stay_as_they_were(
    film: films.Film, people: list[films.Portrait], edit
) -> None:
    rgb, changed = film.frame(2.0), film.frame(2.0, films.another_face(people[5]))
    assert (apart(rgb, edit(changed)) <= 36).sum() >= 8


def test_another_scene_has_hardly_any_region_in_common() -> None:
    one, other = (films.scenery(seed)[:360, :640] for seed in (1, 2))
    assert len(hash_regions(one).hashes) >= 20
    assert (apart(one, other) <= 36).sum() <= 2


def test_a_mirrored_hash_is_that_of_the_mirrored_frame(film: films.Film) -> None:
    rgb = film.frame(2.0)
    one, other = hash_regions(rgb), hash_regions(films.mirrored(rgb))
    between = (
        np.bitwise_count(one.hashes[:, None] ^ mirror(other.hashes)[None]).sum(axis=2).min(axis=1)
    )
    assert np.median(between) <= 12


@given(hnp.arrays(np.uint64, st.tuples(st.integers(0, 9), st.just(4))))
def test_mirroring_twice_changes_nothing(hashes: np.ndarray) -> None:
    assert np.array_equal(mirror(mirror(hashes)), hashes)


def bars() -> Rgb:
    colours = np.array(
        [
            [192, 192, 192],
            [192, 192, 0],
            [0, 192, 192],
            [0, 192, 0],
            [192, 0, 192],
            [192, 0, 0],
            [0, 0, 192],
        ]
    )
    return np.repeat(np.repeat(colours[None], 360, axis=0), 90, axis=1).astype(np.uint8)


def circle() -> Rgb:
    page = np.full((360, 640, 3), 128, np.uint8)
    page[::40], page[:, ::40] = 255, 255
    cv2.circle(page, (320, 180), 150, (255, 255, 255), 3)
    cv2.putText(page, "TEST 1", (250, 190), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 3)
    return page


def ramp() -> Rgb:
    return np.repeat(
        np.tile(np.linspace(0, 255, 640).astype(np.uint8), (360, 1))[..., None], 3, axis=2
    )


def title() -> Rgb:
    page = np.zeros((360, 640, 3), np.uint8)
    for i, line in enumerate(("THE DRAMA", "written by nobody", "in an episode of 1994")):
        cv2.putText(
            page,
            line,
            (120, 120 + 60 * i),
            cv2.FONT_HERSHEY_SIMPLEX,
            1.2,
            (255, 255, 255),
            2,
            cv2.LINE_AA,
        )
    return page


CARDS = {
    "black": np.zeros((360, 640, 3), np.uint8),
    "bars": bars(),
    "circle": circle(),
    "ramp": ramp(),
    "title": title(),
}


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
@pytest.mark.parametrize("quality", [95, 40])
def test_what_was_not_filmed_has_no_hash(card: Rgb, quality: int) -> None:
    shown = cv2.imdecode(
        cv2.imencode(".jpg", card, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR
    )
    assert len(hash_regions(card).hashes) == 0
    assert len(hash_regions(shown, QUERY_PX, QUERY_KEPT).hashes) <= 4
