"""Cases: the queue, notes, decisions, appeals, and the notices to uploaders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from sqlalchemy import select

from unmask.service.api.access import Allowed, Guarded, Reader, service_of
from unmask.service.domain import cases, export
from unmask.service.domain.cases import LONGEST, CaseQuery, Decision
from unmask.service.domain.course import WAITING, CaseState
from unmask.service.people.actor import Actor, Scope
from unmask.service.problems import not_found
from unmask.service.store.tables import CaseEvent, CaseFile, Check

router = APIRouter(prefix="/cases", tags=["cases"], route_class=Guarded)

Reviewer = Annotated[Actor, Depends(Allowed(Scope.CASES))]
Identifier = Annotated[str, Field(max_length=64, pattern=r"^[^\x00]*$")]
Text = Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=r"^[^\x00]*$")]


class CaseView(BaseModel):
    """A case with the outcome of its check; times in seconds since 1970."""

    id: str
    check: str
    name: str
    sha256: str
    verdict: str | None
    log10_lr: float | None
    state: CaseState
    decision: Decision | None
    assigned: str | None
    created: float
    updated: float

    @classmethod
    def of(cls, case: CaseFile, check: Check) -> CaseView:
        return cls(
            id=case.id,
            check=check.id,
            name=check.name,
            sha256=check.sha256,
            verdict=check.verdict,
            log10_lr=check.log10_lr,
            state=CaseState(case.state),
            decision=Decision(case.decision) if case.decision else None,
            assigned=case.assigned,
            created=case.created,
            updated=case.updated,
        )


class CasePage(BaseModel):
    """Cases in the order of the queue, and the cursor of the next page."""

    cases: list[CaseView]
    next: str | None


class EventView(BaseModel):
    """Something that happened to a case."""

    number: int
    kind: str
    actor_name: str
    text: str
    decision: Decision | None
    rule: str | None
    illegal: bool | None
    language: str | None
    created: float

    @classmethod
    def of(cls, event: CaseEvent) -> EventView:
        return cls.model_validate(event, from_attributes=True)


class CaseWhole(CaseView):
    """A case with its full history."""

    events: list[EventView]


class NewCase(BaseModel):
    check: Identifier


class Said(BaseModel):
    text: Text


class Assignment(BaseModel):
    account: Identifier | None


class NewDecision(BaseModel):
    """A decision.

    ``seen`` is the case's ``updated`` as it was read, so that nobody overwrites another's decision.
    """

    decision: Decision
    grounds: Text
    rule: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")] = ""
    illegal: bool = False
    seen: float | None = None


class Notice(BaseModel):
    """A notice to send to the uploader."""

    language: str
    text: str
    created: float


@router.get("")
def list_cases(
    request: Request,
    actor: Reader,
    state: Annotated[Sequence[CaseState], Query()] = WAITING,
    verdict: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
    decision: Decision | None = None,
    assigned: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
    check: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> CasePage:
    """List the queue: appeals first, then the strongest evidence, then the oldest."""
    wanted = CaseQuery(state, verdict, decision, assigned, check)
    with service_of(request).database.reading() as session:
        page = cases.queue(session, actor, wanted, cursor, limit)
        return CasePage(cases=[CaseView.of(*one) for one in page.cases], next=page.next)


@router.post("", status_code=201)
def open_case(request: Request, actor: Reviewer, form: NewCase) -> CaseView:
    """Open a case for a check, or get the one it already has."""
    with service_of(request).database.transaction() as session:
        check = session.scalar(
            select(Check).where(Check.id == form.check, Check.tenant == actor.tenant)
        )
        if check is None:
            raise not_found("check")
        return CaseView.of(cases.open_for(session, actor, check), check)


@router.get("/{case}")
def show_case(request: Request, actor: Reader, case: Identifier) -> CaseWhole:
    """Show a case and its full history."""
    with service_of(request).database.reading() as session:
        found, check = cases.get(session, actor, case)
        told = [EventView.of(event) for event in cases.events(session, actor, case)]
        return CaseWhole(**CaseView.of(found, check).model_dump(), events=told)


@router.get(
    "/{case}/export",
    response_class=Response,
    responses={200: {"description": "A ZIP file.", "content": {"application/zip": {}}}},
)
def export_case(request: Request, actor: Reader, case: Identifier) -> Response:
    """Get a case as one ZIP: decisions, custody, result, report, audit entries, and the media.

    Report and media are in it while the file is kept. The export is in the audit log.
    """
    content = export.case_file(service_of(request), actor, case)
    headers = {
        "Content-Disposition": f'attachment; filename="case-{quote(case, safe="")}.zip"',
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(content, headers=headers, media_type="application/zip")


@router.post("/{case}/notes", status_code=201)
def write_note(request: Request, actor: Reviewer, case: Identifier, form: Said) -> EventView:
    """Write a note for the other reviewers; the uploader never sees it."""
    with service_of(request).database.transaction() as session:
        return EventView.of(cases.note(session, actor, case, form.text))


@router.put("/{case}/assignment")
def assign_case(request: Request, actor: Reviewer, case: Identifier, form: Assignment) -> CaseView:
    """Give a case to a reviewer, or to nobody."""
    with service_of(request).database.transaction() as session:
        cases.assign(session, actor, case, form.account)
        return CaseView.of(*cases.get(session, actor, case))


@router.post("/{case}/decisions", status_code=201)
def decide_case(request: Request, actor: Reviewer, case: Identifier, form: NewDecision) -> CaseView:
    """Decide a case; this also writes the notices to the uploader."""
    with service_of(request).database.transaction() as session:
        cases.decide(
            session, actor, case, form.decision, form.grounds, form.rule, form.illegal, form.seen
        )
        return CaseView.of(*cases.get(session, actor, case))


@router.post("/{case}/corrections", status_code=201)
def correct_decision(
    request: Request, actor: Reviewer, case: Identifier, form: NewDecision
) -> CaseView:
    """Correct a wrong decision that nobody contests.

    Somebody other than the person who decided must do it.
    """
    with service_of(request).database.transaction() as session:
        what = form.decision, form.grounds, form.rule, form.illegal, form.seen
        cases.decide(session, actor, case, *what, correcting=True)
        return CaseView.of(*cases.get(session, actor, case))


@router.post("/{case}/appeals", status_code=201)
def appeal_case(
    request: Request,
    actor: Annotated[Actor, Depends(Allowed(Scope.UPLOAD))],
    case: Identifier,
    form: Said,
) -> CaseView:
    """Contest a decision, as the uploader or on their behalf."""
    with service_of(request).database.transaction() as session:
        cases.appeal(session, actor, case, form.text)
        return CaseView.of(*cases.get(session, actor, case))


@router.get("/{case}/notices")
def list_notices(request: Request, actor: Reader, case: Identifier) -> list[Notice]:
    """List the notices on the latest decision, one per language, to be sent to the uploader."""
    with service_of(request).database.reading() as session:
        latest: dict[str, Notice] = {}
        for event in cases.events(session, actor, case):
            if event.kind == "notice" and event.language:
                latest[event.language] = Notice(
                    language=event.language, text=event.text, created=event.created
                )
        return list(latest.values())
