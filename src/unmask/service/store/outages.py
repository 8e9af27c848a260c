"""Why a database cannot be used: one line with the way out, and whether waiting may help."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from ssl import SSLEOFError, SSLError

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from unmask.errors import UnmaskError, printable
from unmask.service.settings import ServiceSettings, variable
from unmask.service.store.database import address, own_words, sqlstate

PASSING = ("08", "53", "57P")
"""Beginnings of PostgreSQL's SQLSTATE where it cannot answer now, such as while it starts."""

REFUSING = ("28", "3D")
"""Beginnings of its SQLSTATE where it does not let this user into this database."""

BROKEN_OFF = "network error"
"""Text of pg8000's error where the server ended the connection."""

OWN = "give it and its folder to the user that this service runs as"
WAYS = {
    sqlite3.SQLITE_CANTOPEN: OWN,
    sqlite3.SQLITE_READONLY: OWN,
    sqlite3.SQLITE_PERM: OWN,
    sqlite3.SQLITE_FULL: "make room on that disk",
    sqlite3.SQLITE_BUSY: "end the program that holds it",
    sqlite3.SQLITE_NOTADB: "move it away, and restore a backup into an empty folder",
    sqlite3.SQLITE_CORRUPT: "move it away, and restore a backup into an empty folder",
    sqlite3.SQLITE_IOERR: "look after that disk",
}
"""Ways out by SQLite's primary result code."""


class DatabaseUnusable(UnmaskError):
    """The database does not answer, or refuses.

    Args:
        text: which one, why, and the way out.
        passing: whether it may answer later without anybody changing a setting.
    """

    def __init__(self, text: str, passing: bool = False) -> None:
        self.passing = passing
        super().__init__(text)


@contextmanager
def explained(settings: ServiceSettings) -> Iterator[None]:
    """Raises `DatabaseUnusable` for errors that an operator can mend; leaves all others."""
    try:
        yield
    except (ConnectionError, SSLEOFError) as error:  # closed while encryption is agreed upon
        raise DatabaseUnusable(_away(settings, _words(error)), passing=True) from error
    except (DBAPIError, SSLError) as error:
        said = _postgresql(error, settings) if settings.database else _sqlite(error, settings)
        if said is None:
            raise
        raise said from error


def _sqlite(error: DBAPIError | SSLError, settings: ServiceSettings) -> DatabaseUnusable | None:
    orig = getattr(error, "orig", None)
    way = WAYS.get(getattr(orig, "sqlite_errorcode", 0) & 0xFF)
    path = printable(str(address(settings)))
    return DatabaseUnusable(f"the database {path}: {orig}; {way}") if way else None


def _postgresql(error: DBAPIError | SSLError, settings: ServiceSettings) -> DatabaseUnusable | None:
    if isinstance(error, SSLError):
        return _refusal(settings, f"TLS fails: {error.reason or error}")
    if state := sqlstate(error):
        said = own_words(error) or state
        if state.startswith(PASSING):
            return DatabaseUnusable(_away(settings, said), passing=True)
        return _refusal(settings, said) if state.startswith(REFUSING) else None
    if type(error.orig).__name__ != "InterfaceError":
        return None
    cause = error.orig.__cause__ if error.orig else None
    if isinstance(cause, OSError) or str(error.orig) == BROKEN_OFF:
        return DatabaseUnusable(_away(settings, _words(cause or error.orig)), passing=True)
    return _refusal(settings, str(error.orig))


def _words(error: BaseException | None) -> str:
    return str(getattr(error, "strerror", None) or error).lower()


def _away(settings: ServiceSettings, reason: str) -> str:
    place, why = _place(settings), printable(reason)
    return (
        f"PostgreSQL does not answer at {place} ({why}): start it, or mend {variable('database')}"
    )


def _refusal(settings: ServiceSettings, reason: str) -> DatabaseUnusable:
    names = f"{variable('database')} and {variable('database_password')}"
    return DatabaseUnusable(
        f"PostgreSQL at {_place(settings)} refuses ({printable(reason)}): mend {names}"
    )


def _place(settings: ServiceSettings) -> str:
    """Returns the server's address, or the folder of its socket, never with a password."""
    url = make_url(settings.database)
    folder = url.query.get("host")
    place = str(Path(str(folder))) if folder else f"{url.host}:{url.port or 5432}"
    return printable(place)
