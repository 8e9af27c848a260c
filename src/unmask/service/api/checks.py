"""Checks over HTTP: sending a file; reading its verdict, report and pictures."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile

from unmask.errors import UsageError
from unmask.report import pictures
from unmask.report.document import Document
from unmask.service.api import idempotency
from unmask.service.api.access import BODY, FIELDS, FILES, Allowed, Guarded, service_of
from unmask.service.api.problems import documented, storage_away
from unmask.service.api.protection import REPORT_POLICY
from unmask.service.domain import checks, fetch, quotas, uploads
from unmask.service.domain.checks import Received
from unmask.service.people.actor import Actor, Scope
from unmask.service.problems import Problem, not_found
from unmask.service.store import jobs, storage
from unmask.service.store.service import Service
from unmask.service.store.tables import Check, Media
from unmask.types import Outcome, Verdict

log = logging.getLogger(__name__)

router = APIRouter(tags=["checks"], route_class=Guarded)
sending = APIRouter(tags=["checks"], route_class=Guarded)
"""Routes that take files."""

Identifier = Annotated[str, Field(max_length=64, pattern=r"^[0-9a-f-]+$")]
Sha256 = Annotated[
    str,
    Field(pattern=r"^[0-9a-fA-F]{64}$", description="Of the whole file; refused if it is another."),
]
Reader = Annotated[Actor, Depends(Allowed(Scope.READ))]
Uploader = Annotated[Actor, Depends(Allowed(Scope.UPLOAD))]
Model = TypeVar("Model", bound=BaseModel)
State = Literal["queued", "running", "done", "failed"]


class Options(BaseModel):
    """Options of a judging, as on the command line."""

    model_config = ConfigDict(extra="forbid")

    every: Annotated[
        float, Field(ge=0.02, le=60, description="s between the frames looked at.")
    ] = 0.5
    lines: Annotated[
        list[str], Field(max_length=20, description="Ask only these lines of evidence.")
    ] = []
    prior: Annotated[
        float | None, Field(gt=0, lt=1, description="Share of changed faces among such files.")
    ] = None

    def plain(self) -> dict[str, Any]:
        """Returns the options as JSON values.

        Raises:
            Problem: 422, there is no line of evidence with this name.
        """
        from unmask.evidence import chosen

        try:
            chosen(tuple(self.lines), None)
        except UsageError as error:
            raise Problem(422, "Not understood", str(error)) from error
        return self.model_dump()


class CheckView(BaseModel):
    """A check, as it is shown."""

    id: str
    name: str
    sha256: str
    state: State
    progress: Annotated[float, Field(ge=0, le=1)]
    place: Annotated[
        int | None,
        Field(
            description="Among all checks that wait, 1 for the next; "
            "null in lists, and once it is taken."
        ),
    ] = None
    created: Annotated[float, Field(description="Seconds since 1970.")]
    finished: float | None
    verdict: Verdict | None
    outcome: Annotated[
        Outcome | None,
        Field(description="The verdict, or `no face` where nobody is in the picture."),
    ]
    log10_lr: float | None
    error: Annotated[str | None, Field(description="Why the file could not be judged.")]

    @classmethod
    def of(cls, check: Check) -> CheckView:
        return cls.model_validate(check, from_attributes=True)


class ChecksPage(BaseModel):
    """Checks, the newest first."""

    items: list[CheckView]
    next: Annotated[str | None, Field(description="Give it as `before` to go on; null at the end.")]


class ByAddress(BaseModel):
    """A file to fetch."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=2000)]
    name: Annotated[str | None, Field(max_length=1000)] = None
    sha256: Sha256 | None = None
    options: Options = Options()


FILE_OR_ADDRESS = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "name": {"type": "string", "maxLength": 1000},
                        "sha256": {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"},
                        "options": {"type": "string", "description": "JSON, see Options."},
                    },
                }
            },
            "application/json": {"schema": {"$ref": "#/components/schemas/ByAddress"}},
        },
    }
}


class UploadFields(BaseModel):
    """Parameters sent with a file, wherever in the request they stood."""

    name: Annotated[str, Field(max_length=1000)] = "file"
    sha256: Sha256 | None = None
    options: Options = Options()


@sending.post(
    "/checks",
    status_code=201,
    response_model=CheckView,
    responses={
        200: {"model": CheckView, "description": "Judged before; this is that check."},
        **documented(400, 413, 415, 507),
    },
    openapi_extra=FILE_OR_ADDRESS,
)
async def create(
    request: Request,
    actor: Uploader,
    key: idempotency.Key = None,
    name: Annotated[
        str | None, Query(max_length=1000, description="Of the file, where the body is the file.")
    ] = None,
    sha256: Annotated[Sha256 | None, Query()] = None,
    options: Annotated[
        str | None, Query(max_length=10_000, description="JSON, see Options.")
    ] = None,
) -> JSONResponse:
    """Judge a file: sent as the body, in a form, or named by its address.

    For large files and bad connections use an upload. The same file, sent again under the same
    options, is not judged again.
    """
    service = service_of(request)
    given = {"name": name, "sha256": sha256, "options": options}
    await run_in_threadpool(admit, service, actor, key)
    received, asked = await _file(request, service, given)
    try:
        plain = asked.options.plain()
        uploads.check_digest(received, asked.sha256)
        return await run_in_threadpool(_create, service, actor, key, received, asked.name, plain)
    finally:
        await run_in_threadpool(service.storage.discard, received.object)


