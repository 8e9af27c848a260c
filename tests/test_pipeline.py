"""The whole check, on real media with real weights."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

import unmask
from examples.demo import swapped
from tests import clips, retouched, scenes
from unmask import faces, likelihood, models
from unmask.errors import MediaError, UsageError
from unmask.evidence import LINES, LineOfEvidence
from unmask.evidence.learned import Learned
from unmask.measuring import Measurement, SightingLine
from unmask.media import Clip
from unmask.messages import Message
from unmask.pipeline import Settings, check
from unmask.report import document
from unmask.types import (
    Case,
    Frame,
    Glimpse,
    Outcome,
    Rgb,
    Sighting,
    Status,
    Track,
    TrackEvidence,
    Verdict,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bona_fide(tmp_path_factory: pytest.TempPathFactory) -> unmask.CheckResult:
    path = tmp_path_factory.mktemp("clips") / "two.mp4"
    return unmask.check(clips.write_video(path, scenes.two_people(6), options={"crf": "20"}))


@pytest.fixture(scope="module")
def changed_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Writes a clip of 8 s in which the second person's face is changed from 4 to 6 s."""
    path = tmp_path_factory.mktemp("clips") / "changed.mp4"
    frames = scenes.two_people(8, lambda person, t: person == 1 and 4 <= t < 6)
    return clips.write_video(path, frames, options={"crf": "20"})


@pytest.fixture(scope="module")
def changed(changed_clip: Path) -> unmask.CheckResult:
    return unmask.check(changed_clip, prior=0.01)


def test_a_bona_fide_clip_raises_no_alarm(bona_fide: unmask.CheckResult) -> None:
    assert bona_fide.verdict is Verdict.NO_CHANGE_FOUND
    assert len(bona_fide.people) == 2
    assert bona_fide.log10_lr is not None
    assert bona_fide.log10_lr <= 0


def test_the_right_person_and_the_right_times(changed: unmask.CheckResult) -> None:
    assert changed.verdict is Verdict.CHANGED
    left, right = sorted(changed.people, key=lambda p: p.frames[0].box[0])
    assert left.verdict is not Verdict.CHANGED
    assert right.verdict is Verdict.CHANGED
    assert (changed.reason.code, changed.reason.values["people"]) == (
        "file.changed_when",
        (right.id,),
    )
    assert right.spans[0].start == pytest.approx(4, abs=0.35)
    assert right.spans[-1].end == pytest.approx(6, abs=0.35)
    assert len(right.spans) == 1


def test_changes_of_shot_are_told_beside_everybody_and_weigh_nothing(tmp_path: Path) -> None:
    frames = (scenes.studio(int(i >= 35), i / 25) for i in range(70))
    result = check(
        clips.write_video(tmp_path / "cut.mp4", frames, options={"crf": "20"}),
        Settings(lines=("take",)),
    )
    assert result.people
    for line in (person.lines["take"] for person in result.people):
        assert (line.summary.code, line.score, line.log10_lr) == ("take.line.cuts", 1.0, None)
        assert "0:01.4" in str(line.summary)


def test_only_the_stretch_that_was_asked_for_is_looked_at(changed_clip: Path) -> None:
    """It is looked at as closely as a short clip; the change lies before it."""
    result = check(changed_clip, Settings(start=6.5, end=7.5, lines=("learned",)))
    times = [place.time for person in result.people for place in person.places]
    assert len(set(times)) >= 8
    assert (min(times) >= 6.5, max(times) <= 7.5) == (True, True)
    assert result.verdict is not Verdict.CHANGED
    assert Message("limit.stretch", {"start": 6.5, "end": 7.5}) in result.limits
    with pytest.raises(MediaError, match=r"begins at 0:08\.5, and the video ends at 0:08\.0"):
        check(changed_clip, Settings(start=8.5))


@pytest.mark.parametrize(("frames", "kept"), [(2, False), (20, True)])
def test_pictures_between_looks_that_are_far_apart_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames: int, kept: bool
) -> None:
    """They would fill the memory where hours of film are decoded between few looks."""
    path, asked = tmp_path / "film.mp4", []
    clips.write_video(path, (clips.numbered(i) for i in range(100)), gop=100)
    read = Clip.frames

    def noted(self: Clip, *args: Any, glimpses: list[Glimpse] | None = None) -> Generator[Frame]:
        asked.append(glimpses)
        return read(self, *args, glimpses=glimpses)

    monkeypatch.setattr(Clip, "frames", noted)
    check(path, Settings(frames=frames))
    assert [glimpses is not None for glimpses in asked] == [kept]


