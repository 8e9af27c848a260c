"""Administration page of the register of licences: listing, adding and removing documents."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from unmask.service.api.access import Admin, service_of
from unmask.service.domain import licences
from unmask.service.page.rendering import HEADERS, PageRoute, language_of, render
from unmask.service.people.actor import Actor
from unmask.service.problems import Problem

router = APIRouter(route_class=PageRoute)

LISTED = 100
"""Documents per screen."""


@router.get("/licences")
def listing(
    request: Request,
    actor: Admin,
    before: Annotated[str | None, Query(max_length=64, pattern=r"^[0-9a-f-]+$")] = None,
) -> Response:
    return _listing(request, actor, before)


@router.post("/licences")
def add(request: Request, actor: Admin, text: Annotated[str, Form(max_length=200_000)]) -> Response:
    service = service_of(request)
    try:
        with service.database.transaction() as session:
            licences.add(session, service, actor, text.replace("\x00", ""))
    except Problem as problem:
        return _listing(request, actor, None, problem, text)
    return RedirectResponse("/licences", 303, HEADERS)


@router.post("/licences/{document}/remove")
def remove(request: Request, actor: Admin, document: str) -> Response:
    with service_of(request).database.transaction() as session:
        licences.remove(session, actor, document)
    return RedirectResponse("/licences", 303, HEADERS)


def _listing(
    request: Request,
    actor: Actor,
    before: str | None,
    problem: Problem | None = None,
    text: str = "",
) -> Response:
    with service_of(request).database.reading() as session:
        found = licences.search(session, actor, LISTED + 1, before)
    values = {
        "documents": found[:LISTED],
        "next": f"before={found[LISTED - 1].id}" if len(found) > LISTED else "",
        "text": text,
        "wrong": language_of(request).say(problem.message) if problem else "",
    }
    return render(request, "licences.html.j2", problem.status if problem else 200, **values)
