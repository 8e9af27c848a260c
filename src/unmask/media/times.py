"""When a clip's pictures are shown, and which of them to look at, for `unmask.media`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

_SLACK = 1e-6
"""s; a picture counts as at or after a time that is this much later, so that a rounded time finds
its picture.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """All pictures of a clip, numbered in order of presentation.

    Attributes:
        tick: unit of the clip's own clock, seconds.
        ticks: int64 ``(n,)``, n >= 1: presentation times on that clock, rising.
        keys: bool ``(n,)``: which pictures are key frames, decodable without their neighbours.
    """

    tick: Fraction
    ticks: NDArray[np.int64]
    keys: NDArray[np.bool_]

    @classmethod
    def of(cls, tick: Fraction, ticks: NDArray[np.int64], keys: NDArray[np.bool_]) -> Index:
        """From the times and key flags of the pictures in whatever order; of several at one time,
        one is kept.
        """
        distinct, where = np.unique(ticks, return_inverse=True)
        is_key = np.zeros(distinct.size, np.bool_)
        is_key[where[keys]] = True
        return cls(tick, distinct, is_key)

    def gaps(self) -> NDArray[np.int64]:
        """Ticks from each picture to the next; a single 0 where there is no next."""
        return np.diff(self.ticks) if self.ticks.size > 1 else np.zeros(1, np.int64)

    def seconds(self) -> NDArray[np.float64]:
        """Presentation times from the first picture."""
        return np.asarray(
            (self.ticks - self.ticks[0]) * self.tick.numerator / self.tick.denominator, np.float64
        )

    def number_of(self, tick: int) -> int:
        """The picture that is shown at ``tick``; -1 before the first."""
        return int(np.searchsorted(self.ticks, tick, "right")) - 1

    def at_or_after(
        self, times: NDArray[np.float64], without: NDArray[np.bool_]
    ) -> NDArray[np.intp]:
        """The next picture from each of ``times``, seconds, on that is not ``without``, bool
        ``(n,)``; sorted, none twice.
        """
        there = np.flatnonzero(~without)
        places = np.unique(np.searchsorted(self.seconds()[there], times - _SLACK))
        return there[places[places < there.size]]

    def key_before(self, numbers: NDArray[np.intp]) -> NDArray[np.intp]:
        """The nearest key frame at or before each picture; the first picture where there is none."""
        keys = np.flatnonzero(self.keys)
        return np.append(0, keys)[np.searchsorted(keys, numbers, "right")]

    def spread(
        self,
        start: float,
        end: float,
        every: float,
        at_most: int,
        without: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.float64]:
        """The times that `unmask.media.Clip.times_between` describes, none of a picture that is
        ``without``, bool ``(n,)``.
        """
        shown = self.seconds()
        held = np.minimum(np.diff(shown, append=max(end, shown[-1])), every)
        inside = (shown >= start - _SLACK) & (shown <= end + _SLACK)
        if without is not None:
            inside &= ~without
        shown, held, keys = shown[inside], held[inside], np.flatnonzero(self.keys[inside])
        if not shown.size:
            return shown
        clock, total = np.cumsum(held) - held, held.sum()
        parts = min(at_most, max(1, math.ceil(total / every - 1e-9)))
        chosen = np.searchsorted(clock, (np.arange(parts) + 0.5) * total / parts, "right") - 1
        if keys.size:
            after = np.searchsorted(keys, chosen).clip(0, keys.size - 1)
            either = np.stack([keys[after], keys[(after - 1).clip(0)]])
            away = np.abs(clock[either] - clock[chosen])
            near = np.where(away[0] <= away[1], *either)
            chosen = np.where(away.min(axis=0) <= total / parts / 4, near, chosen)
        return np.asarray(shown[np.unique(chosen)])
