"""Detection power: cuts are tried on pictures and on sound, and each says what it finds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from numpy.typing import NDArray

from tests.support import takes as made
from unmask.report.take import dumps, schema
from unmask.take import take
from unmask.takes import power
from unmask.takes.power import Power
from unmask.types import Small, Sound
from unmask.words import english

HUM = made.heard((0, 60))
CHOSEN = power.places(60.0, 0, lambda _: False)


def around(samples: NDArray[np.float32]) -> Callable[[float, float, float], Sound]:
    def sound(time: float, before: float, after: float) -> Sound:
        start = max(0.0, time - before)
        first, last = round(start * made.RATE), round((time + after) * made.RATE)
        return Sound(start, samples[first:last])

    return sound


def pictures(start: float, end: float) -> Iterator[Small]:
    raise AssertionError(f"pictures from {start} to {end} s were not to be looked at")


def tried(samples: NDArray[np.float32]) -> dict[float, Power]:
    *_, last = power.tried(CHOSEN, pictures, around(samples))
    return {one.lost: one for one in last}


def test_a_cut_is_heard_where_its_length_makes_the_hum_jump() -> None:
    result = tried(HUM)
    for lost, one in result.items():
        jump = abs((119.7 * lost + 0.5) % 1 - 0.5) * 2 * np.pi
        assert one.heard is not None
        assert one.heard.found == pytest.approx(40 if jump > 0.6 else 0, abs=2), (lost, jump)
        assert (one.seen.found, one.either.found) == (0, one.heard.found)
    assert {one.heard.found > 0 for one in result.values() if one.heard} == {True, False}


def test_without_a_tone_no_cut_is_heard_and_without_sound_none_is_tried() -> None:
    room = np.random.default_rng(0).normal(0, 0.01, HUM.size).astype(np.float32)
    assert {one.heard.found for one in tried(room).values() if one.heard} == {0}
    assert {one.heard for one in tried(HUM[:0]).values()} == {None}


def test_trials_that_were_stopped_go_on_to_the_same_power() -> None:
    *_, whole = power.tried(CHOSEN, pictures, around(HUM))
    first = next(power.tried(CHOSEN, pictures, around(HUM)))
    *_, rest = power.tried(CHOSEN, pictures, around(HUM), first)
    assert rest == whole


@pytest.mark.slow
def test_the_answer_says_both(tmp_path: Path) -> None:
    film = made.write(
        tmp_path / "one.mkv", map(made.filmed, made.times((0, 12))), made.heard((0, 12))
    )
    result = take(film)
    half = next(one for one in result.power if one.lost == 0.5)
    assert half.heard is not None
    assert max(half.seen.found, half.heard.found) <= half.either.found
    assert half.heard.found > 30
    said = english().say(half.said)
    assert "by its pictures with" in said
    assert "by its sound with" in said
    document = json.loads(dumps(result))
    Draft202012Validator(schema()).validate(document)
    (told,) = (one for one in document["power"] if one["lost"] == 0.5)
    assert told["found"] == half.seen.found
    assert (told["heard"]["found"], told["either"]["found"]) == (
        half.heard.found,
        half.either.found,
    )
