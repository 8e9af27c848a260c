"""All routes of the service in one application."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders

from unmask.service.api import accounts, checks, originals, problems, uploads, webhooks
from unmask.service.api.bodies import BodyLimit
from unmask.service.service import Service

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ABOUT = """
Tells whether a person's face in a photo or a video was changed by software, shows why, and says so when it cannot tell.

Send a file (`POST /api/v1/checks`, or an upload that survives bad connections), ask until it is done or be told by a
webhook, take its result and its report. Every error is `application/problem+json`.
"""


def create_app(service: Service) -> FastAPI:
    """The service over HTTP.

    Args:
        service: whose settings, database and storage the routes use, as ``request.app.state.service``.
    """
    app = FastAPI(title="Unmask", version=version("unmask"), description=ABOUT, redoc_url=None, docs_url=None)
    app.state.service = service
    for part in (checks, uploads, originals, webhooks, accounts):
        app.include_router(part.router, prefix="/api/v1", responses=problems.documented(401, 403, 422, 429, 503))
    problems.install(app)
    app.add_middleware(BodyLimit, most=service.settings.upload_bytes)
    app.add_middleware(Headers)
    _document_problems(app)
    return app


class Headers:
    """Adds what every answer carries: no guessing of types, and how much of the rate limit is left."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                for name, value in scope.get("state", {}).get("headers", {}).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, sent)


def _document_problems(app: FastAPI) -> None:
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        schemas = document["components"]["schemas"]
        schemas["Problem"] = problems.ProblemDocument.model_json_schema()
        schemas["ByAddress"] = checks.ByAddress.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schemas["ByAddress"].pop("$defs"))
        return document

    app.openapi = openapi  # type: ignore[method-assign]
