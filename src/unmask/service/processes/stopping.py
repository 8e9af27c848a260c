"""Being told to stop: SIGTERM and SIGINT, taken at the next good moment."""

from __future__ import annotations

import signal


class Stopping:
    """Whether this process was told to stop; call it to ask."""

    def __init__(self) -> None:
        self._told = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._tell)

    def __call__(self) -> bool:
        return self._told

    def _tell(self, _number: int, _frame: object) -> None:
        self._told = True
