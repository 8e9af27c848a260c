"""Quotas of an organisation: checks that wait, checks in a day, bytes that are kept.

The operator of the service sets them, so that one organisation cannot take the place of all others.
Uploads under way count as if they had come, so that none is refused at its end. A take counts as a
check, since it keeps a worker as long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sqlalchemy import Subquery, func, select, union_all
from sqlalchemy.orm import Session

from unmask.messages import Message
from unmask.service.people import audit
from unmask.service.people.actor import Actor
from unmask.service.problems import Problem
from unmask.service.store.database import now
from unmask.service.store.tables import Check, Media, Take, Tenant, Upload

DAY = 86400.0

WAIT = 60
"""Seconds after which to ask again where checks have to be judged first."""


@dataclass(frozen=True, slots=True)
class Quotas:
    """The most that an organisation may have; None for any number.

    Attributes:
        waiting: checks and takes that are not judged yet.
        daily: checks and takes begun in the last 24 hours.
        bytes: size of the files that are kept.
    """

    waiting: int | None = None
    daily: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """Use that an organisation makes of each of its `Quotas`."""

    waiting: int
    daily: int
    bytes: int


def allowed(session: Session, tenant: str) -> Quotas:
    """Returns the quotas of an organisation."""
    row = session.get_one(Tenant, tenant)
    return Quotas(row.quota_waiting, row.quota_daily, row.quota_bytes)


def used(session: Session, tenant: str) -> Used:
    """Returns what an organisation has now, uploads under way among it."""
    moment = now(session)
    coming = Upload.tenant == tenant, Upload.check.is_(None), Upload.refused.is_(None)
    alive = select(func.count(), func.coalesce(func.sum(Upload.length), 0)).where(
        *coming, Upload.expires > moment
    )
    uploads, arriving = session.execute(alive).one()
    jobs = _jobs(tenant)
    mine = select(func.count()).select_from(jobs)
    waiting = session.scalar(mine.where(jobs.c.finished.is_(None))) or 0
    daily = session.scalar(mine.where(jobs.c.created > moment - DAY)) or 0
    kept = select(func.coalesce(func.sum(Media.bytes), 0)).where(
        Media.tenant == tenant, Media.deleted.is_(None)
    )
    return Used(waiting + uploads, daily + uploads, int(session.scalar(kept) or 0) + int(arriving))


def set_for(session: Session, actor: Actor, quotas: Quotas) -> None:
    """Sets the quotas of the actor's organisation."""
    row = session.get_one(Tenant, actor.tenant)
    row.quota_waiting, row.quota_daily, row.quota_bytes = (
        quotas.waiting,
        quotas.daily,
        quotas.bytes,
    )
    audit.record(
        session,
        actor,
        "organisation.quota_set",
        row.id,
        waiting=quotas.waiting,
        daily=quotas.daily,
        bytes=quotas.bytes,
    )


def admit(session: Session, tenant: str, size: int = 1, check: bool = True) -> None:
    """Refuses a file that the organisation may not bring now.

    Until the transaction ends nobody else of the organisation is admitted.

    Args:
        size: bytes of the file, as far as they are known and not counted yet.
        check: whether a check is made of it.

    Raises:
        Problem: 429, too many checks wait or were begun; 507, too many bytes are kept.
    """
    if allowed(session, tenant) != Quotas():
        _hold(session, tenant)
        look(session, tenant, size, check)


def look(session: Session, tenant: str, size: int = 1, check: bool = True) -> None:
    """Refuses as `admit` does, but holds nobody back; others may be admitted at the same time."""
    most = allowed(session, tenant)
    if most == Quotas():
        return
    have = used(session, tenant)
    if check:
        _admit_begun(session, tenant, most, have)
    if most.bytes is not None and have.bytes + size > most.bytes:
        values = {"most": most.bytes, "kept": have.bytes}
        raise Problem(507, "Quota", Message("refusal.quota_bytes", values))


def admit_take(session: Session, tenant: str) -> None:
    """Refuses a take that the organisation may not ask for now, as `admit` refuses a check.

    Raises:
        Problem: 429.
    """
    most = allowed(session, tenant)
    if most != Quotas():
        _hold(session, tenant)
        _admit_begun(session, tenant, most, used(session, tenant))


def admit_again(session: Session, tenant: str) -> None:
    """Refuses to judge a file again while too many checks wait.

    Raises:
        Problem: 429.
    """
    most = allowed(session, tenant)
    if most != Quotas():
        _hold(session, tenant)
        _admit_waiting(most, used(session, tenant))


def _hold(session: Session, tenant: str) -> None:
    session.execute(select(Tenant.id).where(Tenant.id == tenant).with_for_update(key_share=True))


def _admit_waiting(most: Quotas, have: Used) -> None:
    if most.waiting is not None and have.waiting >= most.waiting:
        raise _too_many(Message("refusal.quota_waiting", {"most": most.waiting}), WAIT)


def _admit_begun(session: Session, tenant: str, most: Quotas, have: Used) -> None:
    _admit_waiting(most, have)
    if most.daily is not None and have.daily >= most.daily:
        wait = _until_next(session, tenant, most.daily)
        values = {"most": most.daily, "minutes": math.ceil(wait / 60)}
        raise _too_many(Message("refusal.quota_daily", values), wait)


def _jobs(tenant: str) -> Subquery:
    """Selects when each check and take of an organisation was made, and when it ended."""
    return union_all(
        *(
            select(kind.created, kind.finished).where(kind.tenant == tenant)
            for kind in (Check, Take)
        )
    ).subquery()


def _too_many(message: Message, wait: int) -> Problem:
    return Problem(429, "Quota", message, {"Retry-After": str(wait)})


def _until_next(session: Session, tenant: str, most: int) -> int:
    """Returns the s until the oldest of the jobs that fill the daily quota is a day old."""
    jobs = _jobs(tenant)
    newest = select(jobs.c.created).order_by(jobs.c.created.desc())
    oldest = session.scalar(newest.offset(max(most - 1, 0)).limit(1))
    return WAIT if oldest is None else max(1, math.ceil(oldest + DAY - now(session)))
