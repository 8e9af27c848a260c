"""Contract of every line of evidence; a new line in `LINES` is tested without a new test."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests import added, retouched
from tests.sightings import case, seen, sized, track
from unmask.errors import UsageError
from unmask.evidence import LINES, LineOfEvidence, available, chosen, examine
from unmask.messages import Message
from unmask.types import Case, Evidence, Sighting, Status, Track, TrackEvidence
from unmask.words import Language, catalogue, english

CASES = {
    "nobody": case(),
    "seen once": case(track([0.0])),
    "one person": case(track([i / 2 for i in range(40)])),
    "two people, their numbers not from 1": case(
        track([0.0, 0.5, 1.5], number=7), track([0.5], number=3)
    ),
    "a face of a few pixels": case(track([0.0, 0.5], [sized(9.0)])),
}

STRONG = pytest.param("strong", marks=pytest.mark.slow)
NAMES = [*LINES, "mine", "redness"]

lines = pytest.mark.parametrize("name", [STRONG if one == "strong" else one for one in NAMES])
cases = pytest.mark.parametrize("given", CASES)


Make = Callable[[str], LineOfEvidence]
Said = Callable[[str, str], dict[int, TrackEvidence]]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a line by its name, including a user's model and the line that CONTRIBUTING shows."""
    folder = added.write(tmp_path_factory.mktemp("models"))
    shown = tmp_path_factory.mktemp("shown") / "redness.py"
    shown.write_text(example())
    redness = runpy.run_path(str(shown))["Redness"]
    return lambda name: redness() if name == "redness" else available(folder)[name]


@pytest.fixture(scope="module")
def said(make: Make) -> Said:
    """Asks a new line about everybody in a case, once for all the tests that read the answer."""
    return cache(lambda name, given: _asked(make(name), CASES[given]))


@pytest.fixture(scope="module")
def portraits() -> tuple[Sighting, ...]:
    """Returns twelve sightings of a real face, each with grain of its own."""
    rng = np.random.default_rng(0)
    shots = [
        np.clip(retouched.portrait() + rng.normal(0, 3, (640, 640, 1)), 0, 255) for _ in range(12)
    ]
    return tuple(seen(shot.astype(np.uint8), i / 2, search_px=320) for i, shot in enumerate(shots))


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Language:
    """Returns English with the messages that CONTRIBUTING shows for its line."""
    folder = tmp_path_factory.mktemp("languages")
    entries = (catalogue.FOLDER / "en.po").read_text(encoding="utf-8")
    (folder / "en.po").write_text(f"{entries}\n{example('po')}", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "FOLDER", folder)
        return english()


def example(language: str = "python") -> str:
    """Returns the line of evidence that CONTRIBUTING shows, or its messages."""
    return (
        (Path(__file__).parents[2] / "CONTRIBUTING.md")
        .read_text()
        .split(f"```{language}\n")[1]
        .split("```")[0]
    )


def test_a_whole_line_fits_forty_lines() -> None:
    assert len(example().splitlines()) <= 40


def test_a_line_needs_no_more_than_its_file_its_entry_and_its_english_messages(
    spoken: Language,
) -> None:
    new = {code for code in spoken.sentences if code not in english()}
    assert new == {"redness.measured", "redness.unmeasured"}


class Broken:
    """Fake line of evidence that crashes, on everybody or on one track."""

    name = "broken"

    def __init__(self, on: int | None = None) -> None:
        self.on = on

    def examine(self, track: Track, case: Case) -> TrackEvidence:
        if self.on in {None, track.id}:
            raise ZeroDivisionError(f"division by {len(case.tracks) - len(case.tracks)}")
        return TrackEvidence(Status.RAN, Message("broken.ran"), 0.0)


class Listening:
    """Fake line of evidence that keeps what the lines before it said."""

    name = "listening"

    def __init__(self) -> None:
        self.heard: dict[int, Evidence] = {}

    def examine(self, track: Track, case: Case) -> TrackEvidence:
        self.heard[track.id] = case.earlier
        return TrackEvidence(Status.NOT_APPLICABLE, Message("listening.only"))


