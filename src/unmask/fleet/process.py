"""A worker's own process: it does what the driver says, until the driver is gone. What is heavy is
imported late.
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
from unmask.fleet.worker import Unreadable, Worker

Make = Callable[[Path], Worker]
"""Makes a worker, in its own process, with a folder for files in passing."""

MEMORY = 4 << 30
"""bytes that a worker may hold (``RLIMIT_DATA``); what needs more is a content that cannot be
judged.
"""


def work(pipe: Connection, make: Make, scratch: Path) -> None:
    """Does what the driver says, until it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_driver, daemon=True).start()
    bound()
    try:
        worker = make(scratch)
        pipe.send(("ready", None))
        while True:
            order, path = pipe.recv()
            pipe.send(answer(worker, order, path))
    except (EOFError, OSError):
        return


def answer(worker: Worker, order: str, path: str) -> tuple[str, Any]:
    """What a worker says when it is asked to ``identify`` a file, or to ``judge`` the one that it
    holds.

    Returns:
        ``identified`` and the sha256, ``judged`` and the rows, ``unreadable`` and why, or ``wrong``
            and what no
        file is to blame for.
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


def _end_with_driver() -> None:
    driver = parent_process()
    if driver is not None:
        wait([driver.sentinel])
        os._exit(1)


def bound() -> None:
    """Bounds the memory of this process, and has the kernel end it before others where the machine
    runs out.
    """
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
