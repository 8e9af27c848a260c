"""Skin: detects an inner face whose colour or lighting differs from the skin around it.

Other light on the whole face is not detected.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests import retouched
from tests.sightings import examine, seen
from unmask.evidence.skin import FARTHEST, SIDE, Skin, gaps, measure
from unmask.faces.regions import inner_skin, outer_skin, places, rho
from unmask.messages import Message
from unmask.types import Rgb, Status, TrackEvidence


def said(rgb: Rgb) -> TrackEvidence:
    """Returns the line's evidence on one picture."""
    return examine(Skin(), seen(rgb))


def painted(inner: tuple[float, float, float], around: tuple[float, float, float]) -> np.ndarray:
    """Paints Lab patches of a face, ``(SIDE, SIDE, 3)``: inner and outer skin, hair elsewhere."""
    lab = np.full((SIDE, SIDE, 3), (10.0, 0.0, 0.0), np.float32)
    for region in outer_skin(SIDE).values():
        lab[region] = around
    lab[inner_skin(SIDE)] = inner
    return lab + np.random.default_rng(0).normal(0, 1, lab.shape).astype(np.float32)


@pytest.fixture(scope="module")
def untouched() -> TrackEvidence:
    return said(retouched.portrait())


def test_an_untouched_face_goes_with_its_skin(untouched: TrackEvidence) -> None:
    assert untouched.status is Status.RAN
    assert untouched.summary == Message("skin.alike")


def test_a_tinted_inner_face(untouched: TrackEvidence) -> None:
    changed = said(
        retouched.inside(lambda rgb: np.clip(rgb * [1.25, 0.97, 0.65], 0, 255).astype(np.uint8))
    )
    assert changed.score is not None
    assert untouched.score is not None
    assert changed.score > untouched.score + 0.3
    assert changed.summary.code == "skin.colour"


def test_other_light_on_the_whole_picture_is_no_reason(untouched: TrackEvidence) -> None:
    dimmed = said(np.clip(retouched.portrait() * 0.75, 0, 255).astype(np.uint8))
    assert dimmed.score == pytest.approx(untouched.score, abs=0.1)


def test_the_gap_is_one_of_colour_and_not_of_brightness() -> None:
    same, shaded, other = (
        gaps(painted((60, 15, 18), c)) for c in ((60, 15, 18), (50, 15, 18), (60, 6, 26))
    )
    assert max(same.values()) < 2
    assert max(shaded.values()) < 2
    assert min(other.values()) > 4


def test_hair_over_the_forehead_is_no_skin() -> None:
    lab = painted((60, 15, 18), (60, 15, 18))
    lab[outer_skin(SIDE)["forehead"]] = (12.0, 2.0, 3.0)
    assert gaps(lab)["forehead"] == FARTHEST
    assert gaps(lab)["sides"] < 2


def test_light_from_the_other_side_is_measured() -> None:
    lab = painted((60, 15, 18), (60, 15, 18))
    x, _ = places(SIDE)
    lit = lab.copy()
    lit[..., 0] = 60 + 10 * x
    assert measure(lit)["shading reversed"] == 0
    reversed_inside = lit.copy()
    reversed_inside[..., 0] = np.where(rho(SIDE) < 0.6, 60 - 10 * x, lit[..., 0])
    assert measure(reversed_inside)["shading reversed"] > 5


def test_a_picture_without_colour_is_not_read() -> None:
    grey = np.repeat(cv2.cvtColor(retouched.portrait(), cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    assert said(grey).summary == Message("skin.unmeasured", {"why": Message("skin.no_colour")})


@pytest.mark.parametrize("gain", [0.08, 4.0], ids=["night", "overexposed"])
def test_a_face_without_light_or_with_too_much_is_not_read(gain: float) -> None:
    sighting = seen(retouched.portrait())
    shown = replace(sighting, crop=np.clip(sighting.crop * gain, 0, 255).astype(np.uint8))
    answer = examine(Skin(), shown)
    assert answer.status is Status.NOT_APPLICABLE
    assert answer.summary == Message("skin.unmeasured", {"why": Message("unmeasured.exposure")})


def test_a_head_turned_aside_is_not_read() -> None:
    sighting = seen(retouched.portrait())
    aside = replace(sighting, quality=replace(sighting.quality, yaw=0.7))
    answer = examine(Skin(), aside)
    assert answer.status is Status.NOT_APPLICABLE
    assert answer.summary == Message("skin.unmeasured", {"why": Message("unmeasured.aside")})
