"""Bounds on connections: time for a request to come and for an answer to be read, and their number.

The bound on their number keeps a client that opens many connections from shutting out others.
Uvicorn waits without end for headers, bodies and readers. A proxy in front bounds them, too; this
module also works without one.
"""

from __future__ import annotations

import asyncio
import resource
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS = 15.0
"""Seconds from a connection, or the first byte of a further request, to the last of its headers."""

STALLED = 60.0
"""Seconds without progress after which a connection is cut.

No byte of an expected body came, or the reader of an answer left no room in the buffers.
"""

MOST = 1000
"""Maximum connections of one process; fewer where it may not open so many files."""

SPARE = 200
"""Files that a process opens besides: databases, libraries.

In addition, each connection may have one file open beside its socket.
"""


class Bounded(H11Protocol):
    """One connection, with bounds on time and number.

    Where there are too many connections, the one that has gone longest without a request is cut. If
    none is idle, it is the one whose body comes most slowly. A new connection is not cut instead,
    since an honest client sends its headers at once.
    """

    _timer: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None
    _coming = False
    since = 0.0
    """Time at which it was last without a request, s of the loop's clock."""
    received = 0
    """Bytes received since then."""

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
        """Tells whether the connection has no complete request that is still unanswered."""
        return self.conn.their_state is h11.IDLE

    @property
    def rate(self) -> float:
        """Bytes per second of the request that is coming in.

        A request counts as a second old at least, or a new one's first bytes would look fast.
        """
        return self.received / max(self.loop.time() - self.since, 1.0)

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
        """Sets the timer for the part of the request that is expected next.

        All headers together have one time limit; a body has one from byte to byte. While we work on
        an answer, nothing is expected.
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
        if self.flow.read_paused:  # received data still waits to be processed
            self._start(STALLED)
        else:
            self.cut()


BOUNDED: dict[str, Any] = {"http": Bounded, "timeout_keep_alive": 5}
"""Uvicorn's settings for these connections; the keep-alive timeout of idle ones is in seconds."""


def open_more_files() -> None:
    """Raises this process's limit on open files to what its connections may need, where allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST + SPARE
    wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _most() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else min(MOST, max(1, (soft - SPARE) // 2))
