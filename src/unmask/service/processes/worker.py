"""The process that takes jobs one by one and gives each to a judge.

Start: ``python -m unmask.service worker``.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from unmask.errors import unjudged
from unmask.messages import Message
from unmask.report.document import Document
from unmask.report.take import TakeDocument
from unmask.service.confined.judging import (
    Answer,
    Judge,
    JudgeAnswer,
    JudgeDied,
    Registered,
    TakeAnswered,
)
from unmask.service.confined.tasks import CheckTask, RegisterTask, TakeTask, Task
from unmask.service.domain import checks, integrity, licences, registrations, takes
from unmask.service.domain.integrity import Altered, FileJob, Touched
from unmask.service.processes.backoff import LONGEST, Backoff
from unmask.service.processes.turns import Turns
from unmask.service.settings import ServiceSettings
from unmask.service.store import jobs, storage
from unmask.service.store.service import Service
from unmask.service.store.tables import Check, Registration, Take
from unmask.takes.result import TakeResult
from unmask.types import CheckResult

IDLE = 0.2
"""Seconds between two checks for a job."""

WORKERS = 5
"""Number of workers that a job may kill per judge that it may kill.

Workers are mostly killed by something other than the file, so they get more attempts.
"""

AWAY = (DBAPIError, OSError)
"""Errors of the database, the storage and this machine's disk while they are out of order.

They are no fault of the file.
"""

MISSING = 300.0
"""Seconds until a file is looked for again that the storage, though it answers, does not have.

A volume may not be mounted.
"""

SOUGHT = 288
"""Number of times a job may be begun while its file is missing: a day of looking for it.

