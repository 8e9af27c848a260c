"""A worker that judges nothing, for tests of what happens around judging.

The file itself says what the worker answers.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from unmask.fleet.worker import FileWorker, Unreadable

if TYPE_CHECKING:
    from unmask.fleet.tables import Rows


class Quick(FileWorker):
    """Worker that reads orders in a file, one a line.

    ``away`` alone makes the file unreadable; ``die`` ends the worker's process as a faulty decoder
    would; ``escape PATH`` does what a confined process may not, and its outcome is what succeeded;
    ``speak PATH`` answers with an object that runs a program where it is read; ``sleep N`` takes N
    s; ``fail`` makes it a file that cannot be judged; anything else is its outcome.
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
                row["outcome"] = Program(order.removeprefix("speak "))
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


class Program:
    """An object that makes a file where it is unpickled."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self._path}",)


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
