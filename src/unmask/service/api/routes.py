"""All routes of the API in one application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from unmask.service.api import (
    accounts,
    audit,
    cases,
    checks,
    health,
    licences,
    live,
    organisation,
    originals,
    problems,
    retention,
    second_factor,
    takes,
    uploads,
    webhooks,
)
from unmask.service.api.access import BODY
from unmask.service.api.live_waiting import WaitingRoom
from unmask.service.api.protection import protect
from unmask.service.confined.live_reading import Readers
from unmask.service.settings import ServiceSettings
from unmask.service.store.service import Service

ABOUT = """
Tells whether a person's face in a photo or a video was changed by software, shows why, \
and says so when it cannot tell.

Send a file (`POST /api/v1/checks`, or an upload that survives bad connections), \
ask until it is done or be told by a
webhook, take its result and its report. Every error is `application/problem+json`.
"""

REFUSALS = (400, 401, 403, 404, 409, 413, 422, 429, 503)
"""Error statuses that any route may answer."""

FORM = 1 << 20
"""Maximum size of a form beyond the file in it, bytes."""


@asynccontextmanager
async def _readers_end_with_it(app: FastAPI) -> AsyncIterator[None]:
    yield
    await app.state.readers.close()


def create_api(service: Service) -> FastAPI:
    """Builds the HTTP API, without the page.

    Args:
        service: whose settings, database and storage the routes use, as
            ``request.app.state.service``.
    """
    app = FastAPI(
        title="Unmask",
        version=version("unmask"),
        description=ABOUT,
        redoc_url=None,
        docs_url=None,
        lifespan=_readers_end_with_it,
    )
    app.state.service = service
    app.state.readers, app.state.waiting = Readers(service.settings), WaitingRoom()
    refusals = problems.documented(*REFUSALS)
    for part in (checks, uploads, originals):
        app.include_router(
            part.sending,
            prefix="/api/v1",
            responses=refusals,
            max_body_size=largest(service.settings),
        )
    for part in (
        checks,
        takes,
        uploads,
        originals,
        licences,
        live,
        webhooks,
        retention,
        cases,
        audit,
        accounts,
        second_factor,
        organisation,
    ):
        app.include_router(part.router, prefix="/api/v1", responses=refusals)
    app.include_router(health.router, responses=problems.documented(401, 404, 503))
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=BODY)
    problems.install(app)
    protect(app, service)
    _document_problems(app)
    return app


def largest(settings: ServiceSettings) -> int:
    """Returns the maximum size of a request that brings a file, bytes."""
    return settings.upload_bytes + FORM


def _document_problems(app: FastAPI) -> None:
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        schemas = document["components"]["schemas"]
        schemas["Problem"] = problems.ProblemDocument.model_json_schema()
        schemas["ByAddress"] = checks.ByAddress.model_json_schema(
            ref_template="#/components/schemas/{model}"
        )
        schemas.update(schemas["ByAddress"].pop("$defs"))
        return document

    app.openapi = openapi  # type: ignore[method-assign]
