"""Retention: media and reports, which show faces, are deleted after a time or on request.

A legal hold stops the deletion. The objects in storage are deleted first, then the row says so, in
one transaction that holds the row: after a crash in between it is done again, and nobody can bring
the same file back meanwhile. The result of a check stays, without pictures; that of a take goes.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unmask.messages import Message
from unmask.service.domain import live, takes
from unmask.service.people import audit, rate_limits, sessions
from unmask.service.people.actor import Actor, system
from unmask.service.problems import Problem, not_found
from unmask.service.store import storage
from unmask.service.store.leases import claimed
from unmask.service.store.service import Service
from unmask.service.store.tables import Check, Lease, Media, Registration, Take, Tenant

PERIOD = 3600.0
"""Seconds between two runs, all machines together."""

DAY = 86400.0

MANY, SHARE = 20, 0.1
"""Limits on automatic deletion: number of files, and share of all files of the organisation.

If both are exceeded, nothing is deleted until one of the organisation's admins confirms it.
"""

log = logging.getLogger(__name__)


def run(service: Service, now: float) -> int | None:
    """Deletes the files that are due.

    It returns their number, or None where another machine has just done it.

    Args:
        service: whose files.
        now: s since 1970.
    """
    if service.database.clock_jumped:
        log.error(
            "this machine's clock was set; "
            "nothing is deleted until it is right again, or the service started anew"
        )
        return None
    with service.database.transaction() as session:
        if not claimed(session, "retention", PERIOD, now):
            return None
        sessions.drop_expired(session, now)
        rate_limits.drop_full(session, now)
        live.drop_old(session, service.settings.keep_days, now)
    deleted = 0
    for tenant, due in _due(service, now).items():
        if _too_many(service, tenant, due, now):
            log.error(
                "the deletion of many files waits for an admin",
                extra={"tenant": tenant, "number": len(due)},
            )
        else:
            deleted += sum(_delete_due(service, now, tenant, sha256) for sha256 in due)
    with service.database.reading() as session:
        for tenant in session.scalars(select(Tenant.id)):
            anchor = audit.newest(session, tenant)
            log.info(
                "audit anchor",
                extra={"tenant": tenant, "number": anchor.number, "hash": anchor.hash},
            )
    return deleted


def delete(service: Service, actor: Actor, check: str, now: float) -> None:
    """Deletes a check's media and all its reports at once, on request.

    The person shown or the uploader may have asked for it.

    Raises:
        Problem: 404, no such check; 409, a legal hold, or it is being judged just now.
    """
    with service.database.transaction() as session:
        media = _media_of(session, actor, check)
        if media.deleted is not None:
            return
        if media.hold is not None:
            raise Problem(409, "Legal hold", "a legal hold keeps this file; release it first")
        if _in_work(session, media):
            raise Problem(
                409, "Being judged", "the file is being judged; delete it when that is done"
            )
        erase(service, session, actor, media, now, "request")


def hold(session: Session, actor: Actor, check: str, reason: str) -> Media:
    """Protects a check's media from deletion until it is released.

    Raises:
        Problem: 404, no such check; 409, it is deleted already; 422, no reason.
    """
    media = _media_of(session, actor, check)
    if not reason.strip():
        raise Problem(422, "No reason", "say why the file must be kept: the proceedings, the order")
    if media.deleted is not None:
        raise Problem(409, "Deleted", "the file has been deleted already")
    media.hold = reason.strip()
    audit.record(session, actor, "media.held", media.sha256, reason=media.hold)
    return media


def release(session: Session, actor: Actor, check: str) -> Media:
    """Ends a legal hold; an overdue file is deleted in the next run. Repeating it changes nothing.

    Raises:
        Problem: 404, no such check.
    """
    media = _media_of(session, actor, check)
    if media.hold is not None:
        media.hold = None
        audit.record(session, actor, "media.released", media.sha256)
    return media


def waiting(service: Service, actor: Actor, now: float) -> int:
    """Counts the actor's organisation's due files that wait for a person.

    They wait because they are too many at once; 0 if they are not.
    """
    due = _due(service, now).get(actor.tenant, [])
    return len(due) if _too_many(service, actor.tenant, due, now) else 0


def confirm(session: Session, actor: Actor, count: int, now: float) -> None:
    """Lets the due files be deleted, however many, for a day.

    Raises:
        Problem: 403, the actor is a program.
    """
    if actor.kind != "account":
        raise Problem(403, "Not allowed", Message("refusal.person_only"))
    session.merge(Lease(name=_confirmation(actor.tenant), until=now + DAY))
    audit.record(session, actor, "retention.confirmed", actor.tenant, count=count)


def _due(service: Service, now: float) -> dict[str, list[str]]:
    """Returns the sha256 of the files whose retention is over, by organisation."""
    days, due = service.settings.keep_days, defaultdict[str, list[str]](list)
    if days:
        overdue = (Media.deleted.is_(None), Media.hold.is_(None), Media.stored <= now - days * DAY)
        with service.database.reading() as session:
            for tenant, sha256 in session.execute(
                select(Media.tenant, Media.sha256).where(*overdue)
            ):
                due[tenant].append(sha256)
    return due


def _too_many(service: Service, tenant: str, due: Sequence[str], now: float) -> bool:
    """Tells whether so many files suggest a wrong clock or setting, and nobody confirmed it."""
    if len(due) <= MANY:
        return False
    with service.database.reading() as session:
        kept = (
            session.scalar(
                select(func.count()).where(Media.tenant == tenant, Media.deleted.is_(None))
            )
            or 0
        )
        confirmed = session.get(Lease, _confirmation(tenant))
    return len(due) > SHARE * kept and (confirmed is None or confirmed.until <= now)


def _confirmation(tenant: str) -> str:
    return f"retention confirmed {tenant}"


def _delete_due(service: Service, now: float, tenant: str, sha256: str) -> bool:
    with service.database.transaction() as session:
        media = session.get_one(Media, (tenant, sha256), with_for_update=True)
        kept_since = now - service.settings.keep_days * DAY
        if (
            media.deleted is not None
            or media.hold is not None
            or media.stored > kept_since
            or _in_work(session, media)
        ):
            return False
        erase(service, session, system(tenant), media, now, "retention")
        return True


def erase(
    service: Service, session: Session, actor: Actor, media: Media, now: float, reason: str
) -> None:
    """Deletes all that shows a file's content, and marks its row, which the transaction holds.

    Its take goes first, so that no worker writes pages behind the deletion.
    """
    takes.forget(session, media)
    service.storage.delete_all(storage.folder(media.tenant, media.sha256))
    media.deleted = now
    audit.record(session, actor, "media.deleted", media.sha256, reason=reason)


def _media_of(session: Session, actor: Actor, check: str) -> Media:
    """Returns the media of a check, locked."""
    query = select(Media).join(
        Check, (Check.tenant == Media.tenant) & (Check.sha256 == Media.sha256)
    )
    query = query.where(Check.id == check, Check.tenant == actor.tenant)
    media = session.scalar(query.with_for_update(of=Media))
    if media is None:
        raise not_found("check")
    return media


def _in_work(session: Session, media: Media) -> bool:
    """Tells whether a file is being judged, or waits for it; a take that waits is no reason."""
    key = {"tenant": media.tenant, "sha256": media.sha256}
    waits, runs = ("queued", "running"), ("running",)
    return any(
        session.scalar(select(kind.id).filter_by(**key).where(kind.state.in_(states)).limit(1))
        for kind, states in ((Check, waits), (Registration, waits), (Take, runs))
    )
