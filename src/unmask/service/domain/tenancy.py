"""Rows of the asking organisation: one by its id, or a page of them.

Another organisation's row is never shown.
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
    """Returns the organisation's row with this id.

    ``changing`` locks it until the transaction ends.

    Raises:
        Problem: 404 for ``what``, also where it is another organisation's.
    """
    found = session.get(table, identifier, with_for_update=changing or None)
    if found is None or found.tenant != actor.tenant:
        raise not_found(what)
    return found


def newest(
    session: Session, table: type[Row], found: Select[Row], limit: int, before: str | None
) -> Sequence[Row]:
    """Returns a page of a query's rows, the newest first.

    ``before`` is the id of the last row of the page before.
    """
    found = found.order_by(table.id.desc()).limit(limit)
    return session.scalars(found.where(table.id < before) if before else found).all()
