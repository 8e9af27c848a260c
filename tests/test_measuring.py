"""Measuring once: new sightings are measured together, known ones are not measured again."""

from __future__ import annotations

import pytest

from tests.sightings import examine, sighting
from unmask.measuring import Measurement, SightingLine, Unmeasured, recall
from unmask.messages import Message
from unmask.types import Sighting, Status, TrackEvidence


def test_only_what_is_new_is_measured_and_in_the_order_wanted() -> None:
    known: dict[str, int] = {}
    asked: list[list[str]] = []

    def lengths(words: list[str]) -> list[int]:
        asked.append(words)
        return [len(word) for word in words]

    assert recall(known, ["a", "bbb", "a"], lengths) == [1, 3, 1]
    assert recall(known, ["cc", "bbb", "dddd"], lengths) == [2, 3, 4]
    assert recall(known, ["dddd", "a"], lengths) == [4, 1]
    assert asked == [["a", "bbb"], ["cc", "dddd"]]


def test_a_value_for_each_new_thing_is_demanded() -> None:
    with pytest.raises(ValueError, match="shorter"):
        recall({}, ["a", "b"], lambda _: [1])


class Even(SightingLine[float]):
    """Fake line of evidence that reads only sightings at even seconds."""

    name = "even"

    def look(self, sighting: Sighting) -> Measurement[float] | Unmeasured:
        if sighting.time % 2:
            return Unmeasured(Message("even.odd", {"time": sighting.time}))
        return Measurement(sighting, sighting.time)

    def sum_up(self, measured: list[Measurement[float]]) -> TrackEvidence:
        return TrackEvidence(Status.RAN, Message("even.ran"), sum(m.value for m in measured))


def test_a_track_is_summed_up_by_the_sightings_that_could_be_measured() -> None:
    assert examine(Even(), *(sighting(float(t)) for t in range(5))).score == 6.0


def test_a_track_without_any_does_not_apply_for_the_first_one_s_reason() -> None:
    said = examine(Even(), sighting(1.0), sighting(3.0))
    assert (said.status, said.score) == (Status.NOT_APPLICABLE, None)
    assert said.summary == Message("even.unmeasured", {"why": Message("even.odd", {"time": 1.0})})
