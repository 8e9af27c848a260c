"""Quality measures that limit a judgement, on the pixels of a real portrait."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from tests.faces.portraits import HEAD, room, scaled, scene
from tests.faces.similarities import SIMILARITIES, matrix, moved
from tests.sightings import look
from unmask.faces import CROP_PX, TEMPLATE, align, find, measure
from unmask.types import Face, Rgb


def measured(picture: Rgb):
    face = find(picture)[0]
    return measure(picture, face, align(picture, face.points))


def test_size_is_the_width_of_the_face_in_px() -> None:
    assert measured(HEAD).size_px == pytest.approx(88, abs=6)
    assert measured(scaled(HEAD, 2.5)).size_px == pytest.approx(220, abs=25)


def test_sharpness_falls_with_blur() -> None:
    sharpness = [measured(HEAD).sharpness]
    sharpness += [
        measured(np.asarray(cv2.GaussianBlur(HEAD, None, sigma))).sharpness
        for sigma in (0.7, 1.5, 3, 6)
    ]
    assert sharpness == sorted(sharpness, reverse=True)
    assert sharpness[0] > 0.02 > sharpness[2]


def enlarged(picture: Rgb, by: float, kernel: int) -> Rgb:
    small = scaled(picture, 1 / by)
    return np.asarray(cv2.resize(small, picture.shape[1::-1], interpolation=kernel))


@pytest.mark.slow
@pytest.mark.parametrize("kernel", [cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4])
def test_detail_does_not_grow_with_enlarging(kernel: int) -> None:
    """The face is 88 px wide and is reduced to 44 px of detail; enlarging must not add any."""
    coarse = enlarged(HEAD, 2, kernel)
    sharpened = np.asarray(cv2.addWeighted(coarse, 1.7, cv2.GaussianBlur(coarse, None, 1), -0.7, 0))
    for picture in (coarse, scaled(coarse, 2.5), scaled(sharpened, 2), jpeg(scaled(coarse, 2), 85)):
        assert measured(picture).detail_px < 64 < measured(picture).size_px
    for picture in (HEAD, scaled(HEAD, 1.4), jpeg(HEAD, 85)):
        assert measured(picture).detail_px > 64


def moved_by(picture: Rgb, x: float, y: float) -> Rgb:
    at = np.float32([[1, 0, x], [0, 1, y]])
    return np.asarray(
        cv2.warpAffine(picture, at, picture.shape[1::-1], borderMode=cv2.BORDER_REFLECT_101)
    )


@pytest.mark.parametrize(("x", "y"), [(8, 0), (-5, 7), (12, 5), (0, 10)])
def test_what_is_seen_twice_has_an_echo(x: float, y: float) -> None:
    head = scaled(HEAD, 2)
    double = cv2.addWeighted(head, 0.5, moved_by(head, x, y), 0.5, 0)
    thrice = np.mean([head, moved_by(head, x, y), moved_by(head, 2 * x, 2 * y)], axis=0).astype(
        np.uint8
    )
    assert measured(head).echo < 0.1
    assert min(measured(np.asarray(double)).echo, measured(thrice).echo) > 0.2


def jpeg(picture: Rgb, quality: int) -> Rgb:
    return np.asarray(
        cv2.imdecode(
            cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR
        )
    )


def test_blockiness_rises_with_compression_and_is_one_without() -> None:
    picture = scene((HEAD, 203, 131))
    blocky = [
        measured(version).blockiness
        for version in (picture, *(jpeg(picture, q) for q in (60, 25, 10)))
    ]
    assert blocky == sorted(blocky)
    assert blocky[0] == pytest.approx(1, abs=0.15)
    assert blocky[-1] > 1.5


def yaw(points: NDArray[np.float32]) -> float:
    face = Face((40.0, 40.0, 150.0, 180.0), points, 0.9)
    return measure(look(), face, look()).yaw


def test_yaw_is_nothing_from_the_front_and_full_in_profile() -> None:
    aside = [
        TEMPLATE + np.float32([[0, 0], [0, 0], [x, 0], [0, 0], [0, 0]]) for x in (0, 8, 16, 24, 60)
    ]
    yaws = [yaw(points) for points in aside]
    assert yaws == sorted(yaws)
    assert yaws[0] == pytest.approx(0, abs=1e-6)
    assert yaws[-1] == 1
    mirrored = aside[2] * np.float32([-1, 1])
    assert yaw(mirrored[[1, 0, 2, 4, 3]]) == pytest.approx(yaws[2], abs=1e-5)


@settings(deadline=None)
@given(SIMILARITIES)
def test_yaw_does_not_depend_on_where_how_large_and_how_tilted(
    given_: tuple[float, float, float, float],
) -> None:
    aside = TEMPLATE + np.float32([[0, 0], [0, 0], [12, 0], [0, 0], [0, 0]])
    assert yaw(moved(aside, matrix(*given_))) == pytest.approx(yaw(aside), abs=0.02)


def test_eyes_in_one_place_are_a_profile() -> None:
    assert yaw(np.zeros((5, 2), np.float32)) == 1


def test_a_face_outside_the_frame_is_measured_without_a_complaint() -> None:
    face = Face((-300.0, -300.0, -200.0, -180.0), TEMPLATE - 300, 0.9)
    quality = measure(room(), face, np.full((CROP_PX, CROP_PX, 3), 9, np.uint8))
    assert (quality.blockiness, quality.sharpness) == (1.0, 0.0)
