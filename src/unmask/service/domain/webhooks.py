"""Telling other programs about results: signed, retried, each message a job of its own.

Headers and signature follow Standard Webhooks 1.0 (standardwebhooks.com), for which verifying libraries exist in most
languages: ``v1,`` and base64 of HMAC-SHA256 over ``id.timestamp.body``. A message may arrive twice; its id tells.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Sequence
from typing import Any

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from unmask.service.domain.network import Forbidden, opened
from unmask.service.people import audit
from unmask.service.people.actor import Actor
from unmask.service.problems import not_found
from unmask.service.store import jobs
from unmask.service.store.database import now
from unmask.service.store.service import Service
from unmask.service.store.tables import Check, Delivery, Webhook

PREFIX = "whsec_"

WAITS = (5.0, 60.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 36000.0)
"""s before each further attempt; given up after the last: about 28 hours."""

SECONDS = 20.0
"""s that the other side has to answer."""


def add(session: Session, actor: Actor, url: str, events: Sequence[str]) -> Webhook:
    """A new webhook of the tenant, with a secret of its own."""
    secret = PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    webhook = Webhook(tenant=actor.tenant, url=url, secret=secret, events=list(events))
    session.add(webhook)
    session.flush()
    audit.record(session, actor, "webhook.added", webhook.id)
    return webhook


def find(session: Session, actor: Actor, webhook: str) -> Webhook:
    """The tenant's webhook with this id; 404 otherwise."""
    found = session.get(Webhook, webhook)
    if found is None or found.tenant != actor.tenant or not found.active:
        raise not_found("webhook")
    return found


def listing(session: Session, actor: Actor) -> Sequence[Webhook]:
    return session.scalars(select(Webhook).filter_by(tenant=actor.tenant, active=True).order_by(Webhook.id)).all()


def remove(session: Session, actor: Actor, webhook: str) -> None:
    """Ends a webhook; what is still to be delivered is not."""
    find(session, actor, webhook).active = False
    audit.record(session, actor, "webhook.removed", webhook)


def announce(session: Session, check: Check) -> None:
    """Queues a message about a finished check to each webhook that wants it."""
    event = f"check.{check.state}"
    payload = {"type": event, "timestamp": _iso(check.finished or now(session)), "data": summary(check)}
    for webhook in session.scalars(select(Webhook).filter_by(tenant=check.tenant, active=True)):
        if event in webhook.events:
            session.add(Delivery(tenant=check.tenant, webhook=webhook.id, event=event, payload=payload))


def summary(check: Check) -> dict[str, Any]:
    """What a message says of a check; whoever may, asks for the rest."""
    return {
        "id": check.id,
        "name": check.name,
        "sha256": check.sha256,
        "state": check.state,
        "verdict": check.verdict,
        "outcome": check.outcome,
        "log10_lr": check.log10_lr,
    }


def sign(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """The signature of a message: its id, its time in seconds since 1970, and its body."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.new(key, f"{message}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def deliver(service: Service) -> bool:
    """Sends the message that has waited longest; False if none is due."""
    job = jobs.claim(service.database, Delivery, 3 * SECONDS)
    if job is None:
        return False
    with service.database.reading() as session:
        webhook = session.get(Webhook, job.webhook)
    active = webhook is not None and webhook.active
    taken, answer = (
        asyncio.run(_send(service, webhook, job)) if webhook and active else (False, "the webhook was removed")
    )
    with jobs.held(service.database, job) as (session, row):
        if row is None:
            return True
        row.answer = answer
        if taken:
            jobs.end(session, row, "done")
        elif active and row.attempts <= len(WAITS):
            jobs.put_back(session, row, WAITS[row.attempts - 1])
        else:
            jobs.end(session, row, "failed")
    return True


async def _send(service: Service, webhook: Webhook, job: Delivery) -> tuple[bool, str]:
    body, timestamp = json.dumps(job.payload).encode(), int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Unmask",
        "webhook-id": job.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(webhook.secret, job.id, timestamp, body),
    }
    private = service.settings.webhook_private
    try:
        async with (
            asyncio.timeout(SECONDS),
            opened("POST", webhook.url, None, private, hops=0, content=body, headers=headers) as response,
        ):
            return response.is_success, f"answered {response.status_code}"
    except Forbidden as error:
        return False, str(error)
    except (httpx.HTTPError, TimeoutError) as error:
        return False, f"does not answer ({type(error).__name__})"


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
