"""Backup of all that a service keeps, and its restoration on any database and storage.

    manifest.json    version and size of the backup, and the anchor of each audit log
    rows.jsonl       the tables, one row per line, in an order in which they can be restored
    objects/...      the storage's objects that the rows refer to
    objects.sha256   digest and name of each object, as ``sha256sum -c ../objects.sha256`` reads it

The rows are read in one snapshot; then the objects that they refer to are copied. Whatever comes in
meanwhile is in neither. Sessions, uploads under way, rate limits and the like are left out. An
object deleted meanwhile is missing, and counts as deleted after a restore.

The manifest is written last, and rows are committed last: what broke off in the middle does not
look whole.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from unmask.errors import UnmaskError, UsageError, printable
from unmask.service.domain import sweeping, takes
from unmask.service.people import audit
from unmask.service.people.actor import system
from unmask.service.people.audit import Anchor
from unmask.service.store import migrations, storage
from unmask.service.store.database import now
from unmask.service.store.migrations import Fit
from unmask.service.store.service import Service
from unmask.service.store.tables import (
    Answered,
    Base,
    BrowserSession,
    Bucket,
    Compatibility,
    Lease,
    Media,
    Stray,
    Tenant,
    Upload,
)
from unmask.storage import StorageAway

FORMAT = 1

PASSING = frozenset(
    table.__tablename__
    for table in (Answered, BrowserSession, Bucket, Compatibility, Lease, Stray, Upload)
)
"""Tables of temporary data, and the one that the migrations fill.

After a restore, people sign in again, and unfinished uploads are sent again.
"""

BATCH = 500
"""Number of rows that are restored at once."""

NAMED = 3
"""Maximum number of files that an error names."""

log = logging.getLogger(__name__)


class BackupError(UnmaskError):
    """A backup that is incomplete, or cannot be restored here."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Description of a backup.

    Attributes:
        format: of the folder; 1.
        unmask: version that made it.
        revision: of the tables.
        made: s since 1970.
        rows: number of rows in all.
        rows_sha256: of ``rows.jsonl``.
        objects: number of storage objects in the backup.
        objects_sha256: of ``objects.sha256``.
        altered: names of objects whose content is not what was uploaded, see `integrity`.
        anchors: of the audit logs, see `audit.Anchor`. Keep these lines elsewhere, too.
    """

    format: int
    unmask: str
    revision: str
    made: float
    rows: int
    rows_sha256: str
    objects: int
    objects_sha256: str
    altered: Sequence[str]
    anchors: Sequence[str]


@dataclass(frozen=True, slots=True)
class Restored:
    """Result of a restore.

    Attributes:
        rows, objects: number restored.
        missing: names of media that have a row but were not in the storage when the backup was
            made; they count as deleted.
    """

    rows: int
    objects: int
    missing: Sequence[str]


def save(service: Service, folder: Path) -> Manifest:
    """Writes a backup into an empty folder, made if missing; writes the manifest last.

    Raises:
        UsageError: the folder is not empty, or the tables are not of this version.
        BackupError: a disk, the storage or the database failed; the folder is not a backup then.
    """
    with _explained(f"the backup in {folder} is not complete", "delete it, and take another one"):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty; name a new folder for each backup")
        return _save(service, folder)


def _save(service: Service, folder: Path) -> Manifest:
    digest, count = hashlib.sha256(), 0
    with service.database.snapshot() as session:
        if migrations.usable(session) is Fit.NEWER:
            raise UsageError(
                "a newer version of Unmask has upgraded the tables, and this one would leave out "
                "what it does not know: take the backup with the newer one"
            )
        revision, made = migrations.revision(session), now(session)
        tenants = session.scalars(select(Tenant.id).order_by(Tenant.id)).all()
        anchors = [str(audit.newest(session, tenant)) for tenant in tenants]
        with (folder / "rows.jsonl").open("wb") as file:
            for line in _lines(session):
                digest.update(line)
                file.write(line)
                count += 1
        known = {tenant: sweeping.known(session, tenant) for tenant in tenants}
    objects = _copy(service, known, folder / "objects")
    (folder / "objects.sha256").write_text(
        "".join(f"{digest}  {name}\n" for name, digest in objects.items())
    )
    manifest = Manifest(
        format=FORMAT,
        unmask=version("unmask"),
        revision=revision,
        made=made,
        rows=count,
        rows_sha256=digest.hexdigest(),
        objects=len(objects),
        objects_sha256=_sha256(folder / "objects.sha256"),
        altered=tuple(name for name, digest in objects.items() if _altered(name, digest)),
        anchors=tuple(anchors),
    )
    (folder / "manifest.json").write_text(json.dumps(asdict(manifest), indent=1) + "\n")
    return manifest


def restore(service: Service, folder: Path, *anchors: Anchor) -> Restored:
    """Restores a backup, all of it or nothing.

    Errors in the backup are found before anything is written to the storage.

    Args:
        service: with an empty database and an empty storage.
        anchors: of the audit logs, as they were kept elsewhere; they add to those of the backup.

    Raises:
        UsageError: the database or the storage is not empty.
        BackupError: the folder is no complete backup, or one of a newer version, or an audit log in
            it is not as it was written; or a disk, the storage or the database failed.
    """
    with _explained("nothing was restored", "mend that, and restore again"):
        manifest = _manifest(folder)
        objects = _objects(folder, manifest)
        migrations.upgrade(service.database)
        _insist_on_empty(service, manifest)
        kept = [*anchors, *(Anchor.parse(line) for line in manifest.anchors)]
        with service.database.transaction() as session:
            _bring_rows(session, folder / "rows.jsonl")
            for tenant in {*session.scalars(select(Tenant.id)), *(one.tenant for one in kept)}:
                _verify(session, tenant, kept)
            missing = _mark_missing(session, objects)
            _bring_objects(service, objects)
            _commit(session)
    return Restored(manifest.rows, len(objects), missing)


def _commit(session: Session) -> None:
    """Commits the rows; the files stay even if that fails, since it may have happened after all."""
    try:
        session.commit()
    except DBAPIError as error:
        raise BackupError(
            f"all files were restored, but the database failed at the end ({_named(error)}); if "
            "`unmask accounts list` shows accounts, all is restored; else empty the storage, and "
            "restore again"
        ) from error


@contextmanager
def _explained(what: str, way: str) -> Iterator[None]:
    """Turns errors of a disk, the storage or the database into a `BackupError`."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        place = f"{printable(str(error.filename))}: " if error.filename else ""
        raise BackupError(f"{what}: {place}{reason}; {way}") from error
    except DBAPIError as error:
        raise BackupError(f"{what}: the database failed ({_named(error)}); {way}") from error


