"""A worker that judges nothing, for tests of what happens around judging.

The file itself says what the worker answers.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from unmask.fleet.worker import FileWorker, Unreadable

if TYPE_CHECKING:
    from unmask.fleet.tables import Rows


class Quick(FileWorker):
    """Worker that reads orders in a file, one a line.

    ``away`` alone makes the file unreadable; ``die`` kills the worker's process as the kernel
    would; ``sleep N`` takes N s; ``fail`` makes it a file that cannot be judged; anything else is
    its outcome.
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
