"""Idle connections, without a proxy in front: they are cut, and nobody is locked out."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from threading import Thread

import httpx
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from tests.service.tree import PATIENCE, until
from unmask.service.api import connections
from unmask.service.api.connections import BOUNDED

ANSWER = 64 << 20
"""Bytes of an answer that exceeds all buffers."""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the whole body and answers its length, or sends a very long answer."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/much":
        for _ in range(64):
            await send(
                {"type": "http.response.body", "body": bytes(ANSWER // 64), "more_body": True}
            )
    await send({"type": "http.response.body", "body": str(size).encode()})


class Running:
    """A server of `app`."""

    def __init__(self) -> None:
        self.server = uvicorn.Server(
            uvicorn.Config(app, port=0, log_level="error", lifespan="off", **BOUNDED)
        )
        self._thread = Thread(target=self.server.run, daemon=True)
        self._thread.start()
        until(lambda: self.server.started)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def connect(self, said: bytes = b"") -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        made.sendall(said)
        return made

    @property
    def received(self) -> int:
        """Bytes that came over all open connections."""
        every = self.server.server_state.connections
        return sum(one.received for one in every if isinstance(one, connections.Bounded))

    @property
    def count(self) -> int:
        return len(self.server.server_state.connections)

    def close(self) -> None:
        self.server.should_exit = True
        self._thread.join(PATIENCE)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(connections, "HEADERS", 1.0)
    monkeypatch.setattr(connections, "STALLED", 1.0)
    made = Running()
    yield made
    made.close()


def cut(connection: socket.socket) -> bool:
    """Waits until the other side closes the connection; tells whether that took a while."""
    began = time.monotonic()
    with suppress(ConnectionError):
        while connection.recv(1 << 16):
            pass
    return time.monotonic() - began > 0.5


def test_headers_that_never_end_are_not_waited_for(running: Running) -> None:
    with running.connect() as silent, running.connect(b"GET / HTTP/1.1\r\nHost: lo"):
        assert cut(silent)
        until(lambda: not running.count)
    with (
        running.connect(b"GET / HTTP/1.1\r\nHost: localhost\r\n") as trickling,
        suppress(ConnectionError),
    ):
        for number in range(1000):
            trickling.sendall(b"X-%d: y\r\n" % number)
            time.sleep(0.1)
            if not running.count and number > 5:
                break
        assert number < 500


def test_a_body_may_be_slow_but_not_stop(running: Running) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\nConnection: close\r\n\r\n"
    with running.connect(head) as slow:
        for _ in range(8):
            time.sleep(0.3)
            slow.sendall(b"x")
        answer = slow.recv(1 << 16)
        assert b" 200 " in answer
    with running.connect(head + b"half") as stopped:
        assert cut(stopped)


def test_whoever_takes_no_answer_is_not_waited_for(running: Running) -> None:
    with running.connect(b"GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n"):
        until(lambda: running.count)
        until(lambda: not running.count)


def test_a_connection_that_is_used_again_is_kept(running: Running) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{running.port}") as client:
        for _ in range(3):
            assert client.post("/", content=b"abc").text == "3"
            time.sleep(0.6)
        assert running.count == 1


def test_whoever_opens_very_many_shuts_nobody_out(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound in ("HEADERS", "STALLED"):
        monkeypatch.setattr(connections, bound, 600.0)
    monkeypatch.setattr(connections, "MOST", 20)
    with ExitStack() as stack:
        honest = stack.enter_context(
            running.connect(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\na")
        )
        until(lambda: running.count == 1)
        for number in range(100):
            stack.enter_context(
                running.connect(b"GET / HTTP/1.1\r\nHost: lo" if number % 2 else b"")
            )
            if number % 10 == 0:
                assert httpx.get(f"http://127.0.0.1:{running.port}/", timeout=PATIENCE).text == "0"
        assert running.count <= 21
        honest.sendall(b"b")
        assert b" 200 " in honest.recv(1 << 16)


def test_whoever_sends_very_many_slow_bodies_shuts_nobody_out(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound in ("HEADERS", "STALLED"):
        monkeypatch.setattr(connections, bound, 600.0)
    monkeypatch.setattr(connections, "MOST", 20)
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    whole = bytes(1 << 20)
    with ExitStack() as stack:
        honest = stack.enter_context(running.connect(head % len(whole) + whole[:-1]))
        until(lambda: running.received >= len(whole))
        for _ in range(60):
            stack.enter_context(running.connect(head % 200_000 + b"x"))
        until(lambda: running.count <= 20)
        for _ in range(3):
            assert httpx.get(f"http://127.0.0.1:{running.port}/", timeout=PATIENCE).text == "0"
        honest.sendall(whole[-1:])
        assert b" 200 " in honest.recv(1 << 16)
