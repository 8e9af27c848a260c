"""Files that were recorded one after the other, read as one film; times run on from each to the
next.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from unmask.media.footage import Footage
from unmask.types import SOUND_RATE, Damage, Small


@dataclass(frozen=True, slots=True, eq=False)
class Reel:
    """One file or several, in order.

    Attributes:
        parts: at least one, of which each follows on the one before.
    """

    parts: Sequence[Footage]

    @property
    def starts(self) -> tuple[float, ...]:
        """When each part begins, s."""
        return tuple(accumulate((part.facts.duration for part in self.parts[:-1]), initial=0.0))

    @property
    def duration(self) -> float:
        """Seconds in all."""
        return self.starts[-1] + self.parts[-1].facts.duration

    def pictures(self, start: float = 0.0, end: float = math.inf) -> Iterator[Small]:
        """Every intact picture of a stretch, as `Footage.pictures` gives them; the first of a part
        follows on the last before it.

        Raises:
            MediaError: a file is gone, or waiting for one picture takes longer than the bound.
        """
        for part, begin in zip(self.parts, self.starts, strict=True):
            if begin <= end and begin + part.facts.duration >= start:
                for picture in part.pictures(start - begin, end - begin):
                    yield replace(picture, time=picture.time + begin)

    def key_pictures(self, apart: float) -> Iterator[Small]:
        """Key frames at least ``apart`` seconds from each other within each part."""
        for part, begin in zip(self.parts, self.starts, strict=True):
            for picture in part.key_pictures(apart):
                yield replace(picture, time=picture.time + begin)

    def sound_between(self, start: float, end: float) -> NDArray[np.float32]:
        """The sound of a stretch, as `Footage.sound_between` gives it, of all the parts in it."""
        whole = np.zeros(round((end - start) * SOUND_RATE), np.float32)
        heard = False
        for part, begin in zip(self.parts, self.starts, strict=True):
            first, last = max(start, begin), min(end, begin + part.facts.duration)
            if first < last:
                at = round((first - start) * SOUND_RATE)
                samples = part.sound_between(first - begin, last - begin)[: whole.size - at]
                whole[at : at + samples.size] = samples
                heard |= samples.size > 0
        return whole if heard else whole[:0]

    def damage(self) -> list[Damage]:
        """Stretches of damaged pictures, as far as they are known by now."""
        return [
            replace(one, start=one.start + begin, end=one.end + begin)
            for part, begin in zip(self.parts, self.starts, strict=True)
            for one in part.damage()
        ]
