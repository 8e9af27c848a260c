"""Alignment of faces by their five points: the crop, and the strip of the eyes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests import scenes
from tests.faces.portraits import PORTRAIT
from tests.faces.similarities import SIMILARITIES, matrix, moved
from unmask import faces
from unmask.faces import CLOSE_UP, CLOSE_UP_PX, CROP_PX, TEMPLATE, align, find, similarity
from unmask.types import Rgb


@given(SIMILARITIES)
def test_a_similarity_is_recovered_from_the_points_it_moved(
    given_: tuple[float, float, float, float],
) -> None:
    truth = matrix(*given_)
    found = similarity(TEMPLATE, moved(TEMPLATE, truth))
    assert moved(TEMPLATE, found) == pytest.approx(
        moved(TEMPLATE, truth), abs=0.01 * given_[1] + 0.01
    )


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=5, max_size=5))
def test_any_points_give_a_finite_similarity_onto_the_template(
    points: list[tuple[float, float]],
) -> None:
    found = similarity(np.array(points, np.float32), TEMPLATE)
    assert np.isfinite(found).all()
    assert np.hypot(found[0, 0], found[1, 0]) >= 1e-3


def dotted(points: NDArray[np.float32], radius: float, shape: tuple[int, int]) -> Rgb:
    """Draws a dark picture with a soft bright dot at each point."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    dots = [np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * radius**2)) for px, py in points]
    return np.asarray(np.repeat((250 * np.sum(dots, axis=0))[..., None], 3, axis=2), np.uint8)


def dots_in(crop: Rgb) -> NDArray[np.float32]:
    """Locates the dots near the template's points in a crop."""
    found = []
    for px, py in np.round(TEMPLATE).astype(int):
        part = crop[py - 12 : py + 13, px - 12 : px + 13, 0].astype(float)
        y, x = np.mgrid[-12:13, -12:13]
        found.append((px + (x * part).sum() / part.sum(), py + (y * part).sum() / part.sum()))
    return np.array(found, np.float32)


@pytest.mark.parametrize("scale", [0.3, 0.7, 1.0, 1.4, 1.6, 3.0, 6.0])
@pytest.mark.parametrize("turn", [0.0, 0.5, -1.4, 3.0])
def test_the_five_points_come_to_lie_on_the_template(scale: float, turn: float) -> None:
    side = int(300 * scale)
    points = moved(TEMPLATE - CROP_PX / 2, matrix(turn, scale, side / 2 + 0.3, side / 2 - 0.4))
    crop = align(dotted(points, max(3.0 * scale, 1.0), (side, side)), points)
    assert crop.shape == (CROP_PX, CROP_PX, 3)
    assert crop.dtype == np.uint8
    assert dots_in(crop) == pytest.approx(TEMPLATE, abs=0.6)


