"""Cases."""

from __future__ import annotations

from sqlalchemy.orm import Session

from unmask.service.actor import Actor
from unmask.service.tables import CaseFile, Check


def open_for(session: Session, actor: Actor, check: Check) -> None:
    session.add(CaseFile(tenant=actor.tenant, check=check.id))
