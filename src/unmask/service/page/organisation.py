"""The page of one's organisation; for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from unmask.service.api import organisation as api
from unmask.service.api.access import Admin, service_of
from unmask.service.page.rendering import HEADERS, PageRoute, language_of, render
from unmask.service.people import second_factor
from unmask.service.people.actor import Actor
from unmask.service.problems import Problem

router = APIRouter(prefix="/organisation", route_class=PageRoute)


@router.get("")
def show(request: Request, actor: Admin) -> Response:
    return _shown(request, actor)


@router.post("/second-factor")
def require_second_factor(
    request: Request, actor: Admin, required: Annotated[str, Form(pattern="^(yes|no)$")]
) -> Response:
    try:
        with service_of(request).database.transaction() as session:
            second_factor.require(session, actor, required == "yes")
    except Problem as problem:
        return _shown(request, actor, problem)
    return RedirectResponse("/organisation", 303, HEADERS)


def _shown(request: Request, actor: Actor, problem: Problem | None = None) -> Response:
    with service_of(request).database.reading() as session:
        found = api.view(session, actor)
        having = len(second_factor.holders(session, actor))
    wrong = language_of(request).say(problem.message) if problem else ""
    status = problem.status if problem else 200
    return render(request, "organisation.html.j2", status, found=found, having=having, wrong=wrong)
