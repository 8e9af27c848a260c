"""Periodic work that one machine at a time does for all."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from unmask.service.store.tables import Lease


def claimed(session: Session, name: str, period: float, now: float) -> bool:
    """Claims the work of this period; returns whether this machine is to do it.

    The period then lasts ``period`` s from ``now``.
    """
    insert: Any = (
        sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    )
    until = {"until": now + period}
    new = insert(Lease).values(name=name, **until)
    taken = new.on_conflict_do_update(index_elements=["name"], set_=until, where=Lease.until <= now)
    return session.scalar(taken.returning(Lease.until)) is not None
