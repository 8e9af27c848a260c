"""One database, SQLite or PostgreSQL, behind SQLAlchemy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from unmask.service.settings import Settings
from unmask.service.store import clock
from unmask.service.store.tables import Base

THREADS = 40
"""Most connections of one process: as many as Starlette has threads for requests."""

PATIENCE = 30.0
"""s that a writer waits for another one (SQLite)."""


FRESH = 30.0
"""s after which PostgreSQL is asked for the time again."""


class Database:
    """Sessions in a database.

    Args:
        settings: which one. SQLite needs no server; its write-ahead log lets others read while one writes.
    """

    def __init__(self, settings: Settings) -> None:
        self.engine = _postgresql(settings) if settings.database else _sqlite(settings)
        self._writing = self.engine.execution_options(writing=True)
        self._lock = None if settings.database else Lock()
        self._watch = None if settings.database else clock.Watch()
        self._asked: tuple[float, float] | None = None

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session in which all takes effect together, at its end, or nothing does.

        SQLite lets one write at a time and the others ask again, later and later; threads of one process wait in line instead.
        """
        with self._turn(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._lock is None:
            yield
            return
        if not self._lock.acquire(timeout=PATIENCE):
            raise OperationalError("wait for the writer before", None, TimeoutError(f"{PATIENCE} s"))
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads, and waits for nobody."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    def now(self) -> float:
        """Seconds since 1970 by the shared clock; asked for every `FRESH` s, and counted on from there in between."""
        if self._watch is not None:
            return time.time()
        if self._asked is None or clock.passed() - self._asked[1] > FRESH:
            with self.reading() as session:
                self._asked = now(session), clock.passed()
        return self._asked[0] + clock.passed() - self._asked[1]

    @property
    def clock_jumped(self) -> bool:
        """Whether the clock is this machine's, and was set by more than an hour since the process began."""
        return self._watch is not None and self._watch.jumped

    def close(self) -> None:
        self.engine.dispose()


def now(session: Session) -> float:
    """Seconds since 1970 by the clock that all who share the database share."""
    return clock.shared(session.connection())


def insert_new(session: Session, table: type[Base], **values: Any) -> bool:
    """Adds a row unless one with the same key stands there, and says whether it did; waits for whoever is adding it now."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    done = session.execute(dialect.insert(table).values(**values).on_conflict_do_nothing())
    return isinstance(done, CursorResult) and done.rowcount == 1


def _postgresql(settings: Settings) -> Engine:
    """``?host=/folder`` in the address stands for a server's socket, as for libpq."""
    url = make_url(settings.database).set(drivername="postgresql+pg8000")
    url = url.set(password=settings.database_password) if settings.database_password else url
    folder = url.query.get("host")
    connect = {"unix_sock": f"{folder}/.s.PGSQL.{url.port or 5432}"} if isinstance(folder, str) else {}
    url = url.difference_update_query(["host"])
    return create_engine(
        url, pool_pre_ping=True, pool_size=10, max_overflow=THREADS - 10, connect_args=connect, hide_parameters=True
    )


def _sqlite(settings: Settings) -> Engine:
    settings.data.mkdir(parents=True, exist_ok=True)
    address = f"sqlite:///{settings.data.resolve() / 'unmask.sqlite'}"
    engine = create_engine(address, connect_args={"timeout": PATIENCE}, pool_size=THREADS, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _entry: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine
