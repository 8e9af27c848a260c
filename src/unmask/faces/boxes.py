"""Sizes and distances of face boxes, in px of the frame."""

from __future__ import annotations

import numpy as np

from unmask.types import Box


def width(box: Box) -> float:
    """Returns the width, px."""
    return box[2] - box[0]


def centre(box: Box) -> tuple[float, float]:
    """Returns the middle ``(x, y)``, px."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def distance(a: Box, b: Box) -> float:
    """Returns the distance of two boxes' centres in widths of the wider one."""
    (ax, ay), (bx, by) = centre(a), centre(b)
    return float(np.hypot(ax - bx, ay - by)) / max(width(a), width(b), 1.0)
