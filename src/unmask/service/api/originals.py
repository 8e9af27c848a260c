"""Known originals of the organisation over HTTP: registering by upload, listing, removing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from unmask.service.api import idempotency
from unmask.service.api.access import Allowed, Guarded, service_of
from unmask.service.api.checks import Identifier, Reader, Sha256, State, admit
from unmask.service.api.problems import documented
from unmask.service.domain import registrations, uploads
from unmask.service.domain.checks import Received
from unmask.service.people.actor import Actor, Scope
from unmask.service.store.service import Service
from unmask.service.store.tables import Registration

router = APIRouter(tags=["originals"], route_class=Guarded)
sending = APIRouter(tags=["originals"], route_class=Guarded)
"""Routes that take files."""

Owner = Annotated[Actor, Depends(Allowed(Scope.ORIGINALS))]
Words = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]


class OriginalView(BaseModel):
    """A registration, as it is shown."""

    id: str
    title: str
    owner: str
    name: str
    sha256: str
    state: State
    progress: float
    created: float
    finished: float | None
    error: str | None

    @classmethod
    def of(cls, row: Registration) -> OriginalView:
        return cls.model_validate(row, from_attributes=True)


class OriginalsPage(BaseModel):
    """Registrations, the newest first."""

    items: list[OriginalView]
    next: Annotated[str | None, Field(description="Give it as `before` to go on; null at the end.")]


@sending.post(
    "/originals",
    status_code=201,
    response_model=OriginalView,
    responses={
        200: {"model": OriginalView, "description": "Registered before."},
        **documented(400, 413, 422, 507),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def register(
    request: Request,
    actor: Owner,
    owner: Annotated[Words, Query(description="Who owns the footage.")],
    title: Annotated[Words | None, Query(description="What it is; its name if left out.")] = None,
    name: Annotated[str, Query(max_length=1000, description="Of the file.")] = "file",
    sha256: Annotated[Sha256 | None, Query()] = None,
    key: idempotency.Key = None,
) -> JSONResponse:
    """Register a film or photo, sent as the body.

    Only hashes and thumbnails of it are kept permanently.
    """
    service = service_of(request)
    await run_in_threadpool(admit, service, actor, key, check=False)
    received = await uploads.receive(service, request.stream(), service.settings.upload_bytes)
    try:
        uploads.check_digest(received, sha256)
        return await run_in_threadpool(
            _register, service, actor, key, received, name, title or "", owner
        )
    finally:
        await run_in_threadpool(service.storage.discard, received.object)


def _register(
    service: Service,
    actor: Actor,
    key: str | None,
    received: Received,
    name: str,
    title: str,
    owner: str,
) -> JSONResponse:
    asked = {
        "path": "/originals",
        "sha256": received.sha256,
        "name": name,
        "title": title,
        "owner": owner,
    }

    def do(session: Session) -> idempotency.Answer:
        row, new = registrations.accept(session, service, actor, received, name, title, owner)
        body = OriginalView.of(row).model_dump(mode="json")
        return (201 if new else 200), body, {"Location": f"/api/v1/originals/{row.id}"}

    return idempotency.once(service, actor, key, asked, do)


@router.get("/originals")
def search(
    request: Request,
    actor: Reader,
    before: Identifier | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> OriginalsPage:
    """List the registrations, the newest first."""
    with service_of(request).database.reading() as session:
        found = registrations.search(session, actor, limit + 1, before)
    more = len(found) > limit
    return OriginalsPage(
        items=[OriginalView.of(one) for one in found[:limit]],
        next=found[limit - 1].id if more else None,
    )


@router.get("/originals/{original}", responses=documented(404))
def show(request: Request, actor: Reader, original: Identifier) -> OriginalView:
    """Show the state of a registration."""
    with service_of(request).database.reading() as session:
        return OriginalView.of(registrations.find(session, actor, original))


@router.delete("/originals/{original}", status_code=204, responses=documented(404))
def remove(request: Request, actor: Owner, original: Identifier) -> None:
    """Remove a registration: files that show it are no longer recognised."""
    service = service_of(request)
    with service.database.transaction() as session:
        registrations.remove(session, service, actor, original)