Then it is given up.
"""

log = logging.getLogger(__name__)


class Worker:
    """Does jobs until told to stop.

    Args:
        stopping: tells when.
        judge: makes a process that judges one file.
        clock: returns seconds that only grow; by it the kinds of jobs take turns.
    """

    def __init__(
        self,
        service: Service,
        stopping: Callable[[], bool],
        judge: Callable[[ServiceSettings], Judge] = Judge,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service, self._stopping, self._judge = service, stopping, judge
        self._ahead: Judge | None = None
        self._backoff = Backoff(stopping)
        kinds = (
            lambda: self._do(Check, self._check, self._give_up_check),
            lambda: self._do(Registration, self._register, self._give_up_registration),
            lambda: self._do(Take, self._take, self._give_up_take),
        )
        self._turns = Turns(kinds, service.settings.judge_seconds, clock)

    def run(self) -> None:
        """Works until told to stop; a job begun then is left to other workers at once."""
        while not self._stopping():
            try:
                if not self.once():
                    time.sleep(IDLE)
                self._backoff.reset()
            except AWAY as error:
                log.warning("the database or the storage does not answer: %s", type(error).__name__)
                self._backoff.wait()
        self.close()

    def close(self) -> None:
        """Ends the judge that waits for the next job."""
        if self._ahead:
            self._ahead.close()

    def once(self) -> bool:
        """Does one job, a check unless another kind has its turn (`Turns`); False if none waits.

        Raises:
            DBAPIError, OSError: something is out of order. The job waits until it works again, and
                this attempt does not count.
        """
        self._ahead = (
            self._ahead
            if self._ahead and self._ahead.alive
            else self._judge(self._service.settings)
        )
        return self._turns.once()

    def _do(
        self,
        kind: type[FileJob],
        do: Callable[[FileJob], None],
        give_up: Callable[[FileJob, Message], None],
    ) -> bool:
        """Does the oldest job of a kind, or gives it up if it was begun too often.

        It returns False if there is no job.
        """
        settings = self._service.settings
        job = jobs.claim(self._service.database, kind, settings.lease)
        if job is None:
            return False
        if job.lapses >= WORKERS * settings.attempts:
            give_up(job, _given_up(job, ""))
            return True
        try:
            do(job)
        except Altered as altered:
            integrity.set_aside(self._service, job, altered)
            give_up(job, _unstored(job, Message("error.altered")))
        except Touched as touched:
            log.warning("a stored file was touched while it was judged", extra={"job": job.id})
            self._once_more(job, str(touched), give_up)
        except FileNotFoundError:
            self._miss(job, give_up)
        except OSError:
            self._put_back(job)
            raise
        return True

    def _miss(self, job: FileJob, give_up: Callable[[FileJob, Message], None]) -> None:
        """Puts a job whose file is missing back to wait.

        It gives the job up instead if the file was set aside, or has been missing too long.
        """
        if integrity.is_set_aside(self._service, job):
            give_up(job, _unstored(job, Message("error.altered")))
        elif job.attempts >= SOUGHT:
            give_up(job, _unstored(job, Message("error.missing")))
        else:
            log.error("what a job needs is missing from the storage", extra={"job": job.id})
            self._put_back(job, MISSING)

    def _once_more(
        self, job: FileJob, why: str, give_up: Callable[[FileJob, Message], None]
    ) -> None:
        """Puts a job back after its judging failed, or gives it up if that happened too often."""
        if job.deaths + 1 >= self._service.settings.attempts:
            give_up(job, _given_up(job, why))
            return
        with jobs.held(self._service.database, job) as (session, row):
            if row is not None:
                row.deaths += 1
                jobs.put_back(session, row)

    def _put_back(self, job: FileJob, wait: float = 0.0) -> None:
        with jobs.held(self._service.database, job) as (session, row):
            if row is not None:
                jobs.put_back(session, row, wait)

    def _check(self, job: Check) -> None:
        known = registrations.index(self._service, job.tenant)
        with self._media(job) as path, licences.folder(self._service, job.tenant) as register:
            folders = [str(one) if one else None for one in (known, register)]
            task = CheckTask(str(path), job.name, job.options, *folders)
            answer = self._ask(task, job, self._give_up_check)
        if isinstance(answer, JudgeAnswer):
            whole = replace(answer, result=answer.result.model_copy(update={"sha256": job.sha256}))
            self._insist(job, lambda: checks.conclude(self._service, job, whole))

    def _register(self, job: Registration) -> None:
        folder = Path(tempfile.mkdtemp(dir=self._service.settings.scratch))
        try:
            with self._media(job) as path:
                task = RegisterTask(str(path), job.name, job.title, job.owner, str(folder))
                answer = self._ask(task, job, self._give_up_registration)
            if isinstance(answer, Registered):
                self._insist(
                    job, lambda: registrations.conclude(self._service, job, folder, answer.error)
                )
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _take(self, job: Take) -> None:
        with self._media(job) as path:
            task = TakeTask(str(path), job.name, self._service.settings.take_seconds)
            answer = self._ask(task, job, self._give_up_take)
        if isinstance(answer, TakeAnswered):
            whole = replace(answer, result=answer.result.model_copy(update={"sha256": job.sha256}))
            self._insist(job, lambda: takes.conclude(self._service, job, whole))

    @contextmanager
    def _media(self, job: FileJob) -> Iterator[Path]:
        """Provides a job's file, unchanged, on this machine; raises like `integrity.unaltered`."""
        with (
            self._service.storage.on_disk(storage.media(job.tenant, job.sha256)) as path,
            integrity.unaltered(path, job.sha256),
        ):
            yield path

    def _ask(
        self, task: Task, job: FileJob, give_up: Callable[[FileJob, Message], None]
    ) -> Answer | None:
        """Returns a judge's answer about a file; None if the job was put back or given up."""
        judge, self._ahead = self._ahead or self._judge(self._service.settings), None
        try:
            return judge.judge(task, self._pulse(job))
        except JudgeDied as died:
            log.warning("a judge died: %s", died)
            if died.again:
                self._once_more(job, str(died), give_up)
            else:
                give_up(job, _given_up(job, str(died)))
        finally:
            judge.close()
        return None

    def _insist(self, job: FileJob, write: Callable[[], bool]) -> None:
        """Writes a result, however long the database or the storage is away.

        It writes nothing if the job was lost meanwhile.
        """
        backoff = Backoff(self._stopping)
        while True:
            try:
                write()
            except AWAY as error:
                if self._stopping():
                    raise
                log.warning(
                    "a result waits to be written: %s", type(error).__name__, extra={"job": job.id}
                )
                backoff.wait()
                with suppress(DBAPIError):
                    jobs.renew(
                        self._service.database, job, self._service.settings.lease + LONGEST, 1.0
                    )
            else:
                return

    def _pulse(self, job: FileJob) -> Callable[[float], bool]:
        """Builds the function that is called every second while a judge works.

        It renews the lease, and ends the work when told to stop.
        """
        lease = self._service.settings.lease
        renewed = time.monotonic()

        def tick(progress: float) -> bool:
            nonlocal renewed
            if self._stopping():
                with suppress(DBAPIError):
                    self._put_back(job)
                return False
            try:
                kept = jobs.renew(self._service.database, job, lease, progress)
            except DBAPIError:
                return time.monotonic() - renewed < lease
            renewed = time.monotonic()
            return kept

        return tick

    def _give_up_check(self, job: Check, why: Message) -> None:
        result = CheckResult.failed(job.name, why, job.sha256)
        checks.conclude(self._service, job, JudgeAnswer(Document.of(result)), state="failed")

    def _give_up_registration(self, job: Registration, why: Message) -> None:
        registrations.conclude(self._service, job, None, str(why), state="failed")

    def _give_up_take(self, job: Take, why: Message) -> None:
        result = TakeDocument.of(TakeResult.failed(job.name, why))
        takes.conclude(self._service, job, TakeAnswered(result), state="failed")


def _unstored(job: FileJob, why: Message) -> Message:
    return unjudged(job.name, why, Message("way.resend"))


def _given_up(job: FileJob, why: str) -> Message:
    times = job.deaths + 1 if why else job.lapses
    never = Message("error.never_ended", {"count": times})
    if why:
        never = Message("error.never_ended_why", {"count": times, "why": why})
    return unjudged(job.name, never, Message("way.convert"))
