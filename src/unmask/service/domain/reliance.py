"""Licences that checks rest on: these checks are judged again if a licence is revoked."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from unmask.report.document import Document
from unmask.service.store.tables import Check, Reliance


def note(session: Session, check: Check, found: Document) -> None:
    """Records the licences that a result rests on, in place of those of the result before."""
    session.execute(delete(Reliance).where(Reliance.check == check.id))
    licensed = (person for person in found.people if person.verdict == "licensed change")
    for licence in {
        one.sha256 for person in licensed for one in person.licences if one.refused is None
    }:
        session.add(Reliance(check=check.id, licence=licence))


def resting(session: Session, tenant: str, licences: Collection[str]) -> Sequence[Check]:
    """Returns an organisation's checks that rest on one of these licences, by sha256.

    Their rows are locked.
    """
    on = select(Reliance.check).where(Reliance.licence.in_(licences))
    return session.scalars(
        select(Check).where(Check.tenant == tenant, Check.id.in_(on)).with_for_update()
    ).all()
