"""Choice of the stretches of long footage that are decoded without being asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from unmask.takes.findings import merged

SHORT_S = 120.0
"""Duration of footage up to which all pictures are always decoded, s."""
_AROUND_S = 3.0
"""Seconds of pictures decoded on either side of something odd.

A step is compared with one second on either side.
"""
_MOST_CLOSER = 0.1
"""Share of long footage that is decoded without being asked for, the oddest stretches first."""
_KEY_CHANGE = 0.35
"""Change between two key frames from which the pictures between them are decoded.

Most key frames differ by less.
"""

_GRID = 10
"""Parts of a second by which is counted what is decoded."""
_GOLDEN = (5**0.5 - 1) / 2
"""Share of a circle by which even steps spread evenly, however many they are."""

Stretch = tuple[float, float]
"""Start and end, s."""
Change = tuple[float, float, float]
"""Change between two key frames, 0 to 1, and the times of both, s."""


def worth_decoding(
    duration: float,
    found: Sequence[float],
    hints: Sequence[Sequence[float]],
    seams: Sequence[float],
    changes: Sequence[Change],
) -> list[Stretch]:
    """Selects stretches, up to a share of the whole.

    They lie around what was found. Then hints of each kind and key frames that differ take turns,
    each kind spread evenly, so that many of one kind or in one hour do not hide all others. Seams
    between files come first, or last where they alone would take more than half of the share, as in
    a live recording.

    Args:
        duration: of the footage, s.
        found: times, s, of findings.
        hints: times, s, of what need not be a break, by kind, in order.
        seams: times, s, at which one file follows another.
        changes: of all key frames, in order.
    """
    left = max(SHORT_S, _MOST_CLOSER * duration)
    usual = float(np.median([change for change, _, _ in changes])) if changes else 1.0
    differ = sorted(one for one in changes if one[0] > max(_KEY_CHANGE, 2 * usual))[::-1]
    turns = zip_longest(
        *([(time, time) for time in _spread(times)] for times in hints),
        [(before, after) for _, before, after in differ],
    )
    wanted = [(time, time) for time in _spread(found)]
    wanted += [one for turn in turns for one in turn if one is not None]
    at_seams = [(time, time) for time in seams]
    many = 2 * _AROUND_S * len(seams) > left / 2
    chosen: list[Stretch] = []
    taken = np.zeros(math.ceil(duration * _GRID) + 1, np.bool_)
    for first, last in [*wanted, *at_seams] if many else [*at_seams, *wanted]:
        start, end = max(0.0, first - _AROUND_S), min(duration, last + _AROUND_S)
        part = taken[round(start * _GRID) : round(end * _GRID)]
        if (more := (part.size - int(part.sum())) / _GRID) <= left:
            chosen.append((start, end))
            part[:] = True
            left -= more
    return merged(chosen, apart=1.0)


def _spread(times: Sequence[float]) -> list[float]:
    """Puts times in another order, of which each beginning is spread evenly over all of them."""
    turns = np.arange(len(times)) * _GOLDEN % 1.0
    return [times[place] for place in np.argsort(turns, kind="stable")]
