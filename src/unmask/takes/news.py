"""News: each finding of a take that is still being recorded, told once."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Sequence

from unmask.takes.findings import (
    EACH,
    IN_THE_FILE,
    SAME_S,
    BreakKind,
    Finding,
    explained,
    precedence,
)

_BEFORE = 8
"""Known findings of one kind that are compared; further back they lie apart, as in `in_order`."""


class News:
    """Passes on findings that were not told before.

    Args:
        told: receives each of them.
    """

    def __init__(self, told: Callable[[Finding], None]) -> None:
        self._told = told
        self._known: dict[BreakKind, list[tuple[float, float]]] = defaultdict(list)
        self._ends: list[float] = []

    def tell(self, findings: Sequence[Finding]) -> None:
        """Tells what is new among findings; those given before need not be given again."""
        for one in findings:
            if one.kind in IN_THE_FILE:
                insort(self._ends, one.end)
        for one in sorted(findings, key=precedence):
            if explained(one, self._ends):
                continue
            if one.kind in EACH or not self._again(one):
                insort(self._known[one.kind], (one.start, one.end))
                self._told(one)

    def _again(self, one: Finding) -> bool:
        """Tells whether a finding is known; one that grew takes the place of the known one."""
        known = self._known[one.kind]
        last = bisect_right(known, one.end + SAME_S, key=lambda span: span[0])
        for place in range(max(0, last - _BEFORE), last):
            start, end = known[place]
            if one.start <= end + SAME_S:
                if one.start <= start:
                    known[place] = (one.start, max(end, one.end))
                return True
        return False
