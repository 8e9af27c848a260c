"""The contract that every line of evidence keeps, whatever it measures; a new line in `LINES` is tested without a new test."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests import added
from tests.sightings import case, sized, track
from unmask.errors import UsageError
from unmask.evidence import LINES, Lines, available, chosen, examine
from unmask.types import Case, Evidence, Status, TrackEvidence

CASES = {
    "nobody": case(),
    "seen once": case(track([0.0])),
    "one person": case(track([i / 2 for i in range(40)])),
    "two people, their numbers not from 1": case(track([0.0, 0.5, 1.5], number=7), track([0.5], number=3)),
    "a face of a few pixels": case(track([0.0, 0.5], [sized(9.0)])),
}

lines = pytest.mark.parametrize("name", [*LINES, "mine"])
cases = pytest.mark.parametrize("given", CASES.values(), ids=CASES)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """What makes each line, that of a user's model among them."""
    return available(added.write(tmp_path_factory.mktemp("models")))


class Broken:
    """A fake line of evidence that crashes."""

    name = "broken"

    def examine(self, case: Case) -> Evidence:
        raise ZeroDivisionError(f"division by {len(case.tracks) - len(case.tracks)}")


@pytest.fixture
def with_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registers a line that crashes, for one test."""
    monkeypatch.setitem(LINES, "broken", Broken)


@lines
def test_a_line_is_registered_under_its_name(made: Lines, name: str) -> None:
    assert made[name]().name == name
    assert type(made[name]()).__doc__
    assert name.isidentifier()
    assert name.islower()


@lines
@cases
def test_every_track_is_spoken_of_in_order(made: Lines, name: str, given: Case) -> None:
    evidence = made[name]().examine(given)
    assert evidence.line == name
    assert [t.track_id for t in evidence.tracks] == [t.id for t in given.tracks]


@lines
@cases
def test_what_ran_has_a_score_and_what_did_not_has_a_reason(made: Lines, name: str, given: Case) -> None:
    for said in made[name]().examine(given).tracks:
        assert said.summary[0].isupper()
        assert said.summary.endswith(".")
        assert "\n" not in said.summary
        if said.status is Status.RAN:
            assert said.score is not None
            assert np.isfinite(said.score)
        else:
            assert said.score is None
            assert said.readings == ()


@lines
@cases
def test_readings_follow_the_sightings(made: Lines, name: str, given: Case) -> None:
    for track_, said in zip(given.tracks, made[name]().examine(given).tracks, strict=True):
        times = [r.time for r in said.readings]
        assert all(a < b for a, b in pairwise(times))
        assert set(times) <= {s.time for s in track_.sightings}
        assert all(np.isfinite(r.score) for r in said.readings)
        for heatmap in (r.heatmap for r in said.readings if r.heatmap is not None):
            assert heatmap.dtype == np.float32
            assert heatmap.ndim == 2
            assert heatmap.min() >= 0
            assert heatmap.max() <= 1


@lines
def test_pictures_can_be_shown(made: Lines, name: str) -> None:
    for said in made[name]().examine(CASES["one person"]).tracks:
        for picture in said.pictures:
            assert picture.caption.endswith(".")
            assert picture.rgb.dtype == np.uint8
            assert picture.rgb.shape[2:] == (3,)


@lines
def test_the_same_case_gives_the_same_evidence(made: Lines, name: str) -> None:
    once, again = (made[name]().examine(CASES["one person"]) for _ in range(2))
    assert _numbers(once) == _numbers(again)


@lines
def test_what_one_person_s_evidence_says_does_not_depend_on_the_others(made: Lines, name: str) -> None:
    one, other = track([0.0, 0.5, 1.0], number=1), track([0.0, 1.0], number=2)
    alone = made[name]().examine(case(other)).tracks[0]
    together = made[name]().examine(case(one, other)).tracks[1]
    assert together.score == pytest.approx(alone.score, abs=1e-4)
    assert together.status is alone.status


@lines
def test_a_line_leaves_its_case_as_it_was(made: Lines, name: str) -> None:
    given = case(track([0.0, 0.5], number=2))
    before = [s.crop.copy() for t in given.tracks for s in t.sightings]
    for crop in (s.crop for t in given.tracks for s in t.sightings):
        crop.flags.writeable = False
    made[name]().examine(given)
    after = [s.crop for t in given.tracks for s in t.sightings]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.usefixtures("with_broken")
@cases
def test_a_line_that_crashes_fails_with_its_reason_and_the_others_go_on(given: Case) -> None:
    broken, *others = examine(given, chosen(["broken", *[name for name in LINES if name != "broken"]]))
    assert broken.line == "broken"
    assert [t.track_id for t in broken.tracks] == [t.id for t in given.tracks]
    assert all(_failed_for(t, "ZeroDivisionError: division by 0") for t in broken.tracks)
    assert [e.line for e in others] == [name for name in LINES if name != "broken"]
    assert all(t.status is not Status.FAILED for e in others for t in e.tracks)


@pytest.mark.usefixtures("with_broken")
def test_debug_raises_what_the_line_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        examine(CASES["one person"], {"broken": Broken}, debug=True)


def test_an_unknown_line_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"no line of evidence is called 'palmistry'; there are .*learned"):
        chosen(["learned", "palmistry"])
    assert chosen([]) == LINES


def test_lines_are_asked_in_the_order_given() -> None:
    assert examine(CASES["nobody"], {}) == ()
    assert [e.line for e in examine(CASES["nobody"], chosen(list(reversed(LINES))))] == list(reversed(LINES))


def test_a_user_s_model_is_asked_after_the_lines_of_this_package(tmp_path: Path) -> None:
    folder = added.write(tmp_path)
    assert list(chosen([], folder)) == [*LINES, "mine"]
    assert list(chosen(["mine"], folder)) == ["mine"]
    assert "mine" not in chosen([])


def _failed_for(said: TrackEvidence, reason: str) -> bool:
    return said.status is Status.FAILED and said.score is None and reason in said.summary and said.summary[-1] == "."


def _numbers(evidence: Evidence) -> list[object]:
    return [
        (t.track_id, t.status, t.summary, t.score, [(r.time, r.score) for r in t.readings]) for t in evidence.tracks
    ]
