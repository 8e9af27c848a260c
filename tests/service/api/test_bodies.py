"""Bodies cannot fill memory or disk.

Nothing is read from unknown senders, and little from anybody except a file.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.types import Message

from tests.service.desk import ORIGIN, Desk
from unmask.service.api.access import BODY
from unmask.service.app import create_app
from unmask.service.people.actor import Scope
from unmask.service.settings import ServiceSettings
from unmask.service.store.service import Service

PIECE = 64 << 10
MOST = 64 * BODY
"""Bytes after which a sender gives up, in case nothing stops it."""

OPEN = {"POST /sign-in", "POST /password/{secret}", "POST /api/v1/session"}
"""Routes that read a body from strangers: an e-mail address and a password."""

FILES = {
    "POST /checks",
    "POST /api/v1/checks",
    "POST /api/v1/originals",
    "PATCH /api/v1/uploads/{upload}",
}

KINDS = ("multipart/form-data; boundary=b", "application/x-www-form-urlencoded", "application/json")


class Sender:
    """Sends an endless body straight to an application, and counts how much of it is read.

    Args:
        app: the application.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app, self.taken, self.status = app, 0, 0

    def send(self, route: str, kind: str, headers: dict[str, str]) -> None:
        method, _, path = route.partition(" ")
        all_headers = {"host": "localhost", "content-type": kind, "upload-offset": "0"} | headers
        scope = {
            "type": "http", "method": method, "path": re.sub(r"\{\w+\}", "0", path),
            "query_string": b"owner=us",
            "headers": [(name.encode(), value.encode()) for name, value in all_headers.items()],
            "scheme": "http", "server": ("localhost", 80), "client": ("198.51.100.1", 1),
            "http_version": "1.1",
        }  # fmt: skip
        self.taken = self.status = 0
        asyncio.run(self._app(scope, self._receive, self._answer))

    async def _receive(self) -> Message:
        if self.taken >= MOST:
            return {"type": "http.disconnect"}
        head = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' if not self.taken else b""
        self.taken += PIECE
        return {"type": "http.request", "body": head + b"x" * PIECE, "more_body": True}

    async def _answer(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]


def changing() -> Iterator[str]:
    """Yields every route that may change something, of the API and of the page."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Service.opened(ServiceSettings(data=Path(folder))))
    for one in iter_route_contexts(app.routes):
        if isinstance(one.original_route, APIRoute):
            yield from (
                f"{method} {one.path}" for method in one.methods - {"GET", "HEAD", "OPTIONS"}
            )


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sender, dict[str, str]]]:
    """Yields a sender, and the headers that make it known."""
    desk = Desk(tmp_path_factory.mktemp("service"), {"upload_bytes": 8 * BODY})
    _, secret = desk.key(*Scope, per_minute=1_000_000)
    yield Sender(create_app(desk.service)), {"authorization": f"Bearer {secret}"}
    desk.close()


def test_every_changing_route_is_tried() -> None:
    assert set(changing()) >= OPEN | FILES | {
        "POST /cases/{case}/decision",
        "POST /api/v1/cases/{case}/decisions",
    }


@pytest.mark.slow
@pytest.mark.parametrize("route", sorted(set(changing())))
def test_of_a_stranger_nothing_is_read(known: tuple[Sender, dict[str, str]], route: str) -> None:
    sender, _ = known
    for kind in KINDS:
        for secret in ({}, {"cookie": "unmask_session=none"}, {"authorization": "Bearer um_none"}):
            sender.send(route, kind, {"origin": ORIGIN, **secret})
            if route in OPEN:
                assert sender.taken <= BODY + PIECE
                assert sender.status in (413, 422)
            else:
                assert (sender.taken, sender.status in (303, 401)) == (0, True)


@pytest.mark.slow
@pytest.mark.parametrize("route", sorted(set(changing()) - OPEN))
def test_of_whoever_is_known_little_is_read_but_of_files(
    known: tuple[Sender, dict[str, str]], route: str
) -> None:
    sender, secret = known
    bound = (8 * BODY + (1 << 20)) if route in FILES else BODY
    for kind in KINDS:
        sender.send(route, kind, secret)
        assert sender.taken <= bound + PIECE
        assert 400 <= sender.status < 500 or sender.taken == 0
