"""Signing in and out, accounts, and API keys."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, SecretStr

from unmask.service.api.access import (
    Admin,
    Anyone,
    Entering,
    Guarded,
    check_origin,
    drop_cookie,
    secret_of,
    service_of,
    set_cookie,
)
from unmask.service.people import accounts, audit, keys, second_factor, sessions
from unmask.service.people.actor import Actor, Role, Scope
from unmask.service.people.second_factor import Awaited
from unmask.service.people.webauthn import UsedPasskey
from unmask.service.problems import Problem
from unmask.service.store.tables import Account, Key

router = APIRouter(tags=["accounts"], route_class=Guarded)

Password = Annotated[SecretStr, Field(max_length=1000)]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Identifier = Annotated[str, Field(max_length=64)]


class SignIn(BaseModel):
    """Form with which a person signs in."""

    email: Annotated[str, Field(max_length=320)]
    password: Password


class AccountView(BaseModel):
    """An account, as it is shown."""

    id: str
    email: str
    name: str
    role: Role
    active: bool
    created: float

    @classmethod
    def of(cls, account: Account) -> AccountView:
        return cls.model_validate(account, from_attributes=True)


class SessionView(BaseModel):
    """The signed-in person, and the token that every change must carry as ``X-CSRF-Token``."""

    csrf: str
    account: AccountView
    awaits: Annotated[
        Awaited | None,
        Field(
            description="What is missing until the session opens anything: a `code` or a passkey "
            "(`POST /session/code`), or to `set-up` a second factor; null if nothing is."
        ),
    ] = None


class Proof(BaseModel):
    """A code of the authenticator app, a recovery code, or what a passkey has signed.

    The passkey signs what `POST /session/challenge` returned last, and counts where a code is
    given, too.
    """

    code: Annotated[SecretStr | None, Field(max_length=100)] = None
    passkey: Annotated[
        UsedPasskey | None, Field(description="The browser's `PublicKeyCredential`, as JSON.")
    ] = None

    def shown(self, request: Request) -> second_factor.Proof:
        """Returns it as shown by the browser that sent the request."""
        code = self.code.get_secret_value() if self.code else ""
        return second_factor.Proof(code, self.passkey, secret_of(request) or "")


class Whoami(BaseModel):
    """The actor of the request, and their scopes."""

    kind: str
    id: str
    name: str
    scopes: list[Scope]


class NewAccount(BaseModel):
    email: Annotated[str, Field(max_length=320)]
    name: Name
    role: Role
    password: Password


class AccountChange(BaseModel):
    """Changes to an account; fields that are left out stay as they are."""

    role: Role | None = None
    active: bool | None = None
    password: Password | None = None


class PasswordChange(BaseModel):
    current: Password
    new: Password


class KeyView(BaseModel):
    """An API key, as it is shown: never its text."""

    id: str
    name: str
    scopes: list[Scope]
    per_minute: int
    created: float
    used: float | None
    expires: float | None
    revoked: float | None

    @classmethod
    def of(cls, key: Key) -> KeyView:
        return cls.model_validate(key, from_attributes=True)


class NewKey(BaseModel):
    """A new key: its purpose, scopes and limits; times in seconds since 1970."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1)]
    per_minute: Annotated[int, Field(ge=1, le=100_000)] = 600
    expires: Annotated[float | None, Field(ge=0, le=1e11)] = None


class MadeKey(KeyView):
    """A new key and its text, which is shown only this once."""

    secret: str


@router.post("/session")
def sign_in(request: Request, response: Response, form: SignIn) -> SessionView:
    """Sign in with a browser: sets the session's cookie."""
    check_origin(request)
    return begin(request, response, form.email, form.password.get_secret_value())


def begin(request: Request, response: Response, email: str, password: str) -> SessionView:
    """Signs a browser in and sets its cookie on the response; the page's form uses it, too.

    Raises:
        Problem: 401 or 429, see `accounts.authenticate`.
    """
    service = service_of(request)
    address = request.client.host if request.client else ""
    account = accounts.authenticate(service.database, email, password, address)
    return enter(request, response, account)


def enter(
    request: Request, response: Response, account: Account, code_given: bool = False
) -> SessionView:
    """Begins a session of an account and sets its cookie on the response.

    Args:
        code_given: whether the second factor is not asked for any more.
    """
    service, actor = service_of(request), accounts.actor_of(account)
    agent = request.headers.get("user-agent", "")
    with service.database.transaction() as session:
        awaits = None if code_given else second_factor.awaited(session, account)
        pending = awaits is not None
        signed_in = sessions.begin(
            session, actor, account, secret_of(request), agent=agent, pending=pending
        )
    set_cookie(response, service.settings, signed_in)
    return SessionView(csrf=signed_in.csrf, account=AccountView.of(account), awaits=awaits)


