"""The service before it answers: waits for its database, and tells where its storage is away."""

from __future__ import annotations

import logging
from collections.abc import Callable

from unmask.service.people import accounts
from unmask.service.processes.backoff import Backoff
from unmask.service.settings import variable
from unmask.service.store import migrations
from unmask.service.store.outages import DatabaseUnusable, explained
from unmask.service.store.service import Service
from unmask.storage import StorageAway

log = logging.getLogger(__name__)


def upgraded(service: Service, stopping: Callable[[], bool]) -> bool | None:
    """Brings the tables up to date; returns whether any account exists.

    While PostgreSQL does not answer it waits, since after a power cut all machines start at once,
    and says so at growing intervals.

    Returns:
        None if ``stopping`` said to wait no longer.

    Raises:
        DatabaseUnusable: waiting does not help.
        UsageError: the tables are too new for this version.
    """
    backoff = Backoff(stopping)
    while not stopping():
        try:
            with explained(service.settings):
                if not migrations.upgrade(service.database, stopping):
                    return None
                with service.database.reading() as session:
                    return not accounts.nobody(session)
        except DatabaseUnusable as error:
            if not error.passing:
                raise
            log.warning("%s; it is asked again", error)
        backoff.wait()
    return None


def tell_storage(service: Service) -> None:
    """Logs whether the storage is away; the service starts all the same."""
    try:
        service.storage.reach()
    except StorageAway as error:
        log.warning(
            "%s: mend it, or %s; until then files are refused and none is judged",
            error,
            variable("storage"),
        )
