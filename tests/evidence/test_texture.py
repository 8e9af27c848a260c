"""Texture: detects an inner face whose sharpness or noise differs from its head.

A picture treated as a whole is not detected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests import retouched
from tests.sightings import examine, seen, sized, track
from unmask.evidence.texture import Texture, measure
from unmask.messages import Message
from unmask.types import Rgb, Status, TrackEvidence


def said(*pictures: Rgb) -> TrackEvidence:
    """Returns the line's evidence on pictures of one person, half a second apart."""
    return examine(Texture(), *(seen(p, i / 2) for i, p in enumerate(pictures)))


def blurred(rgb: Rgb) -> Rgb:
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), 2.0), np.uint8)


def noisy(rgb: Rgb) -> Rgb:
    return np.clip(rgb + np.random.default_rng(0).normal(0, 6, rgb.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def untouched() -> TrackEvidence:
    return said(retouched.portrait())


def test_an_untouched_face_goes_with_its_head(untouched: TrackEvidence) -> None:
    assert untouched.status is Status.RAN
    assert untouched.summary == Message("texture.alike")


def test_a_blurred_face_on_a_sharp_head(untouched: TrackEvidence) -> None:
    changed = said(retouched.inside(blurred))
    assert changed.score is not None
    assert untouched.score is not None
    assert changed.score > untouched.score + 1
    assert changed.summary == Message("texture.differs", {"how": Message("texture.coarser inside")})


def test_a_clean_face_on_a_noisy_head(untouched: TrackEvidence) -> None:
    picture = retouched.inside(lambda _rgb: retouched.portrait(), noisy(retouched.portrait()))
    changed = said(picture)
    assert changed.score is not None
    assert untouched.score is not None
    assert changed.score > untouched.score
    before, after = (
        measure(seen(rgb).crop)["less noise inside"] for rgb in (retouched.portrait(), picture)
    )
    assert after > before + 0.2


@pytest.mark.parametrize("whole", [blurred, noisy], ids=["blurred", "noisy"])
def test_what_happened_to_the_whole_picture_is_no_reason(whole: Callable[[Rgb], Rgb]) -> None:
    alike, apart = said(whole(retouched.portrait())), said(retouched.inside(blurred))
    assert alike.score is not None
    assert apart.score is not None
    assert alike.score < apart.score - 1


def test_the_sentence_and_the_picture_are_of_the_changed_moment() -> None:
    changed = said(retouched.portrait(), retouched.inside(blurred), retouched.portrait())
    assert max(changed.readings, key=lambda r: r.score).time == 0.5
    assert (changed.summary.code, changed.summary.values["time"]) == ("texture.differs_at", 0.5)
    assert changed.pictures[0].caption == Message("texture.picture_at", {"time": 0.5})


def test_a_picture_without_colour_is_read() -> None:
    grey = np.repeat(cv2.cvtColor(retouched.portrait(), cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    assert said(grey).status is Status.RAN


@pytest.mark.parametrize("level", [3, 252], ids=["night", "overexposed"])
def test_a_face_without_light_or_with_too_much_is_not_read(level: int) -> None:
    sighting = seen(retouched.portrait())
    answer = examine(Texture(), replace(sighting, crop=np.full_like(sighting.crop, level)))
    assert answer.status is Status.NOT_APPLICABLE
    assert answer.summary == Message("texture.unmeasured", {"why": Message("unmeasured.exposure")})


def test_a_tiny_face_has_no_texture() -> None:
    answer = examine(Texture(), *track([0.0], [sized(30.0)]).sightings)
    assert answer.status is Status.NOT_APPLICABLE
    assert answer.summary == Message(
        "texture.unmeasured", {"why": Message("unmeasured.small", {"width": 48.0})}
    )
