"""Messages to webhooks on their way: signed, many at once, sent again, and none waiting for another
organisation's.

Headers and signature follow Standard Webhooks 1.0 (standardwebhooks.com), for which verifying
libraries exist in most languages: ``v1,`` and base64 of HMAC-SHA256 over ``id.timestamp.body``. A
message may arrive twice; its id tells.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import httpx
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from unmask.service.domain import webhooks
from unmask.service.domain.network import Forbidden, opened
from unmask.service.domain.tenancy import newest
from unmask.service.people import audit
from unmask.service.people.actor import Actor
from unmask.service.problems import Problem, not_found
from unmask.service.store import jobs
from unmask.service.store.service import Service
from unmask.service.store.tables import Delivery, Webhook

WAITS = (5.0, 60.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 36000.0)
"""s before each further attempt; given up after the last: about 28 hours."""

SECONDS = 20.0
"""s that the other side has to answer."""

AT_ONCE, OF_TENANT, TO_WEBHOOK = 32, 8, 2
"""Most messages on their way at a time from one machine: in all, of one organisation, and to one
webhook.
"""

KEPT = 30 * 86400.0
"""s that the log keeps a message that was taken or given up."""

Send = Callable[[Service, Delivery], None]


def send(service: Service, job: Delivery) -> None:
    """Sends one message that was claimed, and writes down what came of it."""
    with service.database.reading() as session:
        webhook = session.get(Webhook, job.webhook)
    active = webhook is not None and webhook.active
    taken, answer = (
        asyncio.run(_post(service, webhook, job))
        if webhook and active
        else (False, "the webhook was removed")
    )
    with jobs.held(service.database, job) as (session, row):
        if row is None:
            return
        row.answer = answer
        if taken:
            jobs.end(session, row, "done")
        elif active and row.attempts <= len(WAITS):
            jobs.put_back(session, row, WAITS[row.attempts - 1])
        else:
            jobs.end(session, row, "failed")


class Post:
    """All messages that are on their way from this process, a thread each: one that hangs costs its
    receiver one of its places.

    Args:
        send: what is done with each.
    """

    def __init__(self, service: Service, send: Send = send) -> None:
        self._service, self._send = service, send
        self._threads = ThreadPoolExecutor(AT_ONCE, "delivery")
        self._away: dict[Future[None], Delivery] = {}

    def hand_out(self) -> bool:
        """Sends off whatever is due and has a place, the oldest first; False if that is nothing.

        Raises:
            DBAPIError: the database does not answer; so, too, where it did not when something sent
                before was to be written down.
        """
        self._take_back()
        sent = False
        while len(self._away) < AT_ONCE and (job := self._next()):
            self._away[self._threads.submit(self._send, self._service, job)] = job
            sent = True
        return sent

    def wait(self, seconds: float) -> None:
        """Waits until one that is on its way has arrived, or so long."""
        if self._away:
            wait(self._away, seconds, FIRST_COMPLETED)
        else:
            time.sleep(seconds)

    def close(self) -> None:
        """Waits for all; whatever is not written down is sent again by another."""
        self._threads.shutdown()

    def _next(self) -> Delivery | None:
        of_tenant = Counter(job.tenant for job in self._away.values())
        to_webhook = Counter(job.webhook for job in self._away.values())
        free: list[ColumnElement[bool]] = [
            Delivery.tenant.not_in([one for one, count in of_tenant.items() if count >= OF_TENANT]),
            Delivery.webhook.not_in(
                [one for one, count in to_webhook.items() if count >= TO_WEBHOOK]
            ),
        ]
        return jobs.claim(self._service.database, Delivery, 3 * SECONDS, *free)

    def _take_back(self) -> None:
        arrived = [future for future in self._away if future.done()]
        for future in arrived:
            del self._away[future]
        for future in arrived:
            future.result()


def log(
    session: Session, actor: Actor, webhook: str, limit: int, before: str | None = None
) -> Sequence[Delivery]:
    """The messages to a webhook of the tenant, the newest first, those of before one id.

    Raises:
        Problem: 404, no such webhook.
    """
    webhooks.find(session, actor, webhook)
    return newest(session, Delivery, select(Delivery).filter_by(webhook=webhook), limit, before)


def replay(session: Session, actor: Actor, webhook: str, delivery: str) -> Delivery:
    """Sends a message again, under its id, as if it never had been.

    Raises:
        Problem: 404, no such message of such a webhook; 409, it is still to be sent.
    """
    webhooks.find(session, actor, webhook)
    row = session.get(Delivery, delivery, with_for_update=True)
    if row is None or row.webhook != webhook:
        raise not_found("delivery")
    if row.finished is None:
        raise Problem(
            409,
            "Under way",
            "the message has neither been taken nor given up; it is sent again by itself",
        )
    _again(row)
    audit.record(session, actor, "webhook.replayed", webhook, delivery=delivery)
    return row


def replay_failed(session: Session, actor: Actor, webhook: str) -> int:
    """Sends all messages again that were given up; how many.

    Raises:
        Problem: 404, no such webhook.
    """
    webhooks.find(session, actor, webhook)
    rows = session.scalars(
        select(Delivery).filter_by(webhook=webhook, state="failed").with_for_update()
    ).all()
    for row in rows:
        _again(row)
    if rows:
        audit.record(session, actor, "webhook.replayed", webhook, count=len(rows))
    return len(rows)


def drop_old(session: Session, now: float) -> None:
    """Forgets what was taken or given up so long ago that nobody asks any more."""
    session.execute(delete(Delivery).where(Delivery.finished <= now - KEPT))


def sign(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """The signature of a message: its id, its time in seconds since 1970, and its body."""
    key = base64.b64decode(secret.removeprefix(webhooks.PREFIX))
    digest = hmac.new(key, f"{message}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _again(row: Delivery) -> None:
    row.state, row.finished, row.lease_until, row.attempts, row.lapses = "queued", None, 0.0, 0, 0


async def _post(service: Service, webhook: Webhook, job: Delivery) -> tuple[bool, str]:
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
            opened(
                "POST", webhook.url, None, private, hops=0, content=body, headers=headers
            ) as response,
        ):
            return response.is_success, f"answered {response.status_code}"
    except Forbidden as error:
        return False, str(error)
    except (httpx.HTTPError, TimeoutError) as error:
        return False, f"does not answer ({type(error).__name__})"
