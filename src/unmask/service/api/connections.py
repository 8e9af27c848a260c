"""Connections that cost more than they bring: cut where a request does not come, or an answer is
not taken, in time, and
bounded in number so that whoever opens many shuts nobody out.

Uvicorn waits for headers, bodies and readers without end. A proxy in front bounds them, too; this
holds without one.
"""

from __future__ import annotations

import asyncio
import resource
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS = 15.0
"""s from a connection, or the first byte of a further request, to the last of its headers."""

STALLED = 60.0
"""s without a byte of a body that is to come, or without room in the buffers of whoever reads an
answer.
"""

MOST = 1000
"""Connections of one process at a time; fewer where it may not open so many files."""

SPARE = 200
"""Files that a process opens besides: databases, libraries; each connection may have one file
beside its socket.
"""


class Bounded(H11Protocol):
    """One connection. Where there are too many, the one that has gone longest without a request is
    cut, or else the one whose
    body comes most slowly: not whoever is new, since an honest client sends its headers at once.
    """

    _timer: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None
    _coming = False
    since = 0.0
    """When it last had nothing of a request, s of the loop's clock."""
    received = 0
    """Bytes since then."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.since = self.loop.time()
        self._watch()
        if len(self.connections) > _most():
            others = [
                one for one in self.connections if isinstance(one, Bounded) and one is not self
            ]
            idle = [one for one in others if one.idle]
            slow = [
                one
                for one in others
                if one.conn.their_state is h11.SEND_BODY and not one.flow.read_paused
            ]
            if idle:
                min(idle, key=lambda one: one.since).cut()
            else:
                min(slow, key=lambda one: one.rate, default=self).cut()

    @property
    def idle(self) -> bool:
        """Whether no whole request has come that is not answered."""
        return self.conn.their_state is h11.IDLE

    @property
    def rate(self) -> float:
        """Bytes a second of the request that is coming."""
        return self.received / max(self.loop.time() - self.since, 1e-3)

    def cut(self) -> None:
        """Ends the connection at once."""
        self.connections.discard(self)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        self.since, self.received = self.loop.time(), 0
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._stop()
        super().handle_websocket_upgrade(event)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reader = self.loop.call_later(STALLED, self.cut)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._reader:
            self._reader.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        if self._reader:
            self._reader.cancel()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Headers have one bound for all of them, a body one from byte to byte; while we work,
        nothing is to come.
        """
        if self.idle and not self._coming:
            self._start(HEADERS)
            self._coming = True
        elif self.conn.their_state is h11.SEND_BODY:
            self._start(STALLED)
        elif not self.idle:
            self._stop()

    def _start(self, seconds: float) -> None:
        self._stop()
        self._timer = self.loop.call_later(seconds, self._late)

    def _stop(self) -> None:
        self._coming = False
        if self._timer:
            self._timer.cancel()

    def _late(self) -> None:
        if self.flow.read_paused:  # what has come is still to be taken
            self._start(STALLED)
        else:
            self.cut()


BOUNDED: dict[str, Any] = {"http": Bounded, "timeout_keep_alive": 5}
"""Uvicorn's settings for them; an idle connection is closed after so many s."""


def open_more_files() -> None:
    """Lets this process open as many files as its connections may need, where it is allowed to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST + SPARE
    wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _most() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else min(MOST, max(1, (soft - SPARE) // 2))
