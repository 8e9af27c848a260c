"""Repeated stretches: what was recorded once is found again, a hand that moves alike is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from unmask.takes.findings import Finding
from unmask.takes.repeats import Memory
from unmask.types import Small


def crowd(t: float) -> np.ndarray:
    """Paints eight balls before a wall, each on a way of its own."""
    page, rng = np.full((90, 160), 60, np.uint8), np.random.default_rng(5)
    for x, y, fast, slow in rng.uniform((20, 15, 0.7, 0.3), (140, 75, 2.1, 1.1), (8, 4)):
        to = x + 18 * np.sin(fast * t * 3), y + 12 * np.cos(slow * t * 5)
        cv2.circle(page, (round(to[0] * 16), round(to[1] * 16)), 7 * 16, 220, -1, cv2.LINE_AA, 4)
    return page


def hand(t: float) -> np.ndarray:
    """Paints a hand that goes to a mouth and back every three seconds, each time alike."""
    page, way = np.full((90, 160), 60, np.uint8), max(0.0, np.sin(2 * np.pi * t / 3))
    cv2.circle(page, (75 * 16, round((55 - 8 * way) * 16)), 7 * 16, 250, -1, cv2.LINE_AA, 4)
    return page


def filmed(scene: Callable[[float], np.ndarray], times: np.ndarray) -> Iterator[Small]:
    """Films with grain; ``times`` are those of the scene, s."""
    rng = np.random.default_rng(6)
    for number, t in enumerate(times):
        grain = rng.normal(0, 1, (90, 160))
        grey = np.clip(scene(float(t)) + grain, 0, 255).astype(np.uint8)
        yield Small(number / 25, grey, follows=True)


def shown_again(scene: Callable[[float], np.ndarray], times: np.ndarray) -> list[Finding]:
    """Shows a film, four seconds at a time."""
    memory, pictures = Memory(), list(filmed(scene, times))
    parts = [memory.shown_again(pictures[i : i + 100]) for i in range(0, len(pictures), 100)]
    return [finding for part in parts for finding in part]


def test_a_stretch_that_comes_again_is_found_where_it_came_from() -> None:
    times = np.arange(500) / 25
    times[350:425] = times[100:175]
    found = shown_again(crowd, times)
    assert found
    for again in found:
        since = again.reason.values["original_start"]
        assert again.start - float(str(since)) == pytest.approx(10.0, abs=0.1)
        assert 13.9 <= again.start < again.end <= 17.1


def test_what_never_comes_again_is_not_found() -> None:
    assert not shown_again(crowd, np.arange(500) / 25)


def test_what_moves_alike_in_another_place_is_no_repeat() -> None:
    """The balls move as before, at night and before another wall."""
    wall = cv2.resize(np.random.default_rng(8).integers(0, 120, (9, 16), np.uint8), (160, 90))
    times = np.arange(500) / 25
    times[350:425] = times[100:175]
    places = iter(np.arange(500) >= 300)

    def scene(t: float) -> np.ndarray:
        return np.asarray(crowd(t) // 2 + wall if next(places) else crowd(t))

    assert not shown_again(scene, times)


def test_a_hand_that_moves_alike_again_is_no_repeat() -> None:
    assert not shown_again(hand, np.arange(700) / 25)
