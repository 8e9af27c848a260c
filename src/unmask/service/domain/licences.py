"""The register of licences of an organisation, and the effects of a revocation.

It holds keys that the organisation vouches for, authorities that it trusts, licences, and lists of
revocations. For each check they are written to a folder in the form that `unmask.licences.register`
reads.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unmask.errors import LicenceError, printable
from unmask.licences import keys, manifest, signed
from unmask.licences.licence import Licence
from unmask.licences.status import StatusList
from unmask.messages import Message
from unmask.service.domain import cases, checks, reliance
from unmask.service.domain.tenancy import newest, owned
from unmask.service.people import audit
from unmask.service.people.actor import Actor, system
from unmask.service.problems import Problem
from unmask.service.store.database import insert_new, now
from unmask.service.store.service import Service
from unmask.service.store.tables import LicenceDocument, Media, new_id

MOST = 5000
"""Maximum documents of one organisation; each check reads them all."""

SUFFIXES = {"licence": ".json", "list": ".json", "key": ".pub", "authority": ".pem"}


@dataclass(frozen=True, slots=True)
class Read:
    """Parsed values of a document, see `LicenceDocument`."""

    kind: str
    named: str
    title: str
    list: str | None = None
    begins: float | None = None
    ends: float | None = None


def add(
    session: Session, service: Service, actor: Actor, text: str
) -> tuple[LicenceDocument, bool]:
    """Adds a document to the register.

    A list replaces an older one, and checks that rest on the licences it takes back are judged
    again.

    Returns:
        The document, and whether it is new. If the same document, or a newer list, is already
            there, it is returned.

    Raises:
        Problem: 422, it is none of these, or not as it was signed; 409, the register is full.
    """
    read = _read(service, text)
    key = {"tenant": actor.tenant, "kind": read.kind, "named": read.named}
    more = {
        "title": read.title,
        "text": text,
        "list": read.list,
        "begins": read.begins,
        "ends": read.ends,
    }
    if (
        session.scalar(select(func.count()).where(LicenceDocument.tenant == actor.tenant)) or 0
    ) >= MOST:
        raise Problem(409, "Register full", Message("refusal.register_full", {"most": MOST}))
    moment = now(session)
    new = insert_new(
        session, LicenceDocument, **key, **more, id=new_id(), created=moment, updated=moment
    )
    row = session.scalars(select(LicenceDocument).filter_by(**key).with_for_update()).one()
    if not new and read.kind == "list" and (read.begins or 0.0) > (row.begins or 0.0):
        row.text, row.begins, row.ends, row.updated = text, read.begins, read.ends, moment
        audit.record(session, actor, "licence.renewed", row.id, title=row.title)
    elif new:
        audit.record(session, actor, "licence.added", row.id, kind=row.kind, title=row.title)
    else:
        return row, False
    if read.kind == "list":
        _take_back(session, service, actor, row)
    return row, new


def find(session: Session, actor: Actor, document: str) -> LicenceDocument:
    """Returns the organisation's document with this id; 404 otherwise."""
    return owned(session, LicenceDocument, actor, document, "licence")


def search(
    session: Session, actor: Actor, limit: int, before: str | None = None
) -> Sequence[LicenceDocument]:
    """Lists the organisation's documents, the newest first.

    ``before`` is the id of the last document of the page before.
    """
    return newest(
        session,
        LicenceDocument,
        select(LicenceDocument).filter_by(tenant=actor.tenant),
        limit,
        before,
    )


def remove(session: Session, actor: Actor, document: str) -> None:
    """Removes a document from the register; checks begun from now on do not know it."""
    row = find(session, actor, document)
    session.delete(row)
    audit.record(session, actor, "licence.removed", row.id, kind=row.kind, title=row.title)


@contextmanager
def folder(service: Service, tenant: str) -> Iterator[Path | None]:
    """Writes the register to a folder of this machine for as long as the context lasts.

    It yields None if the register is empty.
    """
    with service.database.reading() as session:
        rows = session.scalars(select(LicenceDocument).filter_by(tenant=tenant)).all()
    if not rows:
        yield None
        return
    made = Path(tempfile.mkdtemp(dir=service.settings.scratch))
    try:
        for row in rows:
            (made / (row.id + SUFFIXES[row.kind])).write_text(row.text, encoding="utf-8")
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _take_back(session: Session, service: Service, actor: Actor, row: LicenceDocument) -> None:
    """Judges the checks again that rest on a licence that a list takes back.

    If a file is gone, its case is reopened instead.
    """
    told = select(LicenceDocument).filter_by(tenant=actor.tenant, kind="licence", list=row.named)
    on_it = {one.named: one.text for one in session.scalars(told)}
    gone = [sha256 for sha256, text in on_it.items() if _revoked(service, text, row.text)]
    for check in reliance.resting(session, actor.tenant, gone):
        media = session.get(Media, (check.tenant, check.sha256))
        if media is not None and media.deleted is None:
            checks.again(session, system(check.tenant), check)
        else:
            cases.reopen(session, check, before=None)
        audit.record(session, actor, "licence.taken_back", row.id, check=check.id)


def _revoked(service: Service, licence: str, revocations: str) -> bool:
    """Tells whether a list takes a licence back, as of the time the list was signed."""
    with service.storage.scratch() as path:
        path.write_text(licence, encoding="utf-8")
        index = int(Licence.of(path).status.index)
        path.write_text(revocations, encoding="utf-8")
        found = StatusList.of(path)
    refused = found.refusal(index, found.valid_from)
    return refused is not None and refused.code == "licence.revoked"


def _read(service: Service, text: str) -> Read:
    with service.storage.scratch() as path:
        path.write_text(text, encoding="utf-8")
        try:
            return _as_signed(path) or _as_key(path, text)
        except LicenceError as error:
            why = Message("refusal.no_licence", {"why": error.reason})
            raise Problem(422, "Not for the register", why) from error


def _as_signed(path: Path) -> Read | None:
    """Reads a licence or a list; None for anything else."""
    types = signed.kind(path)
    if "PortraitLicence" in types:
        licence = Licence.of(path)
        title = f"{licence.subject.name} / {licence.subject.licensee}"
        named, on = licence.sha256, f"{licence.issuer.id} {licence.status.on}"
        return Read(
            "licence",
            named,
            title,
            on,
            licence.valid_from.timestamp(),
            licence.valid_until.timestamp(),
        )
    if "BitstringStatusListCredential" in types:
        found = StatusList.of(path)
        named = f"{found.issuer} {found.id}"
        return Read(
            "list",
            named,
            found.id,
            None,
            found.valid_from.timestamp(),
            found.valid_until.timestamp(),
        )
    return None


def _as_key(path: Path, text: str) -> Read:
    """Reads certificates of authorities, or keys that are vouched for."""
    named = hashlib.sha256(text.encode()).hexdigest()
    if "-----BEGIN " in text:
        return Read("authority", named, ", ".join(manifest.names([path])))
    owners = keys.owners([path])
    if not owners:
        raise LicenceError(str(path), Message("key.not_public"), Message("key.way.public"))
    return Read(
        "key",
        named,
        printable(", ".join(sorted({name for names in owners.values() for name in names})))[:300],
    )
