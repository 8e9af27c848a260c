"""The job queue: work is done once though workers may be killed at any moment.

The row of a check, a registration, a take or a delivery is itself the job, so that accepting an
upload and queueing it are one transaction. A worker takes a job under a lease with a fencing token
(Kleppmann 2016, "How to do distributed locking"), renews the lease while it works, and writes the
result only if the token is still valid. A worker that fell silent loses the job to another, on any
machine; whatever it writes later is refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from unmask.service.store.database import Database, now
from unmask.service.store.tables import Check, Delivery, Registration, Take

AnyJob = TypeVar("AnyJob", Check, Registration, Take, Delivery)


def claim(
    database: Database, kind: type[AnyJob], lease: float, *wanted: ColumnElement[bool]
) -> AnyJob | None:
    """Takes the oldest job that is due, for ``lease`` seconds; None if there is none.

    Args:
        kind: the table.
        wanted: further conditions on the job.

    Returns:
        The row, detached; its ``attempts`` counts this one, its ``lapses`` those whose worker fell
            silent, its ``lease`` is the token.
    """
    with database.reading() as session:
        if (
            session.scalar(select(kind.id).where(_due(kind, now(session)), *wanted).limit(1))
            is None
        ):
            return None
    with database.transaction() as session:
        moment = now(session)
        oldest = select(kind).where(_due(kind, moment), *wanted).order_by(kind.queued).limit(1)
        job = session.scalar(oldest.with_for_update(skip_locked=True))
        if job is not None:
            job.lapses += job.state == "running"
            job.state, job.begun, job.attempts = "running", moment, job.attempts + 1
            job.lease, job.lease_until = secrets.token_hex(16), moment + lease
        return job


def renew(database: Database, job: AnyJob, lease: float, progress: float) -> bool:
    """Extends a job's lease to ``lease`` seconds from now; False if the job was lost."""
    with held(database, job) as (session, row):
        if row is None:
            return False
        row.lease_until, row.progress = now(session) + lease, progress
        return True


def place(session: Session, job: AnyJob) -> int | None:
    """Returns a job's place among all that wait, 1 for the next one; None if it does not wait."""
    if job.state != "queued":
        return None
    kind = type(job)
    earlier = kind.state == "queued", tuple_(kind.queued, kind.id) < tuple_(job.queued, job.id)
    return 1 + (session.scalar(select(func.count()).select_from(kind).where(*earlier)) or 0)


@contextmanager
def held(database: Database, job: AnyJob) -> Iterator[tuple[Session, AnyJob | None]]:
    """Opens a transaction with the job's row if this worker still holds it.

    Otherwise it yields None instead of the row; then nothing may be written.
    """
    with database.transaction() as session:
        kind = type(job)
        mine = select(kind).where(
            kind.id == job.id, kind.lease == job.lease, kind.state == "running"
        )
        yield session, session.scalar(mine.with_for_update())


def end(session: Session, job: AnyJob, state: str) -> None:
    """Marks a held job as ``done`` or ``failed``."""
    job.state, job.progress, job.finished, job.lease = state, 1.0, now(session), None


def requeue(session: Session, job: AnyJob) -> None:
    """Queues a finished job anew, behind all that wait and with all its attempts."""
    job.state, job.progress, job.finished, job.lease_until = "queued", 0.0, None, 0.0
    job.attempts = job.lapses = job.deaths = 0
    job.requeued = now(session)


def put_back(session: Session, job: AnyJob, wait: float = 0.0) -> None:
    """Lets a held job be taken again, after ``wait`` seconds."""
    job.state, job.progress, job.lease, job.lease_until = "queued", 0.0, None, now(session) + wait


def _due(kind: type[AnyJob], moment: float) -> ColumnElement[bool]:
    return kind.state.in_(("queued", "running")) & (kind.lease_until <= moment)
