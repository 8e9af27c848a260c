"""Recovery codes: each stands for the second factor once, on the day when that is lost."""

from __future__ import annotations

import re
import secrets
from base64 import b32encode

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from unmask.service.people import sessions
from unmask.service.store.database import changes_one
from unmask.service.store.tables import RecoveryCode

CODES, CODE_BYTES = 10, 15
"""Number of recovery codes, and their random bytes.

With 112 bits or more, SP 800-63B-4, 3.1.2.2, allows a plain hash.
"""


def left(session: Session, account: str) -> int:
    """Returns the number of an account's unused codes."""
    mine = select(func.count()).where(RecoveryCode.account == account)
    return session.scalar(mine) or 0


def renew(session: Session, account: str) -> list[str]:
    """Replaces an account's codes; returns the new ones, which nobody can read again."""
    drop(session, account)
    codes = [b32encode(secrets.token_bytes(CODE_BYTES)).decode() for _ in range(CODES)]
    session.add_all(RecoveryCode(digest=sessions.digest(code), account=account) for code in codes)
    return ["-".join(re.findall("....", code)) for code in codes]


def spend(session: Session, account: str, code: str) -> bool:
    """Uses a code up, typed without spaces and hyphens; returns False if there is none such."""
    mine = RecoveryCode.account == account, RecoveryCode.digest == sessions.digest(code.upper())
    return changes_one(session, delete(RecoveryCode).where(*mine))


def drop(session: Session, account: str) -> None:
    """Deletes an account's codes."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.account == account))
