"""A challenge and what the camera saw, to the answer: live, not live, or inconclusive with what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from unmask.live.challenge import LightChallenge, MovementChallenge
from unmask.live.reading import Reading
from unmask.types import Verdict


class Result(StrEnum):
    """The answer of a live check."""

    LIVE = "live"
    NOT_LIVE = "not live"
    INCONCLUSIVE = "inconclusive"


class Advice(StrEnum):
    """What the person can do, to be worded by the page; never why an attack failed."""

    TOO_BRIGHT = "too bright"
    TOO_DARK = "too dark"
    FACE_LOST = "face lost"
    FACE_SMALL = "face too small"
    MOVED = "hold still"
    NOT_FOLLOWED = "follow the instructions"
    FEW_FRAMES = "too few frames"
    TRY_AGAIN = "try again"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer: `advice` only where it is not `live`; `details` are for the log and for nobody who was checked."""

    result: Result
    advice: Advice | None = None
    details: Mapping[str, float | str] = field(default_factory=dict)


def verify(
    challenge: LightChallenge | MovementChallenge,
    shown: Sequence[float],
    readings: Sequence[Reading],
    verdict: Verdict | None = None,
) -> Outcome:
    """Whether a living person answered this challenge.

    Args:
        challenge: what was asked.
        shown: when each symbol was painted or each move asked for, s of the client's clock, one per symbol or move.
        readings: of the camera frames, in order of time, same clock.
        verdict: of `unmask.check` on frames of this session, where the caller ran it.
    """
    raise NotImplementedError
