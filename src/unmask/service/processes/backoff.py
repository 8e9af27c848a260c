"""Growing waits for a part that does not answer.

They keep a part that comes back from being overloaded at once.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

FIRST, LONGEST = 1.0, 60.0
"""First and longest wait, s; each wait is twice the one before."""

LOOK = 0.2
"""Seconds between two checks whether to stop."""


class Backoff:
    """Exponential backoff with jitter, of the kind called "equal jitter".

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog 2015.

    Args:
        stopping: tells when to wait no longer.
    """

    def __init__(self, stopping: Callable[[], bool]) -> None:
        self._stopping, self._next = stopping, FIRST

    def wait(self) -> None:
        """Waits; half of the time is random. The next wait will be twice as long."""
        until = time.monotonic() + self._next * (0.5 + 0.5 * random.random())  # noqa: S311 - no secret
        self._next = min(2 * self._next, LONGEST)
        while not self._stopping() and (left := until - time.monotonic()) > 0:
            time.sleep(min(LOOK, left))

    def reset(self) -> None:
        """Makes the next wait the first one again."""
        self._next = FIRST
