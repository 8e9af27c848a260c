"""Pages of cases: the queue, and one case with its notes, decision, appeal and notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from unmask.service.api.access import Allowed, service_of
from unmask.service.domain import cases, checks
from unmask.service.domain.cases import RESTRICTIONS, CaseQuery, Decision
from unmask.service.domain.course import WAITING, CaseState, reviewers
from unmask.service.page.answer import answer
from unmask.service.page.checks import is_available
from unmask.service.page.rendering import HEADERS, PageRoute, language_of, render
from unmask.service.people import accounts
from unmask.service.people.actor import Actor, Scope
from unmask.service.problems import Problem
from unmask.service.store.database import now
from unmask.service.store.tables import Account, CaseEvent, CaseFile, Media

router = APIRouter(prefix="/cases", route_class=PageRoute)

Reviewer = Annotated[Actor, Depends(Allowed(Scope.CASES))]
Text = Annotated[str, Form(max_length=cases.LONGEST)]


@dataclass(frozen=True, slots=True)
class CaseForm:
    """Values typed into the forms of a case, shown again if something is wrong with them."""

    decision: str = ""
    grounds: str = ""
    rule: str = ""
    illegal: bool = False
    appeal: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Filter of the queue, as in its address; empty for any."""

    state: str = ""
    outcome: str = ""
    assigned: str = ""
    words: str = ""

    def wanted(self, actor: Actor) -> CaseQuery:
        states = (CaseState(self.state),) if self.state else WAITING
        assigned = {"": None, "me": actor.id, "nobody": ""}.get(self.assigned, self.assigned)
        return CaseQuery(states, assigned=assigned, outcome=self.outcome or None, words=self.words)


TABS = {
    "waiting": CaseFilter(),
    "decided": CaseFilter(CaseState.DECIDED),
    "mine": CaseFilter(assigned="me"),
}
"""Filters that are asked for most, one click away."""

OUTCOMES = ("changed", "licensed change", "no change found", "cannot tell", "no face", "not judged")


@router.get("")
def queue(
    request: Request,
    actor: Reviewer,
    state: Annotated[str, Query(pattern=f"^({'|'.join(CaseState)}|)$")] = "",
    outcome: Annotated[str, Query(pattern=f"^({'|'.join(OUTCOMES)}|)$")] = "",
    assigned: Annotated[str, Query(max_length=64, pattern=r"^[\w-]*$")] = "",
    words: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> Response:
    asked = CaseFilter(state, outcome, assigned, words)
    with service_of(request).database.reading() as session:
        page = cases.queue(session, actor, asked.wanted(actor), cursor)
        values = {
            "names": {one.id: one.name for one in accounts.listing(session, actor)},
            "reviewers": session.scalars(
                select(Account).where(*reviewers(actor.tenant)).order_by(Account.name)
            ).all(),
            "kept": checks.kept(session, actor, [check.sha256 for _, check in page.cases]),
            "now": now(session),
        }
    more = urlencode(asdict(asked) | {"cursor": page.next}) if page.next else ""
    tab = next((name for name, preset in TABS.items() if preset == asked), "found")
    shown = {
        "page": page,
        "asked": asked,
        "tabs": TABS,
        "tab": tab,
        "states": list(CaseState),
        "outcomes": OUTCOMES,
        "next": more,
    }
    return render(request, "cases.html.j2", 200, **shown, **values)


@router.get("/{case}")
def show(request: Request, actor: Reviewer, case: str) -> Response:
    return _shown(request, actor, case)


@router.post("/{case}/decision")
def decide(
    request: Request,
    actor: Reviewer,
    case: str,
    decision: Annotated[Decision, Form()],
    grounds: Text = "",
    rule: Annotated[str, Form(max_length=1000)] = "",
    illegal: Annotated[str, Form(max_length=9)] = "",
    seen: Annotated[float | None, Form()] = None,
    correcting: Annotated[str, Form(pattern="^(yes|)$")] = "",
) -> Response:
    given = CaseForm(decision, grounds, rule, bool(illegal))
    restricts = decision in RESTRICTIONS
    arguments = (
        decision,
        grounds,
        rule if restricts else "",
        restricts and bool(illegal),
        seen,
        bool(correcting),
    )
    return _done(
        request, actor, case, given, lambda session: cases.decide(session, actor, case, *arguments)
    )


@router.post("/{case}/appeal")
def appeal(request: Request, actor: Reviewer, case: str, text: Text = "") -> Response:
    return _done(
        request,
        actor,
        case,
        CaseForm(appeal=text),
        lambda session: cases.appeal(session, actor, case, text),
    )


@router.post("/{case}/note")
def note(request: Request, actor: Reviewer, case: str, text: Text = "") -> Response:
    return _done(
        request,
        actor,
        case,
        CaseForm(note=text),
        lambda session: cases.note(session, actor, case, text),
    )


@router.post("/{case}/assignment")
def assign(
    request: Request, actor: Reviewer, case: str, to: Annotated[str, Form(pattern="^(me)?$")] = ""
) -> Response:
    whom = actor.id if to == "me" else None
    return _done(
        request, actor, case, CaseForm(), lambda session: cases.assign(session, actor, case, whom)
    )


def _done(
    request: Request, actor: Actor, case: str, given: CaseForm, do: Callable[[Session], Any]
) -> Response:
    """Does something to a case and shows it anew, or shows the error and all that was typed."""
    try:
        with service_of(request).database.transaction() as session:
            do(session)
    except Problem as problem:
        if problem.status == 404:
            raise
        return _shown(request, actor, case, given, problem)
    return RedirectResponse(f"/cases/{case}", 303, HEADERS)


def _shown(
    request: Request,
    actor: Actor,
    case: str,
    given: CaseForm = CaseForm(),
    problem: Problem | None = None,
) -> Response:
    with service_of(request).database.reading() as session:
        found, check = cases.get(session, actor, case)
        values = {
            "case": found,
            "check": check,
            "events": (events := cases.events(session, actor, case)),
            "notice": _notices(request, events),
            "choices": _choices(found),
            "uploader": accounts.name_of(session, check.tenant, check.uploader),
            "same": cases.of_same_file(session, check),
            "assigned": found.assigned and accounts.get(session, actor, found.assigned).name,
            "next": next(
                (
                    one.id
                    for one, _ in cases.queue(session, actor, limit=2).cases
                    if one.id != found.id
                ),
                None,
            ),
            "available": is_available(session.get(Media, (check.tenant, check.sha256))),
            "shown": answer(check.document, check.name),
        }
    wrong = language_of(request).say(problem.message) if problem else ""
    return render(
        request,
        "case.html.j2",
        problem.status if problem else 200,
        given=given,
        wrong=wrong,
        **values,
    )


def _choices(case: CaseFile) -> tuple[Decision, ...]:
    """Returns the decisions that are possible; only a restriction that stands can be taken back."""
    if case.decision in RESTRICTIONS:
        return (Decision.RESTORE, Decision.LABEL, Decision.TAKE_DOWN)
    return (Decision.KEEP, Decision.LABEL, Decision.TAKE_DOWN)


def _notices(request: Request, events: list[CaseEvent]) -> list[CaseEvent]:
    """Returns the notices on the latest decision, the reader's language first."""
    latest = {event.language: event for event in events if event.kind == "notice"}
    own = language_of(request).code
    return sorted(latest.values(), key=lambda event: event.language != own)
