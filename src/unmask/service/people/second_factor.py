"""Second factor at sign-in: codes of an authenticator app, and recovery codes.

The app and the service share a key, and each code is computed from it and the time (TOTP, RFC
6238). Whoever reads the database could compute them, too; the factor is against passwords that
somebody else has learnt.
"""

from __future__ import annotations

import re
import secrets
from base64 import b32encode
from enum import StrEnum

from sqlalchemy import CursorResult, Executable, delete, func, select, update
from sqlalchemy.orm import Session

from unmask.messages import Message
from unmask.service.people import accounts, audit, rate_limits, sessions
from unmask.service.people.actor import Actor
from unmask.service.people.rate_limits import Limit
from unmask.service.problems import Problem
from unmask.service.store.database import Database
from unmask.service.store.database import now as clock
from unmask.service.store.tables import Account, RecoveryCode, SecondFactor, Tenant

ISSUER = "Unmask"
"""Name under which authenticator apps list the account."""

NEIGHBOURS = 1
"""Time steps of 30 s by which a clock may differ; RFC 6238, 5.2, recommends at most one."""

PER_CODE = Limit("code", quota=20, window=86400)
"""Limit on codes of one account.

Three of a million codes are right at any time, so whoever knows the password guesses one with a
chance of 2 % in a year.
"""

CODES, CODE_BYTES = 10, 15
"""Number of recovery codes, and their random bytes.

With 112 bits or more, SP 800-63B-4, 3.1.2.2, allows a plain hash.
"""


class Awaited(StrEnum):
    """Step that follows the password at sign-in."""

    CODE = "code"
    SET_UP = "set-up"


def find(session: Session, account: str) -> SecondFactor | None:
    """Returns an account's second factor; None unless it was confirmed."""
    found = session.get(SecondFactor, account)
    return found if found and found.confirmed else None


def awaited(session: Session, account: Account) -> Awaited | None:
    """Returns what sign-in asks for after the password, None for nothing.

    Until the transaction ends nobody confirms a second factor of the account, so that the session
    begun in it is one that `confirm` ends.
    """
    mine = select(Account.id).where(Account.id == account.id)
    session.execute(mine.with_for_update(read=True, key_share=True))
    if find(session, account.id):
        return Awaited.CODE
    return Awaited.SET_UP if is_required(session, account.tenant) else None


def is_required(session: Session, tenant: str) -> bool:
    """Tells whether the people of an organisation need a second factor."""
    return session.get_one(Tenant, tenant).second_factor


def holders(session: Session, actor: Actor) -> set[str]:
    """Returns the accounts of the actor's organisation that have a second factor."""
    confirmed = select(SecondFactor.account).where(SecondFactor.confirmed.is_not(None))
    mine = confirmed.join(Account, Account.id == SecondFactor.account)
    return set(session.scalars(mine.where(Account.tenant == actor.tenant)))


def codes_left(session: Session, account: str) -> int:
    """Returns the number of an account's unused recovery codes."""
    mine = select(func.count()).where(RecoveryCode.account == account)
    return session.scalar(mine) or 0


def propose(session: Session, actor: Actor) -> SecondFactor:
    """Makes a key for the actor's app; it counts once `confirm` has seen a code of it.

    Raises:
        Problem: 403, the actor is a program; 409, there is a second factor already.
    """
    from pyotp import random_base32

    accounts.check_person(actor)
    found = session.get(SecondFactor, actor.id, with_for_update=True)
    if found and found.confirmed:
        raise Problem(409, "Second factor is on", Message("refusal.factor_on"))
    found = found or SecondFactor(account=actor.id)
    found.key, found.step = random_base32(), 0
    session.add(found)
    session.flush()
    return found


def proposed(session: Session, actor: Actor) -> SecondFactor:
    """Returns the actor's second factor that is to be confirmed.

    Raises:
        Problem: 409, there is none.
    """
    found = session.get(SecondFactor, actor.id)
    if found is None or found.confirmed:
        raise _nothing_proposed()
    return found


def _nothing_proposed() -> Problem:
    return Problem(409, "Nothing to confirm", Message("refusal.no_proposal"))


def address(factor: SecondFactor, account: Account) -> str:
    """Returns the ``otpauth://`` address that apps read from a QR code."""
    from pyotp import TOTP

    return TOTP(factor.key).provisioning_uri(name=account.email, issuer_name=ISSUER)


