"""Workers on this machine: a process each, with one thread for decoding and one for networks, replaced when one dies."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from unmask.errors import UnmaskError
from unmask.fleet.ledger import Ledger
from unmask.fleet.process import Make, work
from unmask.fleet.source import Item

STARTS = 3
"""Workers in a row that may die before they are ready; then something else than a file is wrong."""

START = 600.0
"""s within which a worker must be ready."""

ONE_THREAD = dict.fromkeys(("UNMASK_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def run(ledger: Ledger, make: Make, count: int, scratch: Path, seconds: float) -> None:
    """Has everything judged that the ledger gives.

    Args:
        count: of workers.
        scratch: folder on this machine for files in passing.
        seconds: that one file may take; then its worker is killed, and it is not tried again.

    Raises:
        UnmaskError: workers do not start, or no file can be judged in this way.
    """
    with _environment(ONE_THREAD):
        hands = [_Hand(make, scratch) for _ in range(count)]
        try:
            while True:
                for hand in hands:
                    if not hand.busy:
                        hand.begin(ledger.take())
                if not any(hand.busy for hand in hands):
                    return
                for hand in _ready(hands, seconds):
                    hand.hear(ledger, seconds)
        finally:
            for hand in hands:
                hand.end()


class _Hand:
    """One worker's process, as the driver holds it: what it is at, and what it says."""

    def __init__(self, make: Make, scratch: Path) -> None:
        self._make, self._parent_scratch = make, scratch
        self._item: Item | None = None
        self._sha256: str | None = None
        self._lost = 0
        self._start()

    @property
    def busy(self) -> bool:
        return self._item is not None

    @property
    def pipe(self) -> Connection:
        return self._pipe

    def overdue(self, seconds: float) -> float:
        """Seconds until it has been at its file for too long."""
        return self._since + (seconds if self._ready else START) - time.monotonic()

    def begin(self, item: Item | None) -> None:
        """Gives it a file, if there is one."""
        self._item, self._sha256 = item, None
        self._since = time.monotonic() if self._ready else self._since
        if item is not None:
            with suppress(OSError):  # that it has died is heard
                self._pipe.send(("identify", item.path))

    def hear(self, ledger: Ledger, seconds: float) -> None:
        """Takes one thing that it says, or notes that it is dead or at it for too long."""
        try:
            if not self._pipe.poll():
                self._replace(ledger, f"it was not done after {seconds:g} s", again=False)
                return
            said, value = self._pipe.recv()
        except (EOFError, OSError):
            self._replace(ledger, self._how(), again=True)
            return
        self._take(ledger, said, value)

    def end(self) -> None:
        """Ends the process, whatever it is doing, with all that it put on disk."""
        self._process.kill()
        self._process.join()
        self._pipe.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _take(self, ledger: Ledger, said: str, value: Any) -> None:
        if said == "ready":
            self._ready, self._lost, self._since = True, 0, time.monotonic()
        elif said == "wrong" or self._item is None:
            raise UnmaskError(str(value))
        elif said == "identified":
            self._sha256 = value
            if ledger.identified(self._item, value):
                self._pipe.send(("judge", None))
            else:
                self._item = None
        else:
            item, self._item = self._item, None
            if said == "judged":
                ledger.judged(value)
            else:
                ledger.unreadable(item, value, self._sha256)

    def _start(self) -> None:
        context = get_context("spawn")
        self._scratch = Path(tempfile.mkdtemp(dir=self._parent_scratch))
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, self._make, self._scratch)
        self._process: SpawnProcess = context.Process(target=work, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        self._ready, self._since = False, time.monotonic()

    def _replace(self, ledger: Ledger, how: str, again: bool) -> None:
        self.end()
        item, sha256, ready = self._item, self._sha256, self._ready
        self._item = None
        self._lost += not ready
        if self._lost >= STARTS:
            raise UnmaskError(f"workers do not start: {how}; `unmask doctor` says more")
        self._start()
        if item is not None and not ready:
            self.begin(item)
        elif item is not None:
            ledger.died(item, sha256, how, again)

    def _how(self) -> str:
        self._process.join()
        code = self._process.exitcode or 0
        return f"it was ended by {signal.Signals(-code).name}" if code < 0 else f"it ended with code {code}"


def _ready(hands: list[_Hand], seconds: float) -> list[_Hand]:
    """Those of whom there is something to hear, or who are at it for too long; waits until there is one."""
    busy = [hand for hand in hands if hand.busy]
    soonest = max(0.0, min(hand.overdue(seconds) for hand in busy))
    heard = wait([hand.pipe for hand in busy], soonest)
    return [hand for hand in busy if hand.pipe in heard or hand.overdue(seconds) <= 0]


@contextmanager
def _environment(more: dict[str, str]) -> Iterator[None]:
    """Variables that processes started meanwhile have."""
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
