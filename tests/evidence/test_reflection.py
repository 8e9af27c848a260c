"""Reflection: two lights at different places of the corneas are detected; one in both is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests import retouched
from tests.sightings import examine, seen
from unmask.evidence.reflection import Reflection, corneas
from unmask.faces import EYE_PX
from unmask.messages import Message
from unmask.types import Sighting, Status, TrackEvidence


def said(sighting: Sighting) -> TrackEvidence:
    return examine(Reflection(), sighting)


def test_the_portrait_s_own_eyes_agree() -> None:
    answer = said(seen(retouched.portrait()))
    assert answer.score is not None
    assert answer.score < 0.3
    assert answer.summary == Message("reflection.agree")


@pytest.mark.parametrize("place", [(0.4, -0.4), (-0.3, 0.2), (0.0, -0.6)])
def test_the_same_light_in_both_eyes_agrees(place: tuple[float, float]) -> None:
    answer = said(seen(retouched.lit(place, place)))
    assert answer.score is not None
    assert answer.score < 0.3


def test_lights_in_different_places_do_not_agree() -> None:
    answer = said(seen(retouched.lit((0.4, -0.4), (-0.5, 0.4))))
    assert answer.score is not None
    assert answer.score > 0.7
    assert answer.summary == Message("reflection.disagree")


def test_the_iris_is_found_where_it_was_painted() -> None:
    eyes = seen(retouched.lit((0.3, -0.3), (0.3, -0.3))).eyes
    assert eyes is not None
    for cornea in corneas(eyes):
        assert abs(cornea.x - 32) <= 3
        assert abs(cornea.y - 32) <= 3
        assert cornea.radius == pytest.approx(0.093 * 128, abs=2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: replace(s, eyes=None), Message("reflection.small", {"width": EYE_PX})),
        (lambda s: replace(s, quality=replace(s.quality, yaw=0.5)), Message("unmeasured.aside")),
        (lambda s: replace(s, eyes=np.full_like(s.eyes, 120)), Message("reflection.closed")),
        (
            lambda s: replace(s, eyes=cv2.GaussianBlur(s.eyes, (0, 0), 5)),
            Message("reflection.no_light"),
        ),
    ],
)
def test_where_the_eyes_cannot_be_compared(
    change: Callable[[Sighting], Sighting], reason: Message
) -> None:
    answer = said(change(seen(retouched.portrait())))
    assert answer.status is Status.NOT_APPLICABLE
    assert answer.summary == Message("reflection.unmeasured", {"why": reason})


def test_a_small_face_has_no_strip_of_its_eyes() -> None:
    small = np.ascontiguousarray(retouched.portrait()[::4, ::4])
    assert seen(small).eyes is None
