"""Detection of faces on the pixels of a real portrait."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from tests.faces.portraits import HEAD, MIDDLE, PORTRAIT, STRANGER, centre, room, scaled, scene
from unmask import models
from unmask.faces import find, find_near
from unmask.types import Rgb


def test_a_face_is_found_where_it_is() -> None:
    (face,) = find(PORTRAIT)
    assert centre(face) == pytest.approx((225, 119), abs=6)
    assert face.box[2] - face.box[0] == pytest.approx(88, abs=8)
    assert face.confidence > 0.8
    right_eye, left_eye, nose, right_mouth, left_mouth = face.points
    assert face.points.dtype == np.float32
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])


def test_the_networks_weights_are_constants_which_onnx_runtime_lays_out_for_speed() -> None:
    assert models.session(models.CENTERFACE).get_overridable_initializers() == []


@pytest.mark.parametrize("scale", [0.3, 0.6, 1.7, 4.0])
def test_box_and_points_are_px_of_the_image_at_any_scale(scale: float) -> None:
    (face,) = find(scaled(PORTRAIT, scale))
    assert np.array(centre(face)) / scale == pytest.approx((225, 119), abs=8)
    assert face.points / scale == pytest.approx(find(PORTRAIT)[0].points, abs=5)


def test_several_faces_come_largest_first() -> None:
    near, far = scaled(HEAD, 0.9), scaled(STRANGER, 0.5)
    found = find(scene((far, 400, 130), (near, 110, 130), (scaled(HEAD, 0.7), 280, 150)))
    assert [round(centre(face)[0], -1) for face in found] == [110, 280, 400]
    widths = [face.box[2] - face.box[0] for face in found]
    assert widths == sorted(widths, reverse=True)


def test_a_grey_face_is_found() -> None:
    grey = cv2.cvtColor(cv2.cvtColor(PORTRAIT, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    assert len(find(np.asarray(grey))) == 1


def test_a_face_that_fills_its_picture_is_found() -> None:
    x0, y0, x1, y1 = (int(v) for v in find(PORTRAIT)[0].box)
    assert len(find(scaled(PORTRAIT[y0:y1, x0:x1], 3.0))) == 1


@pytest.mark.parametrize(
    "picture",
    [np.full((180, 320, 3), level, np.uint8) for level in (0, 127, 255)]
    + [
        np.random.default_rng(seed).integers(0, 256, (180, 320, 3), dtype=np.uint8)
        for seed in range(3)
    ]
    + [room(), np.asarray(data.coffee()), np.asarray(data.rocket())],
)
def test_no_face_is_found_where_none_is(picture: Rgb) -> None:
    assert find(picture) == ()


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (1, 3000), (3000, 1), (20, 40_000)])
def test_strange_shapes_are_searched_without_a_complaint(shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 90, np.uint8)
    assert find(picture) == ()
    assert find_near(picture, (0.0, 0.0, 30.0, 40.0)) is None


def test_a_face_in_a_very_wide_picture_keeps_its_proportions() -> None:
    wide = scene((HEAD, 900, 105), background=room(1500, 210))
    (face,) = find(wide)
    assert centre(face) == pytest.approx((900 + MIDDLE[0] - 105, MIDDLE[1]), abs=12)
    assert (face.box[3] - face.box[1]) / (face.box[2] - face.box[0]) == pytest.approx(1.35, abs=0.3)


@pytest.mark.parametrize("moved", [(0, 0), (40, 0), (-30, 35), (0, -40)])
def test_a_known_face_is_found_again_nearby(moved: tuple[int, int]) -> None:
    (before,) = find(scene((HEAD, 200, 130)))
    now = find_near(scene((HEAD, 200 + moved[0], 130 + moved[1])), before.box)
    assert now is not None
    assert np.subtract(centre(now), centre(before)) == pytest.approx(moved, abs=6)


def test_a_face_that_went_is_not_mistaken_for_another_farther_off() -> None:
    (before,) = find(scene((scaled(HEAD, 0.6), 80, 130)))
    assert find_near(scene((scaled(STRANGER, 0.6), 300, 130)), before.box) is None


@pytest.mark.parametrize(
    "box", [(-900, -900, -800, -780), (460, 250, 520, 330), (5000, 10, 5100, 120), (9, 9, 9, 9)]
)
def test_a_place_outside_the_frame_holds_no_face(box: tuple[float, float, float, float]) -> None:
    assert find_near(room(), box) is None
