"""Test whether the frames show one face of one person throughout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from unmask.live.reading import FaceAnchor, FrameReading

FRONTAL = 0.09
"""Largest distance of the nose tip from its place at rest at which looks are compared.

For its unit see `unmask.live.reading.SeenFace.yaw`.
"""

JUMP = 0.6
"""Most that the face may move from one reading to the next, in its widths per 0.1 s."""

MARGIN = 6
"""Px of a look by which detection may have shifted it."""


@dataclass(frozen=True, slots=True)
class Continuity:
    """Continuity of the face over a check.

    Attributes:
        alike: least correlation of a frontal look with the one before or with the first, whichever
            is higher, -1 to 1; 1 where the face was followed without a break.
        unbroken: whether it never jumped.
    """

    alike: float
    unbroken: bool


def continuity(readings: Sequence[FrameReading]) -> Continuity:
    """Measures the continuity of the face over these readings."""
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


def _correlation(a: FaceAnchor, b: FaceAnchor) -> float:
    import cv2

    inner = a.look[MARGIN:-MARGIN, MARGIN:-MARGIN]
    return float(cv2.matchTemplate(b.look, inner, cv2.TM_CCOEFF_NORMED).max())
