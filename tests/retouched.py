"""A real portrait whose inner face the tests change in one way at a time.

It is blurred, tinted or moved, or its eyes are given other lights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import cv2
import numpy as np

from tests import scenes
from unmask import faces
from unmask.types import Face, Rgb


@cache
def portrait() -> Rgb:
    """Returns NASA's portrait twice as large, uint8 ``(640, 640, 3)``; face about 180 px wide."""
    return cv2.resize(scenes.portrait()[:320, 60:380], (640, 640), interpolation=cv2.INTER_CUBIC)


@cache
def face() -> Face:
    """Finds its face."""
    return faces.find(portrait())[0]


def inside(change: Callable[[Rgb], Rgb], rgb: Rgb | None = None) -> Rgb:
    """Replaces the inner face, brows to chin, with that of a changed copy; the seam is soft."""
    base = portrait() if rgb is None else rgb
    x, y = (float(v) for v in face().points.mean(axis=0))
    apart = float(np.hypot(*(face().points[1] - face().points[0])))
    mask = np.zeros(base.shape[:2], np.float32)
    cv2.ellipse(
        mask, (round(x), round(y)), (round(0.85 * apart), round(1.15 * apart)), 0, 0, 360, 1.0, -1
    )
    mask = cv2.GaussianBlur(mask, (0, 0), 0.03 * apart)[..., None]
    return np.rint(base * (1 - mask) + change(base) * mask).astype(np.uint8)


def lit(right: tuple[float, float], left: tuple[float, float]) -> Rgb:
    """Widens the eyes and draws one light in each, at ``(x, y)`` from its middle, in iris radii."""
    rgb = portrait().copy()
    radius = 0.093 * float(np.hypot(*(face().points[1] - face().points[0])))
    for eye, (x, y) in zip(face().points[:2], (right, left), strict=True):
        cv2.ellipse(
            rgb,
            _eighths(eye),
            _eighths((1.7 * radius, 1.1 * radius)),
            0,
            0,
            360,
            (225, 220, 215),
            -1,
            cv2.LINE_AA,
            3,
        )
        cv2.circle(rgb, _eighths(eye), round(8 * radius), (60, 35, 25), -1, cv2.LINE_AA, 3)
        light = (float(eye[0]) + x * radius, float(eye[1]) + y * radius)
        cv2.circle(
            rgb, _eighths(light), round(8 * 0.25 * radius), (250, 250, 250), -1, cv2.LINE_AA, 3
        )
    return rgb


def _eighths(point: Sequence[float]) -> tuple[int, int]:
    """Returns a point in eighths of a px, as OpenCV takes it with a shift of 3 bits."""
    return round(float(point[0]) * 8), round(float(point[1]) * 8)
