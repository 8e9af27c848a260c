"""Client end of a live check, without a browser.

It sends what the page's script sends, or what no page would.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from unmask.live.challenge import LightChallenge, Symbol
from unmask.live.protocol import HEAD

PATIENCE = 60.0
"""s to wait for a message of the service on a busy machine."""

GAP = 0.08
"""s between two frames."""


class Client:
    """One connection.

    Args:
        url: address of the live check's page, with its id and ticket.
        origin: origin that the page seems to have; the service's own if empty.
        host: name by which the service is asked; that of ``url`` if empty.
    """

    def __init__(self, url: str, origin: str = "", host: str = "") -> None:
        parts = urlsplit(url)
        self.check, _, self.ticket = parts.fragment.partition(".")
        self.number, self.symbols, self.shown, self.sent = (
            0,
            list[Symbol](),
            list[float](),
            list[bytes](),
        )
        self._connection = connect(
            f"ws://{host or parts.hostname}:{parts.port}/api/v1/live/{self.check}/session",
            sock=socket.create_connection((str(parts.hostname), parts.port or 80)),
            origin=origin or f"{parts.scheme}://{parts.netloc}",  # type: ignore[arg-type]
            open_timeout=PATIENCE,
            max_size=None,
        )

    def __enter__(self) -> Client:
        self._socket = self._connection.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def say(self, **message: Any) -> None:
        self.send(json.dumps(message))

    def send(self, message: str | bytes) -> None:
        with suppress(ConnectionClosed):  # `hear` tells
            self._socket.send(message)

    def hear(self, patience: float = PATIENCE) -> dict[str, Any]:
        """Returns the next message of the service; empty if the connection was closed instead."""
        try:
            said: dict[str, Any] = json.loads(self._socket.recv(patience))
        except ConnectionClosed:
            return {}
        return said

    def enter(self) -> dict[str, Any]:
        """Presents the ticket and returns the answer."""
        self.say(ticket=self.ticket)
        return self.hear()

    def begin(self, way: str = "light") -> dict[str, Any]:
        """Begins the check and returns the answer."""
        self.say(begin=way, time=time.monotonic())
        return self.hear()

    def frame(self, jpeg: bytes, number: int | None = None, at: float | None = None) -> None:
        self.number = self.number if number is None else number
        self.send(HEAD.pack(self.number, time.monotonic() if at is None else at) + jpeg)
        self.number += 1
        self.sent.append(jpeg)

    def outcome(self) -> dict[str, Any]:
        """Waits for the outcome and returns it, whatever comes before."""
        while "outcome" not in (said := self.hear()):
            assert said, "the connection was closed without an outcome"
        return said

    def attend(self, seen: Callable[[Client, float], bytes]) -> dict[str, Any]:
        """Does the rest of a check as an honest page does it, and returns the outcome.

        It paints at once and sends a frame every `GAP` s.

        Args:
            seen: what the camera sees, a JPEG, given this client and the time, s.
        """
        due = time.monotonic()
        while True:
            try:
                said = self.hear(max(0.0, due - time.monotonic()))
            except TimeoutError:
                due, now = time.monotonic() + GAP, time.monotonic()
                self.frame(seen(self, now), at=now)
                continue
            if "step" in said:
                self.painted(said)
            elif not said.get("judging"):
                return said
            else:
                due = time.monotonic() + PATIENCE

    def painted(self, said: dict[str, Any]) -> None:
        """Records a step as painted, and tells the service."""
        if "quarters" in said:
            one, other = (tuple(tuple(colour) for colour in row) for row in said["quarters"])
            self.symbols.append(Symbol((one, other)))
        self.shown.append(time.monotonic())
        self.say(painted=said["step"], time=self.shown[-1])

    @property
    def challenge(self) -> LightChallenge:
        """The challenge so far."""
        return LightChallenge(tuple(self.symbols))
