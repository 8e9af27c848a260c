"""Interface to the photos and videos that originals are compared with: facts, times and frames.

`originals` therefore depends on no decoder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from unmask.types import Frame, MediaFacts


class Film(Protocol):
    """An opened photo or video; `unmask.media.Clip` is one."""

    @property
    def facts(self) -> MediaFacts: ...
    def key_times(self) -> list[float]: ...
    def times(self, every: float, at_most: int) -> list[float]: ...
    def times_between(
        self, start: float, end: float, every: float, at_most: int
    ) -> list[float]: ...
    def frames(self, times: Sequence[float], longest_px: int | None = None) -> Iterator[Frame]: ...
