"""Answers every error as ``application/problem+json`` (RFC 9457), whatever raised it."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, TimeoutError  # noqa: A004 - of the pool of connections
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Event

from unmask.messages import Message
from unmask.service.api.protection import HEADERS
from unmask.service.domain import uploads
from unmask.service.problems import Problem
from unmask.service.store.database import full
from unmask.storage import StorageAway
from unmask.storage import full as without_room

MEDIA_TYPE = "application/problem+json"

log = logging.getLogger(__name__)


class ProblemDocument(BaseModel):
    """An error, as every route answers it."""

    type: str = "about:blank"
    title: Annotated[str, Field(description="What kind of problem it is.")]
    status: Annotated[int, Field(description="The status code of HTTP again.")]
    detail: Annotated[str, Field(description="What is wrong this time, and the way out.")]
    errors: Annotated[
        list[dict[str, Any]] | None, Field(description="Which parts of the request are wrong.")
    ] = None


def response(problem: Problem, **more: Any) -> JSONResponse:
    """Returns the response that describes a problem."""
    body = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        **more,
    }
    return JSONResponse(body, problem.status, problem.headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Makes an app answer every error in this form."""
    app.exception_handler(Problem)(_problem)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http)
    for outages in (DBAPIError, TimeoutError, OSError):
        app.exception_handler(outages)(_outage)
    app.exception_handler(ClientDisconnect)(_gone)
    app.exception_handler(Exception)(_unexpected)
    app.add_middleware(TooLarge)


def outage(error: Exception) -> Problem | None:
    """Returns the problem for a failing storage, disk or database; None for any other error."""
    if isinstance(error, StorageAway):
        return storage_away()
    if (isinstance(error, DBAPIError) and full(error)) or (
        isinstance(error, OSError) and without_room(error)
    ):
        return uploads.no_room()
    if isinstance(error, DBAPIError | TimeoutError):
        return Problem(503, "Out of order", Message("refusal.database"), {"Retry-After": "2"})
    return None


def storage_away() -> Problem:
    """Returns the problem for a storage that does not answer.

    Nothing was accepted and nothing lost; the same request may succeed later.
    """
    return Problem(503, "Out of order", Message("refusal.storage"), {"Retry-After": "10"})


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describes the errors of a route for the OpenAPI document."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }


class TooLarge:
    """Replaces the plain text that Starlette answers for a body over its limit by a problem."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        replaced = False

        async def sending(event: Event) -> None:
            nonlocal replaced
            if event["type"] == "http.response.start" and event["status"] == 413:
                replaced = (
                    Headers(raw=event["headers"]).get("content-type", "").startswith("text/plain")
                )
                if replaced:
                    await response(Problem(413, "Too large", "send less at once"))(
                        scope, receive, send
                    )
            if not replaced:
                await send(event)

        await self._app(scope, receive, sending)


async def _problem(_request: Request, error: Problem) -> JSONResponse:
    return response(error)


async def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
    wrong = [
        {"at": [str(part) for part in one["loc"]], "why": one["msg"]} for one in error.errors()
    ]
    first = (
        f"{'.'.join(wrong[0]['at'])}: {wrong[0]['why']}"
        if wrong
        else "the request is not understood"
    )
    return response(Problem(422, "Not understood", first), errors=wrong)


async def _http(_request: Request, error: HTTPException) -> JSONResponse:
    title = HTTPStatus(error.status_code).phrase
    return response(Problem(error.status_code, title, str(error.detail), error.headers))


async def _outage(_request: Request, error: Exception) -> JSONResponse:
    if (problem := outage(error)) is None:
        raise error
    if isinstance(error, StorageAway):
        log.error("the storage does not answer")
    elif problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        log.error("the database does not answer: %s", type(error).__name__)
    return response(problem)


async def _gone(_request: Request, _error: Exception) -> JSONResponse:
    return response(Problem(400, "Broken off", "the connection broke off before all had come"))


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """Answers an unexpected error.

    It runs outside `unmask.service.api.protection`, so it sets the headers itself.
    """
    told = request.scope.get("state", {}).get("request", "")
    log.error("unexpected %s", type(error).__name__, exc_info=error, extra={"request": told})
    detail = (
        "an error of this service; whoever runs it finds it in the log by the header X-Request-ID"
    )
    return response(Problem(500, "Unexpected", detail, {**HEADERS, "X-Request-ID": told}))
