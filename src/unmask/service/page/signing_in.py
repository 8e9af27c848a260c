"""Pages for signing in and out, and for one's own account."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import SecretStr

from unmask.service.api import accounts as api
from unmask.service.api.access import Anyone, Entering, check_origin, secret_of, service_of
from unmask.service.page.rendering import HEADERS, PageRoute, language_of, local, render
from unmask.service.people import accounts, links, second_factor, sessions
from unmask.service.people.second_factor import Awaited
from unmask.service.problems import Problem

router = APIRouter(route_class=PageRoute)

Text = Annotated[str, Form(max_length=1000)]

NEXT = {Awaited.CODE: "/sign-in/code", Awaited.SET_UP: "/account/second-factor"}
"""Pages that follow the password."""


@router.get("/sign-in")
def ask(request: Request, next: str = "/") -> Response:  # noqa: A002 - as the address has it
    with service_of(request).database.reading() as session:
        first = accounts.nobody(session)
    return _sign_in(request, local(next), first=first)


def refuse(request: Request, problem: Problem, where: str, email: str = "") -> Response:
    """Shows the page for signing in again, with the reason for the refusal."""
    wrong = language_of(request).say(problem.message)
    response = _sign_in(request, where, problem.status, email, wrong)
    response.headers.update(problem.headers)
    return response


def _sign_in(
    request: Request,
    where: str,
    status: int = 200,
    email: str = "",
    wrong: str = "",
    first: bool = False,
) -> Response:
    provider = urlsplit(service_of(request).settings.oidc_issuer).netloc
    values = {"next": where, "email": email, "wrong": wrong, "first": first, "provider": provider}
    return render(request, "sign_in.html.j2", status, **values)


@router.post("/sign-in")
def sign_in(request: Request, email: Text, password: Text, next: Text = "/") -> Response:  # noqa: A002
    check_origin(request)
    response: Response = RedirectResponse(local(next), 303, HEADERS)
    try:
        awaits = api.begin(request, response, email, password).awaits
        if awaits:
            response.headers["location"] = f"{NEXT[awaits]}?{urlencode({'next': local(next)})}"
    except Problem as problem:
        response = refuse(request, problem, local(next), email)
    return response


@router.post("/sign-out")
def sign_out(request: Request, actor: Entering) -> Response:
    response = RedirectResponse("/sign-in", 303, HEADERS)
    api.sign_out(request, response, actor)
    return response


@router.get("/password/{secret}")
def ask_password(request: Request, secret: str) -> Response:
    """Shows only the form, so that a program that previews links does not use this one up."""
    return _password(request, secret)


@router.post("/password/{secret}")
def set_password(request: Request, secret: str, new: Text) -> Response:
    check_origin(request)
    try:
        with service_of(request).database.transaction() as session:
            links.use(session, secret, new)
    except Problem as problem:
        return _password(request, secret, problem)
    return RedirectResponse("/sign-in", 303, HEADERS)


@router.get("/account")
def account(request: Request, actor: Anyone) -> Response:
    return _account(request, actor)


@router.post("/account/password")
def change_password(request: Request, actor: Anyone, current: Text, new: Text) -> Response:
    response = RedirectResponse("/sign-in", 303, HEADERS)
    form = api.PasswordChange(current=SecretStr(current), new=SecretStr(new))
    try:
        api.change_password(request, response, actor, form)
    except Problem as problem:
        return _account(request, actor, problem)
    return response


@router.post("/account/sign-out-everywhere")
def sign_out_everywhere(request: Request, actor: Anyone) -> Response:
    response = RedirectResponse("/sign-in", 303, HEADERS)
    api.sign_out_everywhere(request, response, actor)
    return response


@router.post("/account/sessions/{digest}/end")
def sign_one_out(request: Request, actor: Anyone, digest: str) -> Response:
    with service_of(request).database.transaction() as session:
        sessions.end_one(session, actor, digest)
    return RedirectResponse("/account", 303, HEADERS)


def _password(request: Request, secret: str, problem: Problem | None = None) -> Response:
    with service_of(request).database.reading() as session:
        own = links.find(session, secret)
    wrong = language_of(request).say(problem.message) if problem else ""
    return render(
        request, "password.html.j2", problem.status if problem else 200, account=own, wrong=wrong
    )


def _account(request: Request, actor: Anyone, problem: Problem | None = None) -> Response:
    with service_of(request).database.reading() as session:
        own, signed_in = (
            accounts.get(session, actor, actor.id),
            sessions.of_account(session, actor.id),
        )
        since = second_factor.factors(session, actor.id).since
    wrong = language_of(request).say(problem.message) if problem else ""
    values = {
        "account": own,
        "wrong": wrong,
        "since": since,
        "browsers": signed_in,
        "this": sessions.digest(secret_of(request) or ""),
    }
    return render(request, "account.html.j2", problem.status if problem else 200, **values)
