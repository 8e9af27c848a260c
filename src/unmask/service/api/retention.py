"""Deletion of media on request, and legal holds that stop it."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from unmask.service.api.access import Admin, Guarded, service_of
from unmask.service.api.cases import Identifier
from unmask.service.domain import retention
from unmask.service.store.tables import Media

router = APIRouter(prefix="/checks/{check}/media", tags=["retention"], route_class=Guarded)


class Reason(BaseModel):
    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]


class Kept(BaseModel):
    """Whether a file may be deleted, and whether it was; times in seconds since 1970."""

    sha256: str
    stored: float
    hold: str | None
    deleted: float | None

    @classmethod
    def of(cls, media: Media) -> Kept:
        return cls.model_validate(media, from_attributes=True)


@router.delete("", status_code=204)
def delete_media(request: Request, actor: Admin, check: Identifier) -> None:
    """Delete the file and all reports on it at once. The result stays; it has no pictures."""
    retention.delete(service_of(request), actor, check, time.time())


@router.put("/hold")
def hold_media(request: Request, actor: Admin, check: Identifier, form: Reason) -> Kept:
    """Keep the file until it is released, whatever its age."""
    with service_of(request).database.transaction() as session:
        return Kept.of(retention.hold(session, actor, check, form.reason))


@router.delete("/hold")
def release_media(request: Request, actor: Admin, check: Identifier) -> Kept:
    """End the legal hold."""
    with service_of(request).database.transaction() as session:
        return Kept.of(retention.release(session, actor, check))
