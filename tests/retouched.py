"""A real portrait whose inner face the tests change in one way at a time: blurred, tinted, moved, its eyes given other lights."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np

from tests import scenes
from unmask import faces
from unmask.types import Face, Rgb


@cache
def portrait() -> Rgb:
    """NASA's portrait twice as large, uint8 ``(640, 640, 3)``: its face is about 180 px wide."""
    return cv2.resize(scenes.portrait()[:320, 60:380], (640, 640), interpolation=cv2.INTER_CUBIC)


@cache
def face() -> Face:
    """Its face."""
    return faces.find(portrait())[0]


def inside(change: Callable[[Rgb], Rgb], rgb: Rgb | None = None) -> Rgb:
    """The portrait with its inner face, from brows to chin, replaced by that of a changed copy; the seam is soft."""
    base = portrait() if rgb is None else rgb
    x, y = (float(v) for v in face().points.mean(axis=0))
    apart = float(np.hypot(*(face().points[1] - face().points[0])))
    mask = np.zeros(base.shape[:2], np.float32)
    cv2.ellipse(mask, (round(x), round(y)), (round(0.85 * apart), round(1.15 * apart)), 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.03 * apart)[..., None]
    return np.rint(base * (1 - mask) + change(base) * mask).astype(np.uint8)


def lit(right: tuple[float, float], left: tuple[float, float], brightness: int = 250) -> Rgb:
    """The portrait with one light mirrored in each eye, at ``(x, y)`` in radii of its iris from its middle."""
    rgb = portrait().copy()
    radius = 0.093 * float(np.hypot(*(face().points[1] - face().points[0])))
    for eye, (x, y) in zip(face().points[:2], (right, left), strict=True):
        middle = (int(eye[0]), int(eye[1]))
        cv2.circle(rgb, middle, round(radius), (60, 35, 25), -1, cv2.LINE_AA)
        light = (round((eye[0] + x * radius) * 8), round((eye[1] + y * radius) * 8))
        cv2.circle(rgb, light, round(0.25 * radius * 8), (brightness,) * 3, -1, cv2.LINE_AA, 3)
    return rgb