def confirm(database: Database, actor: Actor, code: str, secret: str | None) -> list[str]:
    """Turns the proposed second factor on and returns its recovery codes.

    Every other browser is signed out: whoever signed in with a password that they learnt is not
    left inside.

    Args:
        secret: of the session that stays.

    Raises:
        Problem: 409, there is nothing to confirm, or it was replaced meanwhile; otherwise as
            `spend`.
    """
    with database.reading() as session:
        key = proposed(session, actor).key
    spend(database, actor, code, proposal=True)
    with database.transaction() as session:
        session.execute(select(Account.id).where(Account.id == actor.id).with_for_update())
        mine = SecondFactor.account == actor.id, SecondFactor.confirmed.is_(None)
        confirmed = update(SecondFactor).where(*mine, SecondFactor.key == key)
        if not _changes_one(session, confirmed.values(confirmed=clock(session))):
            raise _nothing_proposed()
        sessions.end_others(session, actor.id, secret)
        audit.record(session, actor, "factor.added", actor.id)
        return _new_codes(session, actor.id)


def renew_codes(database: Database, actor: Actor, code: str) -> list[str]:
    """Replaces the actor's recovery codes and returns the new ones.

    Raises:
        Problem: as `spend`.
    """
    spend(database, actor, code)
    with database.transaction() as session:
        audit.record(session, actor, "factor.codes_made", actor.id)
        return _new_codes(session, actor.id)


def remove(database: Database, actor: Actor, code: str) -> None:
    """Removes the actor's own second factor; signs out everywhere.

    Raises:
        Problem: as `spend`.
    """
    spend(database, actor, code)
    with database.transaction() as session:
        _remove(session, actor, actor.id)


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
    if find(session, found.id) is None:
        raise Problem(409, "No second factor", Message("refusal.no_factor"))
    _remove(session, actor, found.id)


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


def spend(database: Database, actor: Actor, code: str, proposal: bool = False) -> None:
    """Takes a code of the actor's app, or a recovery code; no code is taken twice.

    Args:
        database: it also counts attempts, before the code is checked.
        code: as typed.
        proposal: whether it is the first code of a factor that is still to be confirmed.

    Raises:
        Problem: 429, too many attempts; 401, a wrong or used code, or there is no second factor.
    """
    with database.transaction() as session:
        rate_limits.take(session, actor.id, PER_CODE, clock(session))
    with database.transaction() as session:
        if _is_taken(session, actor.id, re.sub(r"[\s-]", "", code), proposal):
            rate_limits.forget(session, actor.id, PER_CODE)
            return
        audit.record(session, actor, "factor.refused", actor.id)
    raise Problem(401, "Wrong code", Message("refusal.wrong_code"))


def _is_taken(session: Session, account: str, code: str, proposal: bool) -> bool:
    from pyotp import TOTP
    from pyotp.exceptions import OTPVerificationError

    factor = session.get(SecondFactor, account)
    if factor is None or proposal is bool(factor.confirmed):
        return False
    if not re.fullmatch(r"[0-9]{6}", code):
        digest = sessions.digest(code.upper())
        mine = RecoveryCode.account == account, RecoveryCode.digest == digest
        return _changes_one(session, delete(RecoveryCode).where(*mine))
    try:
        step = TOTP(factor.key).verify_and_get_timecode(
            code, for_time=clock(session), valid_window=NEIGHBOURS
        )
    except OTPVerificationError:
        return False
    unused = SecondFactor.account == account, SecondFactor.step < step
    return _changes_one(session, update(SecondFactor).where(*unused).values(step=step))


def _changes_one(session: Session, statement: Executable) -> bool:
    done = session.execute(statement)
    return isinstance(done, CursorResult) and done.rowcount == 1


def _new_codes(session: Session, account: str) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.account == account))
    codes = [b32encode(secrets.token_bytes(CODE_BYTES)).decode() for _ in range(CODES)]
    session.add_all(RecoveryCode(digest=sessions.digest(code), account=account) for code in codes)
    return ["-".join(re.findall("....", code)) for code in codes]


def _remove(session: Session, actor: Actor, account: str) -> None:
    for table in (SecondFactor, RecoveryCode):
        session.execute(delete(table).where(table.account == account))
    sessions.end_all(session, account)
    audit.record(session, actor, "factor.removed", account)
