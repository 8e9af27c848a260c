"""Requested moves, on readings of a face that makes them; and films made to pass any request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain, combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.live.subjects import LOOKS, reading
from unmask.live.challenge import MOVE_SECONDS, MOVES, NEEDED, Move, MovementChallenge
from unmask.live.movement import REACTION, beginnings, moved
from unmask.live.reading import FrameReading
from unmask.live.verification import Advice, Result, verify

Act = tuple[float, float, Move]
"""A move: when it begins and how long it lasts, s, and which it is."""

LEFT, RIGHT, CLOSER, BLINK = Move
ASKED = MovementChallenge((LEFT, BLINK, CLOSER, RIGHT, BLINK))
SINCE = [1.0 + MOVE_SECONDS * k for k in range(MOVES)]
END = SINCE[-1] + MOVE_SECONDS + 1.0
ORDERS = [
    order
    for order in product(Move, repeat=MOVES)
    if set(order) >= NEEDED and all(one != other for one, other in pairwise(order))
]


def film(acts: Iterable[Act]) -> list[FrameReading]:
    """Returns readings of a face that makes these moves.

    Of two turns at the same time, the later one in the list is seen.
    """
    acts, readings = list(acts), []
    for time in np.arange(0, END, 0.08):
        seen: dict[str, float] = {}
        for since, seconds, move in acts:
            if since <= time < since + seconds:
                seen |= {
                    LEFT: {"yaw": 0.35},
                    RIGHT: {"yaw": -0.35},
                    CLOSER: {"size": 1.3},
                    BLINK: {"eyes": 0.15},
                }[move]
        readings.append(reading(float(time), **seen))
    return readings


def performed(order: Iterable[Move], late: float = 0.9, lasting: float = 0.5) -> list[FrameReading]:
    """Returns readings of somebody who makes one move for each step."""
    return film((since + late, lasting, move) for since, move in zip(SINCE, order, strict=True))


def right(readings: list[FrameReading]) -> list[set[Move]]:
    """Returns, for each step, the moves that would have passed."""
    answers = {move: moved(MovementChallenge((move,) * MOVES), SINCE, readings) for move in Move}
    return [
        {move for move, of in answers.items() if of.followed[step] and not of.contradicted[step]}
        for step in range(MOVES)
    ]


def passed(readings: list[FrameReading]) -> list[tuple[Move, ...]]:
    """Returns the orders that a film passes."""
    steps = right(readings)
    return [
        order for order in ORDERS if all(move in of for move, of in zip(order, steps, strict=True))
    ]


# ---------------------------------------------------------------- people


def test_a_face_that_makes_the_moves_is_live() -> None:
    assert verify(ASKED, SINCE, performed(ASKED.moves)).result is Result.LIVE


@pytest.mark.parametrize("order", ORDERS[::12])
def test_moves_pass_the_order_in_which_they_are_made_and_no_other(order: tuple[Move, ...]) -> None:
    assert passed(performed(order)) == [order]


@pytest.mark.parametrize("late", [0.4, 0.9, 1.5, 2.1])
def test_quick_and_slow_people_pass(late: float) -> None:
    assert verify(ASKED, SINCE, performed(ASKED.moves, late)).result is Result.LIVE


def test_moves_in_another_order_are_not_live() -> None:
    assert verify(ASKED, SINCE, performed(ASKED.moves[::-1])).result is Result.NOT_LIVE


def test_a_face_that_does_not_move_is_asked_to_follow() -> None:
    found = verify(ASKED, SINCE, film([]))
    assert (found.result, found.advice) == (Result.INCONCLUSIVE, Advice.NOT_FOLLOWED)


@pytest.mark.parametrize("late", [0.2, 2.4])
def test_moves_begun_before_one_can_have_read_or_after_the_next_was_read_do_not_count(
    late: float,
) -> None:
    assert verify(ASKED, SINCE, performed(ASKED.moves, late)).result is not Result.LIVE


def test_blinks_are_free_and_a_head_that_turns_may_come_closer() -> None:
    moves = [(since + 0.9, 0.5, move) for since, move in zip(SINCE, ASKED.moves, strict=True)]
    blinks = [(since + 1.6, 0.2, BLINK) for since in SINCE]
    assert (
        verify(ASKED, SINCE, film([*moves, *blinks, (SINCE[0] + 1.0, 0.3, CLOSER)])).result
        is Result.LIVE
    )


def test_another_person_is_not_live() -> None:
    swapped = [one if one.time < 5 else _like(one, LOOKS[1]) for one in performed(ASKED.moves)]
    assert verify(ASKED, SINCE, swapped).result is Result.NOT_LIVE


def _like(one: FrameReading, look: np.ndarray) -> FrameReading:  # type: ignore[type-arg]
    assert one.face
    return replace(one, face=replace(one.face, anchor=replace(one.face.anchor, look=look)))


def test_a_face_that_jumps_is_inconclusive() -> None:
    jumped = [one if one.time < 5 else _aside(one) for one in performed(ASKED.moves)]
    found = verify(ASKED, SINCE, jumped)
    assert (found.result, found.advice) == (Result.INCONCLUSIVE, Advice.MOVED)


def _aside(one: FrameReading) -> FrameReading:
    assert one.face
    return replace(one, face=replace(one.face, points=one.face.points + np.float32(90)))


# ---------------------------------------------------------------- beginnings


def test_a_move_begins_once_however_long_and_unsteadily_it_is_held() -> None:
    yaws = [0.0] * 9 + [0.25, 0.15, 0.22, 0.18, 0.25, 0.15] + [0.0] * 9
    readings = [reading(0.1 * k, yaw=yaw) for k, yaw in enumerate(yaws)]
    assert beginnings(readings) == [(pytest.approx(0.9), LEFT)]


def test_a_move_that_goes_on_from_the_step_before_does_not_count() -> None:
    held = film([(SINCE[0] + 0.9, 2.5, LEFT)])
    assert right(held)[:2] == [{LEFT}, set()]


def test_a_blink_just_before_closing_the_eyes_on_purpose_does_no_harm() -> None:
    assert right(film([(SINCE[1] + REACTION - 0.1, 0.6, BLINK)]))[1] == {BLINK}


# ---------------------------------------------------------------- films


def test_whatever_begins_in_a_step_is_right_for_one_asking_at_most() -> None:
    for made in chain.from_iterable(combinations(Move, n) for n in range(5)):
        acts = [(SINCE[2] + REACTION + 0.1 + 0.4 * k, 0.2, move) for k, move in enumerate(made)]
        answers = right(film(acts))
        assert len(answers[2]) <= 1
        assert len(made) != 1 or answers[2] == set(made)
        assert answers[:2] + answers[3:] == [set()] * 4


def everything(phase: float) -> list[Act]:
    """Returns a film that once passed all orders.

    All four moves lie within 0.8 s of each step's beginning, and the face rests otherwise.
    """
    return [
        (since + phase + 0.2 * k, 0.17, move)
        for since in SINCE
        for k, move in enumerate((LEFT, RIGHT, CLOSER, BLINK))
    ]


FILMS = {
    **{f"all at {phase:.2f} s": everything(phase) for phase in np.arange(-0.95, 0.95, 0.19)},
    **{
        f"one after another every {every} s": [
            (every * k, 0.25, list(Move)[k % 4]) for k in range(int(END / every))
        ]
        for every in (0.3, 0.4, 0.7, MOVE_SECONDS / 2, MOVE_SECONDS)
    },
    **{
        f"{one} and {other} across the bounds": [
            act
            for t in SINCE
            for act in ((t + REACTION - 0.1, 0.3, one), (t + REACTION + 0.1, 0.3, other))
        ]
        for one, other in product(Move, repeat=2)
    },
    **{f"{one} held": [(since + 0.9, 1.8, one) for since in SINCE] for one in Move},
    "turned half of the time": [(since + 0.4, 0.95, LEFT) for since in SINCE],
}


@pytest.mark.parametrize("acts", FILMS.values(), ids=FILMS.keys())
def test_no_film_passes_two_orders(acts: list[Act]) -> None:
    readings = film(acts)
    assert max(map(len, right(readings))) <= 1
    assert len(passed(readings)) <= 1


def test_a_film_that_makes_all_moves_at_once_in_every_step_passes_none_of_the_186_orders() -> None:
    readings = film(everything(0.05))
    assert len(ORDERS) == 186
    assert passed(readings) == []
    assert all(
        verify(MovementChallenge(order), SINCE, readings).result is not Result.LIVE
        for order in ORDERS[::31]
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, END), st.floats(0.05, 3.0), st.sampled_from(Move)), max_size=40)
)
def test_nothing_that_a_film_does_in_a_step_is_right_for_two_askings(acts: list[Act]) -> None:
    assert max(map(len, right(film(acts)))) <= 1
