"""Pages of the second factor: asked for at sign-in, set up, changed and removed.

Scripts only talk to authenticators. Whoever has none types codes, without any script.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup
from pydantic import BaseModel, SecretStr, ValidationError

from unmask.messages import Message
from unmask.service.api import accounts as api
from unmask.service.api import second_factor as factor_api
from unmask.service.api.access import Anyone, Entering, service_of
from unmask.service.page.rendering import HEADERS, PageRoute, language_of, local, render
from unmask.service.people import accounts, authenticator_app, passkeys, second_factor
from unmask.service.people.actor import Actor
from unmask.service.people.webauthn import NewPasskey, UsedPasskey
from unmask.service.problems import Problem, not_found

router = APIRouter(route_class=PageRoute)

OWN = "/account/second-factor"

CHANGES = {
    "app": OWN,
    "passkey": f"{OWN}/passkeys/challenge",
    "codes": f"{OWN}/recovery-codes",
    "app-removal": f"{OWN}/app/removal",
    "passkey-removal": f"{OWN}/passkeys/{{passkey}}/removal",
}
"""Changes that a code or a passkey is asked for, and the addresses that take it."""

Text = Annotated[str, Form(max_length=1000)]
Digits = Annotated[str, Form(max_length=100)]
Answer = Annotated[str, Form(max_length=40_000)]
Named = Annotated[str, Form(max_length=100)]

Model = TypeVar("Model", bound=BaseModel)


@router.get("/sign-in/code")
def ask_code(request: Request, actor: Entering, next: str = "/") -> Response:  # noqa: A002
    if not factor_api.is_pending(actor):
        return RedirectResponse(local(next), 303, HEADERS)
    return _code(request, actor, next)


@router.post("/sign-in/code")
def give_code(
    request: Request,
    actor: Entering,
    code: Digits = "",
    answer: Answer = "",
    next: Text = "/",  # noqa: A002
) -> Response:
    response = RedirectResponse(local(next), 303, HEADERS)
    try:
        api.give_code(request, response, actor, _proof(code, answer))
    except Problem as problem:
        return _code(request, actor, next, problem)
    return response


@router.get(OWN)
def show(request: Request, actor: Entering, next: str = "/account") -> Response:  # noqa: A002
    return _shown(request, actor, next)


@router.get(f"{OWN}/change/{{what}}")
def ask_proof(
    request: Request,
    actor: Anyone,
    what: str,
    passkey: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    return _asked(request, actor, what, passkey)


@router.post(OWN)
def propose(
    request: Request,
    actor: Entering,
    code: Digits = "",
    answer: Answer = "",
    next: Text = "/account",  # noqa: A002
) -> Response:
    try:
        factor_api.propose_factor(request, actor, _proof_if_any(code, answer))
    except Problem as problem:
        return _refused(request, actor, "app", problem, next)
    return _proposed(request, actor, next)


@router.post(f"{OWN}/confirmation")
def confirm(request: Request, actor: Entering, code: Digits, next: Text = "/account") -> Response:  # noqa: A002
    entered = Response()
    try:
        made = factor_api.confirm_factor(request, entered, actor, _proof(code, ""))
    except Problem as problem:
        if problem.status == 409:
            return _shown(request, actor, next, problem)
        return _proposed(request, actor, next, problem)
    return _added(request, made, entered, next)


@router.post(f"{OWN}/passkeys/challenge")
def begin_passkey(
    request: Request,
    actor: Entering,
    code: Digits = "",
    answer: Answer = "",
    next: Text = "/account",  # noqa: A002
) -> Response:
    try:
        challenge = factor_api.begin_passkey(request, actor, _proof_if_any(code, answer))
    except Problem as problem:
        return _refused(request, actor, "passkey", problem, next)
    options, agent = challenge.public_key, request.headers.get("user-agent", "")
    return render(request, "passkey.html.j2", challenge=options, agent=agent, next=local(next))


@router.post(f"{OWN}/passkeys")
def add_passkey(
    request: Request,
    actor: Entering,
    name: Named,
    answer: Answer,
    next: Text = "/account",  # noqa: A002
) -> Response:
    entered = Response()
    try:
        form = factor_api.MadePasskey(name=name.strip(), passkey=_read(NewPasskey, answer))
        made = factor_api.add_passkey(request, entered, actor, form)
    except ValidationError:
        problem = Problem(422, "No name", Message("refusal.passkey_name"))
        return _shown(request, actor, next, problem)
    except Problem as problem:
        return _shown(request, actor, next, problem)
    return _added(request, made, entered, next)


@router.post(f"{OWN}/recovery-codes")
def renew_codes(
    request: Request, actor: Anyone, code: Digits = "", answer: Answer = ""
) -> Response:
    try:
        made = factor_api.renew_recovery_codes(request, actor, _proof(code, answer))
    except Problem as problem:
        return _asked(request, actor, "codes", "", problem)
    return _codes(request, made.recovery_codes, OWN)


@router.post(f"{OWN}/app/removal")
def remove_app(request: Request, actor: Anyone, code: Digits = "", answer: Answer = "") -> Response:
    response = RedirectResponse(OWN, 303, HEADERS)
    try:
        factor_api.remove_app(request, response, actor, _proof(code, answer))
    except Problem as problem:
        return _asked(request, actor, "app-removal", "", problem)
    return response


@router.post(f"{OWN}/passkeys/{{passkey}}/removal")
def remove_passkey(
    request: Request, actor: Anyone, passkey: str, code: Digits = "", answer: Answer = ""
) -> Response:
    response = RedirectResponse(OWN, 303, HEADERS)
    try:
        factor_api.remove_passkey(request, response, actor, passkey, _proof(code, answer))
    except Problem as problem:
        return _asked(request, actor, "passkey-removal", passkey, problem)
    return response


def _proof(code: str, answer: str) -> api.Proof:
    if answer:
        return api.Proof(passkey=_read(UsedPasskey, answer))
    return api.Proof(code=SecretStr(code))


def _proof_if_any(code: str, answer: str) -> api.Proof | None:
    return _proof(code, answer) if code or answer else None


def _read(model: type[Model], text: str) -> Model:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise Problem(422, "Passkey refused", Message("refusal.wrong_passkey")) from error


def _code(request: Request, actor: Actor, to: str, problem: Problem | None = None) -> Response:
    challenge = factor_api.challenge(request, actor)
    values = {"challenge": challenge, "next": local(to)}
    return _rendered(request, "sign_in_code.html.j2", problem, **values)


def _shown(request: Request, actor: Actor, to: str, problem: Problem | None = None) -> Response:
    values = {
        "factor": factor_api.show_factor(request, actor),
        "pending": factor_api.is_pending(actor),
        "possible": passkeys.relying_party(service_of(request).settings) is not None,
        "next": local(to),
    }
    return _rendered(request, "second_factor.html.j2", problem, **values)


def _asked(
    request: Request, actor: Actor, what: str, passkey: str = "", problem: Problem | None = None
) -> Response:
    """Asks for a code or a passkey before a change."""
    if what not in CHANGES:
        raise not_found("page")
    name = ""
    if what == "passkey-removal":
        with service_of(request).database.reading() as session:
            name = passkeys.own(session, actor, passkey).name
    values = {
        "what": what,
        "name": name,
        "action": CHANGES[what].format(passkey=passkey),
        "challenge": factor_api.challenge(request, actor),
    }
    return _rendered(request, "second_factor_proof.html.j2", problem, **values)


def _refused(request: Request, actor: Actor, what: str, problem: Problem, to: str) -> Response:
    if problem.status == 409 or factor_api.is_pending(actor):
        return _shown(request, actor, to, problem)
    return _asked(request, actor, what, "", problem)


def _proposed(request: Request, actor: Actor, to: str, problem: Problem | None = None) -> Response:
    with service_of(request).database.reading() as session:
        found = second_factor.proposed(session, actor)
        address = authenticator_app.address(found, accounts.get(session, actor, actor.id))
    key = " ".join(found.key[i : i + 4] for i in range(0, len(found.key), 4))
    values = {"key": key, "code": _drawn(address), "next": local(to)}
    return _rendered(request, "second_factor_key.html.j2", problem, **values)


def _added(
    request: Request, made: factor_api.RecoveryCodes, entered: Response, to: str
) -> Response:
    """Goes on after an app or a passkey was added, with the cookie that ``entered`` has."""
    request.state.csrf = made.csrf or request.state.csrf
    if made.recovery_codes:
        response = _codes(request, made.recovery_codes, to)
    else:
        response = RedirectResponse(OWN, 303, HEADERS)
    response.raw_headers += [header for header in entered.raw_headers if header[0] == b"set-cookie"]
    return response


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
