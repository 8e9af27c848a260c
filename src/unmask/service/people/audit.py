"""The audit log: who did what, as one chain of hashes per organisation.

Each entry's hash covers the entry and the hash before it, so that changing, dropping, swapping or
inserting one breaks the chain. Anybody who can write to the database could still forge all the rest
of it, or cut off its end. An anchor also reveals this: it is the number and hash of the newest
entry, kept where they cannot write (B. Schneier, J. Kelsey: Secure Audit Logs to Support Computer
Forensics, 1999).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from unmask.errors import UsageError
from unmask.messages import Message
from unmask.service.people.actor import Actor
from unmask.service.store.database import now
from unmask.service.store.tables import AuditEntry, Tenant

START = "0" * 64
"""Placeholder for the hash before the first entry."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """State of a chain at some time, to be kept elsewhere.

    Attributes:
        tenant: whose chain.
        number: of the newest entry; 0 for none.
        hash: its hash.
    """

    tenant: str
    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.tenant} {self.number} {self.hash}"

    @classmethod
    def parse(cls, line: str) -> Anchor:
        """Parses an anchor from its text.

        Raises:
            UsageError: it is none.
        """
        match line.split():
            case [tenant, number, digest] if (
                number.isascii() and number.isdigit() and len(digest) == len(START)
            ):
                return cls(tenant, int(number), digest)
        raise UsageError(
            f"not an anchor: {line.strip()!r}; one is an organisation's id, a number and a hash"
        )


@dataclass(frozen=True, slots=True)
class Verification:
    """Result of walking a chain.

    Attributes:
        count: number of entries, from the first, that are as they were written.
        head: hash of the last of these.
        broken: number of the first that is not, None if there is none.
        reason: what is wrong with it, a clause; None if nothing is.
    """

    count: int
    head: str
    broken: int | None = None
    reason: Message | None = None


def record(session: Session, actor: Actor, action: str, subject: str, **detail: Any) -> AuditEntry:
    """Adds an entry to the chain of the actor's organisation.

    The entry stands if and only if the session's transaction does.

    Args:
        session: of the transaction that does what is recorded.
        actor: who does it.
        action: what is done, as ``thing.verb``.
        subject: id of what it is done to.
        detail: JSON values that matter; no file names and no addresses, since an entry is never
            deleted.
    """
    _serialise(session, actor.tenant)
    last = newest(session, actor.tenant)
    entry = AuditEntry(
        tenant=actor.tenant,
        number=last.number + 1,
        time=round(now(session), 3),
        actor=f"{actor.kind}:{actor.id}",
        actor_name=actor.name,
        action=action,
        subject=subject,
        detail=detail,
        previous=last.hash,
    )
    entry.hash = _digest(canonical(entry))
    session.add(entry)
    session.flush()
    return entry


def newest(session: Session, tenant: str) -> Anchor:
    """Returns the present state of a chain."""
    last = session.execute(
        select(AuditEntry.number, AuditEntry.hash)
        .where(AuditEntry.tenant == tenant)
        .order_by(AuditEntry.number.desc())
        .limit(1)
    ).first()
    return Anchor(tenant, last.number, last.hash) if last else Anchor(tenant, 0, START)


def verify(session: Session, tenant: str, *anchors: Anchor) -> Verification:
    """Walks a chain from its start to the first wrong entry.

    An entry is wrong if it is not as it was written, or if an anchor contradicts it.
    """
    kept = {
        anchor.number: anchor.hash
        for anchor in anchors
        if anchor.tenant == tenant and anchor.number
    }
    number, head = 0, START
    for entry in _entries(session, tenant):
        if wrong := _wrong(entry, number + 1, head, kept):
            return Verification(number, head, number + 1, wrong)
        number, head = entry.number, entry.hash
    if missing := [one for one in sorted(kept) if one > number]:
        return Verification(
            number, head, number + 1, Message("chain.cut_off", {"known": missing[-1]})
        )
    return Verification(number, head)


def export(session: Session, tenant: str) -> Iterator[str]:
    """Yields a chain as JSON lines: ``{"entry": ..., "hash": ...}``.

    The hash is the sha256 of the entry's own characters.
    """
    for entry in _entries(session, tenant):
        yield _line(entry)


def about(session: Session, tenant: str, *subjects: str) -> Iterator[str]:
    """Yields the entries of a chain on some subjects, in the form of `export`."""
    mine = AuditEntry.tenant == tenant, AuditEntry.subject.in_(subjects)
    for entry in session.scalars(select(AuditEntry).where(*mine).order_by(AuditEntry.number)):
        yield _line(entry)


def canonical(entry: AuditEntry) -> str:
    """Serialises an entry for its hash: JSON in ASCII with sorted keys and no white space."""
    columns = [name for name in AuditEntry.__table__.columns.keys() if name != "hash"]  # noqa: SIM118 - not a dict
    values = {name: getattr(entry, name) for name in columns}
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _line(entry: AuditEntry) -> str:
    return f'{{"entry":{canonical(entry)},"hash":"{entry.hash}"}}\n'


def _entries(session: Session, tenant: str) -> Iterator[AuditEntry]:
    query = select(AuditEntry).where(AuditEntry.tenant == tenant).order_by(AuditEntry.number)
    yield from session.scalars(query.execution_options(yield_per=1000, populate_existing=True))


def _wrong(entry: AuditEntry, number: int, previous: str, kept: dict[int, str]) -> Message | None:
    if entry.number != number:
        return Message("chain.gap", {"next": entry.number, "before": number - 1})
    if entry.previous != previous:
        return Message("chain.unlinked")
    if entry.hash != _digest(canonical(entry)):
        return Message("chain.altered")
    if kept.get(number, entry.hash) != entry.hash:
        return Message("chain.rewritten")
    return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _serialise(session: Session, tenant: str) -> None:
    """Lets one transaction at a time add to a chain.

    SQLite lets only one write anyway, and has no row locks.
    """
    session.execute(select(Tenant.id).where(Tenant.id == tenant).with_for_update(key_share=True))
