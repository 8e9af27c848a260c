"""The strong look: the sightings that it chooses, and the verdict on such a sampled line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sightings import case, examine, media, sighting, sized, track
from unmask import models
from unmask.errors import WeightsError
from unmask.evidence.strong import PatchHead, Strong, choose, mean_odds, patch_head
from unmask.likelihood import Calibration
from unmask.messages import Message
from unmask.types import Case, Reading, Status, Track, TrackEvidence, Verdict
from unmask.verdict import judge

SAID = Message("strong.looked_once")


def reacting(where: dict[float, float], times: list[float]) -> dict[str, TrackEvidence]:
    """Returns evidence of the small network that reacts only at a few times."""
    readings = tuple(Reading(t, where.get(t, -3.0)) for t in times)
    return {"learned": TrackEvidence(Status.RAN, SAID, 0.0, readings)}


@given(st.integers(1, 60), st.integers(2, 16), st.data())
def test_it_looks_evenly_and_where_the_small_network_reacts(
    seen: int, most: int, data: st.DataObject
) -> None:
    times = [i / 2 for i in range(seen)]
    loudest = data.draw(st.sampled_from(times))
    sightings = track(times).sightings
    chosen = [s.time for s in choose(sightings, reacting({loudest: 4.0}, times), most)]
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(seen, most)
    assert loudest in chosen
    assert chosen[0] == times[0]
    assert most < 4 or chosen[-1] == times[-1]


def test_without_the_small_network_it_looks_evenly() -> None:
    chosen = [s.time for s in choose(track([i / 2 for i in range(41)]).sightings, {}, 5)]
    assert chosen == [0.0, 5.0, 10.0, 15.0, 20.0]


def test_a_face_too_small_for_a_close_up_is_not_looked_at() -> None:
    said = examine(Strong(), *track([0.0, 0.5], [sized(40.0)]).sightings)
    assert said.status is Status.NOT_APPLICABLE


def test_its_score_is_the_mean_of_its_looks_and_says_that_it_sampled() -> None:
    seen = track([i / 2 for i in range(12)])
    said = Strong(looks=4).examine(seen, case(seen))
    assert said.sampled
    assert len(said.readings) == 4
    assert said.score == pytest.approx(np.mean([r.score for r in said.readings]))


def test_a_score_does_not_depend_on_the_faces_beside_it() -> None:
    faces = np.stack([sighting(person=person).close_up for person in range(3)])
    assert Strong().run(faces).tolist() == [float(Strong().run(face[None])[0]) for face in faces]


LOGITS = st.lists(st.floats(-20, 20, width=32), min_size=196, max_size=196)


@given(LOGITS, st.integers(0, 195))
def test_the_most_suspicious_patches_decide(logits: list[float], patch: int) -> None:
    """Checks that the mean of odds lies between the mean logit and the highest, and rises."""
    by_patch = np.array(logits, np.float32)
    odds = float(mean_odds(by_patch))
    assert by_patch.mean() - 1e-3 <= odds <= by_patch.max() + 1e-3
    louder = by_patch.copy()
    louder[patch] = by_patch.max() + 30
    assert mean_odds(louder) > odds + 20


def test_a_face_is_judged_as_a_whole_and_patch_by_patch() -> None:
    """Checks the logits of patches, and a face's with patches that are all alike but one."""
    one, none = np.ones(4, np.float32), np.zeros(4, np.float32)
    head = PatchHead(none, one, np.float32([2, 0, 0, 0]), np.array(0.5, np.float32), np.float32(3))
    tokens = np.tile(np.float32([0, 1, 1, 0]), (196, 1))
    assert head(tokens) == pytest.approx(-1.5, abs=1e-3)
    assert head.judge(1.0, tokens) == pytest.approx((1.0 - 3 * 1.5) / 2, abs=1e-3)
    tokens[17] = [1, 0, 0, 1]
    assert head(tokens)[17] == pytest.approx(2.5, abs=1e-3)
    assert np.delete(head(tokens), 17) == pytest.approx(-1.5, abs=1e-3)
    odds = float(mean_odds(head(tokens)))
    assert odds > -1.5
    assert head.judge(1.0, tokens) == pytest.approx((1.0 + 3 * odds) / 2, abs=1e-3)


