"""A worker's own process: confined, it obeys the driver until the driver is gone.

Heavy imports come late.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from unmask.errors import UnmaskError
from unmask.fleet import spoken
from unmask.fleet.worker import FileWorker, Unreadable
from unmask.sandbox import landlock
from unmask.sandbox.filter import impossible, install

Make = Callable[[Path], FileWorker]
"""Makes a worker, in its own process, with a folder for temporary files."""

MEMORY = 4 << 30
"""Most bytes of data that a worker may hold (``RLIMIT_DATA``).

A content that needs more cannot be judged.
"""


def work(pipe: Connection, make: Make, scratch: Path) -> None:
    """Obeys the driver until it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    bound()
    worker = make(scratch)
    confine(worker)
    threading.Thread(target=_end_with_driver, daemon=True).start()  # confined as well
    try:
        pipe.send_bytes(spoken.said("ready", None))
        while True:
            order, path = pipe.recv()
            pipe.send_bytes(spoken.said(*answer(worker, order, path)))
    except (EOFError, OSError):
        return


def answer(worker: FileWorker, order: str, path: str) -> tuple[str, Any]:
    """Asks a worker to ``identify`` a file, or to ``judge`` the one that it holds.

    Returns:
        ``identified`` and the sha256, ``judged`` and the rows, ``unreadable`` and why, or ``wrong``
            and an error that no file is to blame for.
    """
    try:
        return (
            ("identified", worker.identify(path))
            if order == "identify"
            else ("judged", worker.judge())
        )
    except Unreadable as error:
        return "unreadable", str(error)
    except Exception as error:
        return "wrong", str(error) if isinstance(
            error, UnmaskError
        ) else f"unexpected {type(error).__name__}: {error}"


def confine(worker: FileWorker) -> None:
    """Confines this process for good, as far as this kernel can.

    From now on it writes to the worker's folders only. Unless its work needs the network, it
    reaches none, and starts no program and signals no process.
    """
    landlock.see_only(["/"], worker.writable)
    if not worker.needs_network and not impossible():
        install()


def _end_with_driver() -> None:
    driver = parent_process()
    if driver is not None:
        wait([driver.sentinel])
        os._exit(1)


def bound() -> None:
    """Limits the memory of this process, and keeps it from leaving a copy of that on disk.

    Also makes the kernel end it before others if the machine runs out of memory.
    """
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
