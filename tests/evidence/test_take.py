"""The line take: reports shot changes, the same for everybody, and nothing about a photo."""

from __future__ import annotations

from dataclasses import replace

from tests.sightings import case, media, track
from unmask.evidence.take import Take
from unmask.types import Kind, Status


def test_changes_of_shot_are_told_with_their_times() -> None:
    given = replace(case(track([0.0, 0.5])), cuts=(4.0, 65.0))
    said = Take().examine(given.tracks[0], given)
    assert (said.status, said.score) == (Status.RAN, 2.0)
    assert all(time in str(said.summary) for time in ("0:04", "1:05"))


def test_a_film_of_one_shot_is_not_called_unbroken() -> None:
    given = case(track([0.0, 0.5]))
    said = Take().examine(given.tracks[0], given)
    assert (said.score, said.summary.code) == (0.0, "take.line.none")


def test_a_photo_has_no_shots() -> None:
    given = replace(case(track([0.0])), media=media(Kind.PHOTO))
    assert Take().examine(given.tracks[0], given).status is Status.NOT_APPLICABLE
