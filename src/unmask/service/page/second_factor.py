"""Pages of the second factor: its code at sign-in, setting it up, recovery codes, removal."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup
from pydantic import SecretStr

from unmask.service.api import accounts as api
from unmask.service.api import second_factor as factor_api
from unmask.service.api.access import Anyone, Entering, service_of
from unmask.service.page.rendering import HEADERS, PageRoute, language_of, local, render
from unmask.service.people import accounts, second_factor
from unmask.service.people.actor import Actor
from unmask.service.problems import Problem

router = APIRouter(route_class=PageRoute)

OWN = "/account/second-factor"

Text = Annotated[str, Form(max_length=1000)]
Digits = Annotated[str, Form(max_length=100)]


@router.get("/sign-in/code")
def ask_code(request: Request, actor: Entering, next: str = "/") -> Response:  # noqa: A002
    if not factor_api.is_pending(actor):
        return RedirectResponse(local(next), 303, HEADERS)
    return _code(request, next)


@router.post("/sign-in/code")
def give_code(request: Request, actor: Entering, code: Digits, next: Text = "/") -> Response:  # noqa: A002
    response = RedirectResponse(local(next), 303, HEADERS)
    try:
        api.give_code(request, response, actor, _form(code))
    except Problem as problem:
        return _code(request, next, problem)
    return response


@router.get(OWN)
def show(request: Request, actor: Entering, next: str = "/account") -> Response:  # noqa: A002
    return _shown(request, actor, next)


@router.post(OWN)
def propose(request: Request, actor: Entering, next: Text = "/account") -> Response:  # noqa: A002
    try:
        factor_api.propose_factor(request, actor)
    except Problem as problem:
        return _shown(request, actor, next, problem)
    return _proposed(request, actor, next)


@router.post(f"{OWN}/confirmation")
def confirm(request: Request, actor: Entering, code: Digits, next: Text = "/account") -> Response:  # noqa: A002
    entered = Response()
    try:
        made = factor_api.confirm_factor(request, entered, actor, _form(code))
    except Problem as problem:
        if problem.status == 409:
            return _shown(request, actor, next, problem)
        return _proposed(request, actor, next, problem)
    request.state.csrf = made.csrf or request.state.csrf
    response = _codes(request, made.recovery_codes, next)
    response.raw_headers += [header for header in entered.raw_headers if header[0] == b"set-cookie"]
    return response


@router.post(f"{OWN}/recovery-codes")
def renew_codes(request: Request, actor: Anyone, code: Digits) -> Response:
    try:
        made = factor_api.renew_recovery_codes(request, actor, _form(code))
    except Problem as problem:
        return _shown(request, actor, "/account", problem)
    return _codes(request, made.recovery_codes, "/account")


@router.post(f"{OWN}/removal")
def remove(request: Request, actor: Anyone, code: Digits) -> Response:
    response = RedirectResponse("/sign-in", 303, HEADERS)
    try:
        factor_api.remove_factor(request, response, actor, _form(code))
    except Problem as problem:
        return _shown(request, actor, "/account", problem)
    return response


def _form(code: str) -> api.Code:
    return api.Code(code=SecretStr(code))


def _code(request: Request, to: str, problem: Problem | None = None) -> Response:
    return _rendered(request, "sign_in_code.html.j2", problem, next=local(to))


def _shown(request: Request, actor: Actor, to: str, problem: Problem | None = None) -> Response:
    factor = factor_api.show_factor(request, actor)
    pending = factor_api.is_pending(actor)
    return _rendered(
        request, "second_factor.html.j2", problem, factor=factor, pending=pending, next=local(to)
    )


def _proposed(request: Request, actor: Actor, to: str, problem: Problem | None = None) -> Response:
    with service_of(request).database.reading() as session:
        found = second_factor.proposed(session, actor)
        address = second_factor.address(found, accounts.get(session, actor, actor.id))
    key = " ".join(found.key[i : i + 4] for i in range(0, len(found.key), 4))
    return _rendered(
        request, "second_factor_key.html.j2", problem, key=key, code=_drawn(address), next=local(to)
    )


def _codes(request: Request, codes: list[str], to: str) -> Response:
    return _rendered(request, "recovery_codes.html.j2", None, codes=codes, next=local(to))


def _rendered(
    request: Request, template: str, problem: Problem | None, **values: object
) -> Response:
    wrong = language_of(request).say(problem.message) if problem else ""
    return render(request, template, problem.status if problem else 200, wrong=wrong, **values)


def _drawn(address: str) -> Markup:
    """Draws an address as a QR code: SVG, black on white in dark mode, too, as readers expect."""
    import segno

    code = segno.make(address, error="m", micro=False)
    return Markup(code.svg_inline(scale=5, dark="#000", light="#fff", omitsize=True))  # noqa: S704
