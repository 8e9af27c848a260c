"""One database, SQLite or PostgreSQL, behind SQLAlchemy."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from ssl import SSLContext, create_default_context
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    Executable,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from unmask.service.settings import PARAMETERS, ServiceSettings
from unmask.service.store import clock
from unmask.service.store.folders import private
from unmask.service.store.tables import Base

THREADS = 40
"""Maximum connections of one process: as many as Starlette has threads for requests."""

PATIENCE, BRIEF = 30.0, 1.0
"""Seconds that a writer waits for another (SQLite); the second is for optional notes."""

FRESH = 30.0
"""Seconds after which PostgreSQL is asked for the time again."""

T = TypeVar("T")
log = logging.getLogger(__name__)


class Database:
    """Sessions in a database.

    Args:
        settings: which one. SQLite needs no server; its write-ahead log lets others read while one
            writes.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self.engine = _postgresql(settings) if settings.database else _sqlite(settings)
        self._writing = self.engine.execution_options(writing=True)
        self._lock = None if settings.database else Lock()
        self._watch = None if settings.database else clock.Watch()
        self._asked: tuple[float, float] | None = None

    @contextmanager
    def transaction(self, patience: float | None = None) -> Iterator[Session]:
        """Opens a session in which everything takes effect together, at its end, or nothing does.

        SQLite lets one write at a time and the others retry at growing intervals; threads of one
        process wait in line instead.

        Args:
            patience: maximum s of each of the two waits, `PATIENCE` if None.
        """
        patience = PATIENCE if patience is None else patience
        writing = self._writing.execution_options(patience=patience)
        with (
            self._turn(patience),
            Session(writing, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def note(self, write: Callable[[Session], T]) -> T | None:
        """Runs ``write`` in a transaction and returns its value; None on a database error.

        It is for notes that a reader can do without when the database can be read but not written
        just now: a disk may be full, or another program may hold the database.
        """
        try:
            with self.transaction(BRIEF) as session:
                return write(session)
        except DBAPIError as error:
            log.warning("a note was left out: %s", type(error).__name__)
            return None

    @contextmanager
    def _turn(self, patience: float) -> Iterator[None]:
        if self._lock is None:
            yield
            return
        if not self._lock.acquire(timeout=patience):
            raise OperationalError(
                "wait for the writer before", None, TimeoutError(f"{patience} s")
            )
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Opens a session that only reads, and waits for nobody."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Opens a read-only session that sees the database as it was at its first read."""
        engine = (
            self.engine.execution_options(isolation_level="REPEATABLE READ")
            if self._lock is None
            else self.engine
        )
        with Session(engine, expire_on_commit=False) as session:
            yield session

    def now(self) -> float:
        """Returns seconds since 1970 by the shared clock.

        The clock is read every `FRESH` s; in between, the time that passed is added.
        """
        if self._watch is not None:
            return time.time()
        if self._asked is None or clock.passed() - self._asked[1] > FRESH:
            with self.reading() as session:
                self._asked = now(session), clock.passed()
        return self._asked[0] + clock.passed() - self._asked[1]

    @property
    def clock_jumped(self) -> bool:
        """Tells whether the clock is this machine's, and was set by more than an hour.

        It compares with the time since the process began.
        """
        return self._watch is not None and self._watch.jumped

    def close(self) -> None:
        self.engine.dispose()


def now(session: Session) -> float:
    """Returns seconds since 1970 by the clock that all users of the database share."""
    return clock.shared(session.connection())


def full(error: DBAPIError) -> bool:
    """Tells whether the disk is full: SQLite's code, or PostgreSQL's (SQLSTATE 53100)."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code == sqlite3.SQLITE_FULL or sqlstate(error) == "53100"


def sqlstate(error: DBAPIError) -> str | None:
    """Returns PostgreSQL's code of an error; None if the error is another database's."""
    return _field(error, "C")


def own_words(error: DBAPIError) -> str | None:
    """Returns PostgreSQL's text of an error; None if the error is another database's."""
    return _field(error, "M")


def _field(error: DBAPIError, name: str) -> str | None:
    said = error.orig.args[0] if error.orig and error.orig.args else None
    return said.get(name) if isinstance(said, dict) else None


def insert_new(session: Session, table: type[Base], **values: Any) -> bool:
    """Adds a row unless one with the same key exists, and returns whether it did.

    It waits for anybody who is adding the row now.
    """
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    return changes_one(session, dialect.insert(table).values(**values).on_conflict_do_nothing())


def changes_one(session: Session, statement: Executable) -> bool:
    """Executes a statement and tells whether it changed one row."""
    done = session.execute(statement)
    return isinstance(done, CursorResult) and done.rowcount == 1


def address(settings: ServiceSettings) -> Path:
    """Returns the file of the embedded database."""
    return settings.data.resolve() / "unmask.sqlite"


def _postgresql(settings: ServiceSettings) -> Engine:
    """Connects to PostgreSQL.

    Of libpq's parameters it understands ``host=/folder``, the folder of a server's socket,
    ``sslmode`` and ``sslrootcert``.
    """
    url = make_url(settings.database).set(drivername="postgresql+pg8000")
    url = url.set(password=settings.database_password) if settings.database_password else url
    folder = url.query.get("host")
    connect: dict[str, Any] = (
        {"unix_sock": f"{folder}/.s.PGSQL.{url.port or 5432}"} if isinstance(folder, str) else {}
    )
    connect["ssl_context"] = _encryption(
        url.query.get("sslmode", "prefer"), url.query.get("sslrootcert")
    )
    url = url.difference_update_query(PARAMETERS)
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=THREADS - 10,
        connect_args=connect,
        hide_parameters=True,
    )


def _encryption(mode: object, authorities: object) -> SSLContext | bool | None:
    """Returns the driver's value for a ``sslmode`` of libpq.

    None encrypts where the server can, True insists, a context verifies.

    Args:
        authorities: file of the trusted authorities; the system's if None.
    """
    if mode not in {"verify-ca", "verify-full"}:
        return {"disable": False, "require": True}.get(str(mode))
    context = create_default_context(
        cafile=None if authorities in {None, "system"} else str(authorities)
    )
    context.check_hostname = mode == "verify-full"
    return context


def _sqlite(settings: ServiceSettings) -> Engine:
    private(settings.data)
    engine = create_engine(
        f"sqlite:///{address(settings)}",
        connect_args={"timeout": PATIENCE},
        pool_size=THREADS,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _entry: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql(
            f"PRAGMA busy_timeout = {1000 * options.get('patience', PATIENCE):.0f}"
        )
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writing") else "BEGIN")

    return engine