@pytest.fixture
def with_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registers a line that crashes, for one test."""
    monkeypatch.setitem(LINES, "broken", Broken)


@lines
def test_a_line_is_registered_under_its_name(make: Make, name: str) -> None:
    assert make(name).name == name
    assert type(make(name)).__doc__
    assert name.isidentifier()
    assert name.islower()


@lines
@cases
def test_every_track_is_spoken_of_in_order(make: Make, name: str, given: str) -> None:
    evidence = examine(CASES[given], {name: make(name)}, debug=True)
    assert all(list(said) == [name] for said in evidence.values())
    assert list(evidence) == [t.id for t in CASES[given].tracks]


@lines
@cases
def test_what_ran_has_a_score_and_what_did_not_has_a_reason(
    said: Said, spoken: Language, name: str, given: str
) -> None:
    for evidence in said(name, given).values():
        summary = spoken.say(evidence.summary)
        assert summary[0].isupper()
        assert summary.endswith(".")
        assert "\n" not in summary
        if evidence.status is Status.RAN:
            assert evidence.score is not None
            assert np.isfinite(evidence.score)
        else:
            assert evidence.score is None
            assert evidence.readings == ()


@lines
@cases
def test_readings_follow_the_sightings(said: Said, name: str, given: str) -> None:
    for track_, evidence in zip(CASES[given].tracks, said(name, given).values(), strict=True):
        times = [r.time for r in evidence.readings]
        assert all(a < b for a, b in pairwise(times))
        assert set(times) <= {s.time for s in track_.sightings}
        assert all(np.isfinite(r.score) for r in evidence.readings)
        for heatmap in (r.heatmap for r in evidence.readings if r.heatmap is not None):
            assert heatmap.dtype == np.float32
            assert heatmap.ndim == 2
            assert heatmap.min() >= 0
            assert heatmap.max() <= 1


@lines
def test_pictures_can_be_shown(said: Said, spoken: Language, name: str) -> None:
    for evidence in said(name, "one person").values():
        for picture in evidence.pictures:
            assert spoken.say(picture.caption).endswith(".")
            assert picture.rgb.dtype == np.uint8
            assert picture.rgb.shape[2:] == (3,)


@pytest.mark.slow
@lines
def test_the_same_case_gives_the_same_evidence(make: Make, said: Said, name: str) -> None:
    again = _asked(make(name), CASES["one person"])
    assert _numbers(said(name, "one person")) == _numbers(again)


@pytest.mark.slow
@lines
def test_a_sighting_is_looked_at_once_however_often_it_is_asked_about(
    make: Make, portraits: tuple[Sighting, ...], name: str
) -> None:
    """A sighting that a line has measured is painted black before the line is asked again.

    The line must not need to look at it again.
    """
    whole = Track(1, deepcopy(portraits))
    first = Track(1, whole.sightings[::2])
    afresh = make(name).examine(whole, case(whole))
    asked_before = make(name)
    asked_before.examine(first, case(first))
    for sighting in first.sightings:
        for picture in (sighting.crop, sighting.eyes, sighting.close_up):
            assert picture is not None
            picture[:] = 0
    again = asked_before.examine(whole, case(whole))
    assert (again.status, again.summary) == (afresh.status, afresh.summary)
    assert [r.time for r in again.readings] == [r.time for r in afresh.readings]
    assert [r.score for r in again.readings] == pytest.approx(
        [r.score for r in afresh.readings], abs=1e-4
    )
    assert again.score == pytest.approx(afresh.score, abs=1e-4)


@lines
def test_what_one_person_s_evidence_says_does_not_depend_on_the_others(
    make: Make, name: str
) -> None:
    one, other = track([0.0, 0.5, 1.0], number=1), track([0.0, 1.0], number=2)
    alone = _asked(make(name), case(other))[2]
    together = _asked(make(name), case(one, other))[2]
    assert together.score == pytest.approx(alone.score, abs=1e-4)
    assert together.status is alone.status


@lines
def test_a_line_leaves_its_case_as_it_was(make: Make, name: str) -> None:
    given = case(track([0.0, 0.5], number=2))
    before = [s.crop.copy() for t in given.tracks for s in t.sightings]
    for crop in (s.crop for t in given.tracks for s in t.sightings):
        crop.flags.writeable = False
    _asked(make(name), given)
    after = [s.crop for t in given.tracks for s in t.sightings]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.slow
@pytest.mark.usefixtures("with_broken")
@cases
def test_a_line_that_crashes_fails_with_its_reason_and_the_others_go_on(given: str) -> None:
    evidence = examine(
        CASES[given], chosen(["broken", *[name for name in LINES if name != "broken"]])
    )
    assert list(evidence) == [t.id for t in CASES[given].tracks]
    for said in evidence.values():
        assert list(said) == ["broken", *[name for name in LINES if name != "broken"]]
        assert _failed_for(said["broken"], "ZeroDivisionError: division by 0")
        assert all(of.status is not Status.FAILED for name, of in said.items() if name != "broken")


def test_a_crash_costs_one_line_on_one_person() -> None:
    given = case(track([0.0, 0.5], number=1), track([0.0, 0.5], number=2))
    evidence = examine(given, {"broken": Broken(on=2), **chosen(["texture"])})
    assert evidence[1]["broken"].status is Status.RAN
    assert _failed_for(evidence[2]["broken"], "ZeroDivisionError: division by 0")
    assert all(said["texture"].status is Status.RAN for said in evidence.values())


def test_a_line_is_told_what_the_lines_before_it_said_of_the_same_person() -> None:
    given = case(track([0.0, 0.5], number=1), track([0.0], number=2))
    first, last = Listening(), Listening()
    evidence = examine(given, {"first": first, **chosen(["texture", "skin"]), "last": last})
    assert first.heard == {1: {}, 2: {}}
    assert list(last.heard) == [1, 2]
    for number, said in last.heard.items():
        assert list(said) == ["first", "texture", "skin"]
        assert all(of is evidence[number][name] for name, of in said.items())


@pytest.mark.usefixtures("with_broken")
def test_debug_raises_what_the_line_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        examine(CASES["one person"], {"broken": Broken()}, debug=True)


def test_an_unknown_line_is_refused_by_name() -> None:
    with pytest.raises(
        UsageError, match=r"no line of evidence is called 'palmistry'; there are .*learned"
    ):
        chosen(["learned", "palmistry"])
    assert {name: type(line) for name, line in chosen([]).items()} == LINES


def test_lines_are_asked_in_the_order_given() -> None:
    assert examine(CASES["nobody"], chosen([])) == {}
    assert examine(CASES["seen once"], {}) == {1: {}}
    backwards = list(reversed(LINES))
    assert list(examine(CASES["seen once"], chosen(backwards))[1]) == backwards


def test_each_check_has_lines_of_its_own_so_that_nothing_remembered_leaks() -> None:
    once, again = chosen([]), chosen([])
    assert not any(once[name] is again[name] for name in LINES)


def test_a_user_s_model_is_asked_after_the_lines_of_this_package(tmp_path: Path) -> None:
    folder = added.write(tmp_path)
    assert list(chosen([], folder)) == [*LINES, "mine"]
    assert list(chosen(["mine"], folder)) == ["mine"]
    assert "mine" not in chosen([])


def _failed_for(said: TrackEvidence, reason: str) -> bool:
    return (said.status, said.score, said.summary) == (
        Status.FAILED,
        None,
        Message("evidence.failed", {"error": reason}),
    )


def _asked(line: LineOfEvidence, given: Case) -> dict[int, TrackEvidence]:
    """Returns the evidence of a line on each track, by the track's id; a crash raises."""
    return {track.id: line.examine(track, given) for track in given.tracks}


def _numbers(evidence: dict[int, TrackEvidence]) -> list[object]:
    return [
        (number, t.status, t.summary, t.score, [(r.time, r.score) for r in t.readings])
        for number, t in evidence.items()
    ]
