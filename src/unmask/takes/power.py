"""Detection power: chance of finding a cut, measured by cutting this footage at random places."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from unmask.messages import Message
from unmask.takes import hearing, steps
from unmask.takes.steps import CUT_Z
from unmask.types import SOUND_RATE, Small, Sound

LOST_S = (0.2, 0.5, 2.0)
"""Seconds that the tried cuts take out."""
TRIALS = 40
"""Number of places at which each cut is tried."""
_BESIDE_S = 1.4
"""Seconds of pictures on either side of a place that are looked at."""
_SHORTEST_S = 6.0
"""Least footage for a trial, s."""
_AT_S = 0.3
"""Distance from a cut within which a jump of a tone is found at it, s."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of trials: ``found`` of ``trials``."""

    found: int
    trials: int

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share (Wilson 1927)."""
        z, n = 1.96, self.trials
        share = self.found / n
        middle, spread = (
            share + z * z / (2 * n),
            z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)),
        )
        return max(0.0, (middle - spread) / (1 + z * z / n)), min(
            1.0, (middle + spread) / (1 + z * z / n)
        )

    def percent(self, name: str = "") -> dict[str, int]:
        """Returns share and ends of its interval, %, as values of a sentence.

        Their names begin with ``name``.
        """
        low, high = self.interval
        shares = {"percent": self.found / self.trials, "lowest": low, "highest": high}
        return {name + key: round(100 * share) for key, share in shares.items()}


@dataclass(frozen=True, slots=True)
class Power:
    """Result of trials, each of which took ``lost`` seconds out.

    Attributes:
        seen: found by its pictures.
        heard: found by its sound; None where there is none.
        either: found by either of them.
    """

    lost: float
    seen: Share
    heard: Share | None
    either: Share

    @property
    def trials(self) -> int:
        """Number of places at which the cut was tried."""
        return self.either.trials

    @property
    def said(self) -> Message:
        """Sentence that states the power."""
        told = {"lost": self.lost, "count": self.trials, **self.either.percent()}
        if self.heard is None:
            return Message("take.power", told)
        each = {**self.seen.percent("seen_"), **self.heard.percent("heard_")}
        return Message("take.power_heard", {**told, **each})


def places(duration: float, seed: int, looked: Callable[[float], bool]) -> list[tuple[float, bool]]:
    """Chooses random times, s, for trial cuts, in order.

    Each comes with whether the pictures there would be looked at.
    """
    most = duration - _BESIDE_S - max(LOST_S) - _BESIDE_S
    if duration < _SHORTEST_S or most <= 0:
        return []
    times = np.sort(np.random.default_rng(seed).uniform(_BESIDE_S, _BESIDE_S + most, TRIALS))
    return [(float(time), looked(float(time))) for time in times]


def tried(
    chosen: Sequence[tuple[float, bool]],
    pictures: Callable[[float, float], Iterator[Small]],
    sound: Callable[[float, float, float], Sound],
    before: Sequence[Power] = (),
) -> Iterator[tuple[Power, ...]]:
    """Yields the power so far after each place; pictures not looked at find nothing.

    Pictures and sound are cut as they were decoded, so the effect of encoding them again is not
    included, nor the traces that copied packets would leave.

    Args:
        chosen: result of `places`.
        pictures: returns the pictures of a stretch, s.
        sound: returns the sound around a time, s, from so many seconds before to so many after it,
            as far as the file at that time has it; empty where it has none.
        before: result of the first places, where these were tried before.
    """
    counts = np.array([_counts(one) for one in before] or [(0, 0, 0)] * len(LOST_S))
    done, audible = (before[0].trials, before[0].heard is not None) if before else (0, False)
    for count, (time, looked) in enumerate(chosen[done:], start=done + 1):
        around = sound(time, hearing.BLOCK_S, hearing.BLOCK_S + max(LOST_S))
        audible = audible or around.samples.size > 0
        run = _run(pictures, time) if looked else None
        counts += np.array([_found(run, around, time, lost) for lost in LOST_S])
        yield tuple(
            Power(
                lost,
                Share(seen, count),
                Share(heard, count) if audible else None,
                Share(either, count),
            )
            for lost, (seen, heard, either) in zip(LOST_S, counts.tolist(), strict=True)
        )


def _counts(one: Power) -> tuple[int, int, int]:
    return one.seen.found, one.heard.found if one.heard else 0, one.either.found


def _found(
    run: steps.Steps | None, around: Sound, time: float, lost: float
) -> tuple[bool, bool, bool]:
    seen = run is not None and _is_seen(run, time, lost)
    heard = _is_heard(around, time, lost)
    return seen, heard, seen or heard


def _run(pictures: Callable[[float, float], Iterator[Small]], time: float) -> steps.Steps:
    return steps.run(list(pictures(time - _BESIDE_S, time + max(LOST_S) + _BESIDE_S)))


def _is_seen(run: steps.Steps, time: float, lost: float) -> bool:
    times = np.array([picture.time for picture in run.pictures])
    first, last = np.searchsorted(times, [time, time + lost])
    return last > first and run.would_show(int(first), int(last - first)) >= CUT_Z


def _is_heard(around: Sound, time: float, lost: float) -> bool:
    """Tells whether a steady tone jumps at a cut, in the block in which it would be heard.

    Its place in the block is that of the time, as random as this.
    """
    before = hearing.MARGIN_S + time % (hearing.BLOCK_S - 2 * hearing.MARGIN_S)
    cut, last = (round((at - around.time) * SOUND_RATE) for at in (time, time + lost))
    first = max(0, cut - round(before * SOUND_RATE))
    end = last + round((hearing.BLOCK_S - before) * SOUND_RATE)
    if last >= around.samples.size:
        return False
    block = np.concatenate([around.samples[first:cut], around.samples[last:end]])
    jumps, _ = hearing.phase_jumps(Sound(0.0, block))
    return any(abs(at - (cut - first) / SOUND_RATE) <= _AT_S for at, _ in jumps)
