"""A copy of all that a service keeps, and bringing it back in an empty place, on whichever database and storage.

    manifest.json    what it is of, how much, and where each audit log stood
    rows.jsonl       the tables, a row a line, in an order in which they can be put back
    objects/...      what the rows name of the storage

The rows are read in one snapshot, and then the objects that they name are copied: what comes in meanwhile is in neither. Who
is signed in, uploads under way, rate limits and the like are left out. What is deleted meanwhile is missing, and counts as
deleted when all is brought back.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from unmask.errors import UnmaskError, UsageError
from unmask.service.domain import sweeping
from unmask.service.people import audit
from unmask.service.people.actor import system
from unmask.service.people.audit import Anchor
from unmask.service.store import migrations, storage
from unmask.service.store.database import now
from unmask.service.store.service import Service
from unmask.service.store.tables import Answered, Base, BrowserSession, Bucket, Lease, Media, Tenant, Upload

FORMAT = 1

PASSING = frozenset(table.__tablename__ for table in (BrowserSession, Bucket, Lease, Answered, Upload))
"""Tables of what passes: whoever was signed in signs in again, and what was on its way in is sent anew."""

BATCH = 500
"""Rows that are put back at once."""

log = logging.getLogger(__name__)


class BackupError(UnmaskError):
    """A backup that is not whole, or cannot be brought back here."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is of.

    Attributes:
        format: of the folder; 1.
        unmask: version that made it.
        revision: of the tables.
        made: s since 1970.
        rows: in all.
        rows_sha256: of ``rows.jsonl``.
        objects: files of the storage that are in it.
        altered: names of those whose content is not what was uploaded, see `integrity`.
        anchors: where the audit logs stood, see `audit.Anchor`. Keep these lines elsewhere, too.
    """

    format: int
    unmask: str
    revision: str
    made: float
    rows: int
    rows_sha256: str
    objects: int
    altered: Sequence[str]
    anchors: Sequence[str]


def save(service: Service, folder: Path) -> Manifest:
    """Writes a backup into a folder, which is made and must be empty; the manifest comes last.

    Raises:
        UsageError: something is there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; name a new folder for each backup")
    digest, count = hashlib.sha256(), 0
    with service.database.snapshot() as session:
        revision, made = migrations.revision(session), now(session)
        tenants = session.scalars(select(Tenant.id).order_by(Tenant.id)).all()
        anchors = [str(audit.newest(session, tenant)) for tenant in tenants]
        with (folder / "rows.jsonl").open("wb") as file:
            for line in _lines(session):
                digest.update(line)
                file.write(line)
                count += 1
        known = {tenant: sweeping.known(session, tenant) for tenant in tenants}
    objects, altered = _copy(service, known, folder / "objects")
    manifest = Manifest(
        FORMAT, version("unmask"), revision, made, count, digest.hexdigest(), objects, tuple(altered), tuple(anchors)
    )
    (folder / "manifest.json").write_text(json.dumps(asdict(manifest), indent=1) + "\n")
    return manifest


def restore(service: Service, folder: Path, *anchors: Anchor) -> Manifest:
    """Brings a backup back, all of it or nothing of its rows.

    Args:
        service: with an empty database.
        anchors: of the audit logs as they were kept elsewhere, beside those of the backup itself.

    Raises:
        UsageError: the database is not empty.
        BackupError: the folder is no whole backup, one of a newer version, or an audit log in it is not as it was written.
    """
    manifest = _manifest(folder)
    migrations.upgrade(service.database)
    with service.database.reading() as session:
        if session.scalar(select(Tenant.id).limit(1)):
            raise UsageError("this service has accounts already; a backup is brought back in an empty place")
        if manifest.revision > migrations.revision(session):
            raise BackupError(
                f"the backup was made by Unmask {manifest.unmask}; restore it with that version or a newer one"
            )
    _bring_objects(service, folder / "objects")
    kept = [*anchors, *(Anchor.parse(line) for line in manifest.anchors)]
    with service.database.transaction() as session:
        _bring_rows(session, folder / "rows.jsonl")
        for tenant in {*session.scalars(select(Tenant.id)), *(one.tenant for one in kept)}:
            found = audit.verify(session, tenant, *kept)
            if found.broken is not None:
                raise BackupError(f"entry {found.broken} of an audit log is not as it was written: {found.reason}")
        _mark_missing(service, session)
    return manifest


def _lines(session: Session) -> Iterator[bytes]:
    for table in Base.metadata.sorted_tables:
        if table.name not in PASSING:
            query = select(table).order_by(*table.primary_key).execution_options(yield_per=BATCH)
            for row in session.execute(query).mappings():
                yield json.dumps({"table": table.name, "row": dict(row)}).encode() + b"\n"


def _copy(service: Service, known: dict[str, set[str]], to: Path) -> tuple[int, list[str]]:
    """Copies the objects of all places that are known; how many, and which are not what was uploaded."""
    count, altered = 0, []
    for tenant, places in known.items():
        for name in (one.name for one in service.storage.listed(tenant)):
            if sweeping.place(name) not in places:
                continue
            digest, path = hashlib.sha256(), to / name
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with path.open("wb") as file:
                    for chunk in service.storage.chunks(name):
                        digest.update(chunk)
                        file.write(chunk)
            except FileNotFoundError:
                path.unlink()
                continue
            count += 1
            if name.endswith("/media") and digest.hexdigest() != name.split("/")[1]:
                log.critical("a stored file is not the one that was uploaded", extra={"hash": digest.hexdigest()})
                altered.append(name)
    return count, altered


def _manifest(folder: Path) -> Manifest:
    try:
        manifest = Manifest(**json.loads((folder / "manifest.json").read_text()))
        with (folder / "rows.jsonl").open("rb") as file:
            rows = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError, TypeError) as error:
        raise BackupError(f"{folder} is no whole backup ({type(error).__name__}); take another one") from error
    if manifest.format != FORMAT or rows != manifest.rows_sha256:
        raise BackupError(f"{folder} is not as it was written; take another backup")
    return manifest


def _bring_objects(service: Service, folder: Path) -> None:
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        with service.storage.scratch() as copied:
            shutil.copyfile(path, copied)
            service.storage.take(path.relative_to(folder).as_posix(), copied)


def _bring_rows(session: Session, path: Path) -> None:
    tables, waiting, current = Base.metadata.tables, list[dict[str, Any]](), ""
    with path.open("rb") as file:
        for line in file:
            one = json.loads(line)
            if waiting and (one["table"] != current or len(waiting) == BATCH):
                session.execute(insert(tables[current]), waiting)
                waiting = []
            current = one["table"]
            waiting.append(one["row"])
    if waiting:
        session.execute(insert(tables[current]), waiting)


def _mark_missing(service: Service, session: Session) -> None:
    """Says of media that are not in the backup that they are deleted, as they were when it was made."""
    for media in session.scalars(select(Media).where(Media.deleted.is_(None))).all():
        if not service.storage.exists(storage.media(media.tenant, media.sha256)):
            media.deleted = now(session)
            audit.record(session, system(media.tenant), "media.deleted", media.sha256, reason="not in the backup")
