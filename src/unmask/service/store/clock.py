"""The time, the same for all machines: PostgreSQL's clock, or with SQLite this machine's.

This machine's clock is watched for jumps.
"""

from __future__ import annotations

import time

from sqlalchemy import Connection, func, select

JUMP = 3600.0
"""Difference between this machine's clock and the time passed that stops deletions, s."""

_PASSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Clock of the time that passes, including the machine's sleep; it is never set."""


def shared(connection: Connection) -> float:
    """Returns seconds since 1970 by the clock that all users of the database share."""
    if connection.dialect.name == "sqlite":
        return time.time()
    return float(connection.scalar(select(func.extract("epoch", func.clock_timestamp()))) or 0.0)


def passed() -> float:
    """Returns seconds that passed on this machine since some time in the past."""
    return time.clock_gettime(_PASSED)


class Watch:
    """Notices that this machine's clock was set while the process runs."""

    def __init__(self) -> None:
        self._apart = time.time() - passed()

    @property
    def jumped(self) -> bool:
        """Tells whether the clock was set by more than `JUMP` s in all since this was made."""
        return abs(time.time() - passed() - self._apart) > JUMP
