"""Resumable uploads: tus 1.0.0 (tus.io), with creation, expiration and termination.

tus is used rather than the IETF's draft-ietf-httpbis-resumable-upload. The draft still changes its
wire format with each interop version, while tus 1.0 has not changed since 2016 and has clients in
every language (Uppy in browsers).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator
from email.utils import formatdate
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session
from starlette.requests import ClientDisconnect

from unmask.service.api import idempotency
from unmask.service.api.access import Guarded, service_of
from unmask.service.api.checks import Identifier, Uploader, UploadFields, asked_for
from unmask.service.api.problems import documented
from unmask.service.domain import uploads
from unmask.service.people.actor import Actor
from unmask.service.problems import Problem
from unmask.service.store.tables import Upload

router = APIRouter(tags=["uploads"], route_class=Guarded)
sending = APIRouter(tags=["uploads"], route_class=Guarded)
"""Routes that take files."""

VERSION = {"Tus-Resumable": "1.0.0"}
EXTENSIONS = "creation,expiration,termination"
KIND = "application/offset+octet-stream"


class UploadView(BaseModel):
    """An upload, as it is shown."""

    id: str
    name: str
    length: int
    offset: Annotated[int, Field(description="Bytes that have come.")]
    expires: Annotated[float, Field(description="Seconds since 1970.")]
    check: Annotated[str | None, Field(description="Id of what became of it.")]
    refused: Annotated[str | None, Field(description="Why nothing became of it.")]

    @classmethod
    def of(cls, upload: Upload) -> UploadView:
        return cls.model_validate(upload, from_attributes=True)


@router.options("/uploads", status_code=204, include_in_schema=False)
def capabilities(request: Request) -> Response:
    """Tell which parts of tus this service supports."""
    most = str(service_of(request).settings.upload_bytes)
    return Response(
        status_code=204,
        headers={
            **VERSION,
            "Tus-Version": "1.0.0",
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": most,
        },
    )


@router.post(
    "/uploads", status_code=201, response_model=UploadView, responses=documented(400, 413, 507)
)
def begin(
    request: Request,
    actor: Uploader,
    upload_length: Annotated[int, Header(ge=1, le=1 << 50, description="Bytes of the whole file.")],
    upload_metadata: Annotated[
        str,
        Header(
            max_length=20_000,
            description="As tus has it: `filename`, `sha256` and `options` (JSON, see Options), "
            "each with its value in base64.",
        ),
    ] = "",
    key: idempotency.Key = None,
) -> Response:
    """Announce a file that comes in pieces. The header Location has its address."""
    service = service_of(request)
    asked = _metadata(upload_metadata)
    options = asked.options.plain()
    wanted = {"path": "/uploads", "length": upload_length, "metadata": upload_metadata}

    def do(session: Session) -> idempotency.Answer:
        upload = uploads.begin(
            session, service, actor, upload_length, asked.name, asked.sha256, options
        )
        body = UploadView.of(upload).model_dump(mode="json")
        return 201, body, {**VERSION, "Location": f"/api/v1/uploads/{upload.id}", **_where(upload)}

    return idempotency.once(service, actor, key, wanted, do)


@router.head("/uploads/{upload}", responses=documented(404))
def offset(request: Request, actor: Uploader, upload: Identifier) -> Response:
    """Tell how many bytes have come, in the header Upload-Offset."""
    with service_of(request).database.reading() as session:
        found = uploads.find(session, actor, upload)
    headers = {
        **VERSION,
        **_where(found),
        "Upload-Length": str(found.length),
        "Cache-Control": "no-store",
    }
    return Response(headers=headers)


@router.get("/uploads/{upload}", responses=documented(404))
def show(request: Request, actor: Uploader, upload: Identifier) -> UploadView:
    """Show the state of an upload and the check made from it."""
    with service_of(request).database.reading() as session:
        return UploadView.of(uploads.find(session, actor, upload))


@sending.patch(
    "/uploads/{upload}",
    status_code=204,
    response_class=Response,
    responses={
        204: {
            "description": "Taken. With the last piece, "
            "the header Unmask-Check has the id of the check."
        },
        **documented(400, 404, 409, 413, 415, 422),
    },
    openapi_extra={
        "requestBody": {
            "content": {KIND: {"schema": {"type": "string", "format": "binary"}}},
            "required": True,
        }
    },
)
async def append(
    request: Request,
    actor: Uploader,
    upload: Identifier,
    upload_offset: Annotated[
        int, Header(ge=0, le=1 << 50, description="Of the first byte of this piece.")
    ],
) -> Response:
    """Send the next piece, of any size. If the connection breaks, the bytes so far are kept."""
    service = service_of(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != KIND:
        raise Problem(415, "Wrong kind", f"a piece is sent as {KIND}")
    row = await run_in_threadpool(_find, request, actor, upload)
    if row.offset != upload_offset:
        raise uploads.wrong_offset(row, upload_offset)
    if row.offset < row.length:
        piece = await uploads.receive(service, _until_broken(request), row.length - row.offset)
        row = await run_in_threadpool(uploads.append, service, actor, upload, upload_offset, piece)
    if row.offset == row.length and row.check is None and row.refused is None:
        row = await run_in_threadpool(uploads.finish, service, actor, row)
    if row.refused is not None:
        raise Problem(422, "Refused", row.refused)
    return Response(
        status_code=204,
        headers={**VERSION, **_where(row), **({"Unmask-Check": row.check} if row.check else {})},
    )


@router.delete("/uploads/{upload}", status_code=204, responses=documented(404))
def cancel(request: Request, actor: Uploader, upload: Identifier) -> Response:
    """Cancel an upload and discard its bytes. A check already made from it stays."""
    service = service_of(request)
    with service.database.transaction() as session:
        uploads.cancel(session, service, uploads.find(session, actor, upload, changing=True))
    return Response(status_code=204, headers=VERSION)


def _find(request: Request, actor: Actor, upload: str) -> Upload:
    with service_of(request).database.reading() as session:
        return uploads.find(session, actor, upload)


async def _until_broken(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        return


def _where(upload: Upload) -> dict[str, str]:
    return {
        "Upload-Offset": str(upload.offset),
        "Upload-Expires": formatdate(upload.expires, usegmt=True),
    }


def _metadata(text: str) -> UploadFields:
    """Parses the values of the header Upload-Metadata."""
    given: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = pair.partition(" ")
        try:
            given[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError) as error:
            raise Problem(
                400,
                "Not understood",
                f"Upload-Metadata: the value of {name!r} is no text in base64",
            ) from error
    return asked_for({**given, "name": given.get("filename") or given.get("name")})
