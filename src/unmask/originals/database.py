"""The two databases that can hold an index of originals, behind one interface.

Its SQL is what both understand. SQLite in a folder is the default: its write-ahead log lets others
read while one process writes, and a process killed at any moment loses the open transaction and
nothing else. PostgreSQL serves more than one machine. Its driver pg8000 is pure Python, BSD, and
takes ``:name`` parameters as SQLite's driver does; psycopg is LGPL.
"""

from __future__ import annotations

import os
import sqlite3
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from unmask.errors import OriginalsError

Rows = list[tuple[Any, ...]]

FILE = "originals.sqlite"
PATIENCE = 60.0
"""Time that a writer waits for another one, s."""

_SQLITE = {"counter": "INTEGER PRIMARY KEY AUTOINCREMENT", "bytes": "BLOB", "real": "REAL"}
_POSTGRESQL = {"counter": "BIGSERIAL PRIMARY KEY", "bytes": "BYTEA", "real": "DOUBLE PRECISION"}
_MENDING = "restore it from a backup, or register the originals again in a new folder"


class IndexDatabase(Protocol):
    """An open database.

    Attributes:
        where: its folder or address, for people; without a password.
        types: the names in its SQL for a counter, bytes and a number.
        listing: the statement that lists its tables.
        begin: the statement that begins a transaction.
    """

    where: str
    types: Mapping[str, str]
    listing: str
    begin: str

    @abstractmethod
    def run(self, sql: str, **values: Any) -> Rows:
        """Runs one statement with ``:name`` parameters and returns its rows.

        Raises:
            OriginalsError: the database is damaged, full, locked or gone.
        """
        ...

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Opens a context whose statements take effect together, at its end, or not at all."""
        self.run(self.begin)
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            with suppress(OriginalsError):
                self.run("ROLLBACK")
            raise

    @abstractmethod
    def close(self) -> None: ...


class SQLite(IndexDatabase):
    """A database in one file of a folder.

    Args:
        folder: made if it does not exist and ``writing``.
        writing: whether anything will be written.
    """

    types: Mapping[str, str] = _SQLITE
    listing = "SELECT name FROM sqlite_master WHERE type = 'table'"
    begin = "BEGIN IMMEDIATE"

    def __init__(self, folder: Path, writing: bool) -> None:
        self.where, path = str(folder), folder / FILE
        with self._one_kind_of_error():
            if writing:
                folder.mkdir(parents=True, exist_ok=True)
            elif not path.is_file():
                raise OriginalsError(
                    self.where, "there is no index of originals", "make one: unmask originals add"
                )
            mode = "rwc" if writing else "ro" if os.access(folder, os.W_OK) else "ro&immutable=1"
            self._connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode={mode}",
                uri=True,
                timeout=PATIENCE,
                isolation_level=None,
            )
            if writing:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("SELECT count(*) FROM sqlite_master")

    def run(self, sql: str, **values: Any) -> Rows:
        with self._one_kind_of_error():
            return self._connection.execute(sql, values).fetchall()

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _one_kind_of_error(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OriginalsError(
                self.where, str(error), _WAYS_OUT.get(str(error), "check that you may write there")
            ) from error
        except sqlite3.DatabaseError as error:
            raise OriginalsError(self.where, f"the index is damaged ({error})", _MENDING) from error
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise OriginalsError(
                self.where, reason, "name a folder that you may write to"
            ) from error


_WAYS_OUT = {
    "database or disk is full": (
        "free some space and run the same command again; nothing that was registered is lost"
    ),
    "database is locked": "wait for the other process that registers originals, then run it again",
    "disk I/O error": "check the disk; nothing that was registered is lost",
}


class PostgreSQL(IndexDatabase):
    """A database on a server.

    Args:
        url: ``postgresql://user:password@host:port/database``; ``?host=/folder`` for a socket.
    """

    types: Mapping[str, str] = _POSTGRESQL
    listing = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    begin = "BEGIN"

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.where = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
        try:
            import pg8000.native as driver
        except ImportError:
            raise OriginalsError(
                self.where, "pg8000 is not installed", "pip install 'unmask[postgres]'"
            ) from None
        self._driver = driver
        socket = parse_qs(parts.query).get("host", [""])[0]
        options: dict[str, Any] = (
            {"unix_sock": f"{socket}/.s.PGSQL.{parts.port or 5432}"}
            if socket
            else {"host": parts.hostname or "localhost", "port": parts.port or 5432}
        )
        user = unquote(parts.username) if parts.username else os.environ.get("PGUSER", "postgres")
        password = unquote(parts.password) if parts.password else os.environ.get("PGPASSWORD")
        with self._one_kind_of_error():
            self._connection = driver.Connection(
                user,
                database=parts.path.lstrip("/") or None,
                password=password,
                application_name="unmask",
                **options,
            )

    def run(self, sql: str, **values: Any) -> Rows:
        with self._one_kind_of_error():
            return [tuple(row) for row in self._connection.run(sql, **values) or []]

    def close(self) -> None:
        with suppress(self._driver.Error, OSError):
            self._connection.close()

    @contextmanager
    def _one_kind_of_error(self) -> Iterator[None]:
        try:
            yield
        except self._driver.DatabaseError as error:
            said = (
                error.args[0]
                if error.args and isinstance(error.args[0], dict)
                else {"M": str(error)}
            )
            raise OriginalsError(
                self.where, str(said.get("M")), "ask whoever runs this database"
            ) from error
        except (self._driver.Error, OSError) as error:
            raise OriginalsError(
                self.where, f"the database does not answer ({error})", "check its address"
            ) from error


def on_server(where: str | os.PathLike[str]) -> bool:
    """Tells whether this is the address of a database on a server, not a folder."""
    return os.fspath(where).startswith(("postgresql://", "postgres://"))


@contextmanager
def opened_database(where: str | os.PathLike[str], writing: bool) -> Iterator[IndexDatabase]:
    """Opens SQLite in a folder, or PostgreSQL if ``where`` begins with ``postgresql://``.

    Raises:
        OriginalsError: it cannot be opened.
    """
    name = os.fspath(where)
    database: IndexDatabase = PostgreSQL(name) if on_server(name) else SQLite(Path(name), writing)
    with closing(database):
        yield database
