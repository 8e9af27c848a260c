"""Passwords: rules for new ones, and their hashes.

The rules are those of NIST SP 800-63B-4 (2025), 3.1.1.2, for a password that is the only factor: at
least 15 characters, no rule on their composition, no periodic change, and no expected password:
none made of common words, of runs, or of the account's own words. Hashes are Argon2id with the
parameters that argon2-cffi takes from RFC 9106.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from unmask.messages import Message
from unmask.service.problems import Problem

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 15, 256
"""Length in characters. SP 800-63B-4 asks for at least 15, and for room for at least 64."""

SURPRISE = 8
"""Minimum characters that are left without those an attacker expects."""

AT_ONCE = 2
"""Number of passwords hashed at the same time: each takes 64 MiB."""

PATIENCE = 2.0
"""Maximum time that a password waits to be hashed, s."""

_COMMON = """
password passwort passw0rd p@ssw0rd passphrase letmein welcome admin administrator changeme \
secret iloveyou monkey dragon
football baseball princess sunshine master superman batman trustno1 whatever login user test \
default guest summer winter
spring autumn january december unmask woaini mima
"""
_RUNS = (
    "0123456789012345678901234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
)
_hashing = BoundedSemaphore(AT_ONCE)


@contextmanager
def _one_of_few() -> Iterator[None]:
    """Waits for its turn to hash, but not long.

    Otherwise those who sign in could keep all others from being answered.
    """
    if not _hashing.acquire(timeout=PATIENCE):
        raise Problem(503, "Busy", Message("refusal.busy"), {"Retry-After": "5"})
    try:
        yield
    finally:
        _hashing.release()


def hashed(password: str, own: Iterable[str] = ()) -> str:
    """Hashes a new password as a PHC string.

    Args:
        password: as typed; normalised by NFC, as SP 800-63B-4 asks.
        own: words that an attacker knows of the account: its address, its owner's name.

    Raises:
        Problem: 422, too short, too long or too easily guessed; 503, too many are being hashed just
            now.
    """
    password = unicodedata.normalize("NFC", password)
    if not SHORTEST <= len(password) <= LONGEST:
        raise Problem(
            422,
            "Weak password",
            Message("refusal.password_length", {"shortest": SHORTEST, "longest": LONGEST}),
        )
    if len(_unexpected(password, own)) < SURPRISE:
        raise Problem(422, "Weak password", Message("refusal.weak_password"))
    with _one_of_few():
        return _hasher().hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Tells whether the password matches the kept hash; never if that is None or empty.

    It takes as long without a hash, so that nobody learns which accounts exist.
    """
    from argon2.exceptions import VerifyMismatchError

    try:
        with _one_of_few():
            _hasher().verify(kept or _of_nobody(), unicodedata.normalize("NFC", password[:LONGEST]))
    except VerifyMismatchError:
        return False
    return bool(kept)


def _unexpected(password: str, own: Iterable[str]) -> str:
    # Fold letter by letter: a letter that folds to three would count three times.
    rest = "".join(
        folded if len(folded := letter.casefold()) == 1 else letter for letter in password
    )
    words = {part for text in own for part in re.split(r"\W+", text.casefold()) if len(part) > 2}
    for word in sorted({*words, *_COMMON.split()}, key=len, reverse=True):
        rest = rest.replace(word, " ")
    for run in (*_RUNS, *(run[::-1] for run in _RUNS)):
        rest = re.sub("|".join(_stretches(run)), " ", rest)
    rest = re.sub(r"(.{1,6}?)\1+", r"\1", rest)
    return re.sub(r"[\W_]", "", rest)


@cache
def _stretches(run: str, shortest: int = 4) -> list[str]:
    """Returns every part of a run of at least ``shortest`` characters, the longest first."""
    parts = {run[i:j] for i in range(len(run)) for j in range(i + shortest, len(run) + 1)}
    return sorted(parts, key=len, reverse=True)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _of_nobody() -> str:
    return _hasher().hash("nobody has this password")
