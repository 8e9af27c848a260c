"""Waiting for what does not answer: later and later, so that whatever comes back is not run down at
once.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

FIRST, LONGEST = 1.0, 60.0
"""s of the first wait and of the longest; each is twice the one before."""

LOOK = 0.2
"""s between two looks whether to stop."""


class Backoff:
    """Exponential backoff with jitter (M. Brooker, "Exponential Backoff And Jitter", AWS
    Architecture Blog 2015, "equal jitter").

    Args:
        stopping: tells when to wait no longer.
    """

    def __init__(self, stopping: Callable[[], bool]) -> None:
        self._stopping, self._next = stopping, FIRST

    def wait(self) -> None:
        """Waits, a half of it by chance; the next wait will be twice as long."""
        until = time.monotonic() + self._next * (0.5 + 0.5 * random.random())  # noqa: S311 - no secret
        self._next = min(2 * self._next, LONGEST)
        while not self._stopping() and (left := until - time.monotonic()) > 0:
            time.sleep(min(LOOK, left))

    def reset(self) -> None:
        """The next wait is the first again."""
        self._next = FIRST
