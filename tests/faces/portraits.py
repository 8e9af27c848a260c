"""A real portrait, which the tests of faces move, scale and compose."""

from __future__ import annotations

import cv2
import numpy as np
from skimage import data

from unmask.types import Face, Rgb

PORTRAIT: Rgb = np.asarray(data.astronaut())
HEAD = PORTRAIT[20:230, 120:330]
"""A head with its surroundings, 210 x 210 px; its face is 88 px wide, around `MIDDLE`."""
MIDDLE = (106, 99)
STRANGER = np.ascontiguousarray(HEAD[:, ::-1])
"""A face that a comparison at 24 px takes for another person; it is at about (104, 99)."""


def scaled(image: Rgb, by: float) -> Rgb:
    how = cv2.INTER_AREA if by < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, None, fx=by, fy=by, interpolation=how))


def room(width: int = 480, height: int = 270, seed: int = 7) -> Rgb:
    """Paints a soft background without a face; another seed gives another place."""
    rng = np.random.default_rng(seed)
    coarse = (rng.integers(50, 200, 3) + rng.integers(-40, 40, (5, 8, 1))).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))


def scene(*heads: tuple[Rgb, float, float], background: Rgb | None = None) -> Rgb:
    """Draws heads over a background, later ones on top, each with its middle at a place, px."""
    picture = (room() if background is None else background).copy()
    h, w = picture.shape[:2]
    for head, x, y in heads:
        left, top = round(x - head.shape[1] / 2), round(y - head.shape[0] / 2)
        x0, y0, x1, y1 = (
            max(0, left),
            max(0, top),
            min(w, left + head.shape[1]),
            min(h, top + head.shape[0]),
        )
        if x0 < x1 and y0 < y1:
            picture[y0:y1, x0:x1] = head[y0 - top : y1 - top, x0 - left : x1 - left]
    return picture


def centre(face: Face) -> tuple[float, float]:
    x0, y0, x1, y1 = face.box
    return (x0 + x1) / 2, (y0 + y1) / 2