def admit(service: Service, actor: Actor, key: str | None = None, check: bool = True) -> None:
    """Refuses a file before it is received if the organisation's quotas are used up.

    Args:
        key: of the request; one that was answered before is answered so again.
        check: whether a check is made of it.

    Raises:
        Problem: 429 or 507.
    """
    if idempotency.known(service, actor, key):
        return
    with service.database.reading() as session:
        quotas.look(session, actor.tenant, check=check)


def _create(
    service: Service,
    actor: Actor,
    key: str | None,
    received: Received,
    name: str,
    options: dict[str, Any],
) -> JSONResponse:
    asked = {"path": "/checks", "sha256": received.sha256, "name": name, "options": options}

    def do(session: Session) -> idempotency.Answer:
        check, new = checks.accept(session, service, actor, received, name, options, actor.id)
        body = CheckView.of(check).model_dump(mode="json")
        return (201 if new else 200), body, {"Location": f"/api/v1/checks/{check.id}"}

    return idempotency.once(service, actor, key, asked, do)


async def _file(
    request: Request, service: Service, given: Mapping[str, str | None]
) -> tuple[Received, UploadFields]:
    """Receives the file of a request; returns it and the parameters sent with it."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    most = service.settings.upload_bytes
    if kind == "application/json":
        wanted = _valid(ByAddress, await _small(request))
        name = wanted.name or fetch.name_of(wanted.url)
        received = await fetch.fetch(service, wanted.url)
        return received, UploadFields(
            name=name[:1000], sha256=wanted.sha256, options=wanted.options
        )
    if kind == "multipart/form-data":
        async with request.form(max_files=FILES, max_fields=FIELDS) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Problem(422, "Not understood", "the form has no file called 'file'")
            fields = {
                "name": file.filename,
                **{k: v for k, v in form.items() if isinstance(v, str) and v},
            }
            asked = asked_for({**fields, **{k: v for k, v in given.items() if v}})
            return await uploads.receive(service, _parts(file), most), asked
    asked = asked_for(given)
    return await uploads.receive(service, request.stream(), most), asked


def asked_for(given: Mapping[str, Any]) -> UploadFields:
    """Validates the parameters sent with a file; raises `Problem`, 422, if they are invalid."""
    values = {k: v for k, v in given.items() if k in UploadFields.model_fields and v is not None}
    if "options" in values:
        values["options"] = _valid(Options, values["options"])
    return _valid(UploadFields, values)


def _valid(model: type[Model], values: Any) -> Model:
    try:
        if isinstance(values, str | bytes):
            return model.model_validate_json(values)
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise Problem(
            422, "Not understood", f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}"
        ) from error


async def _small(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY:
            raise Problem(413, "Too large", f"JSON may have {BODY:,} bytes here")
    return body


async def _parts(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(1 << 20):
        yield chunk


@router.get("/checks")
def search(
    request: Request,
    actor: Reader,
    q: Annotated[
        str, Query(max_length=200, description="Words of the name, or the start of the sha256.")
    ] = "",
    state: State | None = None,
    verdict: Verdict | None = None,
    before: Identifier | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ChecksPage:
    """List checks, the newest first."""
    with service_of(request).database.reading() as session:
        found = checks.search(session, actor, limit + 1, before, state, verdict, q)
    more = len(found) > limit
    return ChecksPage(
        items=[CheckView.of(one) for one in found[:limit]],
        next=found[limit - 1].id if more else None,
    )


@router.get("/checks/{check}", responses=documented(404))
def show(request: Request, actor: Reader, check: Identifier) -> CheckView:
    """Show the state of a check."""
    with service_of(request).database.reading() as session:
        found = checks.find(session, actor, check)
        return CheckView.of(found).model_copy(update={"place": jobs.place(session, found)})


@router.post("/checks/{check}/judgements", status_code=202, responses=documented(404, 410))
def judge_again(request: Request, actor: Uploader, check: Identifier) -> CheckView:
    """Judge the file again, with the weights and known originals of today.

    Until that is done there is no result.
    """
    with service_of(request).database.transaction() as session:
        return CheckView.of(checks.rejudge(session, actor, check))


@router.get(
    "/checks/{check}/result",
    response_model=Document,
    responses={200: {"description": "As `unmask check --json` prints it."}, **documented(404, 409)},
)
def result(request: Request, actor: Reader, check: Identifier) -> JSONResponse:
    """Get the result of a finished check."""
    with service_of(request).database.reading() as session:
        return JSONResponse(_finished(checks.find(session, actor, check)).result)


@router.get(
    "/checks/{check}/report",
    response_class=Response,
    responses={
        200: {"description": "An HTML page.", "content": {"text/html": {}}},
        **documented(404, 409, 410),
    },
)
def report(request: Request, actor: Reader, check: Identifier) -> Response:
    """Get the result as one HTML page to show."""
    return page(_beside(request, actor, check, storage.report))


def page(content: bytes) -> Response:
    """Returns one of our own pages about a stranger's file, as a document of no origin."""
    headers = {
        "Content-Security-Policy": REPORT_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    return Response(content, media_type="text/html; charset=utf-8", headers=headers)


@router.get(
    "/checks/{check}/pictures/{picture}",
    response_class=Response,
    responses={
        200: {
            "description": "JPEG, or PNG for a heatmap.",
            "content": {"image/jpeg": {}, "image/png": {}},
        },
        **documented(404, 409, 410),
    },
)
def picture(
    request: Request,
    actor: Reader,
    check: Identifier,
    picture: Annotated[str, Field(pattern=r"^[\w.-]{1,100}$")],
) -> Response:
    """Get one picture of the result, by the name that `unmask.report.pictures` gives it."""
    content = pictures.unpack(_beside(request, actor, check, storage.pictures), picture)
    if content is None:
        raise not_found("picture")
    kind = "image/png" if picture.endswith(".png") else "image/jpeg"
    return Response(
        content, media_type=kind, headers={**SAFE, "Cache-Control": "private, max-age=3600"}
    )


@router.get(
    "/checks/{check}/media",
    response_class=Response,
    responses={
        200: {
            "description": "The file as it was uploaded.",
            "content": {"application/octet-stream": {}},
        },
        206: {"description": "A part of it.", "content": {"application/octet-stream": {}}},
        **documented(404, 410, 416),
    },
)
def media(request: Request, actor: Reader, check: Identifier) -> Response:
    """Get the file itself; one range of bytes at a time, as players ask for it."""
    service = service_of(request)
    with service.database.reading() as session:
        row = checks.find(session, actor, check)
        stored = session.get_one(Media, (row.tenant, row.sha256))
    if stored.deleted is not None:
        raise checks.deleted()
    start, end = _range(request.headers.get("range"), stored.bytes)
    headers = {
        **SAFE,
        "Accept-Ranges": "bytes",
        "Content-Length": str(end - start),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.name, safe='')}",
        "Cache-Control": "private, no-store",
    }
    partial = end - start < stored.bytes
    if partial:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.bytes}"
    kind = MEDIA_TYPES.get(row.name.rpartition(".")[2].lower(), "application/octet-stream")
    try:
        body = service.storage.stream(storage.media(row.tenant, row.sha256), start, end)
    except FileNotFoundError:
        log.error("media is missing from the storage", extra={"check": row.id})
        raise storage_away() from None
    return StreamingResponse(body, 206 if partial else 200, headers, kind)


