"""Live checks in the database: made for one account of a caller, begun once, concluded once.

Only the caller can read one. A row has the answer and nothing that was seen: frames and
measurements on them are never written down.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from urllib.parse import urlencode, urlsplit, urlunsplit

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from unmask.service.confined.conclusion import Conclusion
from unmask.service.domain import webhooks
from unmask.service.people import audit, rate_limits
from unmask.service.people.actor import Actor, system
from unmask.service.people.rate_limits import Limit
from unmask.service.people.sessions import digest
from unmask.service.problems import Problem, not_found
from unmask.service.store.database import Database
from unmask.service.store.tables import LiveCheck

LIFE = 600.0
"""Seconds from making a live check until it can no longer be begun.

The person needs the time to read, to find light and to allow the camera.
"""

LONGEST = 180.0
"""Seconds after which a check that was begun but never concluded counts as inconclusive.

Its process was killed.
"""

PER_SUBJECT = Limit("live", 10, 600)
"""Live checks of one account of a caller; an attacker gets no more tries than that."""

NOTED = Limit("live abuse", 3, 1800)
"""Audit log entries, per check, about refusals before it began; they are never deleted."""

WRONG_TICKET = "wrong ticket"
"""A kind of abuse besides those of `unmask.live.protocol.Abuse`."""

DAY = 86400.0


class ChallengeKind(StrEnum):
    """The kind of challenge of a live check."""

    LIGHT = "light"
    MOVEMENT = "movement"


LOST = Conclusion("inconclusive", "connection")
"""Conclusion of a check whose messages were lost, or came too late."""

SUSPICIOUS = Conclusion("inconclusive", "suspicious")
"""Conclusion of a check whose browser sent what no honest page sends.

The caller learns it; the person who did the check is told the same as for `LOST`.
"""


def make(
    session: Session,
    actor: Actor,
    subject: str,
    ways: Sequence[ChallengeKind],
    back: str | None,
    now: float,
) -> tuple[LiveCheck, str]:
    """Makes a live check and its ticket; anyone who has the ticket can do the check, once.

    Nobody can read the ticket again.

    Args:
        session: a transaction.
        subject: the caller's own name for the account that it is for.
        ways: what the person may choose from.
        back: address to which the page leads afterwards.
        now: s since 1970.

    Raises:
        Problem: 429, too many for this account.
    """
    rate_limits.take(session, f"{actor.tenant} {subject}", PER_SUBJECT, now)
    ticket = secrets.token_urlsafe(32)
    row = LiveCheck(
        tenant=actor.tenant,
        subject=subject,
        ticket=digest(ticket),
        ways=[str(way) for way in ways],
        back=back,
        code=secrets.token_urlsafe(16),
        created=now,
        expires=now + LIFE,
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, "live.made", row.id)
    return row, ticket


def presented(database: Database, identifier: str, ticket: str, now: float) -> LiveCheck:
    """Returns the live check of a ticket, if it can still be begun.

    A wrong ticket for a check that can still be begun is recorded.

    Raises:
        Problem: 404, there is none; 409, it was begun before; 410, it was not begun in time.
    """
    with database.reading() as session:
        row = session.get(LiveCheck, identifier)
    if row is None:
        raise not_found("live check")
    if not secrets.compare_digest(row.ticket, digest(ticket)):
        if row.begun is None and now < row.expires:
            note_abuse(database, row, WRONG_TICKET, now)
        raise not_found("live check")
    if row.begun is not None:
        raise Problem(409, "Used", "a live check can be begun only once; ask for a new one")
    if row.expires <= now:
        raise Problem(410, "Expired", "the live check was not begun in time; ask for a new one")
    return row


def note_abuse(database: Database, row: LiveCheck, abuse: str, now: float) -> None:
    """Records abuse that did not use the check up, within the limit `NOTED`."""
    with suppress(Problem), database.transaction() as session:
        rate_limits.take(session, row.id, NOTED, now)
        audit.record(session, system(row.tenant), "live.refused", row.id, abuse=abuse)


def begin(session: Session, row: LiveCheck, way: ChallengeKind, now: float) -> None:
    """Begins a live check, which uses it up for good.

    Raises:
        Problem: 409, it was begun before, or its time is over.
    """
    free = (LiveCheck.id == row.id, LiveCheck.begun.is_(None), LiveCheck.expires > now)
    statement = (
        update(LiveCheck).where(*free).values(begun=now, way=str(way)).returning(LiveCheck.id)
    )
    if session.scalar(statement) is None:
        raise Problem(
            409, "Used", "a live check can be begun only once, and in time; ask for a new one"
        )


def conclude(session: Session, identifier: str, end: Conclusion, now: float) -> LiveCheck:
    """Writes and records how a live check ended, once.

    It returns the check as it stands, which may have been concluded before.
    """
    row = session.get_one(LiveCheck, identifier, with_for_update=True)
    if row.finished is None:
        row.result, row.advice, row.finished = end.result, end.advice or None, now
        said = {"result": end.result, "way": row.way, "advice": end.advice, "abuse": end.abuse}
        audit.record(
            session, system(row.tenant), "live.done", row.id, **{k: v for k, v in said.items() if v}
        )
        about = {"id": row.id, "way": row.way, "result": row.result, "advice": row.advice}
        webhooks.announce(session, row.tenant, "live.done", about)
    return row


def read(database: Database, actor: Actor, identifier: str, now: float) -> LiveCheck:
    """Returns a live check of the actor's organisation.

    An overdue one is concluded first, so that a result once read never changes.

    Raises:
        Problem: 404, there is none.
    """
    with database.reading() as session:
        row = session.scalar(
            select(LiveCheck).where(LiveCheck.id == identifier, LiveCheck.tenant == actor.tenant)
        )
    if row is None:
        raise not_found("live check")
    if row.finished is None and row.begun is not None and row.begun + LONGEST < now:
        with database.transaction() as session:
            return conclude(session, identifier, LOST, now)
    return row


def way_back(row: LiveCheck) -> str | None:
    """Returns the address to which the page leads after the check, with the check's code.

    Only the browser that did the check learns the code.
    """
    if row.back is None:
        return None
    parts = urlsplit(row.back)
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit(parts._replace(query=f"{query}{urlencode({'code': row.code})}"))


def told(row: LiveCheck) -> str:
    """Returns the advice for the person.

    It differs from the caller's where that would reveal what was noticed.
    """
    return LOST.advice if row.advice == SUSPICIOUS.advice else row.advice or ""


def state(row: LiveCheck, now: float) -> str:
    """Returns ``waiting``, ``running``, ``done``, or ``expired`` where it was never begun."""
    if row.finished is not None:
        return "done"
    if row.begun is not None:
        return "running"
    return "waiting" if now < row.expires else "expired"


def drop_old(session: Session, keep_days: int, now: float) -> None:
    """Deletes the rows older than so many days.

    The audit log keeps its entries, which name no account.
    """
    if keep_days:
        session.execute(delete(LiveCheck).where(LiveCheck.created <= now - keep_days * DAY))
