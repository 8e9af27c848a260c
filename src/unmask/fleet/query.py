"""The tables of a scan as DuckDB views."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from unmask.errors import UnmaskError, printable
from unmask.fleet.tables import OF_A_RESULT, PARTS, SCRATCH, TABLES, Row, schema


@contextmanager
def open_results(folder: Path) -> Iterator[ResultQuery]:
    """Opens the tables in a folder while the context lasts. A part without its results is not seen.

    Raises:
        UnmaskError: a table cannot be read; queries made meanwhile raise it as well.
    """
    try:
        with duckdb.connect(config={"temp_directory": str(folder / SCRATCH)}) as connection:
            for table in TABLES:
                _see(connection, folder, table)
            yield ResultQuery(connection)
    except duckdb.Error as error:
        why = " ".join(str(error).split())[:200]
        way_out = "move away what is broken, and scan again"
        raise UnmaskError(
            f"{printable(str(folder))}: its tables cannot be read ({printable(why)}); {way_out}"
        ) from error


class ResultQuery:
    """Runs SQL queries."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def run(self, sql: str) -> None:
        """Runs statements that return nothing."""
        self._connection.execute(sql)

    def rows(self, sql: str, **values: Any) -> list[Row]:
        """Returns all rows of a query with ``$name`` parameters."""
        return list(self.stream(sql, **values))

    def row(self, sql: str, **values: Any) -> Row:
        """Returns the only row of a query."""
        (only,) = self.stream(sql, **values)
        return only

    def stream(self, sql: str, **values: Any) -> Iterator[Row]:
        """Yields rows one after the other, so that a large table need not fit into memory."""
        asked = self._connection.execute(sql, values or None)
        names = [column[0] for column in asked.description or ()]
        while batch := asked.fetchmany(1000):
            yield from (dict(zip(names, values, strict=True)) for values in batch)


def _see(connection: duckdb.DuckDBPyConnection, folder: Path, table: str) -> None:
    parts = f"{glob.escape(str(folder / table))}/{PARTS[table]}"
    if not any(folder.joinpath(table).glob(PARTS[table])):
        connection.register(f"empty_{table}", schema(table).empty_table())
        more = (
            ", NULL::VARCHAR AS configuration, NULL::VARCHAR AS day" if table in OF_A_RESULT else ""
        )
        connection.execute(f"CREATE VIEW {table} AS SELECT *{more} FROM empty_{table}")  # noqa: S608 - our own names
        return
    read = (
        f"read_parquet({_quoted(parts)}, hive_partitioning = {table != 'groups'}, "
        f"hive_types_autocast = false)"
    )
    whole = (
        " WHERE part IN (SELECT part FROM results)"
        if table in OF_A_RESULT and table != "results"
        else ""
    )
    connection.execute(f"CREATE VIEW {table} AS SELECT * FROM {read}{whole}")  # noqa: S608 - our own names


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
