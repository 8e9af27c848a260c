"""Workers on a Ray cluster: an actor with a core each. Paths, hashes and rows travel.

Every machine needs Unmask of the same version, and the source under the same address: a bucket, or
a folder that all of them see.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import ray
from ray.exceptions import RayActorError, RayError

from unmask.errors import UnmaskError, UsageError
from unmask.fleet import crew
from unmask.fleet.ledger import Ledger
from unmask.fleet.scratch import Scratch
from unmask.fleet.worker import Died, Worker

if TYPE_CHECKING:
    from unmask.fleet.judge import Maker
    from unmask.pipeline import Settings

DIED = "died"
"""Answer of an actor, followed by the cause, when the process that judges for it is gone."""

LEAVE = 10.0
"""Seconds that an idle actor is given to delete its temporary files."""


@dataclass(frozen=True, slots=True)
class Work:
    """Parameters from which an actor makes its workers; see `Worker`.

    Attributes:
        source: source of the files.
        settings: makes the settings of each check, given a folder of the actor.
        maker: makes what judges.
    """

    source: str
    settings: Callable[[Path], Settings]
    maker: Maker


def run(ledger: Ledger, work: Work, address: str, count: int | None, seconds: float) -> None:
    """Judges everything with the actors of a cluster; see `crew.run`.

    Args:
        work: what the actors work on.
        address: address of the cluster, as ``ray.init`` takes it; ``local`` starts one on this
            machine.
        count: number of actors; one per core of the cluster if None.

    Raises:
        UsageError: there is no cluster at that address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            include_dashboard=False if address == "local" else None,
        )
    except Exception as error:
        raise UsageError(
            f"no Ray cluster answers at {address}: {' '.join(str(error).split())[:200]}"
        ) from error
    idle: list[Any] = []
    try:
        cores = int(cast("Any", ray).cluster_resources().get("CPU", 1))
        crew.run(ledger, partial(RayWorker, work, idle), _listen, count or cores, seconds)
    finally:
        for actor in idle:
            with suppress(RayError):
                ray.get(actor.leave.remote(), timeout=LEAVE)
        ray.shutdown()


class RayWorker:
    """A worker somewhere in the cluster; see `crew.WorkerLink`."""

    def __init__(self, work: Work, idle: list[Any]) -> None:
        self._idle = idle
        self._actor = idle.pop() if idle else _new(work)
        self.said: Any = self._actor.ready.remote()

    def ask(self, order: str, path: str = "") -> None:
        self.said = self._actor.answer.remote(order, path)

    def hear(self) -> tuple[str, Any]:
        try:
            said: tuple[str, Any] = ray.get(self.said)
        except RayActorError as error:
            raise Died(f"its actor is gone ({type(error).__name__})") from None
        except RayError as error:
            return "wrong", " ".join(str(error).split())[-300:]
        self.said = None
        if said[0] == DIED:
            raise Died(said[1])
        return said

    def end(self) -> None:
        if self.said is None:
            self._idle.append(self._actor)
        else:  # gone or busy, it cannot clean up; the next one on its machine will
            with suppress(RayError):
                ray.kill(self._actor)


def _new(work: Work) -> Any:
    return cast("Any", ray.remote(num_cpus=1, max_restarts=0)(_Actor)).remote(work)


def _listen(actors: Sequence[RayWorker], seconds: float) -> Collection[RayWorker]:
    asked = [actor.said for actor in actors if actor.said is not None]
    heard = ray.wait(asked, timeout=seconds)[0] if asked else []
    return [actor for actor in actors if actor.said in heard]


class _Actor:
    """Code that runs in the actor's process."""

    def __init__(self, work: Work) -> None:
        self._work, self._scratch = work, Scratch()
        self._settings: Settings | None = None
        self._worker: Worker | None = None

    def ready(self) -> tuple[str, Any]:
        """Starts a worker in the place of the one before; the settings are made once."""
        if self._worker is not None:
            self._worker.end()
        try:
            self._settings = self._settings or self._work.settings(self._scratch.path)
        except UnmaskError as error:
            return "wrong", str(error)
        self._worker = Worker(
            self._work.source, self._settings, self._work.maker, self._scratch.path
        )
        return _telling(self._worker.ready)

    def answer(self, order: str, path: str) -> tuple[str, Any]:
        return _telling(cast("Worker", self._worker).answer, order, path)

    def leave(self) -> None:
        if self._worker is not None:
            self._worker.end()
        self._scratch.drop()


def _telling(ask: Callable[..., tuple[str, Any]], *order: str) -> tuple[str, Any]:
    """Returns what a worker answers, or that it died, because Ray wraps exceptions."""
    try:
        return ask(*order)
    except Died as died:
        return DIED, str(died)
