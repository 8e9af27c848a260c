"""A judge that decodes nothing, for tests of what happens around judging.

The file itself says what the answer is.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from unmask.fleet.judge import FileJudge, Unreadable

if TYPE_CHECKING:
    from unmask.fleet.tables import Rows


class Quick(FileJudge):
    """Judge that reads orders in a file, one a line.

    ``away`` makes the file unreadable; ``die`` ends the process as a faulty decoder would;
    ``escape PATH`` does what a confined process may not, with a file of the user's, and its outcome
    is what succeeded; ``speak HEX`` sends these bytes as the answer; ``half`` sends half of one and
    no more; ``sleep N`` takes N s; ``fail`` makes it a file that cannot be judged, ``fail CODE``
    for this reason; anything else is its outcome.
    """

    def judge(self, path: Path, sha256: str) -> Rows:
        row: dict[str, object] = {"sha256": sha256, "outcome": None}
        for order in path.read_text().splitlines():
            if order == "away":
                raise Unreadable(OSError("the storage does not answer"))
            if order == "die":
                ctypes.string_at(0)
            elif order.startswith("escape "):
                row["outcome"] = ", ".join(escapes(Path(order.removeprefix("escape ")))) or "none"
            elif order.startswith("speak "):
                pipe().send_bytes(bytes.fromhex(order.removeprefix("speak ")))
                time.sleep(60)
            elif order == "half":
                os.write(pipe().fileno(), struct.pack("!i", 100) + b"[")
                time.sleep(600)
            elif order.startswith("sleep "):
                time.sleep(float(order.removeprefix("sleep ")))
            elif order.startswith("fail"):
                code = order.removeprefix("fail").strip() or "media.broken_photo"
                row |= {"error": "it is broken", "error_code": code}
            else:
                row["outcome"] = row["outcome"] or order
        row["people"] = int(row["outcome"] != "no face" and "error" not in row)
        return {
            "results": [row],
            "people": [{"sha256": sha256, "person": 1}],
            "findings": [],
            "sketches": [],
        }


def pipe() -> Connection:
    """Returns the pipe to the driver, as a file that took this process over would find it."""
    (found,) = (one for one in gc.get_objects() if isinstance(one, Connection))
    return found


def escapes(path: Path) -> Iterator[str]:
    """Yields what succeeds of what a confined process may not do; ``path`` is the user's file."""
    attempts: dict[str, Callable[[], object]] = {
        "network": socket.socket,
        "program": lambda: subprocess.run(["true"], check=True),
        "signal": lambda: os.kill(os.getppid(), signal.SIGCONT),
        "reading": path.read_text,
        "listing": lambda: list(path.parent.iterdir()),
        "writing": lambda: path.write_text("x"),
        "other processes": Path(f"/proc/{os.getppid()}/environ").read_bytes,
        "the bucket's key": lambda: os.environ["AWS_SECRET_ACCESS_KEY"],
    }
    for name, attempt in attempts.items():
        try:
            attempt()
        except (OSError, KeyError):
            continue
        yield name