def _named(error: DBAPIError) -> str:
    return type(error.orig or error).__name__


def _insist_on_empty(service: Service, manifest: Manifest) -> None:
    with service.database.reading() as session:
        if session.scalar(select(Tenant.id).limit(1)):
            raise UsageError(
                "this service has accounts already; a backup is brought back in an empty place"
            )
        if manifest.revision > migrations.revision(session):
            raise BackupError(
                f"the backup was made by Unmask {manifest.unmask}; "
                "restore it with that version or a newer one"
            )
    if found := next(service.storage.listed(), None):
        raise UsageError(
            f"the storage has files already, such as {found.name}; name an empty folder or bucket"
        )


def _verify(session: Session, tenant: str, kept: Sequence[Anchor]) -> None:
    found = audit.verify(session, tenant, *kept)
    if found.reason is None:
        return
    way = ""
    if found.reason.code == "chain.cut_off":
        way = (
            "; if the backup is older than the anchors, "
            "give only those that were printed up to when it was made"
        )
    raise BackupError(
        f"entry {found.broken} of an audit log is not as it was written: {found.reason}{way}"
    )


def _lines(session: Session) -> Iterator[bytes]:
    for table in Base.metadata.sorted_tables:
        if table.name not in PASSING:
            query = select(table).order_by(*table.primary_key).execution_options(yield_per=BATCH)
            for row in session.execute(query).mappings():
                yield json.dumps({"table": table.name, "row": dict(row)}).encode() + b"\n"


def _copy(service: Service, known: dict[str, set[str]], to: Path) -> dict[str, str]:
    """Copies the objects of all known places; returns the sha256 of each, by name."""
    copied: dict[str, str] = {}
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
            except StorageAway as error:
                raise StorageAway(f"{name}: {error}") from error
            copied[name] = digest.hexdigest()
            if _altered(name, copied[name]):
                log.critical(
                    "a stored file is not the one that was uploaded", extra={"hash": copied[name]}
                )
    return copied


def _altered(name: str, sha256: str) -> bool:
    return name.endswith("/media") and name.split("/")[1] != sha256


def _manifest(folder: Path) -> Manifest:
    try:
        manifest = Manifest(**json.loads((folder / "manifest.json").read_text()))
        digests = [_sha256(folder / name) for name in ("rows.jsonl", "objects.sha256")]
    except (OSError, ValueError, TypeError) as error:
        raise BackupError(
            f"{folder} is no whole backup ({type(error).__name__}); take another one"
        ) from error
    if manifest.format != FORMAT or digests != [manifest.rows_sha256, manifest.objects_sha256]:
        raise BackupError(f"{folder} is not as it was written; take another backup")
    return manifest


def _objects(folder: Path, manifest: Manifest) -> dict[str, Path]:
    """Returns a backup's storage objects by name.

    It raises `BackupError` unless all are there as they were written.
    """
    lines = (folder / "objects.sha256").read_text().splitlines()
    wanted = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    there = {
        path.relative_to(folder / "objects").as_posix(): path
        for path in (folder / "objects").rglob("*")
    }
    wrong = [
        name
        for name, digest in wanted.items()
        if name not in there or _sha256(there[name]) != digest
    ]
    if wrong or len(wanted) != manifest.objects:
        named = ", ".join(wrong[:NAMED]) + (", ..." if len(wrong) > NAMED else "")
        raise BackupError(
            f"{len(wrong):,} of the {manifest.objects:,} files in {folder / 'objects'} "
            f"are missing or not as they were written ({named}); "
            "copy them there again, or take another backup"
        )
    return {name: there[name] for name in wanted}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _bring_objects(service: Service, objects: dict[str, Path]) -> None:
    """Copies files into the storage; deletes them again if it fails midway."""
    brought: list[str] = []
    try:
        for name, path in objects.items():
            brought.append(name)
            with service.storage.scratch() as copied:
                shutil.copyfile(path, copied)
                service.storage.take(name, copied)
    except BaseException:
        service.storage.discard(*brought)
        raise


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


def _mark_missing(session: Session, objects: Container[str]) -> list[str]:
    """Marks media that are not in the backup as deleted, and returns their names.

    They were already missing when the backup was made.
    """
    missing = []
    for media in session.scalars(select(Media).where(Media.deleted.is_(None))).all():
        if (name := storage.media(media.tenant, media.sha256)) not in objects:
            media.deleted = now(session)
            takes.forget(session, media)
            audit.record(
                session,
                system(media.tenant),
                "media.deleted",
                media.sha256,
                reason="not in the backup",
            )
            missing.append(name)
    return missing