def test_what_the_lr_means_at_the_stated_base_rate(changed: unmask.CheckResult) -> None:
    assert changed.log10_lr is not None
    assert changed.posterior == pytest.approx(likelihood.posterior(0.01, changed.log10_lr))


def test_the_most_telling_frames_lie_in_the_changed_stretch(changed: unmask.CheckResult) -> None:
    person = next(p for p in changed.people if p.verdict is Verdict.CHANGED)
    assert 4 <= person.frames[0].time <= 6
    assert person.frames[0].heatmap is not None


def test_custody_names_what_judged_what(changed: unmask.CheckResult) -> None:
    custody = changed.custody
    assert custody is not None
    assert custody.weights.keys() >= {"centerface", "learned"}
    assert custody.versions.keys() >= {"unmask", "python", "onnxruntime", "av", "opencv"}
    assert custody.frames_examined > 16
    json.dumps(dict(custody.settings))


class Counting(SightingLine[int]):
    """Fake line of evidence that measures nothing and counts measurements and tracks asked for."""

    name = "counting"

    def __init__(self) -> None:
        super().__init__()
        self.looked: Counter[Sighting] = Counter()
        self.summed_up: list[int] = []

    def look(self, sighting: Sighting) -> Measurement[int]:
        self.looked[sighting] += 1
        return Measurement(sighting, 1)

    def sum_up(self, measured: Sequence[Measurement[int]]) -> TrackEvidence:
        self.summed_up.append(len(measured))
        return TrackEvidence(Status.RAN, Message("counting.counted"), 0.0)


