"""Workers on this machine: a process each, with one thread for decoding and one for networks."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from unmask.fleet import crew, spoken
from unmask.fleet.ledger import Ledger
from unmask.fleet.process import Make, work

ONE_THREAD = dict.fromkeys(
    ("UNMASK_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
"""Environment of a process that runs beside one for every other core."""

MOST_SAID = 32 << 20
"""Most bytes of one answer; read, it needs at most thirty times as much memory."""

ENDING = 10.0
"""Seconds within which a worker whose pipe is closed must have ended."""


def run(ledger: Ledger, make: Make, scratch: Path, count: int, seconds: float) -> None:
    """Judges everything with ``count`` processes on this machine; see `crew.run`.

    Args:
        make: makes a worker in its process.
        scratch: folder for temporary files.
    """
    with _environment(ONE_THREAD):
        crew.run(ledger, partial(Process, make, scratch), _listen, count, seconds)


class Process:
    """A worker's process on this machine; see `crew.WorkerLink`."""

    def __init__(self, make: Make, scratch: Path) -> None:
        context = get_context("spawn")
        self._scratch = Path(tempfile.mkdtemp(dir=scratch))
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=work, args=(theirs, make, self._scratch), daemon=True
        )
        self._process.start()
        theirs.close()

    def ask(self, order: str, path: str = "") -> None:
        with suppress(OSError):
            self.pipe.send((order, path))

    def hear(self) -> tuple[str, Any]:
        try:
            content = self.pipe.recv_bytes(MOST_SAID)
        except (EOFError, OSError):
            raise crew.Died(self._how()) from None
        try:
            return spoken.heard(content)
        except Exception as error:  # a file that took the worker over may send anything
            raise crew.Died(f"it said what makes no sense ({type(error).__name__})") from None

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self.pipe.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _how(self) -> str:
        self._process.join(ENDING)
        self._process.kill()  # it closed its pipe, and lives
        self._process.join()
        code = self._process.exitcode or 0
        return (
            f"it was ended by {signal.Signals(-code).name}"
            if code < 0
            else f"it ended with code {code}"
        )


def _listen(processes: Sequence[Process], seconds: float) -> Collection[Process]:
    heard = wait([process.pipe for process in processes], seconds)
    return [process for process in processes if process.pipe in heard]


@contextmanager
def _environment(more: dict[str, str]) -> Iterator[None]:
    """Sets variables for processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
