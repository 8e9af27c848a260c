"""Second factor over HTTP: an authenticator app, passkeys, recovery codes, and their removal."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from unmask.service.api.access import (
    Admin,
    Anyone,
    Entering,
    Guarded,
    drop_cookie,
    secret_of,
    service_of,
)
from unmask.service.api.accounts import Identifier, Name, Proof, enter, person
from unmask.service.people import accounts, authenticator_app, passkeys, second_factor
from unmask.service.people.actor import Actor
from unmask.service.people.webauthn import NewPasskey
from unmask.service.problems import Problem
from unmask.service.store.tables import Passkey

router = APIRouter(tags=["accounts"], route_class=Guarded)


class PasskeyView(BaseModel):
    """A passkey, as it is shown; times in seconds since 1970."""

    id: str
    name: str
    created: float
    used: Annotated[float | None, Field(description="Null if it was never used to sign in.")]

    @classmethod
    def of(cls, passkey: Passkey) -> PasskeyView:
        return cls.model_validate(passkey, from_attributes=True)


class FactorView(BaseModel):
    """One's own second factor."""

    confirmed: Annotated[
        float | None,
        Field(description="Since when it is on, seconds since 1970; null if it is off."),
    ]
    app: Annotated[
        float | None,
        Field(description="Since when there is an authenticator app; null if there is none."),
    ]
    passkeys: list[PasskeyView]
    recovery_codes: Annotated[int, Field(description="How many are unused.")]
    required: Annotated[bool, Field(description="Whether the organisation requires one.")]


class Proposal(BaseModel):
    """A key for an authenticator app, as text and as the address that a QR code holds."""

    key: str
    address: str


class RecoveryCodes(BaseModel):
    """Recovery codes, which are shown only this once; none where there are some already.

    ``csrf`` is the session's new token, where this completed signing in.
    """

    recovery_codes: list[str]
    csrf: str | None = None


class MadePasskey(BaseModel):
    """A passkey that the browser made, and what the person calls it."""

    name: Name
    passkey: Annotated[
        NewPasskey, Field(description="The browser's `PublicKeyCredential`, as JSON.")
    ]


class Challenge(BaseModel):
    """Options for the browser's `navigator.credentials`, as JSON.

    It can be answered once, in this session, for ten minutes.
    """

    public_key: dict[str, Any]


@router.get("/second-factor")
def show_factor(request: Request, actor: Entering) -> FactorView:
    """Show one's own second factor."""
    with service_of(request).database.reading() as session:
        held = second_factor.factors(session, person(actor))
        return FactorView(
            confirmed=held.since,
            app=held.app,
            passkeys=[PasskeyView.of(one) for one in held.passkeys],
            recovery_codes=held.recovery_codes,
            required=second_factor.is_required(session, actor.tenant),
        )


@router.post("/second-factor", status_code=201)
def propose_factor(request: Request, actor: Entering, form: Proof | None = None) -> Proposal:
    """Make a key for an authenticator app. It counts once a code of the app has confirmed it.

    Where the second factor is on already, it needs a recovery code or a passkey.
    """
    service = service_of(request)
    made = second_factor.propose(service, actor, _shown(request, form))
    with service.database.reading() as session:
        account = accounts.get(session, actor, actor.id)
    return Proposal(key=made.key, address=authenticator_app.address(made, account))


@router.post("/second-factor/confirmation")
def confirm_factor(
    request: Request, response: Response, actor: Entering, form: Proof
) -> RecoveryCodes:
    """Add the authenticator app with its first code; completes signing in.

    If this turns the second factor on, every other browser is signed out.
    """
    codes = second_factor.confirm(service_of(request), actor, form.shown(request))
    return _entered(request, response, actor, codes)


@router.post("/second-factor/passkeys/challenge")
def begin_passkey(request: Request, actor: Entering, form: Proof | None = None) -> Challenge:
    """Begin to make a passkey, with `navigator.credentials.create`.

    Where the second factor is on already, it needs a code or a passkey.
    """
    service, proof = service_of(request), _shown(request, form)
    made = second_factor.begin_passkey(service, actor, proof)
    return Challenge(public_key=made)


