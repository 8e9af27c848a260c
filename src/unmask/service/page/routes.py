"""All addresses of the page.

Forms call the same functions as the API.
"""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from unmask.service.api.access import service_of
from unmask.service.api.routes import largest
from unmask.service.page import (
    administration,
    cases,
    checks,
    licences,
    live,
    organisation,
    retention,
    second_factor,
    signing_in,
    single_sign_on,
    webhooks,
)
from unmask.service.page.rendering import (
    HEADERS,
    LANGUAGE_COOKIE,
    PageRoute,
    local,
    refused,
    static_file,
)
from unmask.service.people.sessions import secure
from unmask.service.problems import not_found
from unmask.service.store.service import Service
from unmask.words import codes

router = APIRouter(include_in_schema=False, route_class=PageRoute)
for part in (
    signing_in,
    single_sign_on,
    second_factor,
    checks,
    retention,
    cases,
    administration,
    organisation,
    licences,
    webhooks,
    live,
):
    router.include_router(part.router)

YEAR = 365 * 86400


def install(app: FastAPI) -> None:
    """Adds the page to an app; 404 errors are then shown as a page, except to programs."""
    service: Service = app.state.service
    app.include_router(checks.sending, max_body_size=largest(service.settings))
    app.include_router(router)
    said_to_programs = app.exception_handlers[HTTPException]

    @app.exception_handler(HTTPStatus.NOT_FOUND)
    async def nothing(request: Request, error: HTTPException) -> Response:
        if request.url.path.startswith("/api/") or "text/html" not in request.headers.get(
            "accept", ""
        ):
            answer: Response = await said_to_programs(request, error)  # type: ignore[misc]
            return answer
        return refused(request, not_found("page"))


@router.get("/static/{name}")
def static(name: str, v: str = "") -> Response:
    """Returns a style sheet, a script or the icon.

    Browsers keep it for good if its address identifies its content.
    """
    found = static_file(name)
    if found is None:
        raise not_found("file")
    keep = f"public, max-age={YEAR}, immutable" if v else "no-cache"
    return Response(found[0], media_type=found[1], headers={**HEADERS, "Cache-Control": keep})


@router.get("/language/{code}")
def switch(request: Request, code: str, next: str = "/") -> Response:  # noqa: A002 - as the address has it
    """Remembers the language that the reader chose."""
    if code not in codes():
        raise not_found("language")
    response, settings = RedirectResponse(local(next), 303, HEADERS), service_of(request).settings
    response.set_cookie(
        LANGUAGE_COOKIE, code, max_age=YEAR, secure=secure(settings), httponly=True, samesite="lax"
    )
    return response