MOST_DIGITS = 30
"""Maximum digits of a number that is read; no file has so many bytes."""

SAFE = {"Content-Security-Policy": "sandbox; default-src 'none'"}
"""Header for files of strangers: they may be shown as a picture or video, never run as a page."""

MEDIA_TYPES = {
    "mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime",
    "webm": "video/webm", "mkv": "video/x-matroska",
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png",
    "webp": "image/webp", "avif": "image/avif", "gif": "image/gif", "heic": "image/heic",
}  # fmt: skip


def _finished(check: Check) -> Check:
    if check.result is None or check.finished is None:
        raise Problem(
            409, "Not done", f"the check is {check.state}; ask again later", {"Retry-After": "1"}
        )
    return check


def _beside(request: Request, actor: Actor, check: str, name: Any) -> bytes:
    """Reads a stored object that belongs to a finished check."""
    service = service_of(request)
    with service.database.reading() as session:
        row = _finished(checks.find(session, actor, check))
        stored = session.get_one(Media, (row.tenant, row.sha256))
    if stored.deleted is not None:
        raise checks.deleted()
    try:
        return service.storage.read(name(row.tenant, row.sha256, row.id))
    except FileNotFoundError:
        raise Problem(
            404, "Not found", "the file could not be judged, so there is nothing to show"
        ) from None


def _range(asked: str | None, size: int) -> tuple[int, int]:
    """Returns the first byte and the byte after the last of a Range header (RFC 9110, 14).

    Where the header is missing or not understood, this is the whole file.
    """
    unit, _, wanted = (asked or "").partition("=")
    first, dash, last = wanted.strip().partition("-")
    if (
        unit.strip() != "bytes"
        or not dash
        or "," in wanted
        or not (first + last).isascii()
        or not (first + last).isdigit()
    ):
        return 0, size
    if not first:
        start, end = max(0, size - _number(last)), size
    else:
        start, end = _number(first), min(size, _number(last) + 1) if last else size
    if start >= size or start >= end:
        raise Problem(
            416, "No such range", f"the file has {size} bytes", {"Content-Range": f"bytes */{size}"}
        )
    return start, end


def _number(digits: str) -> int:
    """Converts digits to a number, cutting very long ones, which lie beyond any file anyway.

    Python refuses to read more than 4,300 digits.
    """
    return int(digits.lstrip("0")[:MOST_DIGITS] or "0")