@router.post("/session/code")
def give_code(request: Request, response: Response, actor: Entering, form: Proof) -> SessionView:
    """Complete signing in with a code of the authenticator app, a recovery code, or a passkey."""
    service = service_of(request)
    with service.database.reading() as session:
        account = accounts.get(session, actor, person(actor))
    second_factor.spend(service, actor, form.shown(request))
    return enter(request, response, account, code_given=True)


@router.delete("/session", status_code=204)
def sign_out(request: Request, response: Response, actor: Entering) -> None:
    """Sign this browser out."""
    service, secret = service_of(request), secret_of(request)
    if secret:
        with service.database.transaction() as session:
            sessions.end(session, actor, secret)
    drop_cookie(response, service.settings)


@router.delete("/sessions", status_code=204)
def sign_out_everywhere(request: Request, response: Response, actor: Anyone) -> None:
    """Sign all browsers of this account out."""
    service = service_of(request)
    with service.database.transaction() as session:
        sessions.end_all(session, person(actor))
        audit.record(session, actor, "session.all_ended", actor.id)
    drop_cookie(response, service.settings)


@router.get("/whoami")
def whoami(actor: Anyone) -> Whoami:
    """Show who asks, and what they may do."""
    return Whoami(kind=actor.kind, id=actor.id, name=actor.name, scopes=sorted(actor.scopes))


@router.put("/password", status_code=204)
def change_password(
    request: Request, response: Response, actor: Anyone, form: PasswordChange
) -> None:
    """Change one's own password. Every browser is signed out, this one too."""
    service = service_of(request)
    with service.database.reading() as session:
        email = accounts.get(session, actor, person(actor)).email
    address = request.client.host if request.client else ""
    accounts.authenticate(service.database, email, form.current.get_secret_value(), address)
    with service.database.transaction() as session:
        accounts.set_password(session, actor, actor.id, form.new.get_secret_value())
    drop_cookie(response, service.settings)


@router.get("/accounts")
def list_accounts(request: Request, actor: Admin) -> list[AccountView]:
    """List all accounts of the organisation."""
    with service_of(request).database.reading() as session:
        return [AccountView.of(account) for account in accounts.listing(session, actor)]


@router.post("/accounts", status_code=201)
def add_account(request: Request, actor: Admin, form: NewAccount) -> AccountView:
    """Add an account. Hand its password over in person and have it changed."""
    with service_of(request).database.transaction() as session:
        secret = form.password.get_secret_value()
        return AccountView.of(
            accounts.add(session, actor, form.email, form.name, form.role, secret)
        )


@router.patch("/accounts/{account}")
def change_account(
    request: Request, actor: Admin, account: Identifier, form: AccountChange
) -> AccountView:
    """Change an account's role, password or access. The account is signed out everywhere."""
    with service_of(request).database.transaction() as session:
        if form.password is not None:
            accounts.set_password(session, actor, account, form.password.get_secret_value())
        return AccountView.of(accounts.change(session, actor, account, form.role, form.active))


@router.get("/keys")
def list_keys(request: Request, actor: Admin) -> list[KeyView]:
    """List all API keys of the organisation, revoked ones too."""
    with service_of(request).database.reading() as session:
        return [KeyView.of(key) for key in keys.listing(session, actor)]


@router.post("/keys", status_code=201)
def make_key(request: Request, actor: Admin, form: NewKey) -> MadeKey:
    """Make an API key. Its text is shown only this once."""
    with service_of(request).database.transaction() as session:
        key, secret = keys.make(
            session, actor, form.name, form.scopes, form.per_minute, form.expires
        )
        return MadeKey(**KeyView.of(key).model_dump(), secret=secret)


@router.delete("/keys/{key}")
def revoke_key(request: Request, actor: Admin, key: Identifier) -> KeyView:
    """End a key at once."""
    with service_of(request).database.transaction() as session:
        return KeyView.of(keys.revoke(session, actor, key))


def person(actor: Actor) -> str:
    """Returns the id of the actor's account; raises a `Problem`, 403, if it is a program."""
    if actor.kind != "account":
        raise Problem(
            403, "Not allowed", "only a person who is signed in has a password and browsers"
        )
    return actor.id
