"""Live checks over HTTP: a program makes one and reads the result; the browser does it.

The browser does it over a WebSocket, which speaks the protocol of `unmask.live.protocol`. Anyone
who presents a check's ticket can do the check. Only the program with its organisation's key learns
the result from here, and nobody learns more than the result.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, WebSocket
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.websockets import WebSocketDisconnect

from unmask.live.challenge import (
    LightChallenge,
    MovementChallenge,
    light_challenge,
    movement_challenge,
)
from unmask.live.protocol import FRAME_BYTES, Abuse, LiveProtocol, Refused, parsed, sound
from unmask.live.verification import Advice, Result
from unmask.service.api.access import Allowed, Guarded, own_origin, service_of
from unmask.service.api.checks import Identifier
from unmask.service.api.live_waiting import IN_ALL, PER_CHECK, PER_NETWORK
from unmask.service.api.problems import documented
from unmask.service.confined.conclusion import Conclusion
from unmask.service.confined.live_reading import ReaderDied, Readers, Sitting
from unmask.service.domain import live
from unmask.service.domain.live import ChallengeKind
from unmask.service.people import rate_limits
from unmask.service.people.actor import Actor, Scope
from unmask.service.people.rate_limits import Limit
from unmask.service.problems import Problem
from unmask.service.store.database import Database
from unmask.service.store.database import now as clock
from unmask.service.store.service import Service
from unmask.service.store.tables import LiveCheck

router = APIRouter(tags=["live"], route_class=Guarded)

PER_ADDRESS = Limit("live connections", 120, 60)
"""Connections of browsers from one network address."""

PATIENCE = 10.0
"""Seconds that a browser has to present its ticket; to begin, it has until the check expires."""

BEGINNINGS = 100
"""Number of times that a browser may ask for a place while all are taken."""

TOO_BIG = 1009
"""Close code (RFC 6455) for a message larger than ``ws_max_size``."""

WEBSOCKETS: dict[str, Any] = {
    "ws": "websockets-sansio",
    "ws_max_size": 2 * FRAME_BYTES,
    "ws_per_message_deflate": False,
}
"""Uvicorn's settings for WebSockets.

