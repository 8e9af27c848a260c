"""Identities at a provider of single sign-on, and the accounts that belong to them."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from unmask.messages import Message
from unmask.service.people import accounts, audit, sessions
from unmask.service.people.actor import Actor, Role, system
from unmask.service.problems import Problem
from unmask.service.settings import ServiceSettings
from unmask.service.store.tables import Account, Identity, Tenant


def account_of(
    session: Session,
    settings: ServiceSettings,
    issuer: str,
    subject: str,
    email: str,
    name: str,
    groups: frozenset[str],
) -> Account:
    """Returns the account of a person for whom a provider vouches.

    A person who comes for the first time gets the account of their e-mail address in the one
    organisation that the settings name, or a new one if the settings allow that. From then on the
    provider's own name for the person counts, not the address: an account that belongs to one
    person of the provider is given to no other, to whom the address may have passed on.

    Args:
        email: verified by the provider; empty if it is not.
        groups: of the person at the provider.

    Raises:
        Problem: 403, the person is in no group that may sign in, or has no account that may.
    """
    role = _role(settings, groups)
    if settings.oidc_groups and role is None:
        raise Problem(403, "Not allowed", Message("refusal.sso_group"))
    account = session.scalar(
        select(Account)
        .join(Identity, Identity.account == Account.id)
        .where(Identity.issuer == issuer, Identity.subject == subject)
    )
    account = account or _linked(session, settings, issuer, subject, email, name, role)
    if account is None or not account.active:
        raise Problem(403, "Not allowed", Message("refusal.sso_unknown"))
    return account


def unlink(session: Session, actor: Actor, account: str) -> None:
    """Forgets whose account it is at the provider; signs the account out everywhere.

    Whoever comes next with its address, verified by the provider, gets the account.

    Raises:
        Problem: 404, there is no such account; 409, it belongs to nobody at a provider.
    """
    found = accounts.get(session, actor, account)
    mine = delete(Identity).where(Identity.account == found.id)
    if not session.scalars(mine.returning(Identity.subject)).all():
        raise Problem(409, "Not linked", Message("refusal.not_linked"))
    sessions.end_all(session, found.id)
    audit.record(session, actor, "account.unlinked", found.id)


def _linked(
    session: Session,
    settings: ServiceSettings,
    issuer: str,
    subject: str,
    email: str,
    name: str,
    role: Role | None,
) -> Account | None:
    tenant = session.scalar(select(Tenant).where(Tenant.name == settings.oidc_organisation))
    if tenant is None or not email:
        return None
    named = select(Account).where(Account.email == email.strip().casefold())
    account = session.scalar(named.with_for_update())
    if account is None and settings.oidc_make_accounts and role is not None:
        account = accounts.add(session, system(tenant.id), email, name, role)
    if account is None or account.tenant != tenant.id:
        return None
    other = Identity.issuer == issuer, Identity.account == account.id
    if session.scalar(select(Identity.subject).where(*other)) is not None:
        return None
    session.add(Identity(issuer=issuer, subject=subject, account=account.id))
    audit.record(session, system(tenant.id), "account.linked", account.id, issuer=issuer)
    return account


def _role(settings: ServiceSettings, groups: frozenset[str]) -> Role | None:
    """Returns the highest role that the settings give to one of the groups."""
    given = dict(one.rsplit("=", 1) for one in settings.oidc_groups)
    roles = {given[group] for group in groups if group in given}
    return next((role for role in reversed(Role) if role in roles), None)
