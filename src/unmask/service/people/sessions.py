"""Sessions of signed-in browsers. The cookie holds a secret, the database only its digest."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from unmask.errors import encodable, printable
from unmask.service.people import audit
from unmask.service.people.actor import Actor
from unmask.service.settings import ServiceSettings
from unmask.service.store.database import Database
from unmask.service.store.database import now as clock
from unmask.service.store.tables import Account, BrowserSession

IDLE, ABSOLUTE = 8 * 3600, 7 * 86400
"""Seconds without a request, and seconds in all, after which one has to sign in again.

They are a working day and a week.
"""

PENDING = 600
"""Seconds in which the second factor has to follow the password."""

AGENT = 200
"""Maximum characters kept of a browser's user agent."""

NOTED_EVERY = 60
"""Seconds between two notes that a browser is still there."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser that has just signed in.

    Attributes:
        secret: for the cookie; nobody can read it again.
        csrf: token that every request that changes something must carry.
        account: the person's account.
    """

    secret: str
    csrf: str
    account: Account


def begin(
    session: Session,
    actor: Actor,
    account: Account,
    replaced: str | None,
    now: float | None = None,
    agent: str = "",
    pending: bool = False,
) -> SignedIn:
    """Signs a browser in.

    Its secret is always new, so that one planted in the browser before is worth nothing.

    Args:
        session: a transaction.
        actor: the account as an actor.
        account: whose password was right.
        replaced: secret of the session that this browser had until now, which ends.
        now: s since 1970.
        agent: the browser's user agent.
        pending: whether the second factor is still to come; until then the session opens nothing
            else.
    """
    now = clock(session) if now is None else now
    if replaced:
        session.execute(delete(BrowserSession).where(BrowserSession.digest == digest(replaced)))
    secret, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    times = {"created": now, "seen": now, "expires": now + (PENDING if pending else ABSOLUTE)}
    own = {"account": account.id, "agent": printable(encodable(agent))[:AGENT]}
    session.add(BrowserSession(digest=digest(secret), csrf=csrf, pending=pending, **own, **times))
    if not pending:
        audit.record(session, actor, "session.begun", account.id)
    return SignedIn(secret, csrf, account)


def find(
    database: Database, secret: str, now: float | None = None, pending: bool = False
) -> tuple[BrowserSession, Account] | None:
    """Returns a cookie's session and account; None if it expired, ended or never existed.

    A session that waits for the second factor is found only if ``pending`` is true.
    """
    now = database.now() if now is None else now
    with database.reading() as session:
        found = session.execute(
            select(BrowserSession, Account)
            .join(Account, Account.id == BrowserSession.account)
            .where(BrowserSession.digest == digest(secret), *_alive(now), Account.active.is_(True))
        ).first()
    if found is None or (found[0].pending and not pending):
        return None
    browser, account = found
    if browser.seen < now - NOTED_EVERY:
        seen = (
            update(BrowserSession).where(BrowserSession.digest == browser.digest).values(seen=now)
        )
        database.note(lambda session: session.execute(seen))
    return browser, account


def end(session: Session, actor: Actor, secret: str) -> None:
    """Signs one browser out."""
    mine = delete(BrowserSession).where(BrowserSession.digest == digest(secret))
    if session.scalar(mine.returning(BrowserSession.pending)) is False:
        audit.record(session, actor, "session.ended", actor.id)


def of_account(session: Session, account: str) -> list[BrowserSession]:
    """Lists the browsers in which an account is signed in, the one seen last first."""
    mine = (
        BrowserSession.account == account,
        BrowserSession.pending.is_(False),
        *_alive(clock(session)),
    )
    return list(
        session.scalars(select(BrowserSession).where(*mine).order_by(BrowserSession.seen.desc()))
    )


def end_one(session: Session, actor: Actor, kept: str) -> None:
    """Signs one of the actor's own browsers out, by the digest of its secret.

    Nothing happens if it is not there any more.
    """
    mine = BrowserSession.digest == kept, BrowserSession.account == actor.id
    if session.scalar(select(BrowserSession.digest).where(*mine)):
        session.execute(delete(BrowserSession).where(*mine))
        audit.record(session, actor, "session.ended", actor.id)


def end_all(session: Session, account: str) -> None:
    """Signs all browsers of an account out."""
    session.execute(delete(BrowserSession).where(BrowserSession.account == account))


def end_others(session: Session, account: str, secret: str | None) -> None:
    """Signs all browsers of an account out but the one whose cookie has the secret."""
    others = BrowserSession.account == account, BrowserSession.digest != digest(secret or "")
    session.execute(delete(BrowserSession).where(*others))


def drop_expired(session: Session, now: float) -> None:
    """Deletes the expired sessions."""
    session.execute(
        delete(BrowserSession).where(
            or_(BrowserSession.expires <= now, BrowserSession.seen <= now - IDLE)
        )
    )


def digest(secret: str) -> str:
    """Returns the digest kept of a secret of 256 random bits, which needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def cookie_name(settings: ServiceSettings) -> str:
    """Returns the name of the session's cookie.

    The ``__Host-`` prefix binds a cookie to this very host and to https (RFC 6265bis); plain http
    cannot use it.
    """
    return "__Host-unmask_session" if secure(settings) else "unmask_session"


def secure(settings: ServiceSettings) -> bool:
    """Tells whether people reach the page by https."""
    return settings.public_url.startswith("https://")


def _alive(now: float) -> tuple[ColumnElement[bool], ...]:
    return BrowserSession.expires > now, BrowserSession.seen > now - IDLE
