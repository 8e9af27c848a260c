"""Turns of the kinds of jobs at a worker: the most urgent kind goes first, and yet none starves.

Each of the others goes first once it has rested for `REST` times as long as its last job took. So
while the most urgent jobs never end, a worker spends about a tenth of its time on each of them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

REST = 9.0
"""Rest of a kind after a job, in multiples of the time that the job took."""

SHORTEST = 60.0
"""Shortest rest, s, so that a job that cannot even be begun holds up nobody."""


class Turns:
    """Turns of several kinds of jobs at one worker.

    Args:
        kinds: the most urgent first; each does one job and returns False if there is none.
        longest: how long a job may take, s. The first rest is up to `REST` times this, at random,
            so that workers that start together do not all leave the most urgent kind at once.
        clock: returns seconds that only grow.
    """

    def __init__(
        self,
        kinds: Sequence[Callable[[], bool]],
        longest: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kinds, self._clock, started = kinds, clock, clock()
        self._rested = {
            kind: started + random.uniform(0.0, REST * longest)  # noqa: S311 - no secret
            for kind in kinds[1:]
        }

    def once(self) -> bool:
        """Does one job; False if there is none of any kind."""
        return any(self._do(kind) for kind in self._order())

    def _order(self) -> list[Callable[[], bool]]:
        moment = self._clock()
        first = sorted(
            (kind for kind, rested in self._rested.items() if rested <= moment),
            key=self._rested.__getitem__,
        )
        return [*first, *(kind for kind in self._kinds if kind not in first)]

    def _do(self, kind: Callable[[], bool]) -> bool:
        begun, found = self._clock(), True
        try:
            found = kind()
        finally:
            if found and kind in self._rested:
                ended = self._clock()
                self._rested[kind] = ended + max(SHORTEST, REST * (ended - begun))
        return found
