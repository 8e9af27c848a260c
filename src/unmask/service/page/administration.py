"""Administration pages: the audit log, people, and API keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select

from unmask.messages import Message
from unmask.service.api.access import Admin, own_origin, service_of
from unmask.service.page.rendering import HEADERS, PageRoute, language_of, render
from unmask.service.people import accounts, audit, keys, links, second_factor
from unmask.service.people.actor import Actor, Role, Scope
from unmask.service.problems import Problem
from unmask.service.store.tables import Account, AuditEntry

router = APIRouter(route_class=PageRoute)

LISTED = 50
"""Entries of the audit log per screen."""

Text = Annotated[str, Form(max_length=1000)]


@dataclass(frozen=True, slots=True)
class AccountForm:
    """Values typed into a form, shown again if something is wrong; passwords are not kept."""

    name: str = ""
    email: str = ""
    role: str = Role.REVIEWER
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PasswordLink:
    """A new link to set a password: its account, its address, and the hours that it lasts."""

    name: str
    address: str
    hours: int


@router.get("/audit")
def audit_log(
    request: Request,
    actor: Admin,
    before: Annotated[int | None, Query(ge=1, le=1 << 60)] = None,
    verify: Annotated[str, Query(pattern="^(yes|)$")] = "",
) -> Response:
    """Shows the audit log.

    Verifying walks the whole chain, which takes time: a script asks for it once the page is there.
    """
    query = (
        select(AuditEntry)
        .where(AuditEntry.tenant == actor.tenant)
        .order_by(AuditEntry.number.desc())
    )
    query = query.where(AuditEntry.number < before) if before else query
    with service_of(request).database.reading() as session:
        verified = audit.verify(session, actor.tenant) if verify else None
        entries = session.scalars(query.limit(LISTED)).all()
    anchor = verified and audit.Anchor(actor.tenant, verified.count, verified.head)
    more = f"before={entries[-1].number}" if entries and entries[-1].number > 1 else ""
    return render(
        request, "audit.html.j2", verified=verified, anchor=anchor, entries=entries, next=more
    )


@router.get("/people")
def people(request: Request, actor: Admin) -> Response:
    return _people(request, actor)


@router.post("/people")
def add_person(
    request: Request, actor: Admin, name: Text, email: Text, role: Annotated[Role, Form()]
) -> Response:
    try:
        with service_of(request).database.transaction() as session:
            added = accounts.add(session, actor, email, name, role)
            secret = links.make(session, actor, added.id)
    except Problem as problem:
        return _people(request, actor, problem, AccountForm(name, email, role))
    return _people(request, actor, link=_link(request, secret, added))


@router.post("/people/{account}/link")
def make_link(request: Request, actor: Admin, account: str) -> Response:
    """Makes a link to set another password; it is shown only this once."""
    try:
        with service_of(request).database.transaction() as session:
            secret = links.make(session, actor, account)
            found = accounts.get(session, actor, account)
    except Problem as problem:
        return _people(request, actor, problem)
    return _people(request, actor, link=_link(request, secret, found))


@router.post("/people/{account}")
def change_person(
    request: Request,
    actor: Admin,
    account: str,
    role: Annotated[Role | None, Form()] = None,
    active: Annotated[str, Form(pattern="^(yes|no|)$")] = "",
) -> Response:
    try:
        with service_of(request).database.transaction() as session:
            accounts.change(session, actor, account, role, {"yes": True, "no": False}.get(active))
    except Problem as problem:
        return _people(request, actor, problem)
    return RedirectResponse("/people", 303, HEADERS)


@router.post("/people/{account}/second-factor/removal")
def reset_second_factor(request: Request, actor: Admin, account: str) -> Response:
    try:
        with service_of(request).database.transaction() as session:
            second_factor.reset(session, actor, account)
    except Problem as problem:
        return _people(request, actor, problem)
    return RedirectResponse("/people", 303, HEADERS)


@router.get("/keys")
def api_keys(request: Request, actor: Admin) -> Response:
    return _keys(request, actor)


@router.post("/keys")
def make_key(
    request: Request,
    actor: Admin,
    name: Text,
    scopes: Annotated[list[Scope], Form()] = [],  # noqa: B006
) -> Response:
    problem, secret = None, ""
    if not scopes:
        problem = Problem(422, "No scope", Message("refusal.no_scope"))
    else:
        with service_of(request).database.transaction() as session:
            _, secret = keys.make(session, actor, name, scopes)
    return _keys(request, actor, problem, secret, AccountForm(name="" if secret else name))


@router.post("/keys/{key}/revoke")
def revoke_key(request: Request, actor: Admin, key: str) -> Response:
    with service_of(request).database.transaction() as session:
        keys.revoke(session, actor, key)
    return RedirectResponse("/keys", 303, HEADERS)


def _link(request: Request, secret: str, account: Account) -> PasswordLink:
    return PasswordLink(
        account.name, f"{own_origin(request)}/password/{secret}", links.LASTS // 3600
    )


def _people(
    request: Request,
    actor: Actor,
    problem: Problem | None = None,
    given: AccountForm = AccountForm(),
    link: PasswordLink | None = None,
) -> Response:
    with service_of(request).database.reading() as session:
        found = accounts.listing(session, actor)
        factors = second_factor.holders(session, actor)
    values = {
        "accounts": found,
        "factors": factors,
        "roles": list(Role),
        "given": given,
        "wrong": language_of(request).say(problem.message) if problem else "",
        "link": link,
    }
    return render(request, "people.html.j2", problem.status if problem else 200, **values)


def _keys(
    request: Request,
    actor: Actor,
    problem: Problem | None = None,
    secret: str = "",
    given: AccountForm = AccountForm(),
) -> Response:
    with service_of(request).database.reading() as session:
        found = keys.listing(session, actor)
    wrong = language_of(request).say(problem.message) if problem else ""
    values = {
        "keys": found,
        "scopes": list(Scope),
        "secret": secret,
        "given": given,
        "wrong": wrong,
    }
    return render(request, "keys.html.j2", problem.status if problem else 200, **values)
