"""Webhooks over HTTP: addresses that are told about results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from unmask.messages import Message
from unmask.service.api import idempotency
from unmask.service.api.access import Admin, Guarded, service_of
from unmask.service.api.checks import Identifier
from unmask.service.api.problems import documented
from unmask.service.domain import deliveries, webhooks
from unmask.service.problems import Problem
from unmask.service.store.tables import Delivery, Webhook

router = APIRouter(tags=["webhooks"], route_class=Guarded)

Event = Literal[
    "check.done", "check.failed",
    "case.opened", "case.decided", "case.corrected", "case.appealed", "case.reopened",
    "take.done", "take.failed", "live.done",
]  # fmt: skip


class NewWebhook(BaseModel):
    """A webhook to add: its address, and the events it is told about."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=2000, pattern=r"^https?://")]
    events: Annotated[list[Event], Field(min_length=1, max_length=10)] = [
        "check.done",
        "check.failed",
    ]


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
    """A new webhook, with the secret that signs its messages; it is shown only this once."""

    secret: str


class DeliveryView(BaseModel):
    """A message to a webhook, and the state of its delivery."""

    id: Annotated[str, Field(description="As in the header webhook-id.")]
    event: str
    state: Annotated[
        Literal["queued", "running", "done", "failed"],
        Field(description="Failed: it was given up."),
    ]
    attempts: int
    answer: Annotated[str | None, Field(description="What the last attempt met with.")]
    created: Annotated[float, Field(description="Seconds since 1970.")]
    finished: float | None
    payload: dict[str, Any]

    @classmethod
    def of(cls, row: Delivery) -> DeliveryView:
        return cls.model_validate(row, from_attributes=True)


class Deliveries(BaseModel):
    """Messages, the newest first."""

    items: list[DeliveryView]
    next: Annotated[str | None, Field(description="Give it as `before` to go on; null at the end.")]


class Replayed(BaseModel):
    """Number of messages that are sent again."""

    count: int


@router.post("/webhooks", status_code=201, response_model=MadeWebhook)
def add(
    request: Request, actor: Admin, form: NewWebhook, key: idempotency.Key = None
) -> JSONResponse:
    """Add a webhook that is told about checks, cases and live checks.

    Messages are signed as Standard Webhooks 1.0 specifies.
    """
    check(form.url, form.events)

    def do(session: Session) -> idempotency.Answer:
        row = webhooks.add(session, actor, form.url, form.events)
        return (
            201,
            MadeWebhook(**WebhookView.of(row).model_dump(), secret=row.secret).model_dump(
                mode="json"
            ),
            {},
        )

    return idempotency.once(
        service_of(request), actor, key, {"path": "/webhooks", **form.model_dump()}, do
    )


@router.get("/webhooks")
def listing(request: Request, actor: Admin) -> list[WebhookView]:
    """List all webhooks of the organisation."""
    with service_of(request).database.reading() as session:
        return [WebhookView.of(row) for row in webhooks.listing(session, actor)]


@router.delete("/webhooks/{webhook}", status_code=204, responses=documented(404))
def remove(request: Request, actor: Admin, webhook: Identifier) -> None:
    """Remove a webhook; it is told nothing more."""
    with service_of(request).database.transaction() as session:
        webhooks.remove(session, actor, webhook)


@router.get("/webhooks/{webhook}/deliveries", responses=documented(404))
def log(
    request: Request,
    actor: Admin,
    webhook: Identifier,
    before: Identifier | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Deliveries:
    """List the messages to a webhook, the newest first.

    The log keeps a message for 30 days after it was taken or given up.
    """
    with service_of(request).database.reading() as session:
        found = deliveries.log(session, actor, webhook, limit + 1, before)
    more = found[limit - 1].id if len(found) > limit else None
    return Deliveries(items=[DeliveryView.of(row) for row in found[:limit]], next=more)


@router.post(
    "/webhooks/{webhook}/deliveries/{delivery}/replays",
    status_code=202,
    responses=documented(404, 409),
)
def replay(
    request: Request, actor: Admin, webhook: Identifier, delivery: Identifier
) -> DeliveryView:
    """Send a message again that was taken or given up, under the same id."""
    with service_of(request).database.transaction() as session:
        return DeliveryView.of(deliveries.replay(session, actor, webhook, delivery))


@router.post("/webhooks/{webhook}/replays", status_code=202, responses=documented(404))
def replay_failed(request: Request, actor: Admin, webhook: Identifier) -> Replayed:
    """Send all messages again that were given up, for example after an outage of yours."""
    with service_of(request).database.transaction() as session:
        return Replayed(count=deliveries.replay_failed(session, actor, webhook))


def check(url: str, events: Sequence[str]) -> None:
    """Refuses an invalid address or an empty list of events; raises a `Problem`, 422."""
    try:
        parts = urlsplit(url)
        leads = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        leads = False
    if not leads:
        raise Problem(422, "Not understood", Message("refusal.leads_nowhere"))
    if not events:
        raise Problem(422, "Not understood", Message("refusal.no_event"))
