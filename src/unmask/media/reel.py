"""Files that were recorded one after the other, read as one film.

Times continue from each file to the next.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from unmask.media.footage import Footage
from unmask.types import SOUND_RATE, Damage, Small, Sound


@dataclass(frozen=True, slots=True, eq=False)
class Reel:
    """One file or several, in order.

    Attributes:
        parts: at least one; each continues the one before.
    """

    parts: Sequence[Footage]

    @property
    def starts(self) -> tuple[float, ...]:
        """Start of each part, s."""
        return tuple(accumulate((part.facts.duration for part in self.parts[:-1]), initial=0.0))

    @property
    def duration(self) -> float:
        """Total duration, s."""
        return self.starts[-1] + self.parts[-1].facts.duration

    def pictures(self, start: float = 0.0, end: float = math.inf) -> Iterator[Small]:
        """Yields every intact picture of a stretch, as `Footage.pictures` gives them.

        The first picture of a part follows the last one of the part before.

        Raises:
            MediaError: a file is gone, or waiting for one picture takes longer than the bound.
        """
        for part, begin in zip(self.parts, self.starts, strict=True):
            if begin <= end and begin + part.facts.duration >= start:
                for picture in part.pictures(start - begin, end - begin):
                    yield replace(picture, time=picture.time + begin)

    def part_at(self, time: float) -> tuple[Footage, float]:
        """Returns the part that is shown at a time, s, and its start, s."""
        starts = self.starts
        number = max(0, bisect_right(starts, time + 1e-6) - 1)
        return self.parts[number], starts[number]

    def key_pictures(self, apart: float, start: float = 0.0) -> Iterator[Small]:
        """Yields key frames from ``start`` s on, at least ``apart`` seconds apart in each part."""
        for part, begin in zip(self.parts, self.starts, strict=True):
            if begin + part.facts.duration < start:
                continue
            for picture in part.key_pictures(apart, start - begin):
                yield replace(picture, time=picture.time + begin)

    def sound_between(self, start: float, end: float) -> NDArray[np.float32]:
        """Returns the sound of a stretch, of all the parts in it, see `Footage.sound_between`."""
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

    def sound_around(self, time: float, before: float, after: float) -> Sound:
        """Returns the sound from so many seconds before a time, s, to so many after it.

        It ends where the part that is shown at that time ends, and is empty if this has none.
        """
        part, begin = self.part_at(time)
        start = max(0.0, time - begin - before)
        end = min(part.facts.duration, time - begin + after)
        return Sound(begin + start, part.sound_between(start, end))

    def damage(self) -> list[Damage]:
        """Returns stretches of damaged pictures, as far as they are known by now."""
        return [
            replace(one, start=one.start + begin, end=one.end + begin)
            for part, begin in zip(self.parts, self.starts, strict=True)
            for one in part.damage()
        ]
