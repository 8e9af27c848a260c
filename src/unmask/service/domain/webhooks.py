"""Webhooks: addresses of other programs that are told about events.

`deliveries` sends the messages, each a job of its own.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from unmask.service.domain.tenancy import owned
from unmask.service.people import audit
from unmask.service.people.actor import Actor
from unmask.service.problems import not_found
from unmask.service.store.database import now
from unmask.service.store.tables import Check, Delivery, Take, Webhook

PREFIX = "whsec_"

EVENTS = (
    "check.done", "check.failed",
    "case.opened", "case.decided", "case.corrected", "case.appealed", "case.reopened",
    "take.done", "take.failed", "live.done",
)  # fmt: skip
"""All events that webhooks can be told of."""


def add(session: Session, actor: Actor, url: str, events: Sequence[str]) -> Webhook:
    """Adds a webhook of the tenant, with a secret of its own."""
    secret = PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    webhook = Webhook(tenant=actor.tenant, url=url, secret=secret, events=list(events))
    session.add(webhook)
    session.flush()
    audit.record(session, actor, "webhook.added", webhook.id)
    return webhook


def find(session: Session, actor: Actor, webhook: str) -> Webhook:
    """Returns the tenant's webhook with this id; 404 otherwise."""
    found = owned(session, Webhook, actor, webhook, "webhook")
    if not found.active:
        raise not_found("webhook")
    return found


def listing(session: Session, actor: Actor) -> Sequence[Webhook]:
    return session.scalars(
        select(Webhook).filter_by(tenant=actor.tenant, active=True).order_by(Webhook.id)
    ).all()


def remove(session: Session, actor: Actor, webhook: str) -> None:
    """Ends a webhook; its pending messages are not delivered."""
    find(session, actor, webhook).active = False
    audit.record(session, actor, "webhook.removed", webhook)


def announce(session: Session, tenant: str, event: str, data: Mapping[str, Any]) -> None:
    """Queues a message about one of `EVENTS` to each of the tenant's webhooks that wants it."""
    payload = {"type": event, "timestamp": _iso(now(session)), "data": dict(data)}
    for webhook in session.scalars(select(Webhook).filter_by(tenant=tenant, active=True)):
        if event in webhook.events:
            session.add(Delivery(tenant=tenant, webhook=webhook.id, event=event, payload=payload))


def about_check(check: Check) -> dict[str, Any]:
    """Returns what a message says of a check; the receiver can ask the API for the rest."""
    names = ("id", "name", "sha256", "state", "verdict", "outcome", "log10_lr")
    return {name: getattr(check, name) for name in names}


def about_take(take: Take) -> dict[str, Any]:
    """Returns what a message says of a take, as `about_check` does of a check."""
    return {name: getattr(take, name) for name in ("name", "sha256", "state", "answer")}


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
