"""Numbers for people: every number in a sentence is rounded here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from unmask.messages import Message
from unmask.types import clock

MINUS = "\N{MINUS SIGN}"

BEYOND = 9
"""log10 LR above which only "more than" is said."""


def show(name: str, number: float) -> str | Message:
    """Formats a number for a sentence.

    Args:
        name: name of its place, which tells what it is, see `ROUNDED`; for other names a whole
            number stays as it is, and any other has three figures.
        number: exact number.
    """
    if name in ROUNDED:
        return ROUNDED[name](number)
    return whole(number) if number == int(number) else figure(number)


def whole(number: float) -> str:
    """Formats a number without decimals, with thousands separated."""
    return f"{number:,.0f}"


def decimal(number: float, digits: int) -> str:
    """Formats a number with so many decimals, with thousands separated."""
    return f"{number:,.{digits}f}"


def figure(number: float) -> str:
    """Formats a number in three figures, with a true minus."""
    return f"{number:.3g}".replace("-", MINUS)


def signed(number: float, digits: int = 2) -> str:
    """Formats a number with its sign and a true minus."""
    text = f"{number:+.{digits}f}".replace("-", MINUS)
    return text[1:] if float(f"{number:.{digits}f}") == 0 else text


def amount(log10_lr: float) -> Message:
    """Gives the LR or its inverse, whichever is above 1, to two figures: 204 becomes ``200``."""
    size = abs(log10_lr)
    if size > BEYOND:
        return Message("amount.most")
    if size < 0.995:
        return Message("amount.few", {"number": decimal(10**size, 1)})
    number = round(10**size, 1 - math.floor(size + math.log10(1.005)))
    if number < 1e4:
        return Message("amount.few", {"number": number})
    if number < 1e6:
        return Message("amount.thousands", {"number": number, "ten_thousands": number / 1e4})
    return Message("amount.millions", {"millions": number / 1e6, "ten_thousands": number / 1e4})


def times(log10_lr: float) -> Message:
    """Says how many times likelier something is, ``about 200 times``.

    Each code ``amount.NAME`` has its ``times.for.NAME`` and ``times.against.NAME``: languages other
    than English also name here the alternative that it is compared with.
    """
    bare, side = amount(log10_lr), "for" if log10_lr > 0 else "against"
    return Message(bare.code.replace("amount.", f"times.{side}."), bare.values)


def short_size(size_bytes: int) -> str:
    """Formats a file's size in the decimal unit that fits."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes >= factor:
            return f"{decimal(size_bytes / factor, 1)} {unit}"
    return f"{whole(size_bytes)} bytes"


def _plain(number: float) -> str:
    return f"{number:.0f}"


def _decimals(digits: int) -> Callable[[float], str]:
    return lambda number: decimal(number, digits)


def _in_figures(number: float) -> str:
    return f"{number:,.6g}"


ROUNDED: Mapping[str, Callable[[float], str | Message]] = {
    **dict.fromkeys(
        ("start", "end", "time", "original_start", "original_end", "original_time"), clock
    ),
    **dict.fromkeys(("bona_fide", "swaps"), _plain),
    **dict.fromkeys(
        ("found", "levels", "most_seconds", "number", "points", "seconds", "width"), whole
    ),
    **dict.fromkeys(("millions", "ten_thousands"), _in_figures),
    **dict.fromkeys(("auc", "high", "low", "speed"), _decimals(2)),
    **dict.fromkeys(("alarms", "spacing"), _decimals(1)),
    "log10_lr": times,
}
"""Format of a number by the name of its place.

Times are in seconds, widths in px, likelihood ratios are decimal logarithms.
"""
