"""API keys of programs: shown once, stored as a digest, with scopes, a rate limit, and an end."""

from __future__ import annotations

import secrets
from collections.abc import Collection

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from unmask.service.people import audit
from unmask.service.people.actor import Actor, Scope
from unmask.service.people.sessions import NOTED_EVERY, digest
from unmask.service.problems import Problem, not_found
from unmask.service.store.database import Database
from unmask.service.store.database import now as clock
from unmask.service.store.tables import Key

PREFIX = "um_"
"""Prefix by which secret scanners and people recognise a key."""


def make(
    session: Session,
    actor: Actor,
    name: str,
    scopes: Collection[Scope],
    per_minute: int = 600,
    expires: float | None = None,
) -> tuple[Key, str]:
    """Makes a key of the actor's organisation; returns it and its text.

    Nobody can read the text again.

    Args:
        session: a transaction.
        actor: who makes it.
        name: what it is for.
        scopes: what it may do; nothing that the actor may not.
        per_minute: requests allowed per minute.
        expires: s since 1970; None for never.

    Raises:
        Problem: 403, a scope that the actor lacks.
    """
    if more := set(scopes) - actor.scopes:
        raise Problem(
            403, "Not allowed", f"you may not give the scope {min(more)}, which you do not have"
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    key = Key(
        tenant=actor.tenant,
        name=name,
        digest=digest(secret),
        scopes=sorted(scopes),
        per_minute=per_minute,
        expires=expires,
    )
    session.add(key)
    session.flush()
    audit.record(
        session,
        actor,
        "key.made",
        key.id,
        scopes=key.scopes,
        per_minute=per_minute,
        expires=expires,
    )
    return key, secret


def listing(session: Session, actor: Actor) -> list[Key]:
    """Lists all keys of the actor's organisation, the oldest first, revoked ones too."""
    return list(session.scalars(select(Key).where(Key.tenant == actor.tenant).order_by(Key.id)))


def revoke(session: Session, actor: Actor, key: str) -> Key:
    """Revokes a key at once. Repeating it changes nothing.

    Raises:
        Problem: 404, the organisation has none with this id.
    """
    found = session.scalar(select(Key).where(Key.id == key, Key.tenant == actor.tenant))
    if found is None:
        raise not_found("key")
    if found.revoked is None:
        found.revoked = clock(session)
        audit.record(session, actor, "key.revoked", found.id)
    return found


def find(database: Database, secret: str, now: float | None = None) -> Key | None:
    """Returns the key of this text; None if it expired, was revoked or never existed."""
    now = database.now() if now is None else now
    with database.reading() as session:
        key = session.scalar(
            select(Key).where(
                Key.digest == digest(secret),
                Key.revoked.is_(None),
                or_(Key.expires.is_(None), Key.expires > now),
            )
        )
    if key and (key.used is None or key.used < now - NOTED_EVERY):
        used = update(Key).where(Key.id == key.id).values(used=now)
        database.note(lambda session: session.execute(used))
    return key


def actor_of(key: Key) -> Actor:
    """Returns the actor of a key."""
    return Actor(
        key.tenant, "key", key.id, key.name, frozenset(Scope(scope) for scope in key.scopes)
    )
