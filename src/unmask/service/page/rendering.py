"""Rendering of templates to responses, with the reader's language, rights and a strict CSP."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic_core import to_json
from sqlalchemy.exc import DBAPIError, TimeoutError  # noqa: A004 - of the pool of connections

from unmask.likelihood import posterior
from unmask.messages import Message
from unmask.report import pictures
from unmask.service.api.access import Guarded, service_of
from unmask.service.api.problems import outage
from unmask.service.domain import cases
from unmask.service.page import answer
from unmask.service.people.actor import Actor, Scope
from unmask.service.problems import Problem
from unmask.types import clock
from unmask.words import Language, capital, choose, codes, footage, language, numbers, strength

if TYPE_CHECKING:
    from jinja2 import Environment

HOUR, DAY = 3600, 86400

LANGUAGE_COOKIE = "unmask_language"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content Security Policy, level 3: only our own files, nothing inline, no frame around us."""

HEADERS = {"Content-Security-Policy": POLICY}
"""Headers of every page; `unmask.service.api.protection` adds the others."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The signed-in reader: templates show only what this person may do."""

    actor: Actor
    csrf: str
    waiting: int
    """Number of cases that wait for a decision."""

    def may(self, scope: str) -> bool:
        return Scope(scope) in self.actor.scopes


class PageRoute(Guarded):
    """A route whose problems are shown as a page; a person not signed in is asked to sign in."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def page(request: Request) -> Response:
            try:
                return await handle(request)
            except (Problem, RequestValidationError, DBAPIError, TimeoutError, OSError) as error:
                if (problem := _problem(error)) is None:
                    raise
                return refused(request, problem)

        return page


def _problem(error: Exception) -> Problem | None:
    """Returns the problem that an error means for the reader; None for an unexpected error."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return Problem(422, "Not understood", "")
    return outage(error)


def render(request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
    """Renders a template of ``templates/`` as a response.

    Args:
        status: HTTP status.
        values: the template's values, besides ``t`` (the language), ``viewer`` (None before signing
            in) and ``here``.
    """
    t = language_of(request)
    shared = {
        "t": t,
        "viewer": _viewer(request),
        "here": request.url.path,
        "back": _address(request),
    }
    text = _environment().get_template(template).render(**shared, **values)
    return HTMLResponse(
        text, status, {**HEADERS, "Content-Language": t.code, "Vary": "Accept-Language, Cookie"}
    )


def refused(request: Request, problem: Problem) -> Response:
    """Renders a problem as a page; if it is 401, leads to the sign-in page."""
    if problem.status == HTTPStatus.UNAUTHORIZED and request.url.path != "/sign-in":
        asked = _address(request) if request.method == "GET" else "/"
        return RedirectResponse(f"/sign-in?{urlencode({'next': asked})}", 303, HEADERS)
    t = language_of(request)
    key = f"problem.{problem.status}"
    title = t(key) if key in t else t("problem.other")
    response = render(
        request, "problem.html.j2", problem.status, title=title, detail=t.say(problem.message)
    )
    response.headers.update(problem.headers)
    return response


def language_of(request: Request) -> Language:
    """Returns the language that the reader's switch or browser asks for."""
    return choose(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", ""))


def local(address: str | None) -> str:
    """Returns an address on this very page; ``/`` for any that could lead elsewhere."""
    safe = (
        address
        and address.startswith("/")
        and not address.startswith(("//", "/\\"))
        and address.isprintable()
    )
    return address if address and safe else "/"


@cache
def static_file(name: str) -> tuple[bytes, str] | None:
    """Returns a file of ``static/`` and its media type; None if there is none with this name."""
    kinds = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    folder = files("unmask.service.page").joinpath("static")
    if name not in {file.name for file in folder.iterdir() if file.is_file()}:
        return None
    return folder.joinpath(name).read_bytes(), kinds[name.rpartition(".")[2]]


@cache
def static(name: str) -> str:
    """Returns the address of a file of ``static/``.

    The address changes with the file's content, so that browsers may keep it.
    """
    found = static_file(name)
    if found is None:
        raise FileNotFoundError(name)
    return f"/static/{name}?v={hashlib.sha256(found[0]).hexdigest()[:12]}"


@cache
def _environment() -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined

    reports = PrefixLoader({"report": PackageLoader("unmask.report")})
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("unmask.service.page"), reports]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_spelt_out,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        answer=answer, capital=capital, footage=footage, language=language, languages=codes,
        numbers=numbers, pictures=pictures, posterior=posterior, static=static, strength=strength,
    )  # fmt: skip
    environment.filters.update(
        age=age,
        browser=browser,
        clock=clock,
        iso=_iso,
        json=_json,
        quoted=lambda text: quote(text, safe=""),
        signed=numbers.signed,
    )
    return environment


def _spelt_out(value: object) -> object:
    """Escapes non-printing characters in text, such as marks that reverse the reading direction."""
    if hasattr(value, "__html__") or not isinstance(value, str) or value.isprintable():
        return value
    return "".join(
        c if c.isprintable() or c in "\n\u3000" else c.encode("unicode_escape").decode()
        for c in value
    )


def browser(agent: str) -> str:
    """Returns the browser and system that a user agent names, as people know them.

    Other browsers claim to be these, too.
    """
    names = {
        "Edg": "Edge",
        "OPR": "Opera",
        "Firefox": "Firefox",
        "Chrome": "Chrome",
        "Safari": "Safari",
    }
    systems = {
        "Android": "Android",
        "iPhone": "iPhone",
        "iPad": "iPad",
        "Windows": "Windows",
        "Mac OS": "macOS",
        "Linux": "Linux",
    }
    found = (
        next((name for mark, name in known.items() if mark in agent), "")
        for known in (names, systems)
    )
    return ", ".join(name for name in found if name)


def age(seconds: float) -> Message:
    """Describes an age in whole minutes, hours or days."""
    if seconds < HOUR:
        return Message("age.minutes", {"count": max(0, int(seconds / 60))})
    if seconds < 2 * DAY:
        return Message("age.hours", {"count": int(seconds / HOUR)})
    return Message("age.days", {"count": int(seconds / DAY)})


def _iso(seconds: float) -> str:
    """Formats seconds since 1970 as ISO 8601, UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _json(value: object) -> str:
    return to_json(value).decode()


def _viewer(request: Request) -> Viewer | None:
    actor: Actor | None = getattr(request.state, "actor", None)
    if actor is None:
        return None
    waiting = 0
    if Scope.CASES in actor.scopes:
        with service_of(request).database.reading() as session:
            waiting = cases.waiting(session, actor.tenant)
    return Viewer(actor, getattr(request.state, "csrf", ""), waiting)


def _address(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
