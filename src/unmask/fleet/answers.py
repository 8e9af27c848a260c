"""Checks of what a worker says. A file may have taken the worker over, so it may say anything."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa

from unmask.fleet.rows import looks_of
from unmask.fleet.tables import OF_A_RESULT, Row, Rows, schema


class Senseless(Exception):
    """An answer that no honest worker gives; the text says why, as a clause about the worker."""


def sha256_in(value: Any) -> str:
    """Returns the sha256 that a worker identified a file as.

    Raises:
        Senseless: it is none.
    """
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise Senseless("it said what makes no sense (no sha256)")
    return value


def why_in(value: Any) -> str:
    """Returns the reason that a worker gave.

    Raises:
        Senseless: it is no text.
    """
    if not isinstance(value, str):
        raise Senseless("it said what makes no sense (no reason)")
    return value


def rows_in(value: Any, sha256: str) -> Rows:
    """Returns the rows that a worker made of the content ``sha256``.

    Raises:
        Senseless: the tables do not take them, there is not exactly one result, they are about
            another content, or a sketch cannot be compared with others.
    """
    try:
        return _rows(value, sha256)
    except Senseless:
        raise
    except Exception as error:
        raise Senseless(f"it said what makes no sense ({type(error).__name__})") from None


def _rows(value: Any, sha256: str) -> Rows:
    found: dict[str, list[Row]] = {
        table: pa.array(list(value.get(table, ())), pa.struct(list(schema(table)))).to_pylist()
        for table in OF_A_RESULT
    }
    if len(found["results"]) != 1:
        raise Senseless(f"it gave {len(found['results'])} results for one file")
    if any(row["sha256"] != sha256 for some in found.values() for row in some):
        raise Senseless("it gave the result of another file")
    if not all(map(_comparable, found["sketches"])):
        raise Senseless("it gave a sketch that cannot be compared")
    return found


def _comparable(row: Row) -> bool:
    looks = looks_of(row)
    return bool(
        len(looks.of) == len(looks.hashes) == len(looks.places)
        and all(0 <= frame < len(looks.times) for frame in looks.of)
        and all(np.isfinite(part).all() for part in (looks.times, looks.places))
        and np.isfinite(looks.aspect)
    )
