"""Is it one face throughout, of one person?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from unmask.live.reading import Anchor, Reading

FRONTAL = 0.09
"""Nose tip's distance from its place at rest, see `unmask.live.reading.SeenFace.yaw`, within which
looks are compared.
"""

JUMP = 0.6
"""Widths of the face by which it may move from one reading to the next, for each 0.1 s between
them.
"""

MARGIN = 6
"""Px of a look by which the finder may have put it in another place."""


@dataclass(frozen=True, slots=True)
class Continuity:
    """How the face went on.

    Attributes:
        alike: least correlation of a frontal look with the one before or with the first, whichever
            it is more like, -1 to 1; 1 where the face was followed without a break.
        unbroken: whether it never jumped.
    """

    alike: float
    unbroken: bool


def continuity(readings: Sequence[Reading]) -> Continuity:
    """How the face of these readings went on."""
    seen = [(reading.time, reading.face) for reading in readings if reading.face]
    middle = float(np.median([face.yaw for _, face in seen]))
    looks = [
        face.anchor
        for _, face in seen
        if abs(face.yaw - middle) < FRONTAL and face.anchor.time == face.found_at
    ]
    unbroken = True
    for (before, a), (after, b) in pairwise(seen):
        moved = np.hypot(*(b.points.mean(axis=0) - a.points.mean(axis=0)))
        unbroken &= bool(moved <= JUMP * (a.box[2] - a.box[0]) * max(1.0, (after - before) / 0.1))
    alike = min(
        (max(_correlation(a, b), _correlation(looks[0], b)) for a, b in pairwise(looks)),
        default=1.0,
    )
    return Continuity(alike, unbroken)


def _correlation(a: Anchor, b: Anchor) -> float:
    import cv2

    inner = a.look[MARGIN:-MARGIN, MARGIN:-MARGIN]
    return float(cv2.matchTemplate(b.look, inner, cv2.TM_CCOEFF_NORMED).max())
