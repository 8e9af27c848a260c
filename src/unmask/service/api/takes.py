"""Takes over HTTP: asking whether a check's video is one unbroken take, and reading the answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from unmask.report.take import TakeDocument
from unmask.service.api import idempotency
from unmask.service.api.access import Guarded, service_of
from unmask.service.api.checks import Identifier, Reader, State, Uploader, page
from unmask.service.api.problems import documented, storage_away
from unmask.service.domain import takes
from unmask.service.people.actor import Actor
from unmask.service.problems import Problem
from unmask.service.store.tables import Take
from unmask.takes.findings import TakeAnswer

router = APIRouter(prefix="/checks/{check}/take", tags=["takes"], route_class=Guarded)


class TakeView(BaseModel):
    """The question whether a file is one unbroken take, as it is shown."""

    state: State
    progress: Annotated[float, Field(ge=0, le=1)]
    created: Annotated[float, Field(description="When it was asked, or asked again; s since 1970.")]
    finished: float | None
    answer: Annotated[
        TakeAnswer | None, Field(description="Null before the end, and with an error.")
    ]
    error: Annotated[str | None, Field(description="Why the file could not be judged.")]

    @classmethod
    def of(cls, take: Take) -> TakeView:
        return cls.model_validate(take, from_attributes=True)


@router.post(
    "",
    status_code=202,
    response_model=TakeView,
    responses={
        200: {"model": TakeView, "description": "Asked before; this is that answer."},
        **documented(404, 410),
    },
)
def ask(
    request: Request, actor: Uploader, check: Identifier, key: idempotency.Key = None
) -> JSONResponse:
    """Ask whether the video is one unbroken take.

    Asked once per file, whichever of its checks is named. Without an answer, or after an update of
    Unmask, it is judged again.
    """

    def do(session: Session) -> idempotency.Answer:
        take, new = takes.ask(session, actor, check)
        body = TakeView.of(take).model_dump(mode="json")
        return (202 if new else 200), body, {"Location": f"/api/v1/checks/{check}/take"}

    return idempotency.once(service_of(request), actor, key, {"path": f"/checks/{check}/take"}, do)


@router.get("", responses=documented(404, 410))
def show(request: Request, actor: Reader, check: Identifier) -> TakeView:
    """Show how far the question is; 404 if nobody has asked."""
    with service_of(request).database.reading() as session:
        return TakeView.of(takes.find(session, actor, check))


@router.get(
    "/result",
    response_model=TakeDocument,
    responses={
        200: {"description": "As `unmask take --json` prints it."},
        **documented(404, 409, 410),
    },
)
def result(request: Request, actor: Reader, check: Identifier) -> JSONResponse:
    """Get the answer: what breaks the take, where a cut could not have been seen, the power."""
    return JSONResponse(_finished(request, actor, check).result)


@router.get(
    "/report",
    response_class=Response,
    responses={
        200: {"description": "An HTML page.", "content": {"text/html": {}}},
        **documented(404, 409, 410),
    },
)
def report(
    request: Request,
    actor: Reader,
    check: Identifier,
    language: Annotated[
        str, Query(pattern="^[A-Za-z-]{2,20}$", description="Its code; English if there is none.")
    ] = "en",
) -> Response:
    """Get the answer as one HTML page: the timeline, and pictures and sound of each finding."""
    take = _finished(request, actor, check)
    if take.answer is None:
        raise Problem(404, "Not found", "the file could not be judged, so there is nothing to show")
    try:
        return page(takes.page(service_of(request), take, language))
    except FileNotFoundError:
        raise storage_away() from None


def _finished(request: Request, actor: Actor, check: str) -> Take:
    with service_of(request).database.reading() as session:
        take = takes.find(session, actor, check)
    if take.finished is None:
        raise Problem(
            409, "Not done", f"the take is {take.state}; ask again later", {"Retry-After": "1"}
        )
    return take
