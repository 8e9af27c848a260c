"""The authenticator app on a person's phone.

The app and the service share a key, and each code is computed from it and the time (TOTP, RFC
6238). Whoever reads the database could compute them, too; the factor is against passwords that
somebody else has learnt.
"""

from __future__ import annotations

import re

from sqlalchemy import update
from sqlalchemy.orm import Session

from unmask.service.store.database import changes_one
from unmask.service.store.database import now as clock
from unmask.service.store.tables import Account, SecondFactor

ISSUER = "Unmask"
"""Name under which authenticator apps list the account."""

NEIGHBOURS = 1
"""Time steps of 30 s by which a clock may differ; RFC 6238, 5.2, recommends at most one."""


def find(session: Session, account: str) -> SecondFactor | None:
    """Returns an account's app; None unless it was confirmed."""
    found = session.get(SecondFactor, account)
    return found if found and found.confirmed else None


def address(factor: SecondFactor, account: Account) -> str:
    """Returns the ``otpauth://`` address that apps read from a QR code."""
    from pyotp import TOTP

    return TOTP(factor.key).provisioning_uri(name=account.email, issuer_name=ISSUER)


def is_code(text: str) -> bool:
    """Tells whether a text could be a code of an app."""
    return re.fullmatch(r"[0-9]{6}", text) is not None


def spend(session: Session, account: str, code: str, proposal: bool) -> bool:
    """Uses a code up, and all before it; returns False if it is wrong or was used.

    Args:
        proposal: whether it is the first code of an app that is still to be confirmed.
    """
    from pyotp import TOTP
    from pyotp.exceptions import OTPVerificationError

    factor = session.get(SecondFactor, account)
    if factor is None or proposal is bool(factor.confirmed):
        return False
    try:
        step = TOTP(factor.key).verify_and_get_timecode(
            code, for_time=clock(session), valid_window=NEIGHBOURS
        )
    except OTPVerificationError:
        return False
    unused = SecondFactor.account == account, SecondFactor.step < step
    return changes_one(session, update(SecondFactor).where(*unused).values(step=step))
