"""Second factor at sign-in: an authenticator app, passkeys, and recovery codes for both.

All rules are here, whatever kind it is: who has one, who needs one, how often it may be tried, and
what changing it takes. The factor is on as long as there is an app or a passkey.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete, select, union, update
from sqlalchemy.orm import Session

from unmask.messages import Message
from unmask.service.people import (
    accounts,
    audit,
    authenticator_app,
    passkeys,
    rate_limits,
    recovery_codes,
    sessions,
)
from unmask.service.people.actor import Actor
from unmask.service.people.rate_limits import Limit
from unmask.service.people.webauthn import NewPasskey, UsedPasskey
from unmask.service.problems import Problem
from unmask.service.store.database import changes_one
from unmask.service.store.database import now as clock
from unmask.service.store.service import Service
from unmask.service.store.tables import Account, Passkey, SecondFactor, Tenant

PER_CODE = Limit("code", quota=20, window=86400)
"""Limit on codes and passkeys that are tried for one account.

Three of a million codes are right at any time, so whoever knows the password guesses one with a
chance of 2 % in a year.
"""


PROPOSED = 3600
"""Seconds in which a proposed app has to be confirmed; some install it first."""


class Awaited(StrEnum):
    """Step that follows the password at sign-in."""

    CODE = "code"
    SET_UP = "set-up"


@dataclass(frozen=True, slots=True)
class Factors:
    """Second factors of an account.

    Attributes:
        app: since when there is an authenticator app, s since 1970; None if there is none.
        passkeys: the oldest first.
        recovery_codes: number of unused ones.
    """

    app: float | None
    passkeys: Sequence[Passkey]
    recovery_codes: int

    @property
    def since(self) -> float | None:
        """Since when the second factor is on, s since 1970; None if it is off."""
        times = [one.created for one in self.passkeys]
        return min(times if self.app is None else [self.app, *times], default=None)


@dataclass(frozen=True, slots=True)
class Proof:
    """Second factor that a person shows: a code, or the signature of a passkey.

    Attributes:
        code: of the app, or a recovery code, as typed.
        passkey: its signature; None where a code is shown.
        secret: of the browser's session, whose challenge was signed.
    """

    code: str = ""
    passkey: UsedPasskey | None = None
    secret: str = ""


def factors(session: Session, account: str) -> Factors:
    """Returns an account's second factors."""
    app = authenticator_app.find(session, account)
    known, left = passkeys.listing(session, account), recovery_codes.left(session, account)
    return Factors(app.confirmed if app else None, known, left)


def is_on(session: Session, account: str) -> bool:
    """Tells whether an account has a second factor."""
    return factors(session, account).since is not None


def awaited(session: Session, account: Account) -> Awaited | None:
    """Returns what sign-in asks for after the password, None for nothing.

    Until the transaction ends nobody turns the account's second factor on, so that the session
    begun in it is one that is ended by that.
    """
    mine = select(Account.id).where(Account.id == account.id)
    session.execute(mine.with_for_update(read=True, key_share=True))
    if is_on(session, account.id):
        return Awaited.CODE
    return Awaited.SET_UP if is_required(session, account.tenant) else None


def is_required(session: Session, tenant: str) -> bool:
    """Tells whether the people of an organisation need a second factor."""
    return session.get_one(Tenant, tenant).second_factor


def holders(session: Session, actor: Actor) -> set[str]:
    """Returns the accounts of the actor's organisation that have a second factor."""
    apps = select(SecondFactor.account).where(SecondFactor.confirmed.is_not(None))
    having = union(apps, select(Passkey.account)).subquery()
    mine = select(Account.id).join(having, Account.id == having.c.account)
    return set(session.scalars(mine.where(Account.tenant == actor.tenant)))


def propose(service: Service, actor: Actor, proof: Proof) -> SecondFactor:
    """Makes a key for the actor's app; it counts once `confirm` has seen a code of it.

    Args:
        proof: spent where the second factor is on already, so that whoever finds a browser open
            adds none of their own.

    Raises:
        Problem: 403, the actor is a program; 409, there is an app already, or only the password
            was given; otherwise as `spend`.
    """
    from pyotp import random_base32

    accounts.check_person(actor)
    held = _to_be_changed(service, actor)
    if held.app is not None:
        raise Problem(409, "Second factor is on", Message("refusal.factor_on"))
    if held.since is not None:
        spend(service, actor, proof)
    with service.database.transaction() as session:
        found = session.get(SecondFactor, actor.id, with_for_update=True)
        if found and found.confirmed:
            raise Problem(409, "Second factor is on", Message("refusal.factor_on"))
        found = found or SecondFactor(account=actor.id)
        found.key, found.step, found.created = random_base32(), 0, clock(session)
        session.add(found)
    return found


