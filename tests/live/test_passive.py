"""Signs of prints and screens on NASA's portrait: none as it is, each where it is drawn in."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.live.subjects import Subject, challenge, painted
from tests.scenes import portrait
from unmask import faces
from unmask.live.passive import LEAST_LOOKS, Look, Signs, look, signs
from unmask.live.verification import Result, verify
from unmask.types import Rgb


def frame(time: int) -> Rgb:
    """Returns the portrait as a camera sees it, with its noise."""
    seen = cv2.resize(portrait()[0:240, 65:385], (320, 240))
    grain = np.random.default_rng(time).normal(0, 3, seen.shape)
    return np.clip(seen + grain, 0, 255).astype(np.uint8)


def dotted(seen: Rgb) -> Rgb:
    y, x = np.mgrid[: seen.shape[0], : seen.shape[1]]
    waves = 1 + 0.12 * np.cos(2 * np.pi * (0.21 * x + 0.13 * y))
    return np.clip(seen * waves[..., None], 0, 255).astype(np.uint8)


def framed(seen: Rgb) -> Rgb:
    """Draws the face on a sheet that is held before something dark, turned as the face is."""
    points = faces.find(seen)[0].points
    (x, y), across = points[:2].mean(axis=0), points[1] - points[0]
    down = np.array([-across[1], across[0]])
    corners = [
        (x, y) + i * across + j * down
        for i, j in ((-1.5, -1.8), (1.5, -1.8), (1.5, 2.7), (-1.5, 2.7))
    ]
    sheet = cv2.fillConvexPoly(
        np.zeros(seen.shape[:2], np.uint8), np.rint(corners).astype(np.int32), 1
    )
    return np.where(sheet[..., None] > 0, np.maximum(seen, 70), 25).astype(np.uint8)


def green(seen: Rgb) -> Rgb:
    return np.clip(seen * [0.6, 1.1, 0.8], 0, 255).astype(np.uint8)


def seen_by(change) -> Signs:  # type: ignore[no-untyped-def]
    points = faces.find(frame(0))[0].points
    return signs([look(change(frame(time)), points) for time in range(6)])


def test_a_plain_face_shows_no_signs() -> None:
    assert seen_by(lambda seen: seen).against == ()


@pytest.mark.parametrize(
    ("change", "sign"), [(dotted, "dots"), (framed, "edges"), (green, "colour")]
)
def test_each_sign_is_seen(change, sign) -> None:  # type: ignore[no-untyped-def]
    assert sign in seen_by(change).against


def test_few_looks_tell_nothing_of_dots() -> None:
    points = faces.find(frame(0))[0].points
    assert signs([look(dotted(frame(0)), points)] * (LEAST_LOOKS - 1)).peak == 0


def test_a_face_at_the_frame_s_corner_is_looked_at() -> None:
    found = look(frame(0), np.zeros((5, 2), np.float32))
    assert found.spectrum is None
    assert 0 <= found.edged <= 1


def test_a_sign_outweighs_an_answer() -> None:
    asked = challenge(1)
    grim = [Look(None, 0.95, (10.0, 12.0))] * 8
    readings = Subject().answers(asked, 1)
    assert verify(asked, painted(asked), readings, grim).result is Result.NOT_LIVE
