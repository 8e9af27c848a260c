"""The process that takes one job after the other and has a judge do it: ``python -m unmask.service worker``."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from unmask.errors import unjudged
from unmask.messages import Message
from unmask.report.document import Document
from unmask.service.confined.judging import Answer, Judge, JudgeDied, Registered
from unmask.service.confined.tasks import CheckTask, RegisterTask, Task
from unmask.service.domain import checks, registrations
from unmask.service.processes.stopping import Stopping
from unmask.service.store import jobs, storage
from unmask.service.store.jobs import AnyJob
from unmask.service.store.service import Service
from unmask.service.store.tables import Check, Registration
from unmask.types import CheckResult

IDLE = 0.2
"""s between two looks for a job."""

WORKERS = 5
"""Workers that may be killed over one job for each judge that may die of it: mostly they are not killed by the file."""

BROKEN = 2.0
"""s until the database or the storage is tried again after it did not answer."""

log = logging.getLogger(__name__)


class Worker:
    """Does jobs until told to stop.

    Args:
        stopping: tells when.
    """

    def __init__(self, service: Service, stopping: Stopping) -> None:
        self._service, self._stopping = service, stopping
        self._ahead: Judge | None = None

    def run(self) -> None:
        """Works until told to stop; whatever it had begun then is left to others at once."""
        while not self._stopping():
            try:
                if not self.once():
                    time.sleep(IDLE)
            except (DBAPIError, OSError) as error:
                log.warning("the database or the storage does not answer: %s", type(error).__name__)
                time.sleep(BROKEN)
        if self._ahead:
            self._ahead.close()

    def once(self) -> bool:
        """Does one job; False if there was none."""
        self._ahead = self._ahead if self._ahead and self._ahead.alive else Judge(self._service.settings)
        return self._take(Check, self._check, self._give_up_check) or self._take(
            Registration, self._register, self._give_up_registration
        )

    def _take(self, kind: type[AnyJob], do: Callable[[AnyJob], None], give_up: Callable[[AnyJob, str], None]) -> bool:
        """Does the oldest job of a kind, or gives it up where it was begun too often; False if there is none."""
        settings = self._service.settings
        job = jobs.claim(self._service.database, kind, settings.lease)
        if job is None:
            return False
        if job.attempts > WORKERS * settings.attempts:
            give_up(job, "")
        else:
            do(job)
        return True

    def _check(self, job: Check) -> None:
        known = registrations.index(self._service, job.tenant)
        with self._service.storage.on_disk(storage.media(job.tenant, job.sha256)) as path:
            task = CheckTask(str(path), job.name, job.options, str(known) if known else None)
            answer = self._ask(task, job, self._give_up_check)
        if isinstance(answer, Answer):
            whole = replace(answer, result=answer.result.model_copy(update={"sha256": job.sha256}))
            self._insist(lambda: checks.conclude(self._service, job, whole))

    def _register(self, job: Registration) -> None:
        folder = Path(tempfile.mkdtemp(dir=self._service.settings.scratch))
        try:
            with self._service.storage.on_disk(storage.media(job.tenant, job.sha256)) as path:
                task = RegisterTask(str(path), job.name, job.title, job.owner, str(folder))
                answer = self._ask(task, job, self._give_up_registration)
            if isinstance(answer, Registered):
                self._insist(lambda: registrations.conclude(self._service, job, folder, answer.error))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _ask(self, task: Task, job: AnyJob, give_up: Callable[[AnyJob, str], None]) -> Answer | Registered | None:
        """What a judge says of a file; None where the job went elsewhere, or was given up."""
        judge, self._ahead = self._ahead or Judge(self._service.settings), None
        try:
            return judge.judge(task, self._pulse(job))
        except JudgeDied as died:
            log.warning("a judge died: %s", died)
            if not died.again or job.deaths + 1 >= self._service.settings.attempts:
                give_up(job, str(died))
            else:
                with jobs.held(self._service.database, job) as (session, row):
                    if row is not None:
                        row.deaths += 1
                        jobs.put_back(session, row)
        finally:
            judge.close()
        return None

    def _insist(self, write: Callable[[], bool]) -> None:
        """Writes what is found even if the database or the storage is away for a moment, as long as the lease may hold."""
        until = time.monotonic() + self._service.settings.lease
        while True:
            try:
                write()
            except (DBAPIError, OSError):
                if time.monotonic() > until:
                    raise
                time.sleep(BROKEN)
            else:
                return

    def _pulse(self, job: AnyJob) -> Callable[[float], bool]:
        """Called every second while a judge works: renews the lease, and ends the work when told to stop."""
        lease = self._service.settings.lease
        renewed = time.monotonic()

        def tick(progress: float) -> bool:
            nonlocal renewed
            if self._stopping():
                with suppress(DBAPIError), jobs.held(self._service.database, job) as (session, row):
                    if row is not None:
                        jobs.put_back(session, row)
                return False
            try:
                kept = jobs.renew(self._service.database, job, lease, progress)
            except DBAPIError:
                return time.monotonic() - renewed < lease
            renewed = time.monotonic()
            return kept

        return tick

    def _give_up_check(self, job: Check, why: str) -> None:
        result = CheckResult.failed(job.name, _given_up(job, why), job.sha256)
        checks.conclude(self._service, job, Answer(Document.of(result)), state="failed")

    def _give_up_registration(self, job: Registration, why: str) -> None:
        registrations.conclude(self._service, job, None, str(_given_up(job, why)), state="failed")


def _given_up(job: Check | Registration, why: str) -> Message:
    times = job.deaths + 1 if why else job.attempts
    never = Message("error.never_ended", {"count": times})
    if why:
        never = Message("error.never_ended_why", {"count": times, "why": why})
    return unjudged(job.name, never, Message("way.convert"))
