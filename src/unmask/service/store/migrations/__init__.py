"""Migrations of the tables: Alembic's revisions, in order.

While machines are upgraded one by one, two versions share the tables. So a revision only adds:
tables, indexes, and columns that are nullable or have a server default. What no version needs any
more is dropped a version later.

The row of `Compatibility` names the oldest revision whose version still works with the tables. A
revision that an older version would fail on, or misread, sets it anew: it drops something, or
brings a state, an outcome, an option or a restriction that the older one does not know. Such an
upgrade needs all machines to be stopped, and the changelog says so.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from unmask.errors import UsageError
from unmask.service.store.database import Database, sqlstate
from unmask.service.store.tables import Compatibility

FOLDER = Path(__file__).parent

HEAD = max(path.name.partition("_")[0] for path in FOLDER.glob("versions/[0-9]*.py"))
"""Revision that this version makes; revisions sort by age."""

LOCK = 0x756E6D61736B
"""PostgreSQL's advisory lock that lets one machine at a time upgrade: "unmask" in ASCII."""

TABLE_WAIT, PAUSE, ATTEMPTS = 2, 5.0, 360
"""Seconds for which a migration waits for a table, seconds between attempts, and their number.

Whoever needs the table meanwhile waits behind it. So it does not wait long for a backup, which
reads all tables in one transaction; it gives up after half an hour at least.
"""

IN_USE = {"55P03", "40P01"}
"""SQLSTATE of PostgreSQL where a lock cannot be had: the wait was over, or a deadlock."""

log = logging.getLogger(__name__)


class Fit(Enum):
    """How the tables of a database suit this version."""

    OLDER = "older"
    SAME = "same"
    NEWER = "newer"
    """This version works with them."""


def revision(session: Session) -> str:
    """Returns the revision of a database's tables; empty if there are none."""
    if not inspect(session.connection()).has_table("alembic_version"):
        return ""
    return str(session.scalar(text("SELECT version_num FROM alembic_version")))


def fit(session: Session) -> Fit:
    """Tells how the tables suit this version.

    Raises:
        UsageError: they are of a newer version, and this one does not work with them any more.
    """
    found = revision(session)
    if found <= HEAD:
        return Fit.SAME if found == HEAD else Fit.OLDER
    oldest = session.scalar(select(Compatibility.oldest))
    if oldest is None or oldest > HEAD:
        raise UsageError(
            f"a newer version of Unmask has upgraded the tables to {found}; this version knows "
            f"{HEAD}, and at least {oldest or found} is needed: install the newer version here, "
            "too, or restore the backup that was taken before into an empty place"
        )
    return Fit.NEWER


def usable(session: Session) -> Fit:
    """Tells how the tables suit this version where nobody is to upgrade them now.

    Raises:
        UsageError: as `fit`, or they are missing, or of an older version.
    """
    found = fit(session)
    if found is Fit.OLDER:
        raise UsageError(
            f"the tables are of an older version of Unmask ({revision(session) or 'none yet'}; "
            f"this one needs {HEAD}): start `unmask serve` of this version, which upgrades them"
        )
    return found


def upgrade(database: Database, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Brings the tables up to date; a second caller waits, and finds nothing to do.

    Tables of a newer version stay as they are.

    Returns:
        False if ``stopping`` said to wait no longer for tables that others use.

    Raises:
        UsageError: as `fit`.
        DBAPIError: the database fails, or other transactions hold the tables for too long.
    """
    attempts = 0
    while not _upgraded(database, attempts := attempts + 1):
        log.warning("the tables cannot be upgraded while others use them, such as a backup")
        again = time.monotonic() + PAUSE
        while time.monotonic() < again:
            if stopping():
                return False
            time.sleep(min(PAUSE, 0.2))
    return True


def _upgraded(database: Database, attempt: int) -> bool:
    """Upgrades the tables unless others hold one of them; returns whether it did."""
    try:
        with database.engine.execution_options(writing=True).begin() as connection:
            _upgrade(connection)
    except DBAPIError as error:
        if sqlstate(error) not in IN_USE or attempt == ATTEMPTS:
            raise
        return False
    return True


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{TABLE_WAIT}s'"))
    with Session(connection) as session:
        found = fit(session)
    if found is Fit.NEWER:
        log.warning("the tables are of a newer version of Unmask: upgrade this machine, too")
    elif found is Fit.OLDER:
        config = Config()
        config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
