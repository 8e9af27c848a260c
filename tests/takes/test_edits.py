"""Edits that are named: stretches in another order, another speed; and a swapped face, no cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from examples.demo import swapped
from tests import clips, scenes
from tests.support import takes as made
from unmask.take import TakeSettings, take
from unmask.takes.findings import BreakKind
from unmask.takes.hearing import listen
from unmask.takes.seeing import Seen, look
from unmask.takes.steps import BLOCKS
from unmask.types import Small, Sound

pytestmark = pytest.mark.slow

MUTE = TakeSettings(power=False)


def test_two_stretches_that_change_places_are_told(tmp_path: Path) -> None:
    pictures = map(made.filmed, made.times((0, 2.4), (4.8, 7.2), (2.4, 4.8), (7.2, 9.6)))
    result = take(made.write(tmp_path / "moved.mp4", pictures), MUTE)
    cuts = [one for one in result.breaks if one.kind is not BreakKind.REORDERED]
    assert [round(one.end, 2) for one in cuts] == [2.4, 4.8, 7.2]
    (moved,) = [one for one in result.breaks if one.kind is BreakKind.REORDERED]
    assert (moved.start, moved.end) == (pytest.approx(2.4), pytest.approx(4.8))
    assert moved.reason.values["end"] == pytest.approx(7.2)


def test_stretches_between_which_something_is_missing_are_not_re_ordered(tmp_path: Path) -> None:
    pictures = map(made.filmed, made.times((0, 2), (2.6, 4.6), (5.2, 7.2), (7.8, 9.8)))
    result = take(made.write(tmp_path / "cut.mp4", pictures), MUTE)
    assert {one.kind for one in result.breaks} == {BreakKind.JUMP_CUT}
    assert len(result.breaks) == 3


def tones(seconds: float, *hertz: float) -> NDArray[np.float32]:
    """Returns a sound of steady tones in noise."""
    t = np.arange(round(seconds * made.RATE)) / made.RATE
    noise = np.random.default_rng(7).normal(0, 0.003, t.size)
    return np.asarray(noise + sum(0.05 * np.sin(2 * np.pi * f * t) for f in hertz), np.float32)


def speeds(*stretches: NDArray[np.float32]) -> list[tuple[float, object]]:
    whole = np.concatenate(stretches)
    blocks = range(0, whole.size, 4 * made.RATE)
    heard = listen(Sound(at / made.RATE, whole[at : at + 4 * made.RATE]) for at in blocks)
    found = [one for one in heard.findings if one.kind is BreakKind.SPEED]
    return [(one.start, one.reason.values["speed"]) for one in found[:1]]


@pytest.mark.parametrize("speed", [0.8, 1.05, 1.5])
def test_another_speed_is_heard_by_two_tones_that_have_nothing_to_do_with_each_other(
    speed: float,
) -> None:
    first, second = tones(9.3, 119.7, 271.3), tones(9, 119.7 * speed, 271.3 * speed)
    ((at, ratio),) = speeds(first, second)
    assert at == pytest.approx(9, abs=1.01)
    assert ratio == pytest.approx(speed, rel=0.005)


@pytest.mark.parametrize(
    "second",
    [tones(9, 119.7, 300.0), tones(9, 119.7), tones(9)],
    ids=["one of two", "one ends", "both end"],
)
def test_a_tone_that_changes_by_itself_is_no_speed_change(second: NDArray[np.float32]) -> None:
    assert speeds(tones(9.3, 119.7, 271.3), second) == []


def test_a_fan_that_runs_faster_is_no_speed_change() -> None:
    assert speeds(tones(9, 100.0, 200.0, 300.0), tones(9, 120.0, 240.0, 360.0)) == []


def textured(seed: int, width: int, height: int) -> NDArray[np.float32]:
    paint = np.random.default_rng(seed).normal(128, 60, (height, width)).astype(np.float32)
    soft = cv2.GaussianBlur(paint, (0, 0), 2)
    return np.asarray((soft - soft.mean()) * 40 / soft.std() + 128, np.float32)


def sitting(number: int, face: int) -> Small:
    """Shows somebody who sways before a wall, with one of several faces."""
    body = textured(1, 60, 80)
    body[8:44, 12:48] = textured(face, 36, 36)
    move = np.float32([[1, 0, 50 + 7 * np.sin(number / 7)], [0, 1, 10 + 2 * np.cos(number / 9)]])
    over = cv2.warpAffine(body, move, (160, 90))
    there = cv2.warpAffine(np.ones_like(body), move, (160, 90))
    page = over * there + textured(9, 160, 90) * (1 - there)
    page += np.random.default_rng(number).normal(0, 1, page.shape)
    return Small(number / 25, np.clip(page, 0, 255).astype(np.uint8), number > 0)


def seen(numbers: Sequence[int], face: Callable[[int], int], known: bool) -> list[tuple[str, int]]:
    """Returns the findings' codes and pictures; the blocks of the face are ``known`` or not."""
    pictures = [replace(sitting(n, face(i)), time=i / 25) for i, n in enumerate(numbers)]
    found = Seen()
    blocks = np.zeros(BLOCKS, np.bool_)
    blocks[0:7, 4:12] = known
    look(pictures, [], found, lambda _time: None, lambda _time: blocks)
    return [(one.reason.code, round(one.end * 25)) for one in found.findings]


@pytest.mark.parametrize(
    ("known", "codes"),
    [(False, ["take.jump", "take.jump"]), (True, ["take.face", "take.face"])],
    ids=["nobody looks for faces", "its face is found"],
)
def test_a_face_that_is_swapped_in_and_out_is_no_cut(known: bool, codes: list[str]) -> None:
    swapped = seen(range(150), lambda number: 3 if 60 <= number < 100 else 2, known)
    assert swapped == list(zip(codes, (60, 100), strict=True))


def test_a_cut_before_somebody_whose_face_is_found_is_still_one() -> None:
    assert seen([*range(60), *range(70, 130)], lambda _number: 2, known=True) == [("take.jump", 60)]


def test_a_swap_in_a_film_is_no_break(tmp_path: Path) -> None:
    pages = [scenes.studio(1, i / 25) for i in range(75)]
    pages[30:45] = [swapped(page) for page in pages[30:45]]
    path = clips.write_video(tmp_path / "swap.mp4", pages, options={"crf": "20"}, gop=250)
    assert take(path, MUTE).breaks == ()
