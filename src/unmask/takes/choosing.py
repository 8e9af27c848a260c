"""Choice of the stretches of long footage that are decoded without being asked for."""

from __future__ import annotations

from collections.abc import Sequence

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

Stretch = tuple[float, float]
"""Start and end, s."""
Change = tuple[float, float, float]
"""Change between two key frames, 0 to 1, and the times of both, s."""


def worth_decoding(
    duration: float, odd: Sequence[float], seams: Sequence[float], changes: Sequence[Change]
) -> list[Stretch]:
    """Selects stretches, up to a share of the whole.

    They lie around what is odd, and between key frames that differ. Seams between files come first,
    or last where they alone would take more than half of the share, as in a live recording.

    Args:
        duration: of the footage, s.
        odd: times, s, the most important first.
        seams: times, s, at which one file follows another.
        changes: of all key frames, in order.
    """
    left = max(SHORT_S, _MOST_CLOSER * duration)
    usual = float(np.median([change for change, _, _ in changes])) if changes else 1.0
    differ = sorted(one for one in changes if one[0] > max(_KEY_CHANGE, 2 * usual))[::-1]
    wanted = [
        *((time, time) for time in odd),
        *((before, after) for _, before, after in differ),
    ]
    at_seams = [(time, time) for time in seams]
    many = 2 * _AROUND_S * len(seams) > left / 2
    chosen: list[Stretch] = []
    for first, last in [*wanted, *at_seams] if many else [*at_seams, *wanted]:
        start, end = max(0.0, first - _AROUND_S), min(duration, last + _AROUND_S)
        if end - start <= left:
            chosen.append((start, end))
            left -= end - start
    return merged(chosen, apart=1.0)