def test_weights_without_a_head_for_patches_say_how_to_fit_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(models, "patches", lambda _name: {})
    patch_head.cache_clear()
    with pytest.raises(WeightsError, match="unmask-lab patches"):
        patch_head()


TIMES = [i / 2 for i in range(20)]
QUIET = TrackEvidence(Status.RAN, SAID, -3.0, tuple(Reading(t, -3.0) for t in TIMES))


def calibration(separation: float, *lines: str) -> Calibration:
    """Returns a calibration in which every score is a natural-log LR."""
    return Calibration(
        lines, 0.0, {f"score of {line}": 1.0 for line in lines}, 4.0, 0.05, 0.3, separation
    )


def looked(times: list[float], score: float = 6.0) -> TrackEvidence:
    """Returns evidence of a strong look at some moments only."""
    readings = tuple(Reading(t, score) for t in times)
    return TrackEvidence(Status.RAN, SAID, score, readings, sampled=True, instead_of=("learned",))


def test_where_it_looked_it_weighs_instead_of_the_small_network() -> None:
    seen = track(TIMES)
    fitted = [calibration(6.0, "learned"), calibration(5.0, "strong"), calibration(0.5, "texture")]
    evidence = {"learned": QUIET, "strong": looked(TIMES[::4]), "texture": QUIET}
    person = judge(seen, evidence, media(), calibrated=fitted)
    assert [lr.time for lr in person.timeline] == TIMES[::4]
    assert {name for name, line in person.lines.items() if line.log10_lr is not None} == {"strong"}
    assert person.judged == len(TIMES)
    assert person.verdict is Verdict.CHANGED


def test_a_line_that_looked_too_seldom_leaves_the_others_as_they_are() -> None:
    seen = track(TIMES)
    fitted = [calibration(4.0, "learned"), calibration(5.0, "strong")]
    with_it = judge(
        seen, {"learned": QUIET, "strong": looked(TIMES[:2])}, media(), calibrated=fitted
    )
    without = judge(seen, {"learned": QUIET}, media(), calibrated=fitted)
    assert with_it.log10_lr == without.log10_lr
    assert with_it.lines["strong"].log10_lr is None
    assert len(with_it.timeline) == len(TIMES)


def test_the_lines_that_look_everywhere_tell_the_times_where_they_see_the_change() -> None:
    """A change from 2 to 4 s: the strong look sees three moments of it, the small network all."""
    seen = track(TIMES)
    within = [t for t in TIMES if 2 <= t <= 4]
    readings = tuple(Reading(t, 9.0 if t in within else -3.0) for t in TIMES)
    learned = TrackEvidence(Status.RAN, SAID, 0.0, readings)
    strong = TrackEvidence(
        Status.RAN,
        SAID,
        0.0,
        tuple(Reading(t, 9.0 if t in within else -3.0) for t in TIMES[::2]),
        sampled=True,
        instead_of=("learned",),
    )
    fitted = [calibration(8.0, "learned"), calibration(9.0, "strong")]
    person = judge(seen, {"learned": learned, "strong": strong}, media(), calibrated=fitted)
    alone = judge(seen, {"learned": learned}, media(), calibrated=fitted)
    assert person.spans == alone.spans
    assert len(person.spans) == 1


def test_where_an_original_tells_more_every_sighting_counts() -> None:
    seen = track(TIMES)
    fitted = [calibration(9.0, "originals"), calibration(5.0, "strong")]
    evidence = {"strong": looked(TIMES[::4]), "originals": QUIET}
    person = judge(seen, evidence, media(), calibrated=fitted)
    assert len(person.timeline) == len(TIMES)


def test_a_closer_look_asks_again_only_about_what_is_new() -> None:
    line, first, more = Strong(looks=8), track(TIMES[:8]), track(TIMES)
    known = dict(zip(first.sightings, line.examine(first, case(first)).readings, strict=True))
    both = Track(1, (*first.sightings, *more.sightings[8:]))
    again = line.examine(both, Case(media(), (both,)))
    kept = {reading.time: reading for reading in again.readings}
    assert any(s.time in kept for s in first.sightings)
    assert all(kept[s.time] is reading for s, reading in known.items() if s.time in kept)
