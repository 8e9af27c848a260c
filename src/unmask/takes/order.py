"""Re-ordered stretches: three cuts in a row, whose sides fit each other in another order.

Two neighbouring stretches that change places leave three cuts. The picture before the first goes on
after the second, the one before the third after the first, and the one before the second after the
third. That all three fit by chance is as good as impossible while something moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from unmask.messages import Message
from unmask.takes import steps
from unmask.takes.findings import BreakKind, Confidence, Finding
from unmask.types import Small

_BESIDE_S = 1.2
"""Seconds of pictures on either side of a cut that are compared."""
_FEWEST = 10
"""Least number of pictures on a side; a step is compared with eight on either side."""
_MOST_CUTS = 300
"""Most cuts that are looked at; a film with more was edited openly."""
_CUTS = (BreakKind.JUMP_CUT, BreakKind.SCENE_CUT, BreakKind.JOIN)

Sides = tuple[Sequence[Small], Sequence[Small]]


def reordered(
    findings: Sequence[Finding], pictures: Callable[[float, float], Iterator[Small]]
) -> list[Finding]:
    """Finds stretches that were moved in front of the one before them.

    Args:
        findings: breaks of the take, in order of time.
        pictures: returns the pictures of a stretch, s.
    """
    cuts = [one.end for one in findings if one.kind in _CUTS][:_MOST_CUTS]
    if len(cuts) < 3:
        return []  # two stretches that change places leave three cuts
    sides: list[Sides] = []
    out: list[Finding] = []
    for number, time in enumerate(cuts):
        near = list(pictures(time - _BESIDE_S, time + _BESIDE_S))
        before = [one for one in near if one.time < time - 1e-4]
        sides = [*sides[-2:], (before, near[len(before) :])]
        if len(sides) == 3 and _fit(sides):
            first, second, third = cuts[number - 2 : number + 1]
            back = Message("take.reordered", {"start": second, "end": third})
            out.append(Finding(BreakKind.REORDERED, first, second, Confidence.HIGH, back))
    return out


def _fit(sides: Sequence[Sides]) -> bool:
    first, second, third = sides
    return (
        _goes_on(first[0], second[1])
        and _goes_on(third[0], first[1])
        and _goes_on(second[0], third[1])
    )


def _goes_on(before: Sequence[Small], after: Sequence[Small]) -> bool:
    """Tells whether pictures go on in others as if nothing lay between them."""
    if min(len(before), len(after)) < _FEWEST:
        return False
    run = steps.run([*before, *after])
    return any(one is after[0] and run.fits(i) for i, one in enumerate(run.pictures))
