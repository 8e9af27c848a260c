"""Answers of a worker as bytes: JSON, because reading a pickle lets the speaker allocate anything.

Bytes and times, which JSON lacks, are objects of one field.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import datetime
from typing import Any


def said(what: str, value: Any) -> bytes:
    """Returns an answer as bytes.

    Raises:
        TypeError: the value holds anything but plain values, bytes and times.
    """
    return json.dumps([what, value], default=_as_object).encode()


def heard(content: bytes) -> tuple[Any, Any]:
    """Reads an answer; what it holds may be any plain values, bytes and times.

    Raises:
        ValueError, TypeError, OverflowError, RecursionError, MemoryError: it is no answer.
    """
    what, value = json.loads(content, object_hook=_of_object)
    return what, value


def _as_object(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"base64": b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    raise TypeError(f"{type(value).__name__} is no plain value")


def _of_object(found: dict[str, Any]) -> Any:
    match list(found.items()):
        case [("base64", text)]:
            return b64decode(text, validate=True)
        case [("time", text)]:
            return datetime.fromisoformat(text)
    return found
