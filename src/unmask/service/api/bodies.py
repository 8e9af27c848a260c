"""What requests may carry, and how much of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unmask.service.problems import Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALL = 1 << 20
"""bytes of a request that carries no file, and by which a form may exceed the file in it."""


class BodyLimit:
    """Breaks off a request whose body is too long, while it comes.

    Args:
        app: that answers.
        most: bytes of a file.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        most = SMALL if kind == b"application/json" else self._most + SMALL
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:
                raise Problem(413, "Too large", f"a request of this kind may have {most:,} bytes")
            return message

        await self._app(scope, counted, send)
