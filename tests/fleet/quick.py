"""A worker that judges nothing: what it says of a file is written in the file. For tests of what
may happen around judging.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from unmask.fleet.worker import Unreadable, Worker

if TYPE_CHECKING:
    from unmask.fleet.tables import Rows


class Quick(Worker):
    """Reads orders in a file, one a line.

    ``away`` alone makes it one that cannot be read, ``die`` ends its process as the kernel would,
    ``sleep N`` takes N s, ``fail`` makes it one that cannot be judged, anything else is its
    outcome.
    """

    def identify(self, path: str) -> str:
        found = super().identify(path)
        if self._path.read_text() == "away":
            raise Unreadable("the storage does not answer")
        return found

    def judge(self) -> Rows:
        row: dict[str, object] = {"sha256": self._sha256, "people": 1, "outcome": None}
        for order in self._path.read_text().splitlines():
            if order == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            elif order.startswith("sleep "):
                time.sleep(float(order.removeprefix("sleep ")))
            elif order == "fail":
                row |= {"error": "it is broken", "error_code": "media.broken"}
            else:
                row["outcome"] = row["outcome"] or order
        return {
            "results": [row],
            "people": [{"sha256": self._sha256, "person": 1}],
            "findings": [],
            "sketches": [],
        }
