"""The log: what outsiders can cause does not fill the disk."""

from __future__ import annotations

import json
import logging

import pytest

from unmask.service.processes import logs
from unmask.service.processes.logs import OFTEN, JsonLines, Throttle


def test_the_same_warning_is_written_so_often_and_then_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr(logs.time, "monotonic", lambda: now)
    throttle, form = Throttle(), JsonLines()

    def written(
        message: str, count: int, level: int = logging.WARNING, name: str = "asyncio"
    ) -> list[dict[str, object]]:
        records = [logging.LogRecord(name, level, "", 0, message, None, None) for _ in range(count)]
        return [json.loads(form.format(record)) for record in records if throttle.filter(record)]

    assert len(written("socket.accept() out of system resource", 1000)) == OFTEN
    assert len(written("another", 3)) == 3
    assert len(written("answered", 1000, logging.INFO, "unmask")) == 1000
    now = logs.PERIOD + 1
    first, second = written("socket.accept() out of system resource", 2)
    assert first["left_out"] == 1000 - OFTEN
    assert "left_out" not in second
    assert "left_out" not in written("another", 1)[0]