def proposed(session: Session, actor: Actor) -> SecondFactor:
    """Returns the actor's app that is to be confirmed.

    Raises:
        Problem: 409, there is none, or it was proposed too long ago.
    """
    found = session.get(SecondFactor, actor.id)
    if found is None or found.confirmed or found.created < clock(session) - PROPOSED:
        raise _nothing_proposed()
    return found


def confirm(service: Service, actor: Actor, proof: Proof) -> list[str]:
    """Adds the proposed app; returns the recovery codes, if this turns the second factor on.

    Every other browser is then signed out: whoever signed in with a password that they learnt is
    not left inside.

    Args:
        proof: the app's first code.

    Raises:
        Problem: 409, there is nothing to confirm, it was replaced meanwhile, or only the password
            was given where the factor is on; otherwise as `spend`.
    """
    _to_be_changed(service, actor)
    with service.database.reading() as session:
        key = proposed(session, actor).key
    spend(service, actor, proof, proposal=True)
    with service.database.transaction() as session:
        turned_on = _lock(session, actor)
        mine = SecondFactor.account == actor.id, SecondFactor.confirmed.is_(None)
        confirmed = update(SecondFactor).where(*mine, SecondFactor.key == key)
        if not changes_one(session, confirmed.values(confirmed=clock(session))):
            raise _nothing_proposed()
        audit.record(session, actor, "factor.added", actor.id)
        return _turn_on(session, actor, proof.secret) if turned_on else []


def begin_passkey(service: Service, actor: Actor, proof: Proof) -> dict[str, object]:
    """Returns what a browser needs to make a passkey; `add_passkey` takes what it made.

    Args:
        proof: spent as by `propose`.

    Raises:
        Problem: 403, the actor is a program; 409, no (more) passkeys are possible, or only the
            password was given where the factor is on; otherwise as `spend`.
    """
    accounts.check_person(actor)
    if _to_be_changed(service, actor).since is not None:
        spend(service, actor, proof)
    with service.database.transaction() as session:
        return passkeys.to_create(session, service.settings, actor, proof.secret)


def add_passkey(
    service: Service, actor: Actor, secret: str, name: str, answer: NewPasskey
) -> list[str]:
    """Adds a passkey; returns the recovery codes, if this turns the second factor on.

    Every other browser is then signed out, and an app that was never confirmed is forgotten.

    Raises:
        Problem: 403, the actor is a program; 409, there can be no passkeys here; 422, it is
            refused, see `passkeys.add`.
    """
    accounts.check_person(actor)
    with service.database.transaction() as session:
        # A session that is ended by turning the factor on has no challenge after this.
        turned_on = _lock(session, actor)
        if passkeys.add(session, service.settings, actor, secret, name, answer):
            if not turned_on:
                return []
            session.execute(delete(SecondFactor).where(SecondFactor.account == actor.id))
            return _turn_on(session, actor, secret)
    raise Problem(422, "Passkey refused", Message("refusal.passkey_new"))


def renew_codes(service: Service, actor: Actor, proof: Proof) -> list[str]:
    """Replaces the actor's recovery codes and returns the new ones.

    Raises:
        Problem: as `spend`.
    """
    spend(service, actor, proof)
    with service.database.transaction() as session:
        audit.record(session, actor, "factor.codes_made", actor.id)
        return recovery_codes.renew(session, actor.id)


def remove(service: Service, actor: Actor, proof: Proof) -> None:
    """Turns the actor's own second factor off; signs out everywhere.

    Raises:
        Problem: as `spend`.
    """
    spend(service, actor, proof)
    with service.database.transaction() as session:
        _turn_off(session, actor, actor.id)


def remove_app(service: Service, actor: Actor, proof: Proof) -> bool:
    """Removes the actor's app, and returns whether the second factor is still on.

    Every other browser is signed out; this one, too, if it is off now.

    Raises:
        Problem: 409, there is none; otherwise as `spend`.
    """
    with service.database.reading() as session:
        if authenticator_app.find(session, actor.id) is None:
            raise Problem(409, "No app", Message("refusal.no_app"))
    spend(service, actor, proof)
    with service.database.transaction() as session:
        session.execute(delete(SecondFactor).where(SecondFactor.account == actor.id))
        audit.record(session, actor, "factor.app_removed", actor.id)
        return _lessened(session, actor, proof.secret)