@router.post("/second-factor/passkeys", status_code=201)
def add_passkey(
    request: Request, response: Response, actor: Entering, form: MadePasskey
) -> RecoveryCodes:
    """Add the passkey that the browser made; completes signing in.

    If this turns the second factor on, every other browser is signed out.
    """
    service, secret = service_of(request), secret_of(request) or ""
    codes = second_factor.add_passkey(service, actor, secret, form.name, form.passkey)
    return _entered(request, response, actor, codes)


@router.post("/session/challenge")
def begin_use(request: Request, actor: Entering) -> Challenge:
    """Begin to use one of one's own passkeys, with `navigator.credentials.get`."""
    person(actor)
    if (made := challenge(request, actor)) is None:
        raise Problem(409, "No passkey", "this account has no passkey")
    return Challenge(public_key=made)


@router.post("/second-factor/recovery-codes")
def renew_recovery_codes(request: Request, actor: Anyone, form: Proof) -> RecoveryCodes:
    """Make new recovery codes; the old ones end."""
    person(actor)
    codes = second_factor.renew_codes(service_of(request), actor, form.shown(request))
    return RecoveryCodes(recovery_codes=codes)


@router.post("/second-factor/removal", status_code=204)
def remove_factor(request: Request, response: Response, actor: Anyone, form: Proof) -> None:
    """Turn one's own second factor off. Every browser is signed out, this one too."""
    person(actor)
    service = service_of(request)
    second_factor.remove(service, actor, form.shown(request))
    drop_cookie(response, service.settings)


@router.post("/second-factor/app/removal", status_code=204)
def remove_app(request: Request, response: Response, actor: Anyone, form: Proof) -> None:
    """Remove one's own authenticator app. Every other browser is signed out.

    If there is no passkey either, the second factor is off, and this browser is signed out, too.
    """
    person(actor)
    service = service_of(request)
    if not second_factor.remove_app(service, actor, form.shown(request)):
        drop_cookie(response, service.settings)


@router.post("/second-factor/passkeys/{passkey}/removal", status_code=204)
def remove_passkey(
    request: Request, response: Response, actor: Anyone, passkey: Identifier, form: Proof
) -> None:
    """Remove one of one's own passkeys. Every other browser is signed out.

    If it was the last one, and there is no app, the second factor is off, and this browser is
    signed out, too.
    """
    service = service_of(request)
    if not second_factor.remove_passkey(service, actor, passkey, form.shown(request)):
        drop_cookie(response, service.settings)


@router.delete("/accounts/{account}/second-factor", status_code=204)
def reset_factor(request: Request, actor: Admin, account: Identifier) -> None:
    """Remove the second factor of somebody who lost it. The account is signed out everywhere."""
    with service_of(request).database.transaction() as session:
        second_factor.reset(session, actor, account)


def challenge(request: Request, actor: Actor) -> dict[str, Any] | None:
    """Returns what the actor's browser needs to use a passkey; None where there is none."""
    service = service_of(request)
    with service.database.transaction() as session:
        return passkeys.to_use(session, service.settings, actor, secret_of(request) or "")


def is_pending(actor: Actor) -> bool:
    """Tells whether the second factor of a person who signs in is still to come."""
    return not actor.scopes


def _shown(request: Request, form: Proof | None) -> second_factor.Proof:
    return (form or Proof()).shown(request)


def _entered(request: Request, response: Response, actor: Actor, codes: list[str]) -> RecoveryCodes:
    """Completes signing in, where that waited for the second factor."""
    if not is_pending(actor):
        return RecoveryCodes(recovery_codes=codes)
    with service_of(request).database.reading() as session:
        account = accounts.get(session, actor, actor.id)
    entered = enter(request, response, account, code_given=True)
    return RecoveryCodes(recovery_codes=codes, csrf=entered.csrf)
