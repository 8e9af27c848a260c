"""One unbroken take: breaks are found at their places.

Motion, flashes and stillness are no breaks.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from tests import clips
from tests.support import takes as made
from unmask.report.take import dumps, schema
from unmask.take import TakeSettings, take
from unmask.takes.findings import BreakKind, TakeAnswer
from unmask.takes.power import places
from unmask.types import Rgb

pytestmark = pytest.mark.slow

MUTE = TakeSettings(power=False)


def film(
    path: Path, *stretches: tuple[float, float], picture: Callable[[float], Rgb] = made.filmed
) -> Path:
    return made.write(path, map(picture, made.times(*stretches)))


def breaks(path: Path) -> list[tuple[BreakKind, float]]:
    return [(found.kind, round(found.end, 2)) for found in take(path, MUTE).breaks]


@pytest.mark.parametrize("lost", [0.48, 2.0])
def test_a_cut_inside_one_shot_is_found_at_its_picture(tmp_path: Path, lost: float) -> None:
    assert breaks(film(tmp_path / "cut.mp4", (0, 4), (4 + lost, 8))) == [(BreakKind.JUMP_CUT, 4.0)]


def test_a_cut_before_a_camera_that_stands_is_found_by_who_moves(tmp_path: Path) -> None:
    standing = film(
        tmp_path / "cut.mp4", (0, 4), (4.48, 8), picture=lambda t: made.filmed(t, sway=0)
    )
    assert breaks(standing) == [(BreakKind.JUMP_CUT, 4.0)]


def test_another_scene_is_found_at_its_picture(tmp_path: Path) -> None:
    pictures = [made.filmed(t, seed=int(t >= 3)) for t in made.times((0, 6))]
    assert breaks(made.write(tmp_path / "cut.mp4", pictures)) == [(BreakKind.SCENE_CUT, 3.0)]


def test_a_dissolve_before_a_camera_that_stands_is_found(tmp_path: Path) -> None:
    def picture(t: float) -> Rgb:
        share = np.clip((t - 3) / 0.8, 0, 1)
        return np.round(
            made.filmed(t, 0, sway=0) * (1 - share) + made.filmed(t, 1, sway=0) * share
        ).astype(np.uint8)

    (found,) = take(film(tmp_path / "dissolve.mp4", (0, 7), picture=picture), MUTE).breaks
    assert found.kind is BreakKind.DISSOLVE
    assert found.start < 3.4 < found.end


def test_a_stretch_shown_again_is_found_though_it_was_encoded_again(tmp_path: Path) -> None:
    result = take(film(tmp_path / "twice.mp4", (0, 6), (2, 8)), MUTE)
    (again,) = [found for found in result.breaks if found.kind is BreakKind.REPEAT]
    assert again.reason.values["original_start"] == pytest.approx(2, abs=0.6)
    assert (again.start, again.end) == (pytest.approx(6, abs=0.6), pytest.approx(10, abs=0.6))


def test_two_stretches_shown_again_at_one_distance_are_two(tmp_path: Path) -> None:
    path = film(tmp_path / "twice.mp4", (0, 12), (2, 5), (20, 24), (9, 12), (30, 32))
    again = [one for one in take(path, MUTE).breaks if one.kind is BreakKind.REPEAT]
    assert [one.start for one in again] == pytest.approx([12, 19], abs=0.6)
    assert [one.end for one in again] == pytest.approx([15, 22], abs=0.6)


def lit(t: float, gain: float) -> Rgb:
    return np.clip(made.filmed(t) * gain, 0, 255).astype(np.uint8)


UNBROKEN: dict[str, Callable[[float], Rgb]] = {
    "the camera sways": made.filmed,
    "the camera stands": lambda t: made.filmed(t, sway=0),
    "a flash": lambda t: lit(t, 1.8 if 3 <= t < 3.08 else 1.0),
    "the light goes down": lambda t: lit(t, 1 - 0.1 * t),
    "a fast pan": lambda t: np.roll(
        made.filmed(0.0), round(400 * np.clip(t - 3, 0, 1) ** 2), axis=1
    ),
}


@pytest.mark.parametrize("case", UNBROKEN)
def test_what_one_camera_films_is_no_break(tmp_path: Path, case: str) -> None:
    assert breaks(film(tmp_path / "one.mp4", (0, 7), picture=UNBROKEN[case])) == []


def test_a_take_without_a_break_is_said_with_its_power(tmp_path: Path) -> None:
    result = take(film(tmp_path / "one.mp4", (0, 12)))
    assert (result.answer, result.decoded) == (TakeAnswer.NO_BREAK_FOUND, 1.0)
    half = next(power for power in result.power if power.lost == 0.5)
    assert half.trials == 40
    assert half.either == half.seen
    assert half.heard is None
    assert half.seen.found / half.trials > 0.8
    assert half.seen.interval[0] < half.seen.found / half.trials <= half.seen.interval[1]
    Draft202012Validator(schema()).validate(json.loads(dumps(result)))


@pytest.mark.parametrize(
    "picture",
    [np.zeros((180, 320, 3), np.uint8), clips.textured(0, 320, 180)],
    ids=["black", "still"],
)
def test_where_nothing_moves_no_cut_could_be_seen(tmp_path: Path, picture: Rgb) -> None:
    result = take(film(tmp_path / "still.mp4", (0, 7), picture=lambda _: picture), MUTE)
    assert (result.answer, result.breaks) == (TakeAnswer.CANNOT_TELL, ())
    assert result.blind == pytest.approx(7, abs=1)


def test_a_damaged_stretch_is_told_and_the_rest_is_judged(tmp_path: Path) -> None:
    whole = film(tmp_path / "whole.ts", (0, 8))
    size = whole.stat().st_size // 188
    path = clips.without_packets(whole, tmp_path / "damaged.ts", range(size // 2, size // 2 + 4))
    result = take(path, MUTE)
    assert [one.reason.code for one in result.unseen if one.reason.code == "take.damaged"] == [
        "take.damaged"
    ]
    assert result.answer is TakeAnswer.NO_BREAK_FOUND


def test_the_places_where_cuts_are_tried_follow_from_the_seed() -> None:
    first, again, other = (places(60.0, seed, lambda _time: True) for seed in (1, 1, 2))
    assert first == again != other
    assert all(0 < time < 58 for time, _ in first)
    assert places(3.0, 1, lambda _time: True) == []


def long_film(path: Path, lost: float, hum: bool) -> Path:
    """Writes 130 s at five pictures a second, of which ``lost`` seconds are missing after 70 s."""
    seconds = [i / 5 + lost * (i >= 350) for i in range(650)]
    sound = made.heard((0, 70), (70 + lost, 130 + lost)) if hum else None
    return made.write(
        path, map(made.filmed, seconds), sound, gop=20, pts=[200 * i for i in range(650)]
    )


def test_of_long_footage_what_the_sound_points_to_is_decoded(tmp_path: Path) -> None:
    result = take(long_film(tmp_path / "cut.mp4", 31.3, hum=True), MUTE)
    assert result.decoded < 0.9
    assert {found.kind for found in result.breaks} >= {BreakKind.SOUND}
    assert [found.end for found in result.breaks] == pytest.approx(
        [70.0] * len(result.breaks), abs=0.2
    )


def test_long_footage_without_sound_cannot_be_told_by_its_key_frames(tmp_path: Path) -> None:
    path = long_film(tmp_path / "mute.mp4", 0, hum=False)
    result = take(path, MUTE)
    assert (result.answer, result.breaks) == (TakeAnswer.CANNOT_TELL, ())
    assert {one.reason.code for one in result.unseen} >= {"take.not_decoded"}
