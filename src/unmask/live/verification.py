"""Result of a live check from the challenge and the camera's frames.

It is live, not live, or inconclusive with advice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum

import numpy as np

from unmask.errors import UsageError
from unmask.live import light, movement, shape
from unmask.live.challenge import LightChallenge, MovementChallenge
from unmask.live.continuity import continuity
from unmask.live.passive import Look, signs
from unmask.live.reading import FrameReading
from unmask.live.relief import relief
from unmask.live.response import Response, response
from unmask.live.shading import shading
from unmask.types import Verdict


class Result(StrEnum):
    """Result of a live check."""

    LIVE = "live"
    NOT_LIVE = "not live"
    INCONCLUSIVE = "inconclusive"


class Advice(StrEnum):
    """Advice to the person, to be worded by the page; it never tells why an attack failed."""

    TOO_BRIGHT = "too bright"
    TOO_DARK = "too dark"
    FACE_LOST = "face lost"
    FACE_SMALL = "face too small"
    MOVED = "hold still"
    NOT_FOLLOWED = "follow the instructions"
    FEW_FRAMES = "too few frames"
    TRY_AGAIN = "try again"


@dataclass(frozen=True, slots=True)
class LiveOutcome:
    """Outcome of a live check.

    `advice` is set only where it is not `live`; `details` are for the log and for nobody who was
    checked.
    """

    result: Result
    advice: Advice | None = None
    details: Mapping[str, float | str] = field(default_factory=dict)


LEAST_SEEN = 0.85
"""Share of the frames that must show the face."""

LEAST_RATE = 6.0
"""Frames with the face per second: two per symbol at least."""

LONGEST_GAP = 0.8
"""Longest time between frames with the face, s: two symbols."""

SLOWEST = 1.5
"""Largest duration of a challenge, as a multiple of the intended one."""

LEAST_PX = 50.0
"""Least width of the face in the frame, px: a cell is then 5 px wide."""

DARKEST = 0.01
"""Mean linear light of the face, 0 to 1, below which a camera records mostly its own noise."""

MOST_CLIPPED = 0.25
"""Largest share of the face's pixels at the upper end of the camera."""

LEAST_STRENGTH = 0.03
"""Least brightening of the face by the screen, see `light.LightResponse`; below, the room outshines
it.
"""

FOREIGN = 0.012
"""Unrest, see `light.LightResponse`, of a face that answers other light than ours.

Daylight and lamps stay below a third of it.
"""

MOST_STRAY = 0.05
"""Largest unexplained share of the face's changes of hue, see `light.unexplained_share`.

One in 240 simulated persons up to 300 lux leaves more; three in 300 recordings whose frames came
when they fitted best leave less (seeds 101 and 105).
"""

SHADED = 0.004
"""Standard deviation of facial shading that weighs as much as one standard error of relief.

See `shading.Shading`. It is 0.001 on the median simulated print.
"""

A_LITTLE = 2.5
"""Standard errors by which relief and shading together must show a face in any case.

Half of the simulated prints, screens and tints show 0.7, one in 400 persons up to 300 lux less than
2.5.
"""

A_FACE, NO_FACE = 0.0, -6.0
"""Log-odds, see `shape.odds`, from which on a surface is a face, and below which it is none.

One in 125 simulated faces has less than the first; of each other kind one in 70 to one in 220 has
more (validation, in the weight's card).
"""

HOLLOW = 10.0
"""Standard errors of standing in where a face stands out, from which on a surface is no face."""

FAINT = 0.15
"""Strength, see `light.LightResponse`, below which a dimmer room shows more of a surface.

At 600 lux the median is 0.1.
"""

GLOWS = -1.0
"""Glow, see `shading.Shading`, from which on the surface is a screen."""

SAME_PERSON = 0.45
"""Least correlation of two frontal looks of one person, see `continuity.Continuity`."""


def verify(
    challenge: LightChallenge | MovementChallenge,
    sent: Sequence[float],
    readings: Sequence[FrameReading],
    looks: Sequence[Look] = (),
    verdict: Verdict | None = None,
    shown: Sequence[float] | None = None,
) -> LiveOutcome:
    """Tells whether a living person answered this challenge.

    Args:
        challenge: what was asked.
        sent: times at which each symbol or move was sent, or shown where nothing lies between, s of
            the client's clock; must not depend on times that a stranger claims.
        readings: of the camera frames, in order of time, same clock.
        looks: of `unmask.live.passive.look` at about one frame per second; none is fine.
        verdict: of `unmask.check` on frames of this session, where the caller ran it.
        shown: as ``sent``, corrected for jitter of the painting by `unmask.live.protocol.JITTER` at
            most; by default ``sent``.

    Raises:
        UsageError: times that are not in order, or not one per symbol or move; light that is no
            number.
        WeightsError: see `unmask.live.shape.odds`.
    """
    steps = challenge.symbols if isinstance(challenge, LightChallenge) else challenge.moves
    shown = sent if shown is None else shown
    for times in (sent, shown):
        if len(times) != len(steps) or list(times) != sorted(times):
            raise UsageError(
                f"a challenge of {len(steps)} steps needs as many times in order, not {len(times)}"
            )
    end, during = sent[-1] + challenge.seconds, during_steps(challenge, sent, readings)
    if not all(np.isfinite(reading.face.cells).all() for reading in during if reading.face):
        raise UsageError("readings of a face hold light that is no number")
    if end - sent[0] > SLOWEST * len(steps) * challenge.seconds:
        return _inconclusive(Advice.TRY_AGAIN, took=end - sent[0])
    unfit = _unfit(during, sent[0], end)
    if unfit:
        return unfit
    whole = continuity(during)
    if isinstance(challenge, LightChallenge):
        outcome = _by_light(challenge, sent, during, shown)
    else:
        outcome = _by_movement(challenge, shown, during)
    against = signs(looks).against if looks else ()
    details = {
        **outcome.details,
        **asdict(whole),
        "signs": " ".join(against),
        "verdict": str(verdict),
    }
    if whole.alike < SAME_PERSON or against or verdict is Verdict.CHANGED:
        return LiveOutcome(Result.NOT_LIVE, Advice.TRY_AGAIN, details)
    if not whole.unbroken and outcome.result is Result.LIVE:
        return LiveOutcome(Result.INCONCLUSIVE, Advice.MOVED, details)
    return replace(outcome, details=details)


