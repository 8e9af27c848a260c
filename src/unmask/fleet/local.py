"""Workers on this machine: a thread of the driver each, with its confined process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Any, cast

from unmask.fleet import crew
from unmask.fleet.ledger import Ledger
from unmask.fleet.worker import Worker

Make = Callable[[Path], Worker]
"""Makes a worker, where it works, with a folder for temporary files."""

Answer = Future[tuple[str, Any]]


def run(ledger: Ledger, make: Make, scratch: Path, count: int, seconds: float) -> None:
    """Judges everything with ``count`` workers on this machine; see `crew.run`.

    Args:
        make: makes a worker.
        scratch: folder for temporary files.
    """
    crew.run(ledger, partial(LocalWorker, make, scratch), listen, count, seconds)


class LocalWorker:
    """A worker on this machine; see `crew.WorkerLink`."""

    def __init__(self, make: Make, scratch: Path) -> None:
        self._worker = make(scratch)  # in this thread, which its process may not outlive
        self._thread = ThreadPoolExecutor(1)
        self.said: Answer | None = self._thread.submit(self._worker.ready)

    def ask(self, order: str, path: str = "") -> None:
        self.said = self._thread.submit(self._worker.answer, order, path)

    def hear(self) -> tuple[str, Any]:
        said, self.said = cast("Answer", self.said), None
        return said.result()

    def end(self) -> None:
        self._worker.kill()
        self._thread.submit(self._worker.end)
        self._thread.shutdown()


def listen(workers: Sequence[LocalWorker], seconds: float) -> Collection[LocalWorker]:
    """Waits, at most so many s, until some workers have an answer; returns these workers."""
    asked = [worker.said for worker in workers if worker.said is not None]
    heard = wait(asked, seconds, FIRST_COMPLETED).done
    return [worker for worker in workers if worker.said in heard]
