"""Bounds on browsers that are connected but have not begun their live check.

Each holds a connection while a person reads, finds light and allows the camera. Without a bound,
one network or one link could use up all the connections that the process may open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from unmask.service.problems import Problem

IN_ALL = 500
"""Maximum waiting connections in all; by default Linux lets a process open 1,024 files."""

PER_NETWORK = 120
"""Maximum waiting connections of one network address: many people may share one."""

PER_CHECK = 3
"""Maximum waiting connections of one live check, whose page may be open twice or reloaded."""


class WaitingRoom:
    """Places of waiting connections."""

    def __init__(self) -> None:
        self._taken = Counter[str]()

    @contextmanager
    def place(self, whose: str, most: int) -> Iterator[None]:
        """Holds one of the ``most`` places of ``whose`` for as long as the context lasts.

        Raises:
            Problem: 429, all are taken.
        """
        if self._taken[whose] >= most:
            raise Problem(
                429,
                "Too many",
                f"{most} connections wait already; close one, or come back in a minute",
            )
        self._taken[whose] += 1
        try:
            yield
        finally:
            self._taken[whose] -= 1
            if not self._taken[whose]:
                del self._taken[whose]
