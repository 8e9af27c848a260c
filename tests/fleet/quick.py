"""A worker that judges nothing, for tests of what happens around judging.

The file itself says what the worker answers.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from unmask.fleet.worker import FileWorker, Unreadable

if TYPE_CHECKING:
    from unmask.fleet.tables import Rows


class Quick(FileWorker):
    """Worker that reads orders in a file, one a line.

    ``away`` alone makes the file unreadable; ``die`` ends the worker's process as a faulty decoder
    would; ``escape PATH`` does what a confined process may not, and its outcome is what succeeded;
    ``speak HEX`` sends these bytes as the answer; ``sleep N`` takes N s; ``fail`` makes it a file
    that cannot be judged; anything else is its outcome.
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
                ctypes.string_at(0)
            elif order.startswith("escape "):
                row["outcome"] = ", ".join(escapes(Path(order.removeprefix("escape ")))) or "none"
            elif order.startswith("speak "):
                speak(bytes.fromhex(order.removeprefix("speak ")))
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


def speak(content: bytes) -> None:
    """Sends bytes to the driver, as a file that took this process over would."""
    (pipe,) = (one for one in gc.get_objects() if isinstance(one, Connection) and one.writable)
    pipe.send_bytes(content)
    time.sleep(60)


def escapes(path: Path) -> Iterator[str]:
    """Yields what succeeds of what a confined process may not do; ``path`` is not its to write."""
    attempts: dict[str, Callable[[], object]] = {
        "network": socket.socket,
        "program": lambda: subprocess.run(["true"], check=True),
        "signal": lambda: os.kill(os.getppid(), signal.SIGCONT),
        "file": lambda: path.write_text("x"),
    }
    for name, attempt in attempts.items():
        try:
            attempt()
        except OSError:
            continue
        yield name
