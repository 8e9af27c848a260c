"""Glimpses: small pictures from between two looks, which show at little cost where nothing changes.

Decoding passes these pictures anyway, a few of every second. A hard cut changes much from one to
the next, as from one picture to the next. A dissolve makes each a blend of those before and after,
whose shares follow from their times. The bounds here are wider than those for single pictures: what
shows neither need not be looked at picture by picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unmask.takes.change import Miniature, change, likeness, mixture

_FAR = 0.2
"""Seconds between two glimpses from which on a cut may hide there."""
_CHANGED = 0.09
"""Least change from one glimpse to the next at a hard cut."""
_LENGTHS = (0.28, 0.4, 0.6, 0.85, 1.2, 1.7)
"""Lengths of the stretches tested for a dissolve, s; of a longer one, its middle."""
_ALIKE = 0.8
"""Likeness of both ends above which there is no dissolve."""
_UNLIKE_BLEND = 0.24
"""Most that a blend may leave unexplained, and its shares be off, in a dissolve.

Dissolves between swaying portraits stay below 0.18 at some length.
"""
_DISSOLVED = 0.16
"""Least change from one end of a dissolve to the other."""


def doubtful(glimpses: Sequence[Miniature]) -> Iterator[tuple[float, float]]:
    """Yields the stretches, start and end in s, in which a shot may have changed.

    Args:
        glimpses: in order of time, as `unmask.media.Clip.frames` gives them, with faces.
    """
    for a, b in pairwise(glimpses):
        if b.time - a.time > _FAR or change(a, b, reach=4) >= _CHANGED:
            yield a.time, b.time
    times = np.array([glimpse.time for glimpse in glimpses])
    for length in _LENGTHS:
        for start, end in enumerate(_nearest(times, times + length).tolist()):
            if end > start and _is_blend(glimpses[start : end + 1]):
                yield glimpses[start].time, glimpses[end].time


def _nearest(times: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.intp]:
    """Returns the place of the nearest of two or more ordered times to each wanted one."""
    after = np.searchsorted(times, wanted).clip(1, times.size - 1)
    before = np.abs(times[after - 1] - wanted) <= np.abs(times[after] - wanted)
    return np.where(before, after - 1, after)


def _is_blend(glimpses: Sequence[Miniature]) -> bool:
    """Tells whether both ends are unlike, and what is between them a blend in even steps."""
    a, b = glimpses[0], glimpses[-1]
    if likeness(a, b) >= _ALIKE:
        return False
    last = len(glimpses) - 1
    for place in sorted({round(last * quarter / 4) for quarter in (1, 2, 3)} - {0, last}):
        between = glimpses[place]
        share, left = mixture(a, between, b)
        wanted = (b.time - between.time) / (b.time - a.time)
        if max(left, abs(share - wanted)) > _UNLIKE_BLEND:
            return False
    return change(a, b, reach=6) >= _DISSOLVED
