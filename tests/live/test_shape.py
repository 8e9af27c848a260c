"""The shape network, on surfaces from `subjects`, which its own simulator did not draw."""

from __future__ import annotations

import numpy as np
import pytest

from tests.live.subjects import Subject, bent, challenge, flat, painted
from unmask.live import light, shape, signals
from unmask.live.relief import relief
from unmask.live.response import Response, response
from unmask.live.shading import shading
from unmask.live.verification import A_FACE, NO_FACE

pytestmark = pytest.mark.slow


def seen(subject: Subject, seed: int = 1) -> tuple[Response, float]:
    """Returns what a subject responded, and how strongly."""
    asked = challenge(seed)
    readings = subject.answers(asked, seed)
    found = light.answer(asked, painted(asked), readings)
    return response(asked, painted(asked), readings, found.delay), found.strength


def odds(subject: Subject, seed: int) -> float:
    responded, strength = seen(subject, seed)
    return shape.odds(responded, relief(responded), shading(responded), strength)


@pytest.mark.parametrize(
    "subject",
    [Subject(room=50), Subject(room=300), Subject(room=600)],
    ids=["50", "300", "600 lux"],
)
def test_a_head_of_another_maker_is_a_face(subject: Subject) -> None:
    assert min(odds(subject, seed) for seed in (11, 12)) > A_FACE


@pytest.mark.parametrize(
    "subject",
    [
        Subject(depth=flat),
        Subject(depth=bent(20, 1.4)),
        Subject(depth=bent(90, 1.4)),
        Subject(tint=True),
    ],
    ids=["flat", "bent", "bent the other way", "tint"],
)
def test_what_is_no_head_is_none(subject: Subject) -> None:
    assert max(odds(subject, seed) for seed in (11, 12)) < NO_FACE


def test_a_mirrored_face_is_as_much_of_one() -> None:
    responded, _ = seen(Subject())
    maps = shape.maps_of(responded)
    assert maps.shape == (6, signals.face_cells().sum())
    assert np.array_equal(shape.mirrored(shape.mirrored(maps)), maps)
    assert not np.array_equal(shape.mirrored(maps), maps)
