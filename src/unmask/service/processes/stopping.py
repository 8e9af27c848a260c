"""Stop signals: SIGTERM and SIGINT set a flag that the process checks at a safe moment."""

from __future__ import annotations

import signal


class Stopping:
    """Tells, when called, whether this process was told to stop."""

    def __init__(self) -> None:
        self._told = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._tell)

    def __call__(self) -> bool:
        return self._told

    def _tell(self, _number: int, _frame: object) -> None:
        self._told = True
