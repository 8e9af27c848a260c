"""The audit log over HTTP: reading, verification, export."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlalchemy import select

from unmask.service.api.access import Admin, Guarded, service_of
from unmask.service.people import audit
from unmask.service.people.audit import Anchor
from unmask.service.store.tables import AuditEntry

router = APIRouter(prefix="/audit", tags=["audit"], route_class=Guarded)


class EntryView(BaseModel):
    """One entry of the chain."""

    number: int
    time: float
    actor: str
    actor_name: str
    action: str
    subject: str
    detail: dict[str, Any]
    hash: str


class AuditPage(BaseModel):
    """Entries, the newest first; give ``next`` as ``before`` to read on."""

    entries: list[EntryView]
    next: int | None


class VerificationView(BaseModel):
    """Result of walking the chain.

    Keep ``anchor`` elsewhere, and send it along next time.
    """

    intact: bool
    count: int
    head: str
    broken: int | None
    reason: str
    anchor: str


@router.get("")
def list_entries(
    request: Request,
    actor: Admin,
    subject: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
    before: Annotated[int | None, Query(ge=1, le=1 << 62)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AuditPage:
    """List who did what, the newest first."""
    query = (
        select(AuditEntry)
        .where(AuditEntry.tenant == actor.tenant)
        .order_by(AuditEntry.number.desc())
    )
    if subject is not None:
        query = query.where(AuditEntry.subject == subject)
    if before is not None:
        query = query.where(AuditEntry.number < before)
    with service_of(request).database.reading() as session:
        found = session.scalars(query.limit(limit)).all()
    entries = [EntryView.model_validate(entry, from_attributes=True) for entry in found]
    return AuditPage(entries=entries, next=entries[-1].number if len(entries) == limit else None)


@router.get("/verification")
def verification(
    request: Request,
    actor: Admin,
    number: Annotated[int | None, Query(ge=1, le=1 << 62)] = None,
    digest: Annotated[str, Query(alias="hash", pattern=r"^[0-9a-f]{64}$")] = audit.START,
) -> VerificationView:
    """Walk the chain from its start.

    With ``number`` and ``hash`` of an anchor, it also notices if the end was cut off.
    """
    anchors = [] if number is None else [Anchor(actor.tenant, number, digest)]
    with service_of(request).database.reading() as session:
        found = audit.verify(session, actor.tenant, *anchors)
    return VerificationView(
        intact=found.broken is None,
        count=found.count,
        head=found.head,
        broken=found.broken,
        reason=str(found.reason or ""),
        anchor=str(Anchor(actor.tenant, found.count, found.head)),
    )


@router.get("/export", response_class=StreamingResponse)
def export(request: Request, actor: Admin) -> StreamingResponse:
    """Export the whole chain as JSON lines.

    The hash is the sha256 of the characters of ``entry`` exactly as they appear in the line.
    """
    database = service_of(request).database

    def lines() -> Iterator[str]:
        with database.reading() as session:
            yield from audit.export(session, actor.tenant)

    return StreamingResponse(
        lines(),
        media_type="application/jsonl",
        headers={"Content-Disposition": 'attachment; filename="unmask-audit.jsonl"'},
    )
