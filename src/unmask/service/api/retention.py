"""Deletion of media on request, and legal holds that stop it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from unmask.service.api.access import Admin, Guarded, service_of
from unmask.service.api.cases import Identifier
from unmask.service.domain import retention
from unmask.service.store.tables import Media

router = APIRouter(tags=["retention"], route_class=Guarded)

MEDIA = "/checks/{check}/media"


class Reason(BaseModel):
    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]


class Kept(BaseModel):
    """A file's storage time, legal hold and deletion; times in seconds since 1970."""

    sha256: str
    stored: float
    hold: str | None
    deleted: float | None

    @classmethod
    def of(cls, media: Media) -> Kept:
        return cls.model_validate(media, from_attributes=True)


@router.delete(MEDIA, status_code=204)
def delete_media(request: Request, actor: Admin, check: Identifier) -> None:
    """Delete the file and all reports on it at once. The result stays, without pictures."""
    service = service_of(request)
    retention.delete(service, actor, check, service.database.now())


@router.put(f"{MEDIA}/hold")
def hold_media(request: Request, actor: Admin, check: Identifier, form: Reason) -> Kept:
    """Keep the file until it is released, whatever its age."""
    with service_of(request).database.transaction() as session:
        return Kept.of(retention.hold(session, actor, check, form.reason))


@router.delete(f"{MEDIA}/hold")
def release_media(request: Request, actor: Admin, check: Identifier) -> Kept:
    """End the legal hold."""
    with service_of(request).database.transaction() as session:
        return Kept.of(retention.release(session, actor, check))


class DueFiles(BaseModel):
    """Number of files that are due but wait for a person, because they are too many at once."""

    waiting: int


@router.get("/retention")
def show_retention(request: Request, actor: Admin) -> DueFiles:
    """Show whether a deletion waits for confirmation.

    It waits if more than 20 files are due at once, and more than a tenth of all that the
    organisation has.
    """
    service = service_of(request)
    return DueFiles(waiting=retention.waiting(service, actor, service.database.now()))


@router.post("/retention/confirmations", status_code=201)
def confirm_retention(request: Request, actor: Admin) -> DueFiles:
    """Confirm that all due files be deleted, however many, for a day. Only a person can."""
    service = service_of(request)
    now = service.database.now()
    waiting = retention.waiting(service, actor, now)
    with service.database.transaction() as session:
        retention.confirm(session, actor, waiting, now)
    return DueFiles(waiting=waiting)
