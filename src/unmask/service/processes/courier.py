"""The process that delivers messages to webhooks, and cleans up in between."""

from __future__ import annotations

import logging
import time

from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError

from unmask.service.domain import deliveries, retention, sweeping, uploads
from unmask.service.domain.deliveries import Post
from unmask.service.processes.backoff import Backoff
from unmask.service.processes.stopping import Stopping
from unmask.service.store import migrations
from unmask.service.store.service import Service
from unmask.service.store.tables import Answered

IDLE = 0.5
"""Seconds between two checks for a message."""

EVERY = 30.0
"""Seconds between two cleanings."""

SCRATCH = 24 * 3600.0
"""Age since its last write at which a temporary file is taken for a killed process's, s."""

ANSWERS = 24 * 3600.0
"""Seconds for which the answer to an Idempotency-Key is kept."""

log = logging.getLogger(__name__)


class Courier:
    """Delivers messages and cleans up until told to stop.

    Args:
        stopping: tells when.
    """

    def __init__(self, service: Service, stopping: Stopping) -> None:
        self._service, self._stopping = service, stopping

    def run(self) -> None:
        """Works until told to stop; raises as `tidy`."""
        due, backoff, post = time.monotonic(), Backoff(self._stopping), Post(self._service)
        while not self._stopping():
            try:
                if time.monotonic() >= due:
                    due = time.monotonic() + EVERY
                    tidy(self._service)
                if not post.hand_out():
                    post.wait(IDLE)
                backoff.reset()
            except (DBAPIError, OSError) as error:
                log.warning("the database or the storage does not answer: %s", type(error).__name__)
                backoff.wait()
        post.close()


def tidy(service: Service) -> None:
    """Finishes interrupted work, and deletes what has expired.

    Raises:
        UsageError: a newer version made tables that this one would misread.
    """
    with service.database.reading() as session:
        migrations.fit(session)
    uploads.tidy(service)
    service.storage.drop_scratch(time.time() - SCRATCH)
    moment = service.database.now()
    retention.run(service, moment)
    sweeping.run(service, moment)
    with service.database.transaction() as session:
        session.execute(delete(Answered).where(Answered.created < moment - ANSWERS))
        deliveries.drop_old(session, moment)
