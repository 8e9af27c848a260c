"""What limits a judgement, measured on the pixels of a real portrait."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
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
    sharpness += [measured(np.asarray(cv2.GaussianBlur(HEAD, None, sigma))).sharpness for sigma in (0.7, 1.5, 3, 6)]
    assert sharpness == sorted(sharpness, reverse=True)
    assert sharpness[0] > 0.02 > sharpness[2]


def test_blockiness_rises_with_compression_and_is_one_without() -> None:
    picture = scene((HEAD, 203, 131))
    blocky = [measured(picture).blockiness]
    for quality in (60, 25, 10):
        jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        blocky.append(measured(np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))).blockiness)
    assert blocky == sorted(blocky)
    assert blocky[0] == pytest.approx(1, abs=0.15)
    assert blocky[-1] > 1.5


def yaw(points: NDArray[np.float32]) -> float:
    face = Face((40.0, 40.0, 150.0, 180.0), points, 0.9)
    return measure(look(), face, look()).yaw


def test_yaw_is_nothing_from_the_front_and_full_in_profile() -> None:
    aside = [TEMPLATE + np.float32([[0, 0], [0, 0], [x, 0], [0, 0], [0, 0]]) for x in (0, 8, 16, 24, 60)]
    yaws = [yaw(points) for points in aside]
    assert yaws == sorted(yaws)
    assert yaws[0] == pytest.approx(0, abs=1e-6)
    assert yaws[-1] == 1
    mirrored = aside[2] * np.float32([-1, 1])
    assert yaw(mirrored[[1, 0, 2, 4, 3]]) == pytest.approx(yaws[2], abs=1e-5)


@given(SIMILARITIES)
def test_yaw_does_not_depend_on_where_how_large_and_how_tilted(given_: tuple[float, float, float, float]) -> None:
    aside = TEMPLATE + np.float32([[0, 0], [0, 0], [12, 0], [0, 0], [0, 0]])
    assert yaw(moved(aside, matrix(*given_))) == pytest.approx(yaw(aside), abs=0.02)


def test_eyes_in_one_place_are_a_profile() -> None:
    assert yaw(np.zeros((5, 2), np.float32)) == 1


def test_a_face_outside_the_frame_is_measured_without_a_complaint() -> None:
    face = Face((-300.0, -300.0, -200.0, -180.0), TEMPLATE - 300, 0.9)
    quality = measure(room(), face, np.full((CROP_PX, CROP_PX, 3), 9, np.uint8))
    assert (quality.blockiness, quality.sharpness) == (1.0, 0.0)
