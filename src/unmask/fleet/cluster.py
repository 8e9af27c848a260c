"""Workers on a Ray cluster: an actor with a core each. Paths, hashes and rows travel.

Every machine needs Unmask of the same version, and the source under the same address: a bucket, or
a folder that all of them see.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast

import ray
from ray.exceptions import RayActorError, RayError

from unmask.errors import UsageError
from unmask.fleet import crew
from unmask.fleet.ledger import Ledger
from unmask.fleet.local import Make
from unmask.fleet.scratch import Scratch
from unmask.fleet.worker import Died

DIED = "died"
"""What an actor says, with how, when the process that judges for it is gone."""

LEAVE = 10.0
"""Seconds that an idle actor is given to delete its temporary files."""


def run(ledger: Ledger, make: Make, address: str, count: int | None, seconds: float) -> None:
    """Judges everything with the actors of a cluster; see `crew.run`.

    Args:
        make: makes a worker in its actor.
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
    try:
        cores = int(cast("Any", ray).cluster_resources().get("CPU", 1))
        crew.run(ledger, partial(RayWorker, make), _listen, count or cores, seconds)
    finally:
        ray.shutdown()


class RayWorker:
    """A worker somewhere in the cluster; see `crew.WorkerLink`."""

    def __init__(self, make: Make) -> None:
        self._actor: Any = cast("Any", ray.remote(num_cpus=1, max_restarts=0)(_Actor)).remote(make)
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
        if self.said is None:  # a busy actor cannot clean up; the next one on its machine will
            with suppress(RayError):
                ray.get(self._actor.leave.remote(), timeout=LEAVE)
        with suppress(RayError):
            ray.kill(self._actor)


def _listen(actors: Sequence[RayWorker], seconds: float) -> Collection[RayWorker]:
    asked = [actor.said for actor in actors if actor.said is not None]
    heard = ray.wait(asked, timeout=seconds)[0] if asked else []
    return [actor for actor in actors if actor.said in heard]


class _Actor:
    """Code that runs in the actor's process."""

    def __init__(self, make: Make) -> None:
        self._scratch = Scratch()
        self._worker = make(self._scratch.path)

    def ready(self) -> tuple[str, Any]:
        return _telling(self._worker.ready)

    def answer(self, order: str, path: str) -> tuple[str, Any]:
        return _telling(self._worker.answer, order, path)

    def leave(self) -> None:
        self._worker.end()
        self._scratch.drop()


def _telling(ask: Callable[..., tuple[str, Any]], *order: str) -> tuple[str, Any]:
    """Returns what a worker answers, or that it died, because Ray wraps exceptions."""
    try:
        return ask(*order)
    except Died as died:
        return DIED, str(died)