def during_steps(
    challenge: LightChallenge | MovementChallenge,
    sent: Sequence[float],
    readings: Sequence[FrameReading],
) -> list[FrameReading]:
    """Returns the readings that count: from 1 s before the first step to 1 s after the last."""
    return [one for one in readings if sent[0] - 1 <= one.time <= sent[-1] + challenge.seconds + 1]


def _unfit(readings: Sequence[FrameReading], start: float, end: float) -> LiveOutcome | None:
    """Returns why these readings give no result for the challenge from ``start`` to ``end``, s."""
    faces = [reading.face for reading in readings if reading.face]
    times = [
        start,
        *(reading.time for reading in readings if reading.face and start < reading.time < end),
        end,
    ]
    if len(readings) < LEAST_RATE * (end - start):
        return _inconclusive(Advice.FEW_FRAMES, frames=len(readings))
    if len(faces) < LEAST_SEEN * len(readings) or max(np.diff(times)) > LONGEST_GAP:
        return _inconclusive(Advice.FACE_LOST, seen=len(faces) / len(readings))
    width = float(np.median([face.box[2] - face.box[0] for face in faces]))
    if width < LEAST_PX:
        return _inconclusive(Advice.FACE_SMALL, width=width)
    level = float(np.median([face.cells.mean() for face in faces]))
    if level < DARKEST:
        return _inconclusive(Advice.TOO_DARK, level=level)
    clipped = float(np.median([face.clipped for face in faces]))
    if clipped > MOST_CLIPPED:
        return _inconclusive(Advice.TOO_BRIGHT, clipped=clipped)
    return None


def _by_light(
    challenge: LightChallenge,
    sent: Sequence[float],
    readings: Sequence[FrameReading],
    shown: Sequence[float],
) -> LiveOutcome:
    answer = light.answer(challenge, sent, readings)
    stray = light.unexplained_share(challenge, sent, readings, answer.delay)
    details = {**asdict(answer), "stray": stray}
    if not answer.fresh and answer.unrest > FOREIGN:
        return LiveOutcome(Result.NOT_LIVE, Advice.TRY_AGAIN, details)
    if not answer.fresh or answer.strength < LEAST_STRENGTH:
        return LiveOutcome(Result.INCONCLUSIVE, Advice.TOO_BRIGHT, details)
    if not answer.steady or stray > MOST_STRAY:
        return LiveOutcome(Result.INCONCLUSIVE, Advice.TRY_AGAIN, details)
    surface = _surface(response(challenge, shown, readings, answer.delay), answer.strength)
    return replace(surface, details={**details, **surface.details})


def _surface(seen: Response, strength: float) -> LiveOutcome:
    """Judges whether the surface with this response is a face's."""
    stands, shaded = relief(seen), shading(seen)
    odds = shape.odds(seen, stands, shaded, strength)
    found = {"certainty": stands.certainty, "hollow": stands.hollow, "odds": odds}
    details = {**asdict(stands), **asdict(shaded), **found}
    if stands.hollow > HOLLOW or shaded.glow < GLOWS or odds < NO_FACE:
        return LiveOutcome(Result.NOT_LIVE, Advice.TRY_AGAIN, details)
    if odds >= A_FACE and stands.certainty + shaded.facial / SHADED >= A_LITTLE:
        return LiveOutcome(Result.LIVE, None, details)
    return LiveOutcome(
        Result.INCONCLUSIVE, Advice.TOO_BRIGHT if strength < FAINT else Advice.TRY_AGAIN, details
    )


def _by_movement(
    challenge: MovementChallenge, shown: Sequence[float], readings: Sequence[FrameReading]
) -> LiveOutcome:
    moved = movement.moved(challenge, shown, readings)
    details = {"followed": sum(moved.followed), "contradicted": sum(moved.contradicted)}
    if sum(moved.contradicted) > 1:
        return LiveOutcome(Result.NOT_LIVE, Advice.TRY_AGAIN, details)
    if not all(moved.followed) or any(moved.contradicted):
        return LiveOutcome(Result.INCONCLUSIVE, Advice.NOT_FOLLOWED, details)
    return LiveOutcome(Result.LIVE, None, details)


def _inconclusive(advice: Advice, **details: float) -> LiveOutcome:
    return LiveOutcome(Result.INCONCLUSIVE, advice, details)
