"""Finding checks by what people know of a file: parts of its name, or the start of its sha256."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func

from unmask.service.store.tables import Check


def matching(words: str) -> list[ColumnElement[bool]]:
    """Conditions for checks in whose name each of these words stands, in any case, or whose sha256
    begins with one.
    """
    return [_matching(word.lower()) for word in words.replace("\x00", " ").split()]


def _matching(word: str) -> ColumnElement[bool]:
    named = func.lower(Check.name).contains(word, autoescape=True)
    return named | Check.sha256.startswith(word, autoescape=True)
