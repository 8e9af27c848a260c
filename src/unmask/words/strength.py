"""Strength of evidence in words that a newspaper reader understands.

The words for a likelihood ratio are those of the European Network of Forensic Science Institutes,
*ENFSI Guideline for Evaluative Reporting in Forensic Science*, version 3.0, 2015.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from unmask.messages import Message, Value
from unmask.types import Rate, TrackRecord, Verdict
from unmask.words.numbers import BEYOND, amount

ENFSI_SCALE = (1, 2, 10, 100, 1_000, 10_000, 1_000_000)
"""Lowest likelihood ratio of each step, from "no support" to "extremely strong".

Below 1 the inverse supports the other side.
"""

EVIDENT, NEGLIGIBLE = 0.995, 0.005
"""Probabilities past which "about N in 100" would round to certainty."""


@dataclass(frozen=True, slots=True)
class Support:
    """A step of the ENFSI scale: ``step`` is -6 (no change) over 0 (neither) to 6 (a change)."""

    step: int
    words: Message


def support(log10_lr: float) -> Support:
    """Says what a likelihood ratio supports, and how strongly, in ENFSI's words."""
    step = sum(abs(log10_lr) >= math.log10(lowest) for lowest in ENFSI_SCALE) - 1
    if step == 0:
        return Support(0, Message("support.none"))
    if log10_lr > 0:
        return Support(step, Message(f"support.changed.{step}"))
    return Support(-step, Message(f"support.unchanged.{step}"))


def reach(reaches: Iterable[tuple[float, ...] | None]) -> tuple[float, float] | None:
    """Returns the lowest and highest log10 LR that lines can give for any person.

    ``reaches`` are those for each person; None where no line weighed.
    """
    ends = [end for each in reaches if each is not None for end in each]
    return (min(ends), max(ends)) if ends else None


def reachable(step: int, reach: tuple[float, float] | None) -> bool:
    """Tells whether lines can attain a step of the scale.

    Their log10 LRs go from ``reach[0]`` to ``reach[1]``.
    """
    if reach is None or step == 0:
        return True
    lowest = math.log10(ENFSI_SCALE[abs(step)])
    return reach[1] >= lowest if step > 0 else reach[0] <= -lowest


def record(verdict: Verdict | None, measured: TrackRecord | None) -> Message | None:
    """States how often this answer was wrong where the truth was known.

    None where that was not measured, or for other answers.
    """
    if measured is None:
        return None
    if verdict is Verdict.CHANGED:
        return Message("record.alarms", _counted(measured.alarms, 1000, measured.bona_fide))
    if verdict is Verdict.NO_CHANGE_FOUND:
        return Message("record.missed", _counted(measured.missed, 100, measured.changed))
    return None


def _counted(rate: Rate, of: int, faces: int) -> dict[str, Value]:
    """Gives a share as so many of 100 or 1,000, the interval rounded outwards."""
    return {
        "number": round(rate.part * of),
        "fewest": math.floor(rate.low * of),
        "highest": math.ceil(rate.high * of),
        "faces": faces,
    }


def odds(log10_lr: float) -> Message:
    """Gives a likelihood ratio in short: ``200``, or ``1/60`` where it speaks against a change."""
    short = Message("odds.most") if abs(log10_lr) > BEYOND else amount(log10_lr)
    against = log10_lr < 0 and str(short) != "1.0"
    return Message("odds.against", {"amount": short}) if against else short


def likelier(log10_lr: float) -> Message:
    """Says what a likelihood ratio means, as the end of "What was measured is ..."."""
    if abs(log10_lr) < math.log10(1.05):
        return Message("likelier.even")
    values = {"log10_lr": log10_lr}
    return (
        Message("likelier.changed", values)
        if log10_lr > 0
        else Message("likelier.unchanged", values)
    )


def in_hundred(probability: float) -> Message:
    """Gives a probability as people count: ``about 17 in 100``; never rounded to certainty."""
    if probability >= EVIDENT:
        return Message("share.most")
    if probability < NEGLIGIBLE:
        return Message("share.least")
    return Message("share.about", {"number": round(probability * 100)})


def of_hundred(probability: float) -> Message:
    """Gives the same as `in_hundred` where the text before says of how many."""
    if probability >= EVIDENT:
        return Message("count.most")
    if probability < NEGLIGIBLE:
        return Message("count.least")
    return Message("count.about", {"number": round(probability * 100)})


def base_rate(prior: float) -> Message:
    """Gives a base rate as people count: ``1 in 1,000``, or in per cent where that fits badly."""
    if 1e-12 < prior <= 0.5 and abs(round(1 / prior) * prior - 1) < 0.02:
        return Message("rate.one_in", {"number": round(1 / prior)})
    return Message("rate.percent", {"percent": float(prior * 100)})


def such_findings(verdict: Verdict | None) -> Message:
    """Says what a posterior counts under this verdict, as the end of "N in 100 ..."."""
    if verdict is Verdict.CHANGED:
        return Message("such.changed")
    return (
        Message("such.no_change") if verdict is Verdict.NO_CHANGE_FOUND else Message("such.untold")
    )
