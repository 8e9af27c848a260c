"""The organisation's register of licences: trusted issuers, licences and lists of revocations."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from unmask.service.api.access import Allowed, Guarded, service_of
from unmask.service.api.checks import Identifier, Reader
from unmask.service.api.problems import documented
from unmask.service.domain import licences
from unmask.service.people.actor import Actor, Scope
from unmask.service.store.tables import LicenceDocument

router = APIRouter(tags=["licences"], route_class=Guarded)

Keeper = Annotated[Actor, Depends(Allowed(Scope.LICENCES))]


class NewDocument(BaseModel):
    """A document to add to the register."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200_000,
            pattern=r"^[^\x00]*$",
            description="The file as it came: a licence or list of revocations (JSON), "
            "a public key (`did:key:... Name`), or certificates of authorities (PEM).",
        ),
    ]


class DocumentView(BaseModel):
    """A document of the register."""

    id: str
    kind: Literal["licence", "list", "key", "authority"]
    title: str
    named: Annotated[str, Field(description="A list's issuer and id; sha256 of whatever else.")]
    begins: Annotated[
        float | None, Field(description="From when a licence or list holds, seconds since 1970.")
    ]
    ends: float | None
    created: float
    updated: Annotated[float, Field(description="When a newer list took its place.")]

    @classmethod
    def of(cls, row: LicenceDocument) -> DocumentView:
        return cls.model_validate(row, from_attributes=True)


class DocumentsPage(BaseModel):
    """Some documents, the newest first."""

    items: list[DocumentView]
    next: Annotated[str | None, Field(description="Give it as `before` to go on; null at the end.")]


@router.post(
    "/licences",
    status_code=201,
    response_model=DocumentView,
    responses={
        200: {"model": DocumentView, "description": "There before; a newer list took its place."},
        **documented(409, 422),
    },
)
def add(request: Request, actor: Keeper, given: NewDocument) -> JSONResponse:
    """Add a document to the register.

    A check that rests on a licence that a list takes back is judged again, and its decided case
    reopened.
    """
    service = service_of(request)
    with service.database.transaction() as session:
        row, new = licences.add(session, service, actor, given.text)
        body = DocumentView.of(row).model_dump(mode="json")
    return JSONResponse(body, 201 if new else 200, {"Location": f"/api/v1/licences/{body['id']}"})


@router.get("/licences")
def search(
    request: Request,
    actor: Reader,
    before: Identifier | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DocumentsPage:
    """List the documents of the register, the newest first."""
    with service_of(request).database.reading() as session:
        found = licences.search(session, actor, limit + 1, before)
    more = len(found) > limit
    return DocumentsPage(
        items=[DocumentView.of(one) for one in found[:limit]],
        next=found[limit - 1].id if more else None,
    )


@router.get("/licences/{document}", responses=documented(404))
def show(request: Request, actor: Reader, document: Identifier) -> DocumentView:
    """Show one document."""
    with service_of(request).database.reading() as session:
        return DocumentView.of(licences.find(session, actor, document))


@router.delete("/licences/{document}", status_code=204, responses=documented(404))
def remove(request: Request, actor: Keeper, document: Identifier) -> None:
    """Remove a document from the register: checks begun from now on do not know it."""
    with service_of(request).database.transaction() as session:
        licences.remove(session, actor, document)
