"""Live checks as the service keeps them: made for one account of a caller, begun once, concluded
once, read by the caller alone.

A row has the answer and nothing that was seen: frames and what was measured on them are never
written down.
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
"""s from making a live check until it can no longer be begun: to read, to find light, to allow the
camera.
"""

LONGEST = 180.0
"""s after which one that was begun and not concluded, as its process was killed, is inconclusive to
whoever asks.
"""

PER_SUBJECT = Limit("live", 10, 600)
"""Live checks of one account of a caller: whoever attacks gets no more tries than that."""

NOTED = Limit("live abuse", 3, 1800)
"""Entries in the audit log for what was refused before a check began, of each check: entries are
never deleted.
"""

WRONG_TICKET = "wrong ticket"
"""A kind of abuse besides those of `unmask.live.session.Abuse`."""

DAY = 86400.0


class Way(StrEnum):
    """How a live check asks."""

    LIGHT = "light"
    MOVEMENT = "movement"


LOST = Conclusion("inconclusive", "connection")
"""How one ends whose messages were lost, or came too late."""

SUSPICIOUS = Conclusion("inconclusive", "suspicious")
"""How one ends whose browser sent what no honest page sends: the caller learns it, whoever did it
reads the same as of `LOST`.
"""


def make(
    session: Session, actor: Actor, subject: str, ways: Sequence[Way], back: str | None, now: float
) -> tuple[LiveCheck, str]:
    """A new live check, and its ticket, which nobody can read again: whoever has it can do the
    check, once.

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
    """The live check of a ticket, if it can still be begun. A wrong ticket for one that can be is
    recorded.

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
    """Records what no page sends and what used nothing up, as long as it is within `NOTED`."""
    with suppress(Problem), database.transaction() as session:
        rate_limits.take(session, row.id, NOTED, now)
        audit.record(session, system(row.tenant), "live.refused", row.id, abuse=abuse)


def begin(session: Session, row: LiveCheck, way: Way, now: float) -> None:
    """Uses a live check up, for good.

    Raises:
        Problem: 409, somebody else was first, or its time is over.
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
    """Writes how a live check ended, once, and records it; the check as it stands, perhaps
    concluded before.
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
    """A live check of the actor's organisation. One that is overdue is concluded first: what was
    read never changes.

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
    """The address to which the page leads after the check, with its code: only the browser that did
    the check learns it.
    """
    if row.back is None:
        return None
    parts = urlsplit(row.back)
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit(parts._replace(query=f"{query}{urlencode({'code': row.code})}"))


def told(row: LiveCheck) -> str:
    """The advice that the person is given: not the caller's, where that would tell what was
    noticed.
    """
    return LOST.advice if row.advice == SUSPICIOUS.advice else row.advice or ""


def state(row: LiveCheck, now: float) -> str:
    """``waiting``, ``running``, ``done``, or ``expired`` where it was never begun."""
    if row.finished is not None:
        return "done"
    if row.begun is not None:
        return "running"
    return "waiting" if now < row.expires else "expired"


def drop_old(session: Session, keep_days: int, now: float) -> None:
    """Deletes the rows of before so many days; the audit log keeps the entries, which name no
    account.
    """
    if keep_days:
        session.execute(delete(LiveCheck).where(LiveCheck.created <= now - keep_days * DAY))
