"""Pages of checks: sending files, finding checks, and reading a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from sqlalchemy import select

from unmask.service.api import checks as api
from unmask.service.api.access import Allowed, Reader, service_of
from unmask.service.domain import cases, checks, takes
from unmask.service.domain import fetch as fetching
from unmask.service.page.answer import answer
from unmask.service.page.rendering import HEADERS, PageRoute, render
from unmask.service.people.actor import Actor, Scope
from unmask.service.store import jobs
from unmask.service.store.tables import CaseFile, Media

router = APIRouter(route_class=PageRoute)
sending = APIRouter(include_in_schema=False, route_class=PageRoute)
"""Routes that take files."""

LATEST, LISTED = 8, 40
"""Number of checks on the first screen, and on one screen of the list."""

DAY = 86400.0

Uploader = Annotated[Actor, Depends(Allowed(Scope.UPLOAD))]
Reviewer = Annotated[Actor, Depends(Allowed(Scope.CASES))]
Day = Annotated[str, Query(pattern=r"^(\d{4}-\d\d-\d\d)?$")]


@dataclass(frozen=True, slots=True)
class CheckFilter:
    """Filter of a list; days as ISO 8601, in UTC."""

    words: str = ""
    verdict: str = ""
    since: str = ""
    until: str = ""

    @property
    def narrowed(self) -> bool:
        return any((self.words, self.verdict, self.since, self.until))


@router.get("/")
def home(request: Request, actor: Reader) -> Response:
    service = service_of(request)
    if Scope.UPLOAD not in actor.scopes:
        return RedirectResponse("/checks", 303, HEADERS)
    with service.database.reading() as session:
        found = checks.search(session, actor, LATEST)
    settings = service.settings
    return render(
        request,
        "home.html.j2",
        found=found,
        most=settings.upload_bytes,
        fetching=settings.fetch_hosts,
    )


@sending.post("/checks")
async def bring(request: Request, actor: Uploader) -> Response:
    """Accepts a file from a browser without scripts; with them, it comes as a resumable upload."""
    accepted = await api.create(request, actor)
    return RedirectResponse(
        f"/checks/{accepted.headers['location'].rpartition('/')[2]}", 303, HEADERS
    )


@router.post("/fetch")
async def fetch(
    request: Request, actor: Uploader, url: Annotated[str, Form(max_length=2000)]
) -> Response:
    service = service_of(request)
    await run_in_threadpool(api.admit, service, actor)
    received = await fetching.fetch(service, url)

    def accept() -> str:
        with service.database.transaction() as session:
            name, options = fetching.name_of(url), api.Options().plain()
            return checks.accept(session, service, actor, received, name, options, actor.id)[0].id

    return RedirectResponse(f"/checks/{await run_in_threadpool(accept)}", 303, HEADERS)


@router.get("/checks")
def listing(
    request: Request,
    actor: Reader,
    words: Annotated[str, Query(max_length=200)] = "",
    verdict: Annotated[str, Query(max_length=40)] = "",
    since: Day = "",
    until: Day = "",
    before: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    asked = CheckFilter(words, verdict, since, until)
    with service_of(request).database.reading() as session:
        found = checks.search(
            session, actor, LISTED + 1, before or None, verdict=verdict or None, words=words,
            since=_moment(since), until=_moment(until, DAY),
        )  # fmt: skip
    kept = {"words": words, "verdict": verdict, "since": since, "until": until}
    more = urlencode({**kept, "before": found[LISTED - 1].id}) if len(found) > LISTED else ""
    return render(request, "checks.html.j2", found=found[:LISTED], asked=asked, next=more)


@router.get("/checks/{check}")
def show(request: Request, actor: Reader, check: str) -> Response:
    with service_of(request).database.reading() as session:
        found = checks.find(session, actor, check)
        case = session.scalar(select(CaseFile).where(CaseFile.check == found.id))
        media = session.get(Media, (found.tenant, found.sha256))
        available, place = is_available(media), jobs.place(session, found)
        take = takes.of(session, found)
    if found.finished is None or found.result is None:
        return render(request, "waiting.html.j2", check=found, place=place)
    shown, report = answer(found.document, found.name), available and found.verdict
    hold = media.hold if media else None
    given = {
        "check": found,
        "shown": shown,
        "case": case,
        "available": available,
        "report": report,
        "hold": hold,
        "take": take,
        "stands": take is not None and takes.stands(take),
    }
    return render(request, "check.html.j2", 200, **given)


@router.post("/checks/{check}/judgement")
def judge_again(request: Request, actor: Uploader, check: str) -> Response:
    with service_of(request).database.transaction() as session:
        found = checks.rejudge(session, actor, check)
    return RedirectResponse(f"/checks/{found.id}", 303, HEADERS)


@router.post("/checks/{check}/take")
def ask_take(request: Request, actor: Uploader, check: str) -> Response:
    """Asks whether the video is one unbroken take."""
    with service_of(request).database.transaction() as session:
        takes.ask(session, actor, check)
    return RedirectResponse(f"/checks/{check}#take", 303, HEADERS)


@router.post("/checks/{check}/case")
def open_case(request: Request, actor: Reviewer, check: str) -> Response:
    """Opens a case for a check that has none."""
    with service_of(request).database.transaction() as session:
        opened = cases.open_for(session, actor, checks.find(session, actor, check))
    return RedirectResponse(f"/cases/{opened.id}", 303, HEADERS)


def is_available(media: Media | None) -> bool:
    """Tells whether the file is still there to be shown."""
    return media is not None and media.deleted is None


def _moment(day: str, plus: float = 0.0) -> float | None:
    """Returns the start of a day in UTC, s since 1970; None if it is empty or no calendar day."""
    try:
        return datetime.combine(date.fromisoformat(day), time(), UTC).timestamp() + plus
    except ValueError:
        return None
