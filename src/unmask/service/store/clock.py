"""Which time it is, for all machines alike: PostgreSQL's clock; on SQLite this machine's, which is
watched for jumps.
"""

from __future__ import annotations

import time

from sqlalchemy import Connection, func, select

JUMP = 3600.0
"""s by which this machine's clock may part from the time that has passed, until nothing is deleted
by it any more.
"""

_PASSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Counts what passes, sleep of the machine included, and is never set."""


def shared(connection: Connection) -> float:
    """Seconds since 1970 by the clock that all who share the database share."""
    if connection.dialect.name == "sqlite":
        return time.time()
    return float(connection.scalar(select(func.extract("epoch", func.clock_timestamp()))) or 0.0)


def passed() -> float:
    """Seconds that passed on this machine since some time in the past."""
    return time.clock_gettime(_PASSED)


class Watch:
    """Notices that this machine's clock was set while the process runs."""

    def __init__(self) -> None:
        self._apart = time.time() - passed()

    @property
    def jumped(self) -> bool:
        """Whether the clock stands more than `JUMP` from where it would, had nobody set it since
        this was made.
        """
        return abs(time.time() - passed() - self._apart) > JUMP
