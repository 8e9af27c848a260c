"""Deletion and legal hold of a file, on the page of its check; for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from unmask.service.api.access import Admin, service_of
from unmask.service.domain import retention
from unmask.service.page.rendering import HEADERS, PageRoute

router = APIRouter(prefix="/checks/{check}/media", route_class=PageRoute)


@router.post("/hold")
def hold(
    request: Request, actor: Admin, check: str, reason: Annotated[str, Form(max_length=1000)] = ""
) -> Response:
    with service_of(request).database.transaction() as session:
        retention.hold(session, actor, check, reason)
    return _back(check)


@router.post("/release")
def release(request: Request, actor: Admin, check: str) -> Response:
    with service_of(request).database.transaction() as session:
        retention.release(session, actor, check)
    return _back(check)


@router.post("/deletion")
def delete(
    request: Request, actor: Admin, check: str, sure: Annotated[str, Form(pattern="^(yes|)$")] = ""
) -> Response:
    """Deletes the file only if the box is ticked, since a deletion cannot be undone."""
    service = service_of(request)
    if sure:
        retention.delete(service, actor, check, service.database.now())
    return _back(check)


def _back(check: str) -> Response:
    return RedirectResponse(f"/checks/{check}#custody", 303, HEADERS)
