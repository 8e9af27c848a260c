"""News: each finding of a take that is still being recorded, told once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from unmask.takes.findings import Finding, in_order

_SAME_S = 0.2
"""Seconds within which findings of one kind are the same one, which was found again or grew."""


class News:
    """Passes on findings that were not told before.

    Args:
        told: receives each of them.
    """

    def __init__(self, told: Callable[[Finding], None]) -> None:
        self._told = told
        self._known: list[Finding] = []

    def tell(self, findings: Sequence[Finding]) -> None:
        """Tells what is new among all findings until now."""
        for one in in_order(list(findings)):
            if not any(
                one.kind is other.kind
                and one.start <= other.end + _SAME_S
                and other.start <= one.end + _SAME_S
                for other in self._known
            ):
                self._known.append(one)
                self._told(one)
