"""Challenges: safe to look at, balanced, and never the same."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random
from secrets import SystemRandom

import numpy as np
from numpy.typing import NDArray

from tests.live.subjects import challenge
from unmask.live.challenge import (
    MOVE_SECONDS,
    SYMBOLS,
    LightChallenge,
    Move,
    light_challenge,
    movement_challenge,
)
from unmask.live.signals import codes

SEQUENCES = 10_000


def shown(challenge: LightChallenge) -> NDArray[np.uint8]:
    return np.array([symbol.quarters for symbol in challenge.symbols], np.uint8)


def flashes(light: NDArray[np.float64], seconds: float) -> int:
    """Counts the most flashes, by WCAG 2.3.1, in any second on any quarter of any screen.

    Independent of the generator. A change counts if it is at least a tenth of the greatest relative
    luminance and its darker side is under 0.8; two opposing changes are a flash. ``light`` is
    relative luminance ``(screens, symbols, quarters)``.
    """
    before, after = light[:, :-1], light[:, 1:]
    counts = (np.abs(after - before) >= 0.1) & (np.minimum(before, after) < 0.8)
    at_once = int(np.floor(1 / seconds + 1e-9)) + 1
    windows = np.lib.stride_tricks.sliding_window_view(counts, at_once, axis=1)
    return int(windows.sum(axis=-1).max()) // 2


def linear(srgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    value = srgb / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def test_no_sequence_flashes_more_than_three_times_in_a_second_or_shows_saturated_red() -> None:
    random = Random(1)  # noqa: S311
    seconds = light_challenge(random).seconds
    light = linear(np.stack([shown(light_challenge(random)) for _ in range(SEQUENCES)]))
    luminance = (light @ [0.2126, 0.7152, 0.0722]).reshape(SEQUENCES, SYMBOLS, 4)
    assert flashes(luminance, seconds) <= 3
    # Symbols that the browser squeezes into a second early are counted as well.
    assert flashes(luminance, 0.9 * seconds) <= 3
    red = light[..., 0] / light.sum(axis=-1)
    assert red.max() < 0.8


def test_the_checker_of_flashes_sees_a_strobe() -> None:
    strobe = np.tile([0.0, 1.0], 10).reshape(1, 20, 1)
    assert flashes(strobe, 0.1) > 3


def test_every_challenge_lights_all_sides_of_the_screen_equally_often_in_each_channel() -> None:
    for seed in range(20):
        code = codes(challenge(seed))
        assert code.shape == (SYMBOLS, 3, 3)
        np.testing.assert_array_equal(code.sum(axis=0), 0)
        np.testing.assert_array_equal((code**2).sum(axis=0), [[1, 10, 10]] * 3)


def test_light_challenges_differ_and_have_one_length() -> None:
    challenges = [light_challenge(SystemRandom()) for _ in range(200)]
    assert len(set(challenges)) == 200
    assert {len(challenge.symbols) for challenge in challenges} == {SYMBOLS}


def test_movement_challenges_hold_a_blink_and_both_turns_and_no_move_twice_running() -> None:
    random = Random(2)  # noqa: S311
    challenges = Counter(movement_challenge(random) for _ in range(5_000))
    assert len(challenges) == 186
    assert max(challenges.values()) < 60
    for one in challenges:
        assert {Move.BLINK, Move.TURN_LEFT, Move.TURN_RIGHT} <= set(one.moves)
        assert all(move != other for move, other in pairwise(one.moves))
        assert len(one.moves) * MOVE_SECONDS <= 11
