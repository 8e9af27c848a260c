"""Logs as JSON, one object per line on stderr, without personal data.

What a person typed or uploaded never gets in: no file name, no e-mail address, no network address, no text of an exception,
which may quote any of these; of an exception there are its type and where it was raised.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType

log = logging.getLogger(__name__)

OWN = "unmask"
"""Loggers whose messages are written with care; of others' only the logger, the level and the template are kept."""

FIELDS = (
    "request", "method", "route", "status", "ms", "tenant", "actor", "number", "hash", "check", "job", "attempt",
    "live", "result", "advice", "abuse", "details",
)  # fmt: skip
"""What a message may carry by ``extra=``; all ids, figures or constants."""


class JsonLines(logging.Formatter):
    """One JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        own = record.name.split(".")[0] == OWN
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage() if own else str(record.msg)[:200],
        }
        entry |= {name: getattr(record, name) for name in FIELDS if own and hasattr(record, name)}
        if record.exc_info and record.exc_info[0]:
            kind, _, trace = record.exc_info
            entry["error"] = kind.__name__
            entry["at"] = [f"{one.name} {one.filename}:{one.lineno}" for one in traceback.extract_tb(trace)[-12:]]
        return json.dumps(entry, default=str)


def configure(level: int = logging.INFO) -> None:
    """Sends all logs of this process to stderr in this form. Uvicorn's own log of requests has addresses in it: off."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers, root.level = [handler], logging.WARNING
    logging.getLogger(OWN).setLevel(level)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers, logging.getLogger(name).propagate = [], True
    logging.getLogger("uvicorn.access").disabled = True
    sys.excepthook = _died


def _died(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """In place of Python's own traceback, which quotes what it met."""
    log.critical("this process ends by %s", kind.__name__, exc_info=(kind, error, trace))