class CountingSession:
    """Fake of the learned network's session that runs it and counts the crops it was given."""

    def __init__(self, real: Any) -> None:
        self.real, self.crops = real, 0

    def run(self, outputs: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        self.crops += len(inputs["rgb"])
        return self.real.run(outputs, inputs)


def test_the_closer_look_measures_only_the_sightings_that_it_adds(
    changed_clip: Path, changed: unmask.CheckResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, session = Counting(), CountingSession(models.session("learned"))
    monkeypatch.setitem(LINES, "counting", lambda: line)
    monkeypatch.setattr(
        models,
        "session",
        {"learned": session, "centerface": models.session("centerface")}.__getitem__,
    )
    result = unmask.check(changed_clip)
    seen = sum(person.sightings for person in result.people)
    assert seen == sum(person.sightings for person in changed.people)
    assert sum(line.summed_up[:2]) < sum(line.summed_up[2:]) == seen, "two people, looked at twice"
    assert set(line.looked.values()) == {1}
    assert len(line.looked) == session.crops == seen


class Forgetful:
    """Fake line of evidence that asks a new line each time, so that nothing is remembered."""

    def __init__(self, make: Callable[[], LineOfEvidence]) -> None:
        self.make, self.name = make, make().name

    def examine(self, track: Track, case: Case) -> TrackEvidence:
        return self.make().examine(track, case)


def test_what_is_remembered_changes_no_result(
    changed_clip: Path, changed: unmask.CheckResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, make in list(LINES.items()):
        monkeypatch.setitem(LINES, name, partial(Forgetful, make))
    forgetful = unmask.check(changed_clip, prior=0.01)
    one, other = (_flat(replace(result, custody=None)) for result in (changed, forgetful))
    assert one.keys() == other.keys()
    assert [one[key] for key in one] == [pytest.approx(other[key], abs=1e-5) for key in one]


def _flat(result: unmask.CheckResult) -> dict[str, object]:
    """Returns the values of a result's JSON document by their path."""
    values: dict[str, object] = {}

    def walk(value: Any, at: str) -> None:
        if isinstance(value, dict | list):
            for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
                walk(inner, f"{at}/{key}")
        else:
            values[at] = value

    walk(document.document(result), "")
    return values


@pytest.mark.xdist_group("tests/test_pipeline.py")
def test_one_changed_second_in_a_minute_is_found(tmp_path: Path) -> None:
    frames = scenes.two_people(60, lambda person, t: person == 0 and 41 <= t < 42, fps=10)
    path = tmp_path / "minute.mp4"
    result = unmask.check(clips.write_video(path, frames, fps=10, options={"crf": "20"}, gop=40))
    found = [(p, span) for p in result.people for span in p.spans]
    assert len(found) == 1
    person, span = found[0]
    assert result.media
    assert person.frames[0].box[0] < result.media.width / 2
    assert span.start == pytest.approx(41, abs=0.35)
    assert span.end == pytest.approx(42, abs=0.35)


def test_a_photo_of_each_sort(tmp_path: Path) -> None:
    large = np.asarray(
        Image.fromarray(scenes.portrait()).resize((1024, 1024), Image.Resampling.BICUBIC)
    )
    Image.fromarray(large).save(tmp_path / "bona.png")
    Image.fromarray(swapped(large)).save(tmp_path / "changed.png")
    before, after = (unmask.check(tmp_path / name) for name in ("bona.png", "changed.png"))
    assert before.verdict is Verdict.NO_CHANGE_FOUND
    assert before.people[0].spans == after.people[0].spans == ()
    assert after.people[0].lines["learned"].score > before.people[0].lines["learned"].score  # type: ignore[operator]


def test_the_heatmap_points_at_what_was_changed() -> None:
    """Measures the mean AUC, over several forged faces, of changed against untouched cells."""
    agreement = []
    for size in (640, 760, 900):
        picture = np.asarray(
            Image.fromarray(scenes.portrait()).resize((size, size), Image.Resampling.BICUBIC)
        )
        (face, *_) = faces.find(picture)
        forged = faces.close_up(swapped(picture), face.points)
        _, (where,) = Learned().run(forged[None])
        difference = np.abs(forged.astype(int) - faces.close_up(picture, face.points)).mean(axis=2)
        cells = difference.reshape(14, 16, 14, 16).mean(axis=(1, 3)) > 4
        inside, outside = where[cells], where[~cells]
        agreement.append((inside[:, None] > outside[None, :]).mean())
    assert np.mean(agreement) > 0.8


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            lambda rgb: cv2.addWeighted(rgb, 0.5, np.roll(rgb, (5, 9), (0, 1)), 0.5, 0),
            "fault.ghosted",
        ),
        (
            lambda rgb: cv2.resize(
                cv2.resize(rgb, (128, 128), interpolation=cv2.INTER_AREA), (640, 640)
            ),
            "fault.coarse",
        ),
    ],
)
def test_who_was_exposed_twice_or_enlarged_is_not_accused(
    tmp_path: Path, change: Callable[[Rgb], Rgb], fault: str
) -> None:
    path = clips.write_photo(tmp_path / "photo.png", change(retouched.portrait()), "PNG")
    (person,) = unmask.check(path).people
    assert person.verdict is Verdict.CANNOT_TELL
    assert fault in [one.code for one in person.reason.values["why"].values["faults"]]


def test_nobody_in_the_picture(tmp_path: Path) -> None:
    result = unmask.check(
        clips.write_video(tmp_path / "empty.mp4", [clips.textured(i, 320, 240) for i in range(30)])
    )
    assert result.verdict is Verdict.CANNOT_TELL
    assert result.outcome is Outcome.NO_FACE
    assert document.document(result)["outcome"] == "no face"
    assert result.people == ()
    assert result.reason == Message("file.no_face_video")
    assert result.log10_lr is None


def test_progress_comes_to_its_end(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    path = clips.write_video(tmp_path / "clip.mp4", scenes.two_people(1))
    check(path, Settings(every=0.2), progress=lambda what, done: told.append((what, done)))
    assert told[-1][1] == 1
    assert [done for _, done in told] == sorted(done for _, done in told)


def test_settings_out_of_range_are_refused() -> None:
    for bad in (
        {"every": 0},
        {"every": -1},
        {"frames": 0},
        {"prior": 0},
        {"prior": 1},
        {"prior": 1.5},
    ):
        with pytest.raises(UsageError):
            Settings(**bad)


def test_an_unknown_line_is_refused(tmp_path: Path) -> None:
    path = clips.write_video(tmp_path / "clip.mp4", scenes.two_people(0.2))
    with pytest.raises(UsageError, match="there are learned"):
        unmask.check(path, lines=["astrology"])


def test_a_file_that_cannot_be_judged_raises(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"nothing\.mp4"):
        unmask.check(tmp_path / "nothing.mp4")
