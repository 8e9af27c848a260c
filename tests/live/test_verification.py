"""The answer, on surfaces and faces that `subjects` lights; for error rates see docs/live.md."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.live.subjects import Subject, bent, challenge, face, flat, painted
from unmask.errors import UsageError
from unmask.live import shape, signals
from unmask.live.challenge import SYMBOLS, LightChallenge
from unmask.live.protocol import HEAD, JITTER, LiveProtocol
from unmask.live.reading import FrameReading
from unmask.live.verification import A_FACE, NO_FACE, Advice, LiveOutcome, Result, verify
from unmask.types import Verdict

pytestmark = pytest.mark.slow


def outcome(subject: Subject, seed: int = 1, other: int | None = None) -> LiveOutcome:
    asked = challenge(seed)
    return verify(
        asked,
        painted(asked),
        subject.answers(asked, seed, None if other is None else challenge(other)),
    )


@pytest.mark.parametrize(
    "subject",
    [
        Subject(room=50),
        Subject(room=300),
        Subject(dropped=0.2, late=0.4),
        Subject(drift=0.03),
        Subject(rate=8),
    ],
    ids=["dim room", "office", "dropped and late frames", "drifting exposure", "slow camera"],
)
def test_a_face_that_answers_is_live(subject: Subject) -> None:
    found = outcome(subject)
    assert (found.result, found.advice) == (Result.LIVE, None)


@pytest.mark.parametrize(
    "subject",
    [
        Subject(depth=flat),
        Subject(depth=bent(0, 1.5)),
        Subject(depth=bent(90, 2.0)),
        Subject(depth=bent(30, 1.6)),
        Subject(depth=flat, glow=3),
    ],
    ids=["flat sheet", "bent like a head", "bent the other way", "bent aslant", "screen"],
)
def test_a_sheet_or_a_screen_is_not_live_though_it_answers(subject: Subject) -> None:
    found = outcome(subject)
    assert found.details["rank"] == 1
    assert found.result is Result.NOT_LIVE


def test_a_tint_is_not_taken_for_a_face() -> None:
    assert {outcome(Subject(tint=True), seed).result for seed in range(4)} <= {
        Result.NOT_LIVE,
        Result.INCONCLUSIVE,
    }


def test_a_face_that_answered_another_challenge_is_not_live() -> None:
    results = [outcome(Subject(), 1, other).result for other in (2, 3, 4)]
    assert results.count(Result.NOT_LIVE) >= 2  # One in 10,000 is taken for fresh, by construction.


def test_times_of_painting_chosen_afterwards_make_no_recording_fit() -> None:
    """A program sends another check's frames.

    It sees each symbol before it says when it painted it.
    """
    results = []
    for seed in (2, 3, 4):
        asked, recorded = challenge(seed), Subject().answers(challenge(seed + 100), seed)
        session = LiveProtocol(
            len(asked.symbols), asked.seconds, 0.0, -0.2
        )  # the first is due as in the recording
        painted_at = 0.0
        for frame in recorded:
            while session.due <= frame.time:
                number = session.step(session.due)
                if number is not None:
                    since = session.sent[number]
                    painted_at = max(painted_at, since + best_delay(asked, number, since, recorded))
                    session.receive(
                        json.dumps({"painted": number, "time": painted_at}), since + 0.9
                    )
            if session.counted[-1:] != [frame.time]:
                session.receive(
                    HEAD.pack(len(session.counted), frame.time) + str(frame.time).encode(),
                    frame.time,
                )
        results.append(verify(asked, session.sent, recorded, shown=session.shown))
    assert [found.result for found in results].count(Result.LIVE) == 0
    assert all(float(found.details["rank"]) > 1 for found in results)


def test_jitter_of_painting_changes_nothing_that_is_left_unexplained() -> None:
    """The browser reports painting times, and could choose them to make a recording fit."""
    asked = challenge(1)
    sent, random = painted(asked), np.random.default_rng(1)
    shown = [time + random.uniform(-JITTER, JITTER) for time in sent]
    found = [
        verify(asked, sent, Subject().answers(asked, 1), shown=times) for times in (None, shown)
    ]
    assert found[0].details["stray"] == found[1].details["stray"]
    assert found[0].details["facial"] != found[1].details["facial"]


def best_delay(
    asked: LightChallenge, number: int, sent: float, recorded: list[FrameReading]
) -> float:
    """Returns the delay, up to 0.8 s, at which a recording best answers this symbol, in s.

    It is counted from when the symbol was sent.
    """
    series, times = (
        signals.settled(signals.fit_illumination(recorded), signals.times_of(recorded)),
        signals.times_of(recorded),
    )
    wanted = signals.codes(asked)[number]
    likeness = {
        delay: float(
            (
                series[(times >= sent + delay) & (times < sent + delay + 0.4)].mean(axis=0) * wanted
            ).sum()
        )
        for delay in (0.0, 0.2, 0.4, 0.6, 0.8)
    }
    return max(likeness, key=likeness.__getitem__)


def test_daylight_is_inconclusive_and_says_so() -> None:
    found = outcome(Subject(room=8_000))
    assert (found.result, found.advice) == (Result.INCONCLUSIVE, Advice.TOO_BRIGHT)


def test_frames_that_the_check_calls_changed_are_not_live() -> None:
    asked = challenge(1)
    readings = Subject().answers(asked, 1)
    assert (
        verify(asked, painted(asked), readings, verdict=Verdict.CHANGED).result is Result.NOT_LIVE
    )
    assert (
        verify(asked, painted(asked), readings, verdict=Verdict.CANNOT_TELL).result is Result.LIVE
    )


def without_face(one: FrameReading) -> FrameReading:
    return FrameReading(one.time, None, one.time)


def scaled(
    one: FrameReading, light: float | list[float] = 1.0, clipped: float = 0.0, width: float = 105.0
) -> FrameReading:
    assert one.face
    box = (100.0, 60.0, 100.0 + width, 190.0)
    return replace(
        one,
        face=replace(one.face, cells=one.face.cells * np.float32(light), clipped=clipped, box=box),
    )


@pytest.mark.parametrize(
    ("spoil", "advice"),
    [
        (lambda readings: readings[::3], Advice.FEW_FRAMES),
        (lambda readings: readings[:0], Advice.FEW_FRAMES),
        (lambda readings: [without_face(one) for one in readings], Advice.FACE_LOST),
        (
            lambda readings: [without_face(one) if 3 < one.time < 4 else one for one in readings],
            Advice.FACE_LOST,
        ),
        (lambda readings: [one for one in readings if one.time < 7.5], Advice.FACE_LOST),
        (lambda readings: [scaled(one, light=0.02) for one in readings], Advice.TOO_DARK),
        (lambda readings: [scaled(one, clipped=0.5) for one in readings], Advice.TOO_BRIGHT),
        (lambda readings: [scaled(one, width=40.0) for one in readings], Advice.FACE_SMALL),
    ],
    ids=[
        "few",
        "none",
        "no face",
        "lost for a second",
        "gone early",
        "dark",
        "overexposed",
        "far away",
    ],
)
def test_what_cannot_be_judged_is_inconclusive_with_what_to_do(spoil, advice) -> None:  # type: ignore[no-untyped-def]
    asked = challenge(1)
    found = verify(asked, painted(asked), spoil(Subject().answers(asked, 1)))
    assert (found.result, found.advice) == (Result.INCONCLUSIVE, advice)


def test_times_must_fit_the_challenge() -> None:
    asked = challenge(1)
    with pytest.raises(UsageError, match=f"{SYMBOLS} steps"):
        verify(asked, painted(asked)[:-1], [])
    with pytest.raises(UsageError, match="in order"):
        verify(asked, painted(asked)[::-1], [])


@pytest.mark.parametrize(
    ("subject", "odds", "expected"),
    [
        (Subject(), A_FACE, Result.LIVE),
        (Subject(), A_FACE - 0.1, Result.INCONCLUSIVE),
        (Subject(), NO_FACE - 0.1, Result.NOT_LIVE),
        (Subject(depth=flat), 20.0, Result.INCONCLUSIVE),
        (Subject(depth=lambda x, y: -face(x, y), room=50), 20.0, Result.NOT_LIVE),
    ],
    ids=["a face", "hardly one", "none", "a sheet that shows nothing of one", "a mask from behind"],
)
def test_the_network_decides_between_what_is_no_face_by_physics_and_what_is_none_by_its_own_look(
    subject: Subject, odds: float, expected: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shape, "odds", lambda *_seen: odds)
    assert outcome(subject).result is expected


def test_steps_that_came_too_slowly_are_inconclusive() -> None:
    asked = challenge(1)
    late = [2 * time for time in painted(asked)]
    found = verify(asked, late, Subject().answers(asked, 1))
    assert (found.result, found.advice) == (Result.INCONCLUSIVE, Advice.TRY_AGAIN)


def test_light_that_is_no_number_is_refused() -> None:
    asked = challenge(1)
    readings = Subject().answers(asked, 1)
    with pytest.raises(UsageError, match="no number"):
        verify(asked, painted(asked), [scaled(readings[20], light=np.nan), *readings[21:]])


def test_a_colour_that_never_answers_does_not_hide_a_face() -> None:
    """Blue does not respond; the other colours are judged."""
    asked = challenge(1)
    dead = [scaled(one, light=[1, 1, 0]) for one in Subject().answers(asked, 1)]
    assert verify(asked, painted(asked), dead).result is not Result.NOT_LIVE