def remove_passkey(service: Service, actor: Actor, passkey: str, proof: Proof) -> bool:
    """Removes one of the actor's passkeys, and returns whether the second factor is still on.

    Every other browser is signed out; this one, too, if it is off now.

    Raises:
        Problem: as `passkeys.own` and `spend`.
    """
    with service.database.reading() as session:
        passkeys.own(session, actor, passkey)
    spend(service, actor, proof)
    with service.database.transaction() as session:
        session.delete(passkeys.own(session, actor, passkey))
        audit.record(session, actor, "passkey.removed", passkey)
        return _lessened(session, actor, proof.secret)


def reset(session: Session, actor: Actor, account: str) -> None:
    """Removes the second factor of somebody who lost it; signs the account out everywhere.

    The password stays, and whoever needs a second factor sets one up after it.

    Raises:
        Problem: 404, there is no such account; 403, the actor is a program; 409, the account has
            none, or is the actor's own, whose factor is removed with a code.
    """
    found = accounts.get(session, actor, account)
    accounts.check_person(actor)
    if found.id == actor.id:
        raise Problem(409, "Own account", Message("refusal.own_factor"))
    if not is_on(session, found.id):
        raise Problem(409, "No second factor", Message("refusal.no_factor"))
    _turn_off(session, actor, found.id)


def require(session: Session, actor: Actor, required: bool) -> None:
    """Sets whether all people of the actor's organisation need a second factor.

    If so, everybody without one is signed out.

    Raises:
        Problem: 403, the actor is a program; 409, the actor has no second factor.
    """
    accounts.check_person(actor)
    tenant = session.get_one(Tenant, actor.tenant)
    having = holders(session, actor)
    if required and actor.id not in having:
        raise Problem(409, "No second factor", Message("refusal.own_factor_first"))
    tenant.second_factor = required
    audit.record(session, actor, "organisation.second_factor", tenant.id, required=required)
    if required:
        for account in accounts.listing(session, actor):
            if account.id not in having:
                sessions.end_all(session, account.id)


def spend(service: Service, actor: Actor, proof: Proof, proposal: bool = False) -> None:
    """Takes a code, or a passkey's signature; nothing is taken twice.

    Args:
        service: its database also counts attempts, before anything is checked.
        proposal: whether it is the first code of an app that is still to be confirmed.

    Raises:
        Problem: 429, too many attempts; 401, wrong or used, or there is no second factor; 422,
            nothing is shown.
    """
    if not (proof.code or proof.passkey):
        raise Problem(422, "No code", Message("refusal.no_code"))
    with service.database.transaction() as session:
        rate_limits.take(session, actor.id, PER_CODE, clock(session))
    with service.database.transaction() as session:
        if _is_taken(session, service, actor, proof, proposal):
            rate_limits.forget(session, actor.id, PER_CODE)
            return
        audit.record(session, actor, "factor.refused", actor.id)
    if proof.passkey:
        raise Problem(401, "Wrong passkey", Message("refusal.wrong_passkey"))
    raise Problem(401, "Wrong code", Message("refusal.wrong_code"))


def _is_taken(
    session: Session, service: Service, actor: Actor, proof: Proof, proposal: bool
) -> bool:
    if proof.passkey is not None:
        right = passkeys.is_right(session, service.settings, actor, proof.secret, proof.passkey)
        return right and not proposal
    code = re.sub(r"[\s-]", "", proof.code)
    if authenticator_app.is_code(code):
        return authenticator_app.spend(session, actor.id, code, proposal)
    return not proposal and recovery_codes.spend(session, actor.id, code)


def _to_be_changed(service: Service, actor: Actor) -> Factors:
    """Returns the actor's factors; refuses whoever has given only the password if they are on."""
    with service.database.reading() as session:
        held = factors(session, actor.id)
    if held.since is not None and not actor.scopes:
        raise Problem(409, "Second factor is on", Message("refusal.factor_awaited"))
    return held


def _lock(session: Session, actor: Actor) -> bool:
    """Makes other changes of the actor's factors wait; tells whether the next one turns it on."""
    session.execute(select(Account.id).where(Account.id == actor.id).with_for_update())
    return not is_on(session, actor.id)


def _turn_on(session: Session, actor: Actor, secret: str) -> list[str]:
    sessions.end_others(session, actor.id, secret)
    return recovery_codes.renew(session, actor.id)


def _lessened(session: Session, actor: Actor, secret: str) -> bool:
    if is_on(session, actor.id):
        sessions.end_others(session, actor.id, secret)
        return True
    _turn_off(session, actor, actor.id)
    return False


def _turn_off(session: Session, actor: Actor, account: str) -> None:
    for table in (SecondFactor, Passkey):
        session.execute(delete(table).where(table.account == account))
    recovery_codes.drop(session, account)
    sessions.end_all(session, account)
    audit.record(session, actor, "factor.removed", account)


def _nothing_proposed() -> Problem:
    return Problem(409, "Nothing to confirm", Message("refusal.no_proposal"))
