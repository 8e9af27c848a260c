"""Presentation times of a clip's pictures, and the choice of pictures, for `unmask.media`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

_SLACK = 1e-6
"""Tolerance, s, by which a picture may precede a time and still count as at or after it.

A rounded time thus finds its picture.
"""


@dataclass(frozen=True, slots=True, eq=False)
class FrameIndex:
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
    def of(cls, tick: Fraction, ticks: NDArray[np.int64], keys: NDArray[np.bool_]) -> FrameIndex:
        """Builds the index from the times and key flags of the pictures, in any order.

        Of several pictures at one time, one is kept.
        """
        distinct, where = np.unique(ticks, return_inverse=True)
        is_key = np.zeros(distinct.size, np.bool_)
        is_key[where[keys]] = True
        return cls(tick, distinct, is_key)

    def gaps(self) -> NDArray[np.int64]:
        """Returns the ticks from each picture to the next; a single 0 where there is no next."""
        return np.diff(self.ticks) if self.ticks.size > 1 else np.zeros(1, np.int64)

    def seconds(self) -> NDArray[np.float64]:
        """Returns the presentation times from the first picture, s."""
        return np.asarray(
            (self.ticks - self.ticks[0]) * self.tick.numerator / self.tick.denominator, np.float64
        )

    def number_of(self, tick: int) -> int:
        """Returns the number of the picture that is shown at ``tick``; -1 before the first."""
        return int(np.searchsorted(self.ticks, tick, "right")) - 1

    def at_or_after(
        self, times: NDArray[np.float64], without: NDArray[np.bool_]
    ) -> NDArray[np.intp]:
        """Finds the next picture at or after each of ``times``, seconds.

        Pictures that are ``without``, bool ``(n,)``, are skipped. The result is sorted, none twice.
        """
        there = np.flatnonzero(~without)
        places = np.unique(np.searchsorted(self.seconds()[there], times - _SLACK))
        return there[places[places < there.size]]

    def key_before(self, numbers: NDArray[np.intp]) -> NDArray[np.intp]:
        """Finds the nearest key frame at or before each picture, or else the first picture."""
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
        """Returns the times that `unmask.media.Clip.times_between` describes.

        Pictures that are ``without``, bool ``(n,)``, are skipped.
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
