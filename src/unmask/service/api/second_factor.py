"""Second factor over HTTP: setting up an authenticator app, recovery codes, removal."""

from __future__ import annotations

from typing import Annotated

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
from unmask.service.api.accounts import Code, Identifier, enter, person
from unmask.service.people import accounts, second_factor
from unmask.service.people.actor import Actor

router = APIRouter(tags=["accounts"], route_class=Guarded)


class FactorView(BaseModel):
    """One's own second factor."""

    confirmed: Annotated[
        float | None,
        Field(description="Since when it is on, seconds since 1970; null if it is off."),
    ]
    recovery_codes: Annotated[int, Field(description="How many are unused.")]
    required: Annotated[bool, Field(description="Whether the organisation requires one.")]


class Proposal(BaseModel):
    """A key for an authenticator app, as text and as the address that a QR code holds."""

    key: str
    address: str


class RecoveryCodes(BaseModel):
    """Recovery codes, which are shown only this once.

    ``csrf`` is the session's new token, where this completed signing in.
    """

    recovery_codes: list[str]
    csrf: str | None = None


@router.get("/second-factor")
def show_factor(request: Request, actor: Entering) -> FactorView:
    """Show one's own second factor."""
    with service_of(request).database.reading() as session:
        found = second_factor.find(session, person(actor))
        return FactorView(
            confirmed=found.confirmed if found else None,
            recovery_codes=second_factor.codes_left(session, actor.id),
            required=second_factor.is_required(session, actor.tenant),
        )


@router.post("/second-factor", status_code=201)
def propose_factor(request: Request, actor: Entering) -> Proposal:
    """Make a key for an authenticator app. It counts once a code of the app has confirmed it."""
    with service_of(request).database.transaction() as session:
        made = second_factor.propose(session, actor)
        account = accounts.get(session, actor, actor.id)
        return Proposal(key=made.key, address=second_factor.address(made, account))


@router.post("/second-factor/confirmation")
def confirm_factor(
    request: Request, response: Response, actor: Entering, form: Code
) -> RecoveryCodes:
    """Turn the second factor on with the app's first code; completes signing in.

    Every other browser is signed out.
    """
    database, code = service_of(request).database, form.code.get_secret_value()
    codes = second_factor.confirm(database, actor, code, secret_of(request))
    if not is_pending(actor):
        return RecoveryCodes(recovery_codes=codes)
    with database.reading() as session:
        account = accounts.get(session, actor, actor.id)
    entered = enter(request, response, account, code_given=True)
    return RecoveryCodes(recovery_codes=codes, csrf=entered.csrf)


@router.post("/second-factor/recovery-codes")
def renew_recovery_codes(request: Request, actor: Anyone, form: Code) -> RecoveryCodes:
    """Make new recovery codes; the old ones end."""
    person(actor)
    code, database = form.code.get_secret_value(), service_of(request).database
    return RecoveryCodes(recovery_codes=second_factor.renew_codes(database, actor, code))


@router.post("/second-factor/removal", status_code=204)
def remove_factor(request: Request, response: Response, actor: Anyone, form: Code) -> None:
    """Turn one's own second factor off. Every browser is signed out, this one too."""
    person(actor)
    service = service_of(request)
    second_factor.remove(service.database, actor, form.code.get_secret_value())
    drop_cookie(response, service.settings)


@router.delete("/accounts/{account}/second-factor", status_code=204)
def reset_factor(request: Request, actor: Admin, account: Identifier) -> None:
    """Remove the second factor of somebody who lost it. The account is signed out everywhere."""
    with service_of(request).database.transaction() as session:
        second_factor.reset(session, actor, account)


def is_pending(actor: Actor) -> bool:
    """Tells whether the second factor of a person who signs in is still to come."""
    return not actor.scopes
