"""Every verdict and every reason, for a person and for a file.

`tests.words.test_english` tests the sentences.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sightings import GOOD, media, sized, track
from unmask.likelihood import LN10, Calibration
from unmask.messages import Message, Value
from unmask.types import (
    Evidence,
    Kind,
    LineResult,
    Person,
    Quality,
    Reading,
    Span,
    Status,
    Track,
    TrackEvidence,
    Verdict,
    clock,
)
from unmask.verdict import Rules, judge, log10_lrs, of_file, together
from unmask.words import english

PLAIN = Calibration(
    lines=("learned",), intercept=0.0, terms={"score of learned": LN10}, bound=2.0, missed=0.1,
    shared=0.5, separation=3.0
)  # fmt: skip
"""Calibration with the score as log10 LR of a look; too weak to mean "authentic"."""

RAN = Message("motion.steady")

ENGLISH = english()
"""Language that is loaded before Hypothesis counts the time."""

UNREAD = TrackEvidence(
    Status.NOT_APPLICABLE,
    Message("reflection.unmeasured", {"why": Message("reflection.small", {"width": 20})}),
)
"""Evidence of a line that needs larger eyes."""

SMALL = sized(40.0)
BLURRED = replace(GOOD, sharpness=0.001)
ASIDE = replace(GOOD, yaw=0.9)
VIDEO, PHOTO = media(), media(Kind.PHOTO, frames=1)


def said(of: Track, score: Callable[[float], float], line: str = "learned") -> Evidence:
    """Returns the evidence of one line that ran and measured ``score(time)``."""
    readings = tuple(
        Reading(s.time, score(s.time), np.full((12, 12), min(max(score(s.time), 0), 1), np.float32))
        for s in of.sightings
    )
    return {line: TrackEvidence(Status.RAN, RAN, 0.0, readings)}


def broken(_of: Track, line: str = "learned") -> Evidence:
    return {
        line: TrackEvidence(Status.FAILED, Message("evidence.failed", {"error": "ValueError: no"}))
    }


def judged(of: Track, score: Callable[[float], float] = lambda _: -1.0, facts=VIDEO) -> Person:
    return judge(of, said(of, score), facts, calibrated=[PLAIN])


def seconds(n: float) -> list[float]:
    """Returns times half a second apart."""
    return [i / 2 for i in range(int(2 * n))]


# ---------------------------------------------------------------- a person


def test_a_face_without_traces() -> None:
    person = judged(track(seconds(10)), lambda _: -1.0)
    assert person.verdict is Verdict.NO_CHANGE_FOUND
    assert person.reason == Message("face.no_change")
    assert person.log10_lr is not None
    assert -1.01 <= person.log10_lr < -0.8
    assert person.spans == ()


def test_a_face_changed_for_some_seconds() -> None:
    person = judged(track(seconds(30)), lambda t: 1.5 if 10 <= t < 15 else -1.0)
    assert person.verdict is Verdict.CHANGED
    assert person.reason.code == "face.changed_when"
    assert person.reason.values["spans"] == (Message("span", {"start": 9.75, "end": 14.75}),)
    assert person.reason.values["log10_lr"] == pytest.approx(person.log10_lr, abs=0.001)
    assert person.log10_lr == pytest.approx(1.955, abs=0.01)
    assert person.spans == (Span(9.75, 14.75),)


ORIGINALS = replace(PLAIN, lines=("originals",), terms={"score of originals": LN10}, separation=3.5)


def compared(of: Track, every: float, score: Callable[[float], float]) -> Evidence:
    """Returns the evidence of a line that looked once in ``every`` s, and holds what it saw."""
    readings = []
    for s in of.sightings:
        at = every * round(s.time / every)
        where = np.ones((12, 12), np.float32) if s.time == at else None
        readings.append(Reading(s.time, score(at), where, held=s.time != at))
    return {"originals": TrackEvidence(Status.RAN, RAN, 0.0, tuple(readings))}


@pytest.mark.parametrize("sees", [True, False])
def test_what_was_seen_at_a_few_moments_makes_no_time_less_sharp(sees: bool) -> None:
    someone = track(seconds(30))
    few = compared(someone, 4.0, lambda t: 1.9 if 10 <= t < 15 else -1.0)
    many = said(someone, lambda t: 1.5 if sees and 10 <= t < 15 else -1.0)
    alone = judge(someone, many, VIDEO, calibrated=[PLAIN])
    both = judge(someone, {**many, **few}, VIDEO, calibrated=[PLAIN, ORIGINALS])
    assert both.verdict is Verdict.CHANGED
    assert both.lines["originals"].log10_lr == both.log10_lr
    assert both.spans == (alone.spans if sees else (Span(10.25, 13.75),))
    assert 12.0 in [frame.time for frame in both.frames]
    if sees:
        assert [lr.time for lr in both.timeline] == seconds(30)
        assert all((lr.log10_lr > 0) == (10 <= lr.time < 15) for lr in both.timeline)
        assert {
            float(frame.heatmap.mean()) for frame in both.frames if frame.heatmap is not None
        } == {1.0}
        assert all(10 <= frame.time < 15 for frame in both.frames)
    else:
        assert [frame.time for frame in both.frames] == [12.0], "at others nothing was seen"


def test_a_changed_face_in_a_photo_has_no_times() -> None:
    person = judged(track([0.0]), lambda _: 1.5, PHOTO)
    assert person.verdict is Verdict.CHANGED
    assert person.reason.code == "face.changed"
    assert person.reason.values["log10_lr"] == pytest.approx(np.log10(29), abs=0.01)
    assert person.spans == ()


def test_an_lr_of_one_is_written_without_a_sign() -> None:
    assert str(judged(track([0.0]), lambda _: -0.0001, PHOTO).log10_lr) == "0.0"


def test_a_face_between_the_two_answers() -> None:
    person = judged(track([0.0]), lambda _: 0.5, PHOTO)
    assert person.verdict is Verdict.CANNOT_TELL
    assert person.reason == Message("face.weak")
    assert person.log10_lr is None
    assert len(person.timeline) == 1


TOO_SMALL, TOO_BLURRED = Message("fault.small", {"width": 64.0}), Message("fault.blurred")
TURNED = Message("fault.aside")


def unfit(*faults: Message, but: int = 0) -> Message:
    """Returns why a face cannot be judged, in all frames or in all but some."""
    if but:
        return Message("why.mostly_unfit", {"faults": faults, "count": but, "needed": 3})
    return Message("why.unfit", {"faults": faults})


@pytest.mark.parametrize(
    ("qualities", "fault"),
    [
        ([SMALL], unfit(TOO_SMALL)),
        ([BLURRED], unfit(TOO_BLURRED)),
        ([replace(GOOD, blockiness=8.0)], unfit(Message("fault.compressed"))),
        ([ASIDE], unfit(TURNED)),
        ([BLURRED, SMALL, SMALL], unfit(TOO_SMALL, TOO_BLURRED)),
        (
            [GOOD, *[SMALL] * 9, GOOD, *[ASIDE] * 9],
            unfit(TOO_SMALL, TURNED, but=2),
        ),
        ([GOOD, *[BLURRED] * 19], unfit(TOO_BLURRED, but=1)),
    ],
)
def test_a_face_that_cannot_be_judged(qualities: Sequence[Quality], fault: Message) -> None:
    person = judged(track(seconds(10), qualities), lambda _: 2.0)
    assert person.verdict is Verdict.CANNOT_TELL
    assert person.reason == Message("face.unjudged", {"why": fault})
    assert person.log10_lr is None
    assert person.judged == sum(q == GOOD for q in qualities)


def test_a_face_seen_too_seldom() -> None:
    for times in ([0.0, 0.5], [0.5]):
        seldom = Message("why.seldom", {"count": len(times), "needed": 3})
        assert judged(track(times)).reason == Message("face.unjudged", {"why": seldom})


def test_a_clip_of_two_frames_needs_no_three() -> None:
    assert judged(track([0.0, 0.04]), facts=media(frames=2)).verdict is Verdict.NO_CHANGE_FOUND


def test_faces_at_the_limits_are_judged() -> None:
    rules = Rules()
    limit = Quality(rules.size_px, rules.sharpness, rules.yaw, 1.0)
    assert judged(track(seconds(2), [limit])).verdict is Verdict.NO_CHANGE_FOUND


@pytest.mark.parametrize(
    ("quality", "fault"),
    [
        (replace(GOOD, echo=0.3), Message("fault.ghosted")),
        (replace(GOOD, detail_px=47.0), Message("fault.coarse", {"width": 48.0})),
    ],
)
def test_ghosted_and_enlarged_faces_are_passed_over(quality: Quality, fault: Message) -> None:
    """They are skipped however high they score."""
    only = judged(track(seconds(10), [quality]), lambda _: 2.0)
    assert only.verdict is Verdict.CANNOT_TELL
    assert only.reason == Message(
        "face.unjudged", {"why": Message("why.unfit", {"faults": (fault,)})}
    )
    half = judged(track(seconds(10), [GOOD, quality]), lambda t: 2.0 if t % 1 else -1.0)
    assert (half.verdict, half.judged) == (Verdict.NO_CHANGE_FOUND, 10)


def test_bad_sightings_do_not_weigh() -> None:
    """Every other sighting is blurred and scores high; only the others count."""
    mixed = track(seconds(10), [GOOD, BLURRED])
    person = judged(mixed, lambda t: 2.0 if t % 1 else -1.0)
    assert person.verdict is Verdict.NO_CHANGE_FOUND
    assert (person.sightings, person.judged, len(person.timeline)) == (20, 10, 10)


@pytest.mark.parametrize("lines", [[], [broken], [lambda of: said(of, lambda _: 2.0, "unfitted")]])
def test_without_a_calibrated_line_nobody_is_judged(
    lines: list[Callable[[Track], Evidence]],
) -> None:
    someone = track(seconds(10))
    evidence = {name: said for line in lines for name, said in line(someone).items()}
    person = judge(someone, evidence, VIDEO, calibrated=[PLAIN])
    assert person.verdict is Verdict.CANNOT_TELL
    assert person.reason == Message("face.unjudged", {"why": Message("why.no_line")})
    assert person.timeline == ()
    assert all(line.log10_lr is None for line in person.lines.values())


def test_lines_that_weigh_come_first_and_the_others_are_shown() -> None:
    someone = track(seconds(10))
    evidence = {
        **said(someone, lambda _: 9.0, "unfitted"),
        **broken(someone, "unwell"),
        **said(someone, lambda _: -1.0),
    }
    person = judge(someone, evidence, VIDEO, calibrated=[PLAIN])
    assert list(person.lines) == ["learned", "unfitted", "unwell"]
    assert person.lines["learned"].log10_lr == person.log10_lr
    assert person.lines["unfitted"].log10_lr is None
    assert person.lines["unfitted"].score is not None
    assert person.lines["unwell"].status is Status.FAILED


def test_a_line_that_failed_has_no_lr_of_single_sightings() -> None:
    someone = track(seconds(10))
    assert log10_lrs(someone, broken(someone), [PLAIN]) == []
    alone = log10_lrs(someone, said(someone, lambda _: 1.0), [PLAIN])
    assert [lr.time for lr in alone] == seconds(10)
    assert alone[0].log10_lr == pytest.approx(PLAIN.any_kind(1.0))


def test_of_two_people_each_gets_their_own_evidence() -> None:
    one, two = track(seconds(10), number=1), track(seconds(10), number=2)
    evidence = {one.id: said(one, lambda _: -1.0), two.id: said(two, lambda _: 1.5)}
    verdicts = [judge(of, evidence[of.id], VIDEO, calibrated=[PLAIN]).verdict for of in (one, two)]
    assert verdicts == [Verdict.NO_CHANGE_FOUND, Verdict.CHANGED]


def test_the_shipped_calibrations_are_used_unless_others_are_given() -> None:
    someone = track([0.0])
    assert judge(someone, said(someone, lambda _: -9.0), PHOTO).verdict is Verdict.NO_CHANGE_FOUND


# ---------------------------------------------------------------- several lines

MINE = replace(PLAIN, lines=("mine",), terms={"score of mine": LN10}, separation=1.0)
BOTH = replace(
    PLAIN,
    lines=("learned", "mine"),
    terms={"score of learned": LN10, "score of mine": 0.5 * LN10},
    separation=4.0,
)
JOINT = [MINE, PLAIN, BOTH]
"""Calibrations of two lines that share half of what the weaker one says."""


def by_both(learned: float, mine: float) -> Person:
    someone = track(seconds(10))
    evidence = {**said(someone, lambda _: mine, "mine"), **said(someone, lambda _: learned)}
    return judge(someone, evidence, VIDEO, calibrated=JOINT)


def test_lines_weigh_together_and_each_shows_what_it_adds_to_the_stronger_ones() -> None:
    person, alone = by_both(1.0, 0.8), judged(track(seconds(10)), lambda _: 1.0)
    assert list(person.lines) == ["learned", "mine"]
    learned, mine = (line.log10_lr for line in person.lines.values())
    assert learned == alone.log10_lr
    assert mine is not None
    assert mine > 0
    assert person.log10_lr == pytest.approx(learned + mine, abs=0.002)
    assert person.timeline[0].log10_lr == pytest.approx(BOTH.any_kind(1.0 + 0.5 * 0.8))


def test_lines_that_contradict_each_other_weaken_the_verdict() -> None:
    assert by_both(1.5, -2.0).verdict is not Verdict.CHANGED
    assert by_both(1.5, 0.0).verdict is Verdict.CHANGED


@pytest.mark.parametrize("missing", [broken, lambda _of, line: {line: UNREAD}])
def test_without_one_line_the_calibration_of_the_others_is_used(
    missing: Callable[[Track, str], Evidence],
) -> None:
    someone = track(seconds(10))
    evidence = {**said(someone, lambda _: 1.5), **missing(someone, "mine")}
    person = judge(someone, evidence, VIDEO, calibrated=JOINT)
    assert person.log10_lr == judged(someone, lambda _: 1.5).log10_lr
    assert person.lines["mine"].log10_lr is None
    evidence = {**said(someone, lambda _: 1.5, "mine"), **missing(someone, "learned")}
    person = judge(someone, evidence, VIDEO, calibrated=JOINT)
    assert person.lines["mine"].log10_lr == person.log10_lr
    assert person.lines["learned"].log10_lr is None


def test_a_line_that_did_not_read_every_judged_sighting_is_shown_without_weight() -> None:
    someone = track(seconds(10))
    half = replace(someone, sightings=someone.sightings[:10])
    evidence = {**said(someone, lambda _: 1.5), **said(half, lambda _: -5.0, "mine")}
    person = judge(someone, evidence, VIDEO, calibrated=JOINT)
    assert person.log10_lr == judged(someone, lambda _: 1.5).log10_lr
    assert person.lines["mine"].score is not None
    assert person.lines["mine"].log10_lr is None


def test_a_line_that_was_not_fitted_together_with_the_stronger_ones_weighs_nothing() -> None:
    someone = track(seconds(10))
    evidence = {**said(someone, lambda _: 1.5), **said(someone, lambda _: -5.0, "mine")}
    person = judge(someone, evidence, VIDEO, calibrated=[MINE, PLAIN])
    assert person.lines["mine"].log10_lr is None
    assert person.log10_lr == judged(someone, lambda _: 1.5).log10_lr


# ---------------------------------------------------------------- what is shown of a person


def test_telling_frames_speak_for_the_verdict_and_lie_apart() -> None:
    person = judged(track(seconds(60)), lambda t: 1.0 + t / 100 if 10 <= t < 40 else -1.0)
    times = [f.time for f in person.frames]
    assert times[0] == 39.5
    assert len(times) == 4
    assert all(abs(a - b) > 59.5 / 12 for i, a in enumerate(times) for b in times[:i])
    assert person.frames[0].heatmap is not None
    lrs = [f.log10_lr for f in person.frames]
    assert lrs == sorted(lrs, reverse=True)


def test_where_no_change_was_found_the_clearest_of_it_are_shown() -> None:
    person = judged(track(seconds(10)), lambda t: -0.5 - t / 10)
    assert person.frames[0].time == 9.5


def test_telling_moments_of_a_change_lie_where_it_was_and_of_no_change_anywhere() -> None:
    changed = judged(
        track(seconds(60)), lambda t: 1.5 if 10 <= t < 40 else 1.0 if t == 55 else -1.0
    )
    assert changed.verdict is Verdict.CHANGED
    assert all(10 <= frame.time < 40 for frame in changed.frames)
    clean = judged(track(seconds(60)), lambda t: -0.8 if 10 <= t < 11 else -1.5)
    assert clean.verdict is Verdict.NO_CHANGE_FOUND
    assert all(not 10 <= frame.time < 11 for frame in clean.frames)


def test_a_face_that_is_not_judged_is_shown_all_the_same() -> None:
    person = judged(track(seconds(10), [SMALL]))
    assert person.frames
    assert all(f.log10_lr is None for f in person.frames)


def test_the_thumbnail_is_the_largest_frontal_sighting() -> None:
    someone = track(seconds(2), [SMALL, sized(200.0), replace(sized(220.0), yaw=0.7), GOOD])
    clearest = replace(someone.sightings[1], crop=np.full((192, 192, 3), 7, np.uint8))
    someone = Track(1, (someone.sightings[0], clearest, *someone.sightings[2:]))
    assert judged(someone).thumbnail[0, 0, 0] == 7


def test_where_and_how_well_someone_was_seen() -> None:
    person = judged(track([1.5, 2.0, 7.5], [sized(100.0), sized(120.0), sized(300.0)]))
    assert (person.first_seen, person.last_seen) == (1.5, 7.5)
    assert person.quality.size_px == 120.0


# ---------------------------------------------------------------- a file


def someone(number: int, verdict: Verdict, log10_lr: float | None = None, *spans: Span) -> Person:
    """Returns a person as `judge` does, except for the number and the verdict."""
    person = judged(track(seconds(3), number=number))
    return replace(
        person, verdict=verdict, log10_lr=log10_lr, spans=spans, reason=Message("face.weak")
    )


def small(number: int) -> Person:
    return judged(track(seconds(3), [SMALL], number=number))


def bona_fide(number: int) -> Person:
    return someone(number, Verdict.NO_CHANGE_FOUND, -0.5 - number)


def changed(number: int, *spans: Span) -> Person:
    return someone(number, Verdict.CHANGED, 1.0 + number, *spans)


def undecided(number: int) -> Person:
    weak = LineResult(Status.RAN, Message("face.weak"), 0.5, log10_lr=0.5)
    return replace(someone(number, Verdict.CANNOT_TELL), lines={"learned": weak})


def mean(*log10_lrs: float) -> float:
    return round(float(np.log10(np.mean([10.0**lr for lr in log10_lrs]))), 3)


HERE, THERE = Span(3.2, 9.1), Span(72.4, 73.0)


def told(code: str, *people: int, **values: Value) -> Message:
    """Returns the message on these people."""
    return Message(code, {"count": len(people), "people": people, **values})


def when(*spans: Span) -> tuple[Message, ...]:
    return tuple(Message("span", {"start": span.start, "end": span.end}) for span in spans)


def stretches(person: int, *spans: Span) -> Message:
    return Message("file.stretches", {"person": person, "spans": when(*spans)})


MANY = [Span(i, i + 0.5) for i in range(6)]

FILES = {
    "one changed in a photo": ([changed(1)], "changed", told("file.changed", 1), 2.0),
    "one changed": (
        [changed(1, HERE, THERE)],
        "changed",
        told("file.changed_when", 1, spans=when(HERE, THERE)),
        2.0,
    ),
    "many stretches": (
        [changed(1, *MANY)],
        "changed",
        told("file.changed_when", 1, spans=when(*MANY)),
        2.0,
    ),
    "two changed among others": (
        [bona_fide(1), changed(2, HERE), changed(3, HERE, THERE), undecided(4), small(5)],
        "changed",
        told("file.changed_each", 2, 3, stretches=(stretches(2, HERE), stretches(3, HERE, THERE))),
        mean(-1.5, 3.0, 4.0, 0.5),
    ),
    "a crowd changed": (
        [changed(i) for i in range(1, 9)],
        "changed",
        told("file.changed", *range(1, 9)),
        mean(*range(2, 10)),
    ),
    "one bona fide": ([bona_fide(1)], "no change found", told("file.no_change", 1), -1.5),
    "two bona fide": (
        [bona_fide(1), bona_fide(2)],
        "no change found",
        told("file.no_change", 1, 2),
        mean(-1.5, -2.5),
    ),
    "one in the background": (
        [bona_fide(1), small(2)],
        "no change found",
        told("file.no_change_but", 1, but=told("but.small", 2)),
        -1.5,
    ),
    "several in the background": (
        [bona_fide(1), small(2), small(3), small(4)],
        "no change found",
        told("file.no_change_but", 1, but=told("but.small", 2, 3, 4)),
        -1.5,
    ),
    "only the background": (
        [small(1)],
        "cannot tell",
        Message("face.unjudged", {"why": unfit(TOO_SMALL)}),
        None,
    ),
    "only two in the background": (
        [small(1), small(2)],
        "cannot tell",
        told("file.untold", 1, 2),
        None,
    ),
    "one undecided": ([undecided(1)], "cannot tell", Message("face.weak"), None),
    "one of two undecided": (
        [bona_fide(1), undecided(2)],
        "cannot tell",
        told("file.untold_but", 2, but=told("but.no_change", 1)),
        None,
    ),
    "undecided, not background": (
        [bona_fide(1), replace(undecided(2), quality=SMALL)],
        "cannot tell",
        told("file.untold_but", 2, but=told("but.no_change", 1)),
        None,
    ),
    "licensed": (
        [someone(1, Verdict.LICENSED_CHANGE, 2.5), bona_fide(2), small(3)],
        "licensed change",
        told("file.licensed_but", 1, but=told("but.small", 3)),
        mean(2.5, -2.5),
    ),
}


@pytest.mark.parametrize(("people", "verdict", "reason", "log10_lr"), FILES.values(), ids=FILES)
def test_what_is_said_of_a_file(
    people: list[Person], verdict: str, reason: Message, log10_lr: float | None
) -> None:
    assert of_file(people, VIDEO) == (verdict, reason, log10_lr)


def test_one_of_many_needs_more_to_be_called_changed() -> None:
    """The needed LR is 10 n with n judged.

    File and people never contradict each other, and what was measured is still said.
    """
    crowd = [bona_fide(i) for i in range(1, 10)]
    enough, too_little = (someone(10, Verdict.CHANGED, lr, HERE) for lr in (2.01, 1.99))
    assert together([*crowd, enough, small(11)])[9] is enough
    assert of_file(together([*crowd, enough]), VIDEO)[0] is Verdict.CHANGED
    *others, one = together([*crowd, too_little])
    assert others == crowd
    assert (one.verdict, one.log10_lr, one.spans) == (Verdict.CANNOT_TELL, None, ())
    assert one.reason == Message("face.one_of_many", {"log10_lr": 1.99, "faces": 10})
    assert of_file([*others, one], VIDEO)[0] is Verdict.CANNOT_TELL
    assert together([too_little]) == (too_little,)


def test_thirty_bona_fide_faces_raise_no_more_alarms_than_one() -> None:
    """Simulated: calibrated ln LRs of bona fide faces are normal.

    Their LRs have the mean 1 that calibrated ones have.
    """
    rng = np.random.default_rng(1)
    spread = 1.5

    def alarms(faces: int, files: int) -> float:
        lrs = rng.normal(-(spread**2) / 2, spread, (files, faces)) / np.log(10)
        return float(np.mean([called_changed(file) for file in lrs]))

    template = someone(1, Verdict.CHANGED, 1.0)

    def called_changed(log10_lrs: np.ndarray) -> bool:
        kind = {True: Verdict.CHANGED, False: Verdict.NO_CHANGE_FOUND}
        people = [replace(template, verdict=kind[lr >= 1], log10_lr=float(lr)) for lr in log10_lrs]
        return of_file(together(people), VIDEO)[0] is Verdict.CHANGED

    assert alarms(30, 300) <= alarms(1, 9000)


def test_a_file_without_a_face() -> None:
    assert of_file([], VIDEO) == (Verdict.CANNOT_TELL, Message("file.no_face_video"), None)
    assert of_file([], VIDEO, damaged=True) == (Verdict.CANNOT_TELL, Message("file.damaged"), None)
    assert of_file([], PHOTO) == (Verdict.CANNOT_TELL, Message("file.no_face_photo"), None)


@pytest.mark.slow
@given(st.lists(st.sampled_from([bona_fide, changed, undecided, small]), max_size=12))
def test_every_file_gets_one_sentence_and_an_lr_unless_it_cannot_be_told(
    kinds: list[Callable[[int], Person]],
) -> None:
    people = [kind(i) for i, kind in enumerate(kinds, start=1)]
    verdict, reason, log10_lr = of_file(people, VIDEO)
    assert (log10_lr is None) == (verdict is Verdict.CANNOT_TELL)
    assert (verdict is Verdict.CHANGED) == (changed in kinds)
    assert re.fullmatch(r"[A-Z][^.]*(\.\d[^.]*)*\.", ENGLISH.say(reason)), reason


@given(
    st.lists(
        st.tuples(st.sampled_from([GOOD, SMALL, BLURRED, ASIDE]), st.floats(-50, 50)),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([VIDEO, PHOTO]),
)
def test_whatever_was_seen_there_is_an_answer(seen: list[tuple[Quality, float]], facts) -> None:
    times = seconds(len(seen) / 2)
    scores = dict(zip(times, (score for _, score in seen), strict=True))
    person = judged(track(times, [quality for quality, _ in seen]), scores.__getitem__, facts)
    assert (person.log10_lr is None) == (person.verdict is Verdict.CANNOT_TELL)
    assert person.verdict is Verdict.CHANGED or not person.spans
    assert facts.kind is Kind.VIDEO or not person.spans
    assert all(0 <= span.start < span.end <= times[-1] for span in person.spans)
    assert ENGLISH.say(person.reason).endswith(".")


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0.0, "0:00.0"),
        (9.96, "0:10.0"),
        (59.96, "1:00.0"),
        (754.26, "12:34.3"),
        (3725.5, "1:02:05.5"),
    ],
)
def test_a_time_reads_as_on_a_player(at: float, text: str) -> None:
    assert clock(at) == text
