"""Steps between pictures: coding losses, key frames and sudden motion are no cuts."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from unmask.takes import steps
from unmask.takes.steps import CUT_Z, MARKED_Z
from unmask.types import Small


def wall(x: float) -> np.ndarray:
    """Paints a wall, moved by px, float32 ``(90, 160)``."""
    paint = np.random.default_rng(3).normal(128, 60, (100, 200)).astype(np.float32)
    soft = cv2.GaussianBlur(paint, (0, 0), 3)
    spread = (soft - soft.mean()) * 40 / soft.std() + 128
    return cv2.warpAffine(spread, np.float32([[1, 0, x - 20], [0, 1, -5]]), (160, 90))


def filmed(picture: np.ndarray, number: int, key: bool = False) -> Small:
    grain = np.random.default_rng(number).normal(0, 1, picture.shape)
    return Small(number / 25, np.clip(picture + grain, 0, 255).astype(np.uint8), True, key)


def test_what_stands_still_leaves_nothing_but_its_grain() -> None:
    left, flow = steps.between(filmed(wall(0), 1).grey, filmed(wall(0), 2).grey)
    assert 0.3 < left.mean() < 2
    assert np.abs(flow).max() < 0.2


@pytest.mark.parametrize(("key", "cut"), [(False, True), (True, False)])
def test_detail_that_comes_back_with_a_key_frame_is_no_cut(key: bool, cut: bool) -> None:
    detail = np.random.default_rng(4).normal(0, 5, (90, 160))
    run = steps.run([filmed(wall(0) + detail * (i >= 40), i, key and i == 40) for i in range(80)])
    assert (run.stands_out(40) >= CUT_Z) is cut


def test_a_camera_that_begins_to_move_at_once_makes_no_cut() -> None:
    run = steps.run([filmed(wall(min(max(i - 40, 0), 6)), i) for i in range(80)])
    assert max(run.stands_out(i) for i in range(20, 60)) < MARKED_Z


def test_a_camera_that_has_moved_between_two_pictures_makes_one() -> None:
    run = steps.run([filmed(wall(3.0 * (i >= 40)), i) for i in range(80)])
    assert [i for i in range(20, 60) if run.stands_out(i) >= CUT_Z] == [40]


@pytest.mark.parametrize(("left_after", "cut"), [(7.0, False), (1.2, True)])
def test_what_jumps_leaves_more_than_what_begins_to_move(left_after: float, cut: bool) -> None:
    """Flow errs by 1.5 px in twelve blocks where a hand begins to move."""
    rng, hand = np.random.default_rng(7), (slice(3, 6), slice(4, 8))
    left = rng.uniform(1.0, 1.2, (80, *steps.BLOCKS)).astype(np.float32)
    flow = rng.normal(0, 0.03, (80, *steps.BLOCKS, 2)).astype(np.float32)
    left[40:, *hand] = left_after
    left[40, *hand] = 6.0
    flow[40, *hand, 1] += 1.5
    run = steps.Steps.of([filmed(wall(0), i) for i in range(80)], left, flow)
    assert (run.z(40) >= CUT_Z) is cut


def hand(number: int) -> np.ndarray:
    """Paints a hand in front of the wall; it goes up from picture 40 on, 2 px each."""
    picture, y = wall(0), 60 - 2.0 * min(max(number - 40, 0), 15)
    cv2.circle(picture, (60 * 16, round(y * 16)), 6 * 16, 230, -1, cv2.LINE_AA, 4)
    return picture


def test_a_hand_that_begins_to_move_at_once_makes_no_cut() -> None:
    run = steps.run([filmed(hand(i), i) for i in range(80)])
    assert max(run.stands_out(i) for i in range(20, 60)) < MARKED_Z


def test_a_hand_that_was_elsewhere_a_picture_before_makes_one() -> None:
    run = steps.run([filmed(hand(30 if i < 40 else 55), i) for i in range(80)])
    assert [i for i in range(20, 60) if run.stands_out(i) >= CUT_Z] == [40]
