"""Photos and videos as originals need them: facts, times and frames. So `originals` knows no
decoder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from unmask.types import Frame, MediaFacts


class Film(Protocol):
    """A photo or video that was opened; `unmask.media.Clip` is one."""

    @property
    def facts(self) -> MediaFacts: ...
    def key_times(self) -> list[float]: ...
    def times(self, every: float, at_most: int) -> list[float]: ...
    def times_between(
        self, start: float, end: float, every: float, at_most: int
    ) -> list[float]: ...
    def frames(self, times: Sequence[float], longest_px: int | None = None) -> Iterator[Frame]: ...
