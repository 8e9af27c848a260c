"""Detection power: chance of finding a cut, measured by cutting this footage at random places."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from unmask.messages import Message
from unmask.takes import steps
from unmask.takes.steps import CUT_Z
from unmask.types import Small

LOST_S = (0.2, 0.5, 2.0)
"""Seconds that the tried cuts take out."""
TRIALS = 40
"""Number of places at which each cut is tried."""
_BESIDE_S = 1.4
"""Seconds of pictures on either side of a place that are looked at."""
_SHORTEST_S = 6.0
"""Least footage for a trial, s."""


@dataclass(frozen=True, slots=True)
class Power:
    """Result of trials: ``found`` of ``trials`` cuts, each ``lost`` seconds long."""

    lost: float
    found: int
    trials: int

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share that is found (Wilson 1927)."""
        z, n = 1.96, self.trials
        share = self.found / n
        middle, spread = (
            share + z * z / (2 * n),
            z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)),
        )
        return max(0.0, (middle - spread) / (1 + z * z / n)), min(
            1.0, (middle + spread) / (1 + z * z / n)
        )

    @property
    def said(self) -> Message:
        """Sentence that states the power."""
        low, high = self.interval
        shares = {"percent": self.found / self.trials, "lowest": low, "highest": high}
        told = {name: round(100 * share) for name, share in shares.items()}
        return Message("take.power", {"lost": self.lost, "count": self.trials, **told})


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
    before: Sequence[Power] = (),
) -> Iterator[tuple[Power, ...]]:
    """Yields the power so far after each place; a cut in pictures not looked at counts as missed.

    The pictures are cut as they were decoded, so the effect of encoding them again is not included.

    Args:
        chosen: result of `places`.
        pictures: returns the pictures of a stretch, s.
        before: result of the first places, where these were tried before.
    """
    found = {one.lost: one.found for one in before} or dict.fromkeys(LOST_S, 0)
    tried = before[0].trials if before else 0
    for count, (time, looked) in enumerate(chosen[tried:], start=tried + 1):
        if looked:
            run = steps.run(list(pictures(time - _BESIDE_S, time + max(LOST_S) + _BESIDE_S)))
            for lost in LOST_S:
                found[lost] += _is_found(run, time, lost)
        yield tuple(Power(lost, found[lost], count) for lost in LOST_S)


def _is_found(run: steps.Steps, time: float, lost: float) -> bool:
    times = np.array([picture.time for picture in run.pictures])
    first, last = np.searchsorted(times, [time, time + lost])
    return last > first and run.would_show(int(first), int(last - first)) >= CUT_Z
