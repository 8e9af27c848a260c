"""Administration page of webhooks: their addresses, deliveries, and sending again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from unmask.service.api import webhooks as api
from unmask.service.api.access import Admin, service_of
from unmask.service.domain import deliveries, webhooks
from unmask.service.page.rendering import HEADERS, PageRoute, language_of, render
from unmask.service.people.actor import Actor
from unmask.service.problems import Problem

router = APIRouter(route_class=PageRoute)

LISTED = 50
"""Messages per screen."""


@router.get("/webhooks")
def listing(request: Request, actor: Admin) -> Response:
    return _listing(request, actor)


@router.post("/webhooks")
def add(
    request: Request,
    actor: Admin,
    url: Annotated[str, Form(max_length=2000)],
    events: Annotated[list[api.Event], Form()] = [],  # noqa: B006
) -> Response:
    try:
        api.check(url, events)
    except Problem as problem:
        return _listing(request, actor, problem, url=url, wanted=events)
    with service_of(request).database.transaction() as session:
        made = webhooks.add(session, actor, url, events)
    return _listing(request, actor, secret=made.secret)


@router.get("/webhooks/{webhook}")
def log(
    request: Request,
    actor: Admin,
    webhook: str,
    before: Annotated[str | None, Query(max_length=64, pattern=r"^[0-9a-f-]+$")] = None,
) -> Response:
    with service_of(request).database.reading() as session:
        row = webhooks.find(session, actor, webhook)
        found = deliveries.log(session, actor, webhook, LISTED + 1, before)
    more = f"before={found[LISTED - 1].id}" if len(found) > LISTED else ""
    return render(request, "webhook.html.j2", webhook=row, deliveries=found[:LISTED], next=more)


@router.post("/webhooks/{webhook}/replays")
def replay_failed(request: Request, actor: Admin, webhook: str) -> Response:
    with service_of(request).database.transaction() as session:
        deliveries.replay_failed(session, actor, webhook)
    return RedirectResponse(f"/webhooks/{webhook}", 303, HEADERS)


@router.post("/webhooks/{webhook}/deliveries/{delivery}/replays")
def replay(request: Request, actor: Admin, webhook: str, delivery: str) -> Response:
    with service_of(request).database.transaction() as session:
        deliveries.replay(session, actor, webhook, delivery)
    return RedirectResponse(f"/webhooks/{webhook}", 303, HEADERS)


@router.post("/webhooks/{webhook}/remove")
def remove(request: Request, actor: Admin, webhook: str) -> Response:
    with service_of(request).database.transaction() as session:
        webhooks.remove(session, actor, webhook)
    return RedirectResponse("/webhooks", 303, HEADERS)


def _listing(
    request: Request,
    actor: Actor,
    problem: Problem | None = None,
    secret: str = "",
    url: str = "",
    wanted: list[api.Event] | None = None,
) -> Response:
    with service_of(request).database.reading() as session:
        found = webhooks.listing(session, actor)
    values = {
        "webhooks": found,
        "events": webhooks.EVENTS,
        "secret": secret,
        "url": url,
        "wanted": webhooks.EVENTS[:2] if wanted is None else wanted,
        "wrong": language_of(request).say(problem.message) if problem else "",
    }
    return render(request, "webhooks.html.j2", problem.status if problem else 200, **values)
