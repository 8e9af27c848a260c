"""Deletion of storage objects without a row in the database, which a crash can leave behind.

They show faces, so they must not stay. But the database may be the wrong one, or an older one that
was restored, so nothing is deleted at first sight: it must still have no row in a later run. A
file's place is then first claimed by a row that says it is deleted, so that the same file cannot
come in meanwhile.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from unmask.service.domain import retention
from unmask.service.domain.retention import DAY, MANY, SHARE
from unmask.service.people.actor import system
from unmask.service.store import storage
from unmask.service.store.database import insert_new
from unmask.service.store.leases import claimed
from unmask.service.store.service import Service
from unmask.service.store.tables import Media, Registration, Stray, Tenant

APART = 3600.0
"""Minimum seconds between the run that first sees an object without a row and its deletion."""

log = logging.getLogger(__name__)


def run(service: Service, now: float) -> int | None:
    """Deletes objects without a row, at least a day old, that an earlier run saw without one, too.

    It returns the number of files and originals, or None where it is not yet time.

    Args:
        now: s since 1970.
    """
    if service.database.clock_jumped:
        return None
    with service.database.transaction() as session:
        if not claimed(session, "sweeping", DAY, now):
            return None
    with service.database.reading() as session:
        tenants = session.scalars(select(Tenant.id)).all()
    return sum(_sweep(service, tenant, now) for tenant in tenants)


def _sweep(service: Service, tenant: str, now: float) -> int:
    written = defaultdict[str, float](float)
    with service.database.reading() as session:
        expected = known(session, tenant)
    for one in service.storage.listed(tenant):
        if place(one.name) not in expected:
            written[place(one.name)] = max(written[place(one.name)], one.written)
    strange = [where for where, moment in written.items() if moment < now - DAY]
    if len(strange) > MANY and len(strange) > SHARE * len(expected):
        log.error(
            "very many files have no row; is this their database?",
            extra={"tenant": tenant, "number": len(strange)},
        )
        return 0
    again = _seen_before(service, tenant, strange, now)
    return sum(_drop(service, tenant, where, now) for where in again)


def _seen_before(service: Service, tenant: str, strange: Sequence[str], now: float) -> list[str]:
    """Notes places without a row; returns those that were noted `APART` s ago or earlier."""
    with service.database.transaction() as session:
        noted = {
            one.place: one.seen for one in session.scalars(select(Stray).filter_by(tenant=tenant))
        }
        session.execute(delete(Stray).where(Stray.place.in_(noted.keys() - set(strange))))
        new = [where for where in strange if where not in noted]
        session.add_all(Stray(tenant=tenant, place=where, seen=now) for where in new)
    if new:
        log.warning(
            "files without a row are deleted in the next run",
            extra={"tenant": tenant, "number": len(new)},
        )
    return [where for where in strange if where in noted and noted[where] <= now - APART]


def known(session: Session, tenant: str) -> set[str]:
    """Returns the places of all objects that the database knows, see `place`."""
    files = session.scalars(select(Media.sha256).filter_by(tenant=tenant, deleted=None)).all()
    footage = session.scalars(select(Registration.id).filter_by(tenant=tenant)).all()
    return {storage.folder(tenant, one) for one in files} | {
        storage.original(tenant, one) for one in footage
    }


def place(name: str) -> str:
    """Returns a file's folder, or the object of an original itself."""
    tenant, second, *_ = name.split("/")
    return name if second == "originals" else storage.folder(tenant, second)


def _drop(service: Service, tenant: str, where: str, now: float) -> bool:
    if not where.endswith("/"):
        service.storage.delete(where)
        return True
    key = {"tenant": tenant, "sha256": where.split("/")[1]}
    with service.database.transaction() as session:
        insert_new(session, Media, **key, bytes=0, stored=now, deleted=now)
        media = session.scalars(select(Media).filter_by(**key).with_for_update()).one()
        if media.deleted is None:
            return False
        retention.erase(service, session, system(tenant), media, now, "no row")
        return True
