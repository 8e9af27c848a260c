"""Known originals of a tenant: uploaded, hashed by a judge, and indexed on every judging machine.

A judge makes hashes and thumbnails of one file, which are one object in storage; the row says that
it is valid. The index in a folder is built from these objects on each machine, and can be lost.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from unmask.service.domain import checks
from unmask.service.domain.checks import Received
from unmask.service.domain.tenancy import newest, owned
from unmask.service.people import audit
from unmask.service.people.actor import Actor, system
from unmask.service.store import storage
from unmask.service.store.database import insert_new, now
from unmask.service.store.jobs import end, held
from unmask.service.store.service import Service
from unmask.service.store.tables import Registration, new_id

DATABASE = "originals.sqlite"


def accept(
    session: Session,
    service: Service,
    actor: Actor,
    received: Received,
    name: str,
    title: str,
    owner: str,
) -> tuple[Registration, bool]:
    """Queues the registration of footage.

    If its owner has registered it already, it returns that registration, and False.

    Raises:
        Problem: 507, the quotas of the organisation.
    """
    checks.admit(session, service, actor, received, check=False)
    key = {"tenant": actor.tenant, "sha256": received.sha256, "owner": owner}
    clean = checks.clean(name)
    values = {
        "id": new_id(),
        "name": clean,
        "title": title or clean,
        "uploader": actor.id,
        "created": now(session),
    }
    new = insert_new(session, Registration, **key, **values)
    row = session.scalars(select(Registration).filter_by(**key)).one()
    if new:
        audit.record(session, actor, "original.registered", row.id, sha256=row.sha256)
    return row, new


def find(session: Session, actor: Actor, registration: str) -> Registration:
    """Returns the tenant's registration with this id; 404 otherwise."""
    return owned(session, Registration, actor, registration, "original")


def search(
    session: Session, actor: Actor, limit: int, before: str | None = None
) -> Sequence[Registration]:
    """Lists the tenant's registrations, the newest first.

    ``before`` is the id of the last registration of the page before.
    """
    return newest(
        session, Registration, select(Registration).filter_by(tenant=actor.tenant), limit, before
    )


def remove(session: Session, service: Service, actor: Actor, registration: str) -> None:
    """Removes a registration; checks begun from now on do not know it."""
    row = find(session, actor, registration)
    session.delete(row)
    audit.record(session, actor, "original.removed", row.id, sha256=row.sha256)
    session.flush()
    service.storage.delete(storage.original(row.tenant, row.id))


def conclude(
    service: Service, job: Registration, made: Path | None, error: str | None, state: str = "done"
) -> bool:
    """Writes the outcome of a registration; False if it was lost to another worker.

    Args:
        made: folder with the index that a judge made of this file alone.
        error: why there is none.
    """
    with held(service.database, job) as (session, row):
        if row is None:
            return False
        row.error = error
        if error is None and made is not None and (made / DATABASE).is_file():
            service.storage.take(storage.original(row.tenant, row.id), _whole(made))
        end(session, row, "failed" if error else state)
        audit.record(session, system(row.tenant), f"original.{row.state}", row.id)
        return True


def index(service: Service, tenant: str) -> Path | None:
    """Brings the index of a tenant's registrations up to date and returns its folder.

    It returns None if the tenant has none.
    """
    from unmask.originals import opened_store
    from unmask.originals.transfer import copy

    folder = service.settings.data.resolve() / "originals" / tenant
    with service.database.reading() as session:
        rows = session.scalars(select(Registration).filter_by(tenant=tenant, state="done")).all()
    if not rows and not (folder / DATABASE).is_file():
        return None
    with _alone(folder), opened_store(folder, writing=True) as store:
        have = {
            (original.sha256, original.owner): original.id
            for original in store.originals()
            if original.complete
        }
        want = {(row.sha256, row.owner): row for row in rows}
        for gone in have.keys() - want.keys():
            store.remove(have[gone])
        for key in want.keys() - have.keys():
            with _part(service, want[key]) as part, opened_store(part) as source:
                copy(source, store, want[key].name)
    return folder


def _whole(folder: Path) -> Path:
    """Returns the database of a folder as one file, with nothing left in a log beside it."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return folder / DATABASE


@contextmanager
def _part(service: Service, row: Registration) -> Iterator[Path]:
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(dir=service.settings.scratch))
    try:
        with (folder / DATABASE).open("wb") as file:
            file.writelines(service.storage.chunks(storage.original(row.tenant, row.id)))
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lets one worker of this machine in at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
