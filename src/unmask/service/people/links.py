"""One-time links with which people set their own passwords: new people, and those locked out.

An admin makes the link and hands it over; then nobody but its owner knows the password. The
database keeps only a digest.
"""

from __future__ import annotations

import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from unmask.messages import Message
from unmask.service.people import accounts, audit, sessions
from unmask.service.people.actor import Actor
from unmask.service.problems import Problem
from unmask.service.store.database import now as clock
from unmask.service.store.tables import Account

LASTS = 86400
"""Lifetime of a link, s; SP 800-63B-4 (2025), 4.2, allows as much for a code sent by e-mail."""


def make(session: Session, actor: Actor, account: str) -> str:
    """Makes a link and returns its secret, which nobody can read again.

    The account is signed out everywhere, and has no password until the link is used. An earlier
    link becomes invalid.

    Raises:
        Problem: 404, there is no such account; 403, the actor is a program; 409, the actor's own,
            or one that may not sign in.
    """
    accounts.check_person(actor)
    found = accounts.get(session, actor, account)
    if found.id == actor.id:
        raise Problem(409, "Own account", Message("refusal.own_link"))
    if not found.active:
        raise Problem(409, "Access ended", Message("refusal.access_ended"))
    secret = secrets.token_urlsafe(32)
    found.password, found.link, found.link_expires = (
        "",
        sessions.digest(secret),
        clock(session) + LASTS,
    )
    sessions.end_all(session, found.id)
    audit.record(session, actor, "account.link_made", found.id)
    return secret


def find(session: Session, secret: str) -> Account:
    """Returns the account of a link.

    Raises:
        Problem: 404, it was used, expired, was replaced or never existed.
    """
    wanted = (
        Account.link == sessions.digest(secret),
        Account.link_expires > clock(session),
        Account.active.is_(True),
    )
    found = session.scalar(select(Account).where(*wanted))
    if found is None:
        raise Problem(404, "No link", Message("refusal.link"))
    return found


def use(session: Session, secret: str, password: str) -> Account:
    """Sets the password of a link's account, once.

    Raises:
        Problem: 404, no such link; 422, a weak password, after which the link still works.
    """
    found = find(session, secret)
    session.refresh(found, with_for_update=True)
    if found.link != sessions.digest(secret):
        raise Problem(404, "No link", Message("refusal.link"))
    return accounts.set_password(session, accounts.actor_of(found), found.id, password)
