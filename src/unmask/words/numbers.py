"""Numbers as people read them: here every number that stands in a sentence is rounded."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from unmask.messages import Message
from unmask.types import clock

MINUS = "\N{MINUS SIGN}"

BEYOND = 9
"""log10 LR beyond which only that it is more is said."""


def show(name: str, number: float) -> str | Message:
    """A number as a sentence has it.

    Args:
        name: of its place, which tells what it is, see `ROUNDED`; else a whole number stands as it
            is, any other one in three figures.
        number: exact.
    """
    if name in ROUNDED:
        return ROUNDED[name](number)
    return whole(number) if number == int(number) else figure(number)


def whole(number: float) -> str:
    """A number without decimals, its thousands apart."""
    return f"{number:,.0f}"


def decimal(number: float, digits: int) -> str:
    """A number with so many decimals, its thousands apart."""
    return f"{number:,.{digits}f}"


def figure(number: float) -> str:
    """A number in three figures, with a true minus."""
    return f"{number:.3g}".replace("-", MINUS)


def signed(number: float, digits: int = 2) -> str:
    """A number with its sign and a true minus."""
    text = f"{number:+.{digits}f}".replace("-", MINUS)
    return text[1:] if float(f"{number:.{digits}f}") == 0 else text


def amount(log10_lr: float) -> Message:
    """The size of a likelihood ratio or of its inverse, whichever is above 1, to two figures: 204
    becomes ``200``.
    """
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
    """How many times likelier, ``about 200 times``.

    Each code ``amount.NAME`` has its ``times.for.NAME`` and ``times.against.NAME``: other languages
    than English also say there than what it is likelier.
    """
    bare, side = amount(log10_lr), "for" if log10_lr > 0 else "against"
    return Message(bare.code.replace("amount.", f"times.{side}."), bare.values)


def short_size(size_bytes: int) -> str:
    """A file's size in the decimal unit that fits."""
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
"""How the numbers of a place are shown, by its name: times in seconds, widths in px, likelihood
ratios as decimal logarithms.
"""
