"""Delivery of messages to webhooks: signing, parallel sending, and retries.

No organisation's messages wait for another's. Headers and signature follow Standard Webhooks 1.0
(standardwebhooks.com), for which verifying libraries exist in most languages: ``v1,`` and base64 of
HMAC-SHA256 over ``id.timestamp.body``. A message may arrive twice: its id and its body, with the
time of the event, stay the same, and the signed timestamp is that of the attempt.
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
from unmask.service.domain.network import Forbidden, open_response
from unmask.service.domain.tenancy import newest
from unmask.service.people import audit
from unmask.service.people.actor import Actor
from unmask.service.problems import Problem, not_found
from unmask.service.store import jobs
from unmask.service.store.service import Service
from unmask.service.store.tables import Delivery, Webhook

WAITS = (5.0, 60.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 36000.0)
"""Seconds before each further attempt; given up after the last: about 28 hours."""

SECONDS = 20.0
"""Seconds that the other side has to answer."""

AT_ONCE, TO_WEBHOOK = 64, 2
"""Maximum messages being sent at a time by one machine: in all, and to one webhook."""

SHARE = 0.25
"""Share of the free places that one organisation may hold, so that one is left for any other.

These are the dynamic thresholds of switches that share their memory (Choudhury and Hahne 1998).
One organisation alone holds 13 of 64 places at most; of ten that hang each holds some 5, and 14
stay free.
"""

KEPT = 30 * 86400.0
"""Seconds that the log keeps a message that was taken or given up."""

Send = Callable[[Service, Delivery], None]


def send(service: Service, job: Delivery) -> None:
    """Sends one claimed message, and records the outcome."""
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
    """Sends this process's messages, each in a thread of its own.

    One that hangs costs its receiver one of the receiver's places.

    Args:
        send: sends one message.
    """

    def __init__(self, service: Service, send: Send = send) -> None:
        self._service, self._send = service, send
        self._threads = ThreadPoolExecutor(AT_ONCE, "delivery")
        self._away: dict[Future[None], Delivery] = {}

    def hand_out(self) -> bool:
        """Starts sending the due messages for which there is room, the oldest first.

        It returns False if there are none.

        Raises:
            DBAPIError: the database does not answer, or did not answer when the outcome of an
                earlier message was to be recorded.
        """
        self._take_back()
        sent = False
        while len(self._away) < AT_ONCE and (job := self._next()):
            self._away[self._threads.submit(self._send, self._service, job)] = job
            sent = True
        return sent

    def wait(self, seconds: float) -> None:
        """Waits until a message has been sent, or for so many seconds."""
        if self._away:
            wait(self._away, seconds, FIRST_COMPLETED)
        else:
            time.sleep(seconds)

    def close(self) -> None:
        """Waits for all messages. Another process resends one without a recorded outcome."""
        self._threads.shutdown()

    def _next(self) -> Delivery | None:
        most = SHARE * (AT_ONCE - len(self._away))
        of_tenant = Counter(job.tenant for job in self._away.values())
        to_webhook = Counter(job.webhook for job in self._away.values())
        free: list[ColumnElement[bool]] = [
            Delivery.tenant.not_in([one for one, count in of_tenant.items() if count >= most]),
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
    """Lists the messages to a webhook of the tenant before an id, the newest first.

    Raises:
        Problem: 404, no such webhook.
    """
    webhooks.find(session, actor, webhook)
    return newest(session, Delivery, select(Delivery).filter_by(webhook=webhook), limit, before)


def replay(session: Session, actor: Actor, webhook: str, delivery: str) -> Delivery:
    """Queues a message again under the same id, with all its attempts.

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
    jobs.requeue(session, row)
    audit.record(session, actor, "webhook.replayed", webhook, delivery=delivery)
    return row


def replay_failed(session: Session, actor: Actor, webhook: str) -> int:
    """Queues all messages again that were given up; returns their number.

    Raises:
        Problem: 404, no such webhook.
    """
    webhooks.find(session, actor, webhook)
    rows = session.scalars(
        select(Delivery).filter_by(webhook=webhook, state="failed").with_for_update()
    ).all()
    for row in rows:
        jobs.requeue(session, row)
    if rows:
        audit.record(session, actor, "webhook.replayed", webhook, count=len(rows))
    return len(rows)


def drop_old(session: Session, now: float) -> None:
    """Deletes messages that were taken or given up more than `KEPT` s ago."""
    session.execute(delete(Delivery).where(Delivery.finished <= now - KEPT))


def sign(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """Signs a message: its id, its time in seconds since 1970, and its body."""
    key = base64.b64decode(secret.removeprefix(webhooks.PREFIX))
    digest = hmac.new(key, f"{message}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


async def _post(service: Service, webhook: Webhook, job: Delivery) -> tuple[bool, str]:
    body, timestamp = json.dumps(job.payload).encode(), int(service.database.now())
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
            open_response(
                "POST", webhook.url, None, private, hops=0, content=body, headers=headers
            ) as response,
        ):
            return response.is_success, f"answered {response.status_code}"
    except Forbidden as error:
        return False, str(error)
    except (httpx.HTTPError, TimeoutError) as error:
        return False, f"does not answer ({type(error).__name__})"
