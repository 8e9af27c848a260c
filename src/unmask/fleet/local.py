"""Workers on this machine: threads of the driver, each worker with its confined process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from pathlib import Path
from threading import Thread
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
    """A worker on this machine; see `crew.WorkerLink`.

    Nobody waits for its threads, because reading a file may never end, as on a file system whose
    server has gone.
    """

    def __init__(self, make: Make, scratch: Path) -> None:
        self._worker = make(scratch)  # in this thread, which its process may not outlive
        self.said: Answer | None = _begun(self._worker.ready)

    def ask(self, order: str, path: str = "") -> None:
        self.said = _begun(partial(self._worker.answer, order, path))

    def hear(self) -> tuple[str, Any]:
        said, self.said = cast("Answer", self.said), None
        return said.result()

    def end(self) -> None:
        self._worker.end()


def _begun(work: Callable[[], tuple[str, Any]]) -> Answer:
    """Starts work in a thread that does not keep this process from ending."""
    answer: Answer = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:
            answer.set_exception(error)

    Thread(target=run, daemon=True).start()
    return answer


def listen(workers: Sequence[LocalWorker], seconds: float) -> Collection[LocalWorker]:
    """Waits, at most so many s, until some workers have an answer; returns these workers."""
    asked = [worker.said for worker in workers if worker.said is not None]
    heard = wait(asked, seconds, FIRST_COMPLETED).done
    return [worker for worker in workers if worker.said in heard]
