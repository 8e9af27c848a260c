"""Browsers that are connected and have not begun their live check: how many one process holds, and
for whom.

Each holds a connection while a person reads, finds light and allows the camera. Without a bound,
one network or one link could hold all that the process may open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from unmask.service.problems import Problem

IN_ALL = 500
"""Connections that wait, all together; Linux lets a process open 1,024 files unless told otherwise.
"""

PER_NETWORK = 120
"""Of one network address: many people may share one."""

PER_CHECK = 3
"""Of one live check: its page, opened twice or loaded again."""


class Waiting:
    """Places of those who wait."""

    def __init__(self) -> None:
        self._taken = Counter[str]()

    @contextmanager
    def place(self, whose: str, most: int) -> Iterator[None]:
        """One of ``most`` places of somebody's, for as long as the context lasts.

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
