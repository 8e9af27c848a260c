"""Accounts of people who sign in: added, changed and deactivated by an admin.

They are never deleted, because the audit log names them.
"""

from __future__ import annotations

import re

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unmask.messages import Message
from unmask.service.people import audit, passwords, rate_limits, sessions
from unmask.service.people.actor import SCOPES, Actor, Role, system
from unmask.service.people.rate_limits import Limit
from unmask.service.problems import Problem, not_found
from unmask.service.store.database import Database
from unmask.service.store.tables import Account, Key, Tenant

PER_ADDRESS = Limit("sign-in-address", quota=30, window=900)
PER_ACCOUNT = Limit("sign-in", quota=10, window=900)
"""Limits on attempts to sign in.

SP 800-63B-4, 3.2.2, allows at most 100 failed attempts in a row. An account is never locked for
good, or anybody could lock anybody out.
"""

_EMAIL = re.compile(r"[^@\s\x00-\x20\x7f]{1,64}@[^@\s\x00-\x20\x7f]{1,190}")


def actor_of(account: Account) -> Actor:
    """Returns the actor of an account."""
    return Actor(account.tenant, "account", account.id, account.name, SCOPES[Role(account.role)])


def organisation(session: Session, name: str) -> Tenant:
    """Returns the organisation of a name, made if there is none."""
    found = session.scalar(select(Tenant).where(Tenant.name == name))
    if found is None:
        found = Tenant(name=name)
        session.add(found)
        session.flush()
    return found


def named(session: Session, organisation: str) -> Tenant:
    """Returns the organisation of a name.

    Raises:
        Problem: 404, there is none.
    """
    found = session.scalar(select(Tenant).where(Tenant.name == organisation))
    if found is None:
        raise not_found("organisation")
    return found


def name_of(session: Session, tenant: str, actor: str) -> str:
    """Returns the name of an organisation's account or API key; empty if the id is unknown."""
    for found in (session.get(Account, actor), session.get(Key, actor)):
        if found is not None and found.tenant == tenant:
            return found.name
    return ""


def add(
    session: Session, actor: Actor, email: str, name: str, role: Role, password: str | None = None
) -> Account:
    """Adds an account to the actor's organisation.

    Without a password nobody can sign in until one is set by a link.

    Raises:
        Problem: 422, no e-mail address or a weak password; 409, the address has an account; 403,
            the actor is a program.
    """
    check_person(actor)
    email = _address(email)
    if session.scalar(select(Account.id).where(Account.email == email)):
        raise Problem(409, "Account exists", Message("refusal.account_exists"))
    account = Account(
        tenant=actor.tenant,
        email=email,
        name=name.strip() or email.partition("@")[0],
        role=role,
        password="" if password is None else passwords.hashed(password, (email, name)),
    )
    session.add(account)
    session.flush()
    audit.record(session, actor, "account.added", account.id, role=role)
    return account


def listing(session: Session, actor: Actor) -> list[Account]:
    """Lists all accounts of the actor's organisation, the oldest first."""
    return list(
        session.scalars(select(Account).where(Account.tenant == actor.tenant).order_by(Account.id))
    )


def nobody(session: Session) -> bool:
    """Tells whether no account was ever added, in any organisation."""
    return session.scalar(select(Account.id).limit(1)) is None


def get(session: Session, actor: Actor, account: str) -> Account:
    """Returns an account of the actor's organisation.

    Raises:
        Problem: 404, there is none with this id.
    """
    found = session.scalar(
        select(Account).where(Account.id == account, Account.tenant == actor.tenant)
    )
    if found is None:
        raise not_found("account")
    return found


def by_email(session: Session, email: str) -> Account:
    """Returns the account of an e-mail address, in any organisation.

    Only for an operator of the machine.

    Raises:
        Problem: 404, there is none.
    """
    found = session.scalar(select(Account).where(Account.email == email.strip().casefold()))
    if found is None:
        raise not_found("account")
    return found


def change(
    session: Session,
    actor: Actor,
    account: str,
    role: Role | None = None,
    active: bool | None = None,
) -> Account:
    """Changes an account's role, or whether it may sign in; signs it out everywhere.

    Raises:
        Problem: 404, there is none; 409, no active admin would be left; 403, a program that gives a
            role or lets somebody in.
    """
    found = get(session, actor, account)
    if role is not None or active:
        check_person(actor)
    found.role, found.active = role or found.role, found.active if active is None else active
    session.flush()
    audit.record(session, actor, "account.changed", found.id, role=found.role, active=found.active)
    # The audit entry above locks the organisation's chain, so no other admin's change can come in
    # between from here on.
    admins = select(func.count()).where(
        Account.tenant == actor.tenant, Account.role == Role.ADMIN, Account.active.is_(True)
    )
    if not session.scalar(admins):
        raise Problem(409, "Last admin", Message("refusal.last_admin"))
    sessions.end_all(session, found.id)
    return found


def set_password(session: Session, actor: Actor, account: str, password: str) -> Account:
    """Sets another password for an account.

    It is signed out everywhere, and its link to set a password becomes invalid.

    Raises:
        Problem: 404, there is no such account; 422, a weak password; 403, the actor is a program.
    """
    found = get(session, actor, account)
    check_person(actor)
    found.password = passwords.hashed(password, (found.email, found.name))
    found.link = found.link_expires = None
    sessions.end_all(session, found.id)
    audit.record(session, actor, "account.password_set", found.id)
    return found


def authenticate(
    database: Database, email: str, password: str, address: str, now: float | None = None
) -> Account:
    """Returns the account of an e-mail address and password.

    Args:
        database: it also counts attempts, before the password is checked.
        email, password: as typed.
        address: network address of the client.
        now: s since 1970; the shared clock's if not given.

    Raises:
        Problem: 429, too many attempts from this address or for this account, whether it exists or
            not; 401, wrong; 503, too many sign in just now.
    """
    now, email = database.now() if now is None else now, email.strip().casefold()
    network = rate_limits.network(address)
    for name, limit in ((network, PER_ADDRESS), (email, PER_ACCOUNT)):
        with database.transaction() as session:
            rate_limits.take(session, name, limit, now)
    with database.reading() as session:
        account = (
            session.scalar(select(Account).where(Account.email == email))
            if _EMAIL.fullmatch(email)
            else None
        )
    good = passwords.matches(password, account.password if account and account.active else None)
    with database.transaction() as session:
        if good and account:
            rate_limits.give_back(session, network, PER_ADDRESS)
            rate_limits.forget(session, email, PER_ACCOUNT)
            return account
        if account:
            audit.record(session, system(account.tenant), "account.sign_in_failed", account.id)
    raise Problem(401, "Not signed in", Message("refusal.wrong_password"))


def check_person(actor: Actor) -> None:
    """Refuses a program.

    A program that could make or open an account could act as a person where a person has to decide.

    Raises:
        Problem: 403.
    """
    if actor.kind == "key":
        raise Problem(403, "Not allowed", Message("refusal.person_only"))


def _address(email: str) -> str:
    email = email.strip().casefold()
    if not _EMAIL.fullmatch(email):
        raise Problem(422, "No e-mail address", Message("refusal.no_address"))
    return email
