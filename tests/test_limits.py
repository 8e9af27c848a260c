"""Limits: each sentence stands where something was not seen, and only there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests import added
from tests.sightings import frame, media, track
from unmask import limits
from unmask.faces import SeenFrame
from unmask.types import Damage, Kind, MediaFacts, Person
from unmask.verdict import judge

TIMES = [i / 2 for i in range(20)]
"""Of a clip of ten seconds, as it is looked at."""


def said(
    times: Sequence[float] = TIMES,
    seen: Sequence[SeenFrame] | None = None,
    people: Sequence[Person] = (),
    dropped: int = 0,
    facts: MediaFacts = media(),
    damage: Sequence[Damage] = (),
) -> list[str]:
    """The limits of a check that was asked to look twice a second."""
    looked = [frame(t) for t in times] if seen is None else seen
    return limits.of_check(facts, times, 0.5, looked, people, dropped, damage)


def test_a_clip_that_was_seen_as_planned_has_none() -> None:
    assert said() == []
    assert said([0.0], facts=media(Kind.PHOTO, 1)) == []


def test_frames_farther_apart_than_asked_for() -> None:
    (sentence,) = said(TIMES[::4])
    assert sentence.startswith("The frames looked at are about 2.0 s apart.")


def test_frames_that_could_not_be_decoded() -> None:
    seen = [frame(t) for t in TIMES[:-3]] + [frame(9.9)]
    assert said(seen=seen) == ["3 of the 20 frames to look at could not be decoded; a later one was taken instead."]
    assert said(seen=seen[:-1] + [frame(t) for t in TIMES[-3:-1]]) == [], "the last frame may end before its time"


def test_damaged_stretches_are_counted_and_named() -> None:
    one = Damage(2.0, 2.96, 24)
    (sentence,) = said(seen=[frame(t) for t in TIMES if not 2 <= t < 2.96], damage=[one])
    assert sentence.startswith("24 damaged pictures were passed over, from 0:02.0 to 0:03.0;")
    (sentence,) = said(damage=[Damage(float(i), i + 0.04, 1) for i in range(9)])
    assert sentence.startswith("9 damaged pictures were passed over, from 0:00.0 to 0:00.0")
    assert "0:04.0 and 4 more times; nothing" in sentence


def test_faces_that_showed_too_briefly() -> None:
    assert said(dropped=1) == ["1 face that showed too briefly to be followed was not judged."]
    assert said(dropped=2) == ["2 faces that showed too briefly to be followed were not judged."]


def test_small_faces_in_a_crowd() -> None:
    (sentence,) = said(seen=[replace(frame(t), left_out=int(t)) for t in TIMES])
    assert "up to 9 smaller ones were left out" in sentence


def test_many_people_make_a_chance_alarm_likelier() -> None:
    people = [judge(track(TIMES, number=i), {}, media()) for i in range(1, 7)]
    assert said(people=people[:5]) == []
    (sentence,) = said(people=people)
    assert sentence.startswith("6 faces were judged each on its own.")


def test_a_model_of_the_user_s_is_named_where_it_was_asked(tmp_path: Path) -> None:
    folder = added.write(tmp_path / "models")
    plain = limits.of_models(["learned"], folder)
    assert plain
    *same, last = limits.of_models(["learned", "mine"], folder)
    assert same == plain == limits.of_models(["learned", "mine"], None)
    assert "'mine'" in last
    assert "made by a test" in last
