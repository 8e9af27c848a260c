"""Numbers in words that a newspaper reader understands.

The words for the strength of a likelihood ratio are those of the European Network of Forensic Science Institutes,
*ENFSI Guideline for Evaluative Reporting in Forensic Science*, version 3.0, 2015.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from unmask.types import Match, Quality, Verdict, clock

ENFSI_SCALE = (
    (1, "no"),
    (2, "weak"),
    (10, "moderate"),
    (100, "moderately strong"),
    (1_000, "strong"),
    (10_000, "very strong"),
    (1_000_000, "extremely strong"),
)
"""Lowest likelihood ratio of each step, and its word; below 1 the inverse ratio supports the other side."""

EVIDENT, NEGLIGIBLE = 0.995, 0.005
"""Probabilities past which "about N in 100" would round to certainty."""

SMALL_PX, BLURRED, ASIDE, BLOCKY = 64.0, 0.004, 0.75, 6.0
"""Face width in px, sharpness, turn and blockiness past which a face is not judged, as in `unmask.verdict.Rules`."""

SOFT = 0.02
"""Sharpness under which a face counts as blurred, see `Quality.sharpness`."""


@dataclass(frozen=True, slots=True)
class Support:
    """A step of the ENFSI scale: ``step`` counts from -6 (no change) over 0 (neither) to 6 (a change)."""

    step: int
    words: str


@dataclass(frozen=True, slots=True)
class Trait:
    """One measured limit of a judgement: what, how much, in which unit, and in a word; ``poor`` where it hinders."""

    name: str
    value: str
    word: str
    poor: bool


def support(log10_lr: float) -> Support:
    """What a likelihood ratio supports, and how strongly, in ENFSI's words."""
    steps = [math.log10(lowest) for lowest, _ in ENFSI_SCALE]
    step = sum(abs(log10_lr) >= lowest for lowest in steps) - 1
    if step == 0:
        return Support(0, "no support either way")
    side = "a changed face" if log10_lr > 0 else "an unchanged face"
    return Support(step if log10_lr > 0 else -step, f"{ENFSI_SCALE[step][1]} support for {side}")


def ratio(log10_lr: float) -> str:
    """The size of a likelihood ratio or of its inverse, whichever is above 1, to two figures: 204 becomes ``200``."""
    size = abs(log10_lr)
    if size > 9:
        return "more than a billion"
    if size < 0.995:
        return f"{10**size:.1f}"
    digits = math.floor(size + math.log10(1.005))
    whole = round(10**size, 1 - digits)
    return f"{whole / 1e6:,.4g} million" if whole >= 1e6 else f"{whole:,.0f}"


def odds(log10_lr: float) -> str:
    """A likelihood ratio in short: ``200``, or ``1/60`` where it speaks against a change."""
    short = ratio(log10_lr).removeprefix("more than ").replace("a billion", "a billion+")
    return short if log10_lr >= 0 or short == "1.0" else f"1/{short}"


def about(amount: str) -> str:
    """``about`` before an amount that is not already a bound."""
    return amount if amount.startswith("more") else f"about {amount}"


def likelier(log10_lr: float) -> str:
    """What a likelihood ratio says, as the end of "What was measured is ..."."""
    if abs(log10_lr) < math.log10(1.05):
        return "as likely if the face was changed as if it was not"
    sides = ("was changed", "was not") if log10_lr > 0 else ("was not changed", "was")
    return f"{about(ratio(log10_lr))} times likelier if the face {sides[0]} than if it {sides[1]}"


def in_hundred(probability: float) -> str:
    """A probability as people count: ``about 17 in 100``; never rounded to certainty."""
    if probability >= EVIDENT:
        return "more than 99 in 100"
    if probability < NEGLIGIBLE:
        return "fewer than 1 in 100"
    return f"about {probability * 100:.0f} in 100"


def base_rate(prior: float) -> str:
    """A base rate as people count: ``1 in 1,000``, or in per cent where that fits badly."""
    if 1e-12 < prior <= 0.5 and abs(round(1 / prior) * prior - 1) < 0.02:
        return f"1 in {round(1 / prior):,}"
    return f"{prior * 100:.3g} %"


def such_findings(verdict: Verdict | None) -> str:
    """What a posterior counts under this verdict, as the end of "N in 100 ..."."""
    if verdict is Verdict.CHANGED:
        return "such alarms would be right"
    if verdict is Verdict.NO_CHANGE_FOUND:
        return "such faces would be changed all the same"
    return "such faces would be changed"


def shown(match: Match) -> str:
    """What stretch of a known original a stretch of a file shows, as ``0:00.0 to 0:08.0 shows 0:03.0 to 0:11.0 of ...``."""
    named = " and ".join(f"“{one.title}” ({one.owner})" for one in match.originals)
    mirrored = ", mirrored" if match.mirrored else ""
    if match.end <= match.start:
        return f"this picture shows {clock(match.original_start)} of {named}{mirrored}"
    here, there = (f"{clock(a)} to {clock(b)}" for a, b in _stretches(match))
    speed = f", at {1 / match.speed:.2f} times its speed" if abs(match.speed - 1) > 0.005 else ""
    return f"{here} shows {there} of {named}{mirrored}{speed}"


def _stretches(match: Match) -> tuple[tuple[float, float], tuple[float, float]]:
    return (match.start, match.end), (match.original_start, match.original_end)


def moment(iso: str) -> str:
    """A date and time of ISO 8601 as people write it, in UTC."""
    try:
        return f"{datetime.fromisoformat(iso).astimezone(UTC):%d %B %Y, %H:%M:%S} UTC".lstrip("0")
    except ValueError:
        return iso


def signed(number: float, digits: int = 2) -> str:
    """A number with its sign and a true minus."""
    text = f"{number:+.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return text[1:] if float(f"{number:.{digits}f}") == 0 else text


def figure(number: float) -> str:
    """A number in three figures, with a true minus."""
    return f"{number:.3g}".replace("-", "\N{MINUS SIGN}")


def size(size_bytes: int) -> str:
    """A file's size in decimal units and in bytes."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit} ({size_bytes:,} bytes)"
    return f"{size_bytes:,} bytes"


def traits(quality: Quality) -> tuple[Trait, ...]:
    """What limits a judgement of a face, in words. The words describe; the verdict's own rules decide."""
    width, sharp, turn, blocks = quality.size_px, quality.sharpness, quality.yaw, quality.blockiness
    size_word = "too small to judge" if width < SMALL_PX else "small" if width < 2 * SMALL_PX else "large enough"
    sharp_word = "too blurred to judge" if sharp < BLURRED else "blurred" if sharp < SOFT else "sharp enough"
    turn_word = "too far aside to judge" if turn > ASIDE else "turned" if turn > ASIDE / 3 else "facing the camera"
    faint = "faint blocks" if blocks >= 1.15 else "no visible blocks"
    block_word = "too compressed to judge" if blocks > BLOCKY else "heavy compression" if blocks >= 1.5 else faint
    return (
        Trait("Face width", f"{width:.0f} px", size_word, width < SMALL_PX),
        Trait("Sharpness", f"{sharp:.3f}", sharp_word, sharp < SOFT),
        Trait("Turned aside", f"{turn:.2f}", turn_word, turn > ASIDE),
        Trait("Blockiness", f"{blocks:.2f}", block_word, blocks >= 1.5),
    )
