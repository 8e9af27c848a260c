"""Motion: detects an inner face that jumps or changes against its head.

Moving cameras and changing light are not detected.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from tests import retouched
from tests.sightings import examine, media, seen
from unmask.evidence.motion import NOTABLE, Motion
from unmask.messages import Message
from unmask.types import Case, Kind, Rgb, Status, Track, TrackEvidence

pytestmark = pytest.mark.slow

FRAMES = 10


def filmed(
    frame: Callable[[int], Rgb],
    count: int = FRAMES,
    time: Callable[[int], float] = lambda i: i / 10,
) -> TrackEvidence:
    """Returns the line's evidence on pictures from a hand-held camera with sensor noise.

    By default they are a tenth of a second apart.
    """
    sightings = []
    for i in range(count):
        move = cv2.getRotationMatrix2D(
            (320, 220), float(np.sin(i / 5)), 1 + 0.01 * float(np.sin(i / 3))
        )
        move[:, 2] += 0.5 * i, np.sin(i)
        rgb = cv2.warpAffine(frame(i), move, (640, 640), borderMode=cv2.BORDER_REFLECT)
        noise = np.random.default_rng(i).normal(0, 2, (640, 640, 1))
        shot = np.clip(rgb + noise, 0, 255).astype(np.uint8)
        sightings.append(seen(shot, time(i), search_px=320))
    return examine(Motion(), *sightings)


def test_a_moving_camera_and_changing_light_are_no_reason() -> None:
    for brighter in (0.0, 0.02):
        answer = filmed(
            lambda i, k=brighter: np.clip(retouched.portrait() * (0.8 + k * i), 0, 255).astype(
                np.uint8
            )
        )  # type: ignore[misc]
        assert answer.score is not None
        assert answer.score < NOTABLE
        assert answer.summary == Message("motion.steady")


def test_a_face_that_jumps_against_its_head() -> None:
    def jumping(i: int) -> Rgb:
        dx, dy = np.random.default_rng(i).normal(0, 3, 2)
        move = np.array([[1, 0, dx], [0, 1, dy]])
        return retouched.inside(
            lambda rgb: np.asarray(cv2.warpAffine(rgb, move, (640, 640)), np.uint8)
        )

    answer = filmed(jumping)
    assert answer.score is not None
    assert answer.score > NOTABLE
    assert (answer.summary.code, answer.summary.values["trait"]) == (
        "motion.unsteady",
        Message("motion.place"),
    )


def test_a_stretch_of_other_sharpness_stands_out_at_its_time() -> None:
    soft = retouched.inside(lambda rgb: np.asarray(cv2.GaussianBlur(rgb, (0, 0), 2.0), np.uint8))
    answer = filmed(lambda i: soft if 4 <= i < 7 else retouched.portrait())
    assert (answer.summary.code, answer.summary.values["trait"]) == (
        "motion.unsteady",
        Message("motion.sharpness"),
    )
    high = {r.time for r in answer.readings if r.score > NOTABLE}
    assert high == {0.4, 0.5, 0.6}


def test_what_lasts_longest_is_usual_however_often_the_rest_is_looked_at() -> None:
    soft = retouched.inside(lambda rgb: np.asarray(cv2.GaussianBlur(rgb, (0, 0), 2.0), np.uint8))
    answer = filmed(
        lambda i: soft if 2 <= i < 8 else retouched.portrait(),
        time=lambda i: i / 10 if 2 <= i < 8 else 0.2 + (i - (2 if i < 2 else 7)),
    )
    high = {r.time for r in answer.readings if r.score > NOTABLE}
    assert high == {0.2, 0.3, 0.4, 0.5, 0.6, 0.7}


def test_a_photo_does_not_move() -> None:
    someone = Track(1, (seen(retouched.portrait()),))
    answer = Motion().examine(someone, Case(media(Kind.PHOTO, 1), (someone,)))
    assert answer.status is Status.NOT_APPLICABLE
    assert answer.summary == Message("motion.photo")


def test_too_few_looks_say_nothing_of_motion() -> None:
    answer = filmed(lambda _i: retouched.portrait(), 4)
    assert answer.status is Status.NOT_APPLICABLE
    assert answer.summary == Message("motion.seldom", {"count": 4, "needed": 5})
