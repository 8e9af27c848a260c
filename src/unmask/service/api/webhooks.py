"""Webhooks: addresses that are told about results."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from unmask.service.api import idempotency
from unmask.service.api.access import Admin, Guarded, service_of
from unmask.service.api.checks import Identifier
from unmask.service.api.problems import documented
from unmask.service.domain import webhooks
from unmask.service.problems import Problem
from unmask.service.store.tables import Webhook

router = APIRouter(tags=["webhooks"], route_class=Guarded)

Event = Literal["check.done", "check.failed"]


class NewWebhook(BaseModel):
    """Where to tell about what."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=2000, pattern=r"^https?://")]
    events: Annotated[list[Event], Field(min_length=1, max_length=10)] = ["check.done", "check.failed"]


class WebhookView(BaseModel):
    """A webhook, as it is shown: without its secret."""

    id: str
    url: str
    events: list[str]
    created: float

    @classmethod
    def of(cls, row: Webhook) -> WebhookView:
        return cls.model_validate(row, from_attributes=True)


class MadeWebhook(WebhookView):
    """A new webhook, with the secret that signs its messages: shown this once."""

    secret: str


@router.post("/webhooks", status_code=201, response_model=MadeWebhook)
def add(request: Request, actor: Admin, form: NewWebhook, key: idempotency.Key = None) -> JSONResponse:
    """Be told about results. Messages are signed as Standard Webhooks 1.0 has it."""
    if not _host(form.url):
        raise Problem(422, "Not understood", "url: there is no host in it")

    def do(session: Session) -> idempotency.Answer:
        row = webhooks.add(session, actor, form.url, form.events)
        return 201, MadeWebhook(**WebhookView.of(row).model_dump(), secret=row.secret).model_dump(mode="json"), {}

    return idempotency.once(service_of(request), actor, key, {"path": "/webhooks", **form.model_dump()}, do)


@router.get("/webhooks")
def listing(request: Request, actor: Admin) -> list[WebhookView]:
    """All webhooks of the organisation."""
    with service_of(request).database.reading() as session:
        return [WebhookView.of(row) for row in webhooks.listing(session, actor)]


@router.delete("/webhooks/{webhook}", status_code=204, responses=documented(404))
def remove(request: Request, actor: Admin, webhook: Identifier) -> None:
    """Tell this address no more."""
    with service_of(request).database.transaction() as session:
        webhooks.remove(session, actor, webhook)


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