A larger message ends the connection before it is held in memory.
"""

Caller = Annotated[Actor, Depends(Allowed(Scope.LIVE))]
log = logging.getLogger(__name__)


class NewLiveCheck(BaseModel):
    """A request for a live check: the account it is for, and the ways to do it."""

    model_config = ConfigDict(extra="forbid")

    subject: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            pattern=r"^[^\x00-\x1f\x7f]*$",
            description="Your name for the account.",
        ),
    ]
    ways: Annotated[
        list[ChallengeKind],
        Field(min_length=1, max_length=2, description="What the person may choose from."),
    ] = [
        ChallengeKind.LIGHT,
        ChallengeKind.MOVEMENT,
    ]
    back: Annotated[
        str | None,
        Field(
            max_length=2000,
            pattern=r"^https?://[^\x00-\x20\x7f]+$",
            description="Where the page leads afterwards.",
        ),
    ] = None

    @field_validator("back")
    @classmethod
    def _leads_somewhere(cls, back: str | None) -> str | None:
        if back is not None and not urlsplit(back).hostname:
            raise ValueError("an address has the name of a host")
        return back


class LiveCheckView(BaseModel):
    """A live check, as it is shown to the program that made it."""

    id: str
    subject: str
    state: Literal["waiting", "running", "done", "expired"]
    way: Annotated[ChallengeKind | None, Field(description="What the person chose.")]
    result: Annotated[Result | None, Field(description="Null until it is done.")]
    advice: Annotated[
        str | None,
        Field(
            description="What to do, where it is not live; `suspicious`: no honest page sends such."
        ),
    ]
    code: Annotated[
        str,
        Field(
            description="The browser that did the check brings it to `back`, "
            "as the parameter `code`."
        ),
    ]
    created: Annotated[float, Field(description="Seconds since 1970.")]
    expires: Annotated[float, Field(description="It cannot be begun afterwards.")]
    finished: float | None

    @classmethod
    def of(cls, row: LiveCheck, now: float) -> LiveCheckView:
        own = {name: getattr(row, name, None) for name in cls.model_fields}
        return cls.model_validate({**own, "state": live.state(row, now)})


class MadeLiveCheck(LiveCheckView):
    """A new live check, with the address of its page.

    The address is shown only once, and must be given to nobody but the person.
    """

    url: str


@router.post("/live", status_code=201)
def make(request: Request, actor: Caller, form: NewLiveCheck) -> MadeLiveCheck:
    """Make a live check for an account.

    Send the person's browser to `url`; ask for the result when it comes back. It can be begun once,
    within ten minutes. Keep its id with the person's own session, never in the browser: then nobody
    can answer with somebody else's check.
    """
    service = service_of(request)
    now = service.database.now()
    if not request.app.state.readers.any:
        raise Problem(
            503, "No live checks", "this machine does none; an operator sets UNMASK_LIVE_READERS"
        )
    with service.database.transaction() as session:
        row, ticket = live.make(session, actor, form.subject, form.ways, form.back, now)
    url = f"{own_origin(request)}/live#{row.id}.{ticket}"
    return MadeLiveCheck(**LiveCheckView.of(row, now).model_dump(), url=url)


@router.get("/live/{live_check}", responses=documented(404))
def result(request: Request, actor: Caller, live_check: Identifier) -> LiveCheckView:
    """Show the state of a live check, or its result."""
    database = service_of(request).database
    now = database.now()
    return LiveCheckView.of(live.read(database, actor, live_check, now), now)


@router.websocket("/live/{identifier}/session")
async def attend(socket: WebSocket, identifier: str) -> None:
    """Runs one live check with the browser over a WebSocket."""
    if socket.headers.get("origin") != own_origin(socket):
        return await socket.close(1008)  # before it was accepted: 403
    row = None
    # A browser that left needs no answer.
    with suppress(WebSocketDisconnect, RuntimeError), ExitStack() as waiting:
        try:
            await _admitted(socket, waiting)
            row = await _presented(socket, identifier)
            waiting.enter_context(socket.app.state.waiting.place(f"check {row.id}", PER_CHECK))
            await _attend(socket, row, waiting)
        except Problem as problem:
            await socket.send_json({"refused": problem.status})
        except Refused as refused:
            if row:
                moment = await _now(socket)
                await run_in_threadpool(
                    live.note_abuse, _database(socket), row, refused.abuse, moment
                )
            await socket.send_json({"refused": 400})
        await socket.close()
    return None


async def _admitted(socket: WebSocket, waiting: ExitStack) -> None:
    """Accepts a connection that has a place among those who wait, within the limit of its network.

    A connection without a place is accepted, too, so that it can be told that it is refused.
    """
    network = rate_limits.network(socket.client.host if socket.client else "")

    def take() -> None:
        moment = _database(socket).now()
        with _database(socket).transaction() as session:
            rate_limits.take(session, network, PER_ADDRESS, moment)

    try:
        waiting.enter_context(socket.app.state.waiting.place("all", IN_ALL))
        waiting.enter_context(socket.app.state.waiting.place(f"network {network}", PER_NETWORK))
        await run_in_threadpool(take)
    finally:
        await socket.accept()


async def _presented(socket: WebSocket, identifier: str) -> LiveCheck:
    """Returns the check whose ticket the browser presents as its first message."""
    try:
        ticket = (await _said(socket, PATIENCE)).get("ticket")
    except TimeoutError:
        raise Refused(Abuse.MALFORMED) from None
    if not isinstance(ticket, str) or not ticket.isascii() or "\0" in identifier:
        raise Refused(Abuse.MALFORMED)
    return await run_in_threadpool(
        live.presented, _database(socket), identifier, ticket, await _now(socket)
    )


async def _now(socket: WebSocket) -> float:
    return await run_in_threadpool(_database(socket).now)


async def _said(socket: WebSocket, patience: float) -> dict[str, object]:
    """Returns the browser's next text message as an object.

    Raises:
        Refused: the message is not a JSON object in text.
        TimeoutError: nothing came for ``patience`` s.
        WebSocketDisconnect: the browser left.
    """
    try:
        return parsed(await asyncio.wait_for(socket.receive_text(), patience))
    except KeyError:
        raise Refused(Abuse.MALFORMED) from None
    except WebSocketDisconnect as left:
        raise _gone(left.code) from None


def _gone(code: int) -> Exception:
    """Returns the exception for a connection closed with this code."""
    return Refused(Abuse.OVERSIZED) if code == TOO_BIG else WebSocketDisconnect(code)


async def _attend(socket: WebSocket, row: LiveCheck, waiting: ExitStack) -> None:
    """Runs a check from its accepted ticket to the outcome.

    It gives up its waiting place as soon as there is a place for the check itself.
    """
    readers: Readers = socket.app.state.readers
    if not readers.any:
        raise Problem(503, "No live checks", "this machine does none")
    await socket.send_json({"ready": row.ways, "back": row.back})
    readers.warm()
    way, ahead = await _chosen(socket, row, readers)
    waiting.close()
    challenge = (light_challenge if way is ChallengeKind.LIGHT else movement_challenge)(
        secrets.SystemRandom()
    )
    try:
        async with readers.sitting(challenge) as sitting:
            await run_in_threadpool(_begin, socket.app.state.service, row, way)
            end = await _ended(
                _held(socket, ahead, challenge, sitting, readers), socket.app.state.service, row
            )
    except ReaderDied as died:
        raise Problem(503, "Out of order", "frames cannot be read just now; try again") from died
    await socket.send_json(
        {"outcome": end.result, "advice": live.told(end), "back": live.way_back(row)}
    )


async def _chosen(
    socket: WebSocket, row: LiveCheck, readers: Readers
) -> tuple[ChallengeKind, float]:
    """Waits for a free place; returns the way the person chose and the clock offset.

    The offset is by how much our clock is ahead of the browser's, s.
    """
    for _ in range(BEGINNINGS):
        try:
            said = await _said(socket, max(0.0, row.expires - await _now(socket)))
        except TimeoutError:
            raise Problem(410, "Expired", "the live check was not begun in time") from None
        way, ahead = said.get("begin"), time.monotonic() - sound(said.get("time"))
        if way not in row.ways:
            raise Refused(Abuse.MALFORMED)
        if not readers.full:
            return ChallengeKind(str(way)), ahead
        await socket.send_json({"busy": True})
    raise Refused(Abuse.TOO_MANY)


async def _ended(held: Awaitable[Conclusion], service: Service, row: LiveCheck) -> LiveCheck:
    """Waits for a check that was begun to end, and writes its end down whatever happens."""
    end = live.LOST
    try:
        end = await held
    except Refused as refused:
        end = replace(
            live.LOST if refused.abuse is Abuse.LATE else live.SUSPICIOUS, abuse=refused.abuse
        )
    except ReaderDied:
        end = replace(end, advice=Advice.TRY_AGAIN)
    finally:
        ended = await asyncio.shield(run_in_threadpool(_conclude, service, row, end))
    return ended


async def _held(
    socket: WebSocket,
    ahead: float,
    challenge: LightChallenge | MovementChallenge,
    sitting: Sitting,
    readers: Readers,
) -> Conclusion:
    """Runs the check itself: sends each step when it is due, and receives frames meanwhile.

    ``ahead`` is as in `LiveProtocol`.
    """
    await socket.send_json({"go": readers.frames_per_second})
    session = LiveProtocol(len(_steps(challenge)), challenge.seconds, ahead, time.monotonic())
    while True:
        try:
            message = await asyncio.wait_for(
                socket.receive(), max(0.0, session.due - time.monotonic())
            )
        except TimeoutError:
            number = session.step(time.monotonic())
            if number is None:
                break
            step = {
                "step": number,
                "of": len(_steps(challenge)),
                "seconds": challenge.seconds,
                "frames": readers.frames_per_second,
            }
            await socket.send_json(step | _step(challenge, number))
            continue
        if message["type"] == "websocket.disconnect":
            raise _gone(message.get("code", 1005))
        content = message.get("text") or message.get("bytes") or ""
        frame = session.receive(content, time.monotonic())
        if frame is not None:
            sitting.read(frame)
        if sitting.unreadable:
            raise Refused(Abuse.MALFORMED)
    await socket.send_json({"judging": True})
    # Keep reading: otherwise the answers to pings would not be read, either.
    leftover = asyncio.create_task(_ignore(socket))
    try:
        end = await sitting.verify(session.sent, session.shown, session.counted)
    finally:
        leftover.cancel()
    came = {"frames": len(session.counted), "late": session.late, "skipped": sitting.skipped}
    return replace(end, details={**(end.details or {}), **came})


async def _ignore(socket: WebSocket) -> None:
    """Reads and discards messages until the browser leaves."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _steps(challenge: LightChallenge | MovementChallenge) -> tuple[object, ...]:
    return challenge.symbols if isinstance(challenge, LightChallenge) else challenge.moves


def _step(challenge: LightChallenge | MovementChallenge, number: int) -> dict[str, object]:
    if isinstance(challenge, LightChallenge):
        return {"quarters": challenge.symbols[number].quarters}
    return {"move": challenge.moves[number]}


def _begin(service: Service, row: LiveCheck, way: ChallengeKind) -> None:
    with service.database.transaction() as session:
        live.begin(session, row, way, clock(session))


def _conclude(service: Service, row: LiveCheck, end: Conclusion) -> LiveCheck:
    with service.database.transaction() as session:
        ended = live.conclude(session, row.id, end, clock(session))
    told = {
        "tenant": row.tenant,
        "live": row.id,
        "result": end.result,
        "advice": end.advice,
        "abuse": end.abuse,
    }
    log.info("live check", extra=told | {"details": dict(end.details or {})})
    return ended


def _database(socket: WebSocket) -> Database:
    service: Service = socket.app.state.service
    return service.database
