"""Limits: each is reported if something was not seen, and only then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests import added
from tests.sightings import frame, media, track
from unmask import limits
from unmask.faces import SeenFrame
from unmask.messages import Message
from unmask.types import Damage, Kind, MediaFacts, Person
from unmask.verdict import judge
from unmask.words import english

TIMES = [i / 2 for i in range(20)]
"""Times at which a clip of ten seconds is looked at."""


def said(
    times: Sequence[float] = TIMES,
    seen: Sequence[SeenFrame] | None = None,
    people: Sequence[Person] = (),
    dropped: int = 0,
    facts: MediaFacts = media(),
    damage: Sequence[Damage] = (),
    interlaced: int = 0,
) -> list[Message]:
    """Returns the limits of a check that was asked to look twice a second."""
    looked = [frame(t) for t in times] if seen is None else seen
    return limits.of_check(facts, times, 0.5, looked, people, dropped, damage, interlaced)


def test_a_clip_that_was_seen_as_planned_has_none() -> None:
    assert said() == []
    assert said([0.0], facts=media(Kind.PHOTO, 1)) == []


def test_frames_farther_apart_than_asked_for() -> None:
    assert said(TIMES[::4]) == [Message("limit.spacing", {"spacing": 2.0})]


def test_frames_that_could_not_be_decoded() -> None:
    seen = [frame(t) for t in TIMES[:-3]] + [frame(9.9)]
    assert said(seen=seen) == [Message("limit.not_decoded", {"lost": 3, "planned": 20})]
    assert said(seen=seen[:-1] + [frame(t) for t in TIMES[-3:-1]]) == [], (
        "the last frame may end before its time"
    )


def test_damaged_stretches_are_counted_and_named() -> None:
    two = [Damage(2.0, 2.96, 24), Damage(4.0, 5.0, 25)]
    seen = [frame(t) for t in TIMES if not 2 <= t < 2.96 and not 4 <= t < 5]
    spans = (
        Message("span", {"start": 2.0, "end": 2.96}),
        Message("span", {"start": 4.0, "end": 5.0}),
    )
    assert said(seen=seen, damage=two) == [Message("limit.damaged", {"count": 49, "spans": spans})]
    text = english().say(said(seen=seen, damage=two)[0])
    assert text.startswith(
        "49 damaged pictures were passed over, from 0:02.0 to 0:03.0 and from 0:04.0 to 0:05.0; "
        "nothing"
    )


def test_interlaced_pictures_are_counted() -> None:
    assert said(interlaced=4) == [Message("limit.interlaced", {"count": 4})]


def test_faces_that_showed_too_briefly() -> None:
    assert said(dropped=2) == [Message("limit.brief", {"count": 2})]


def test_small_faces_in_a_crowd() -> None:
    assert said(seen=[replace(frame(t), left_out=int(t)) for t in TIMES]) == [
        Message("limit.small", {"most": 9})
    ]


def test_many_people_make_a_chance_alarm_likelier() -> None:
    people = [judge(track(TIMES, number=i), {}, media()) for i in range(1, 7)]
    assert said(people=people[:5]) == []
    assert said(people=people) == [Message("limit.many", {"people": 6})]


def test_a_model_of_the_user_s_is_named_where_it_was_asked(tmp_path: Path) -> None:
    folder = added.write(tmp_path / "models")
    plain = limits.of_models(["learned"], folder)
    assert plain
    *same, last = limits.of_models(["learned", "mine"], folder)
    assert same == plain == limits.of_models(["learned", "mine"], None)
    assert last == Message("limit.added_model", {"name": "mine", "origin": "made by a test"})