@pytest.mark.parametrize("scale", [0.8, 4.0])
@pytest.mark.parametrize("at", [(0.15, 0.5), (0.5, 0.15), (0.85, 0.85)])
def test_at_the_border_the_points_stay_in_place_and_the_rest_is_mirrored(
    scale: float, at: tuple[float, float]
) -> None:
    side = int(192 * scale)
    points = moved(TEMPLATE - TEMPLATE.mean(axis=0), matrix(0.2, scale, at[0] * side, at[1] * side))
    inside = ((points > 12 * scale) & (points < side - 12 * scale)).all(axis=1)
    assert 0 < inside.sum() < 5
    crop = align(dotted(points, 3.0 * scale, (side, side)) // 2 + 100, points)
    assert dots_in(np.maximum(crop, 101) - 100)[inside] == pytest.approx(TEMPLATE[inside], abs=1.0)
    assert crop.min() >= 99


def test_the_same_face_turned_and_scaled_gives_the_same_crop() -> None:
    points = find(PORTRAIT)[0].points
    upright = align(PORTRAIT, points).astype(float)[40:-40, 40:-40]
    for turn, scale in ((0.4, 1.0), (-0.8, 1.3), (0.2, 3.0)):
        by = matrix(turn, scale, 350 * scale, 150 * scale)
        turned = cv2.warpAffine(
            PORTRAIT, by, (int(900 * scale), int(900 * scale)), flags=cv2.INTER_CUBIC
        )
        again = align(np.asarray(turned), moved(points, by)).astype(float)[40:-40, 40:-40]
        assert np.abs(upright - again).mean() < 4


def test_fine_stripes_shrink_to_grey_and_not_to_waves() -> None:
    stripes = np.zeros((1200, 1200, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = align(stripes, (TEMPLATE * np.float32(5.3) + 60).astype(np.float32))
    assert crop.mean() == pytest.approx(127, abs=3)
    assert crop.std() < 12


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "points",
    [
        np.zeros((5, 2)),
        np.full((5, 2), 700.0),
        np.full((5, 2), -1e6),
        np.linspace(0, 1e-4, 10).reshape(5, 2),
        TEMPLATE[[1, 0, 2, 4, 3]],
        TEMPLATE * 1e4,
        TEMPLATE * 1e-3,
        TEMPLATE + 1e5,
    ],
)
def test_points_that_make_no_face_still_give_a_crop_in_no_time(points: NDArray[np.float64]) -> None:
    """Such points once made the mirroring at the border loop; the time-out detects that."""
    crop = align(np.full((900, 1400, 3), 90, np.uint8), points.astype(np.float32))
    assert crop.shape == (CROP_PX, CROP_PX, 3)
    assert (crop == 90).all()


def test_a_picture_wider_than_opencv_warps_is_aligned() -> None:
    crop = align(np.full((300, 40_000, 3), 90, np.uint8), TEMPLATE + np.float32([39_000, 50]))
    assert (crop == 90).all()


# ---------------------------------------------------------------- the strip of both eyes


def test_both_eyes_lie_where_the_strip_says_at_any_size_and_turn() -> None:
    portrait = np.asarray(cv2.resize(scenes.portrait()[:320, 60:380], (640, 640)), np.uint8)
    (found, *_) = faces.find(portrait)
    for scale, turn in ((1.0, 0.0), (1.0, 25.0), (3.0, -10.0)):
        move = cv2.getRotationMatrix2D((320, 320), turn, scale)
        size = (round(640 * scale), round(640 * scale))
        move[:, 2] += np.array(size) / 2 - 320
        points = (found.points @ move[:, :2].T + move[:, 2]).astype(np.float32)
        marked = cv2.warpAffine(portrait, move, size)
        for x, y in points[:2]:
            cv2.circle(
                marked, (round(float(x)), round(float(y))), round(6 * scale), (255, 0, 0), -1
            )
        strip = faces.eyes(np.asarray(marked, np.uint8), points)
        assert strip is not None
        assert strip.shape == (faces.STRIP_PX[1], faces.STRIP_PX[0], 3)
        for x, y in faces.STRIP_EYES.astype(int):
            assert tuple(strip[y, x] > 128) == (True, False, False)


def test_eyes_under_twenty_px_are_not_kept() -> None:
    rgb = np.zeros((400, 400, 3), np.uint8)
    for apart, kept in ((41.0, False), (42.5, True)):
        points = (faces.PROPORTIONS * np.float32(apart) + 150).astype(np.float32)
        assert (faces.eyes(rgb, points) is not None) is kept


@pytest.mark.parametrize("scale", [0.7, 1.0, 3.0])
def test_a_close_up_spans_its_part_of_the_face(scale: float) -> None:
    """The eyes lie where `CLOSE_UP` says, stretched to a square."""
    points = moved(TEMPLATE, np.array([[scale, 0.0, 40.3], [0.0, scale, 30.6]]))
    side = int(260 * scale + 60)
    crop = faces.close_up(dotted(points[:1], 2.5 * scale, (side, side)), points)
    assert crop.shape == (CLOSE_UP_PX, CLOSE_UP_PX, 3)
    x0, y0, x1, y1 = CLOSE_UP
    expected = CLOSE_UP_PX * np.array([(-0.5 - x0) / (x1 - x0), (0.0 - y0) / (y1 - y0)])
    y, x = np.unravel_index(crop[..., 0].argmax(), crop.shape[:2])
    assert (x, y) == pytest.approx(tuple(expected), abs=2)
