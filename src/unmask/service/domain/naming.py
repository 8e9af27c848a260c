"""Search for checks by parts of the file's name, or the start of its sha256."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func

from unmask.service.store.tables import Check


def matching(words: str) -> list[ColumnElement[bool]]:
    """Returns conditions for checks that match each of these words.

    A word matches a part of the name, in any case, or the start of the sha256.
    """
    return [_matching(word.lower()) for word in words.replace("\x00", " ").split()]


def _matching(word: str) -> ColumnElement[bool]:
    named = func.lower(Check.name).contains(word, autoescape=True)
    return named | Check.sha256.startswith(word, autoescape=True)
