"""Rows of the organisation that asks: one by its id, or a page of them; another organisation's is
never shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import Session

from unmask.service.people.actor import Actor
from unmask.service.problems import not_found
from unmask.service.store.tables import (
    Check,
    Delivery,
    LicenceDocument,
    Registration,
    Upload,
    Webhook,
)

Row = TypeVar("Row", Check, Delivery, LicenceDocument, Registration, Upload, Webhook)


def owned(
    session: Session,
    table: type[Row],
    actor: Actor,
    identifier: str,
    what: str,
    changing: bool = False,
) -> Row:
    """The organisation's row with this id, locked until the transaction ends where it is to be
    changed.

    Raises:
        Problem: 404, of ``what``, also where it is another organisation's.
    """
    found = session.get(table, identifier, with_for_update=changing or None)
    if found is None or found.tenant != actor.tenant:
        raise not_found(what)
    return found


def newest(
    session: Session, table: type[Row], found: Select[Row], limit: int, before: str | None
) -> Sequence[Row]:
    """The newest first of what a query finds; ``before`` is the id of the last one of the page
    before.
    """
    found = found.order_by(table.id.desc()).limit(limit)
    return session.scalars(found.where(table.id < before) if before else found).all()
