"""Logs as JSON, one object per line on stderr, without personal data.

Nothing that a person typed or uploaded is logged: no file name, no e-mail address, no network
address, and no text of an exception, which may quote any of these. Of an exception, the log has its
type and where it was raised.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections import Counter
from datetime import UTC, datetime
from types import TracebackType

log = logging.getLogger(__name__)

OWN = "unmask"
"""Root logger whose messages are known to be free of personal data.

Of other loggers' messages only the logger, the level and the template are kept.
"""

LONGEST = 200
"""Characters kept of another logger's template."""

OFTEN, PERIOD = 20, 60.0
"""Maximum warnings of one kind per period, and the period, s.

Outsiders who cause warnings must not fill the disk.
"""

FIELDS = (
    "request", "method", "route", "status", "ms", "tenant", "actor", "number", "hash",
    "check", "job", "attempt", "live", "result", "advice", "abuse", "details",
)  # fmt: skip
"""Fields that a message may carry by ``extra=``; all are ids, figures or constants."""


class Throttle(logging.Filter):
    """Lets `OFTEN` warnings of one kind through per `PERIOD`.

    The first one of the next period says how many were left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self._began, self._seen, self._before = (
            time.monotonic(),
            Counter[tuple[str, str]](),
            Counter[tuple[str, str]](),
        )

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        if time.monotonic() > self._began + PERIOD:
            self._began, self._before, self._seen = time.monotonic(), self._seen, Counter()
        kind = record.name, str(record.msg)[:LONGEST]
        self._seen[kind] += 1
        if (more := self._before.pop(kind, 0) - OFTEN) > 0:
            record.left_out = more
        return self._seen[kind] <= OFTEN


class JsonLines(logging.Formatter):
    """Formats each record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        own = record.name.split(".")[0] == OWN
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage() if own else str(record.msg)[:LONGEST],
        }
        if hasattr(record, "left_out"):
            entry["left_out"] = record.left_out
        entry |= {name: getattr(record, name) for name in FIELDS if own and hasattr(record, name)}
        if record.exc_info and record.exc_info[0]:
            kind, _, trace = record.exc_info
            entry["error"] = kind.__name__
            entry["at"] = [
                f"{one.name} {one.filename}:{one.lineno}"
                for one in traceback.extract_tb(trace)[-12:]
            ]
        return json.dumps(entry, default=str)


def configure(level: int = logging.INFO) -> None:
    """Sends all logs of this process to stderr in this form.

    Uvicorn's own request log contains addresses, so it is switched off.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    handler.addFilter(Throttle())
    root = logging.getLogger()
    root.handlers, root.level = [handler], logging.WARNING
    logging.getLogger(OWN).setLevel(level)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers, logging.getLogger(name).propagate = [], True
    logging.getLogger("uvicorn.access").disabled = True
    sys.excepthook = _died


def _died(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Logs a fatal error in place of Python's own traceback, which quotes values."""
    log.critical("this process ends by %s", kind.__name__, exc_info=(kind, error, trace))
