"""Strangers' texts, made safe to show."""

from __future__ import annotations

LONGEST = 200
"""Most letters of a stranger's text that are shown."""


def one_line(text: object) -> str:
    """Shortens a stranger's text to one printable line of at most `LONGEST` letters."""
    return "".join(c if c.isprintable() else " " for c in str(text))[:LONGEST]
