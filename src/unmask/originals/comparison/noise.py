"""Noise between two encodings of one picture.

The original is given the colours and the softness of the frame; what still differs is noise. Noise
grows with detail: how much a patch of a given detail differs is learned outside the faces.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.types import Rgb

Plane = NDArray[np.float32]
Colours = NDArray[np.float32]
Mask = NDArray[np.bool_]

SOFTNESS = (0.0, 0.5, 0.8, 1.2, 1.7, 2.4, 3.4)
"""Blurs, sigma in px of the thumbnail, of which the one that explains the frame best is taken."""

SHADE, FINE = 14.0, 7.0
"""Sigma above which variation is light and colour, px of the thumbnail.

The first holds in the whole picture, the second within a head.
"""

PATCH = 6
"""Side of the patches over which detail and difference are averaged, px of the thumbnail."""


def match_colours(frame: Colours, original: Rgb, unchanged: Mask) -> list[tuple[float, Colours]]:
    """Gives the original the colours of the frame, in every softness.

    Each comes with the median difference where ``unchanged``.
    """
    import cv2

    at, versions = _sample(unchanged), []
    for sigma in SOFTNESS:
        soft = cv2.GaussianBlur(original, (0, 0), float(np.hypot(0.6, sigma)))
        colours, left = _colours(soft.reshape(-1, 3)[at], frame.reshape(-1, 3)[at])
        matched = np.clip(_terms(soft.reshape(-1, 3)) @ colours, 0, 1).reshape(
            frame.shape
        ) * np.float32(255)
        versions.append((left, matched))
    return versions


def plainest(versions: list[tuple[float, Colours]]) -> Colours:
    """Returns the least soft version that explains nearly as much as the best does."""
    least = min(left for left, _ in versions)
    return next(matched for left, matched in versions if left <= 1.03 * least)


def squared_differences(
    frame: Colours, matched: Colours, seen: Mask, outside: Mask, wide: float
) -> tuple[Plane, Plane]:
    """Returns the squared difference of frame and original, over patches, and that due to noise."""
    residual = patched(without_shade(frame - matched, seen, wide))
    return residual, _expected(residual, _detail_energy(matched), outside)


def patched(colours: Colours) -> Plane:
    """Averages squares over the channels and over patches, ``(h, w)``."""
    import cv2

    return np.asarray(cv2.blur((colours**2).mean(axis=2), (PATCH, PATCH)), np.float32)


def without_shade(picture: Colours, seen: Mask, sigma: float) -> Colours:
    """Removes what is even over a wide area: light, vignettes and graded skin colours."""
    import cv2

    weight = seen.astype(np.float32)
    shade = cv2.GaussianBlur(picture * weight[..., None], (0, 0), sigma)
    shade = shade / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3)[..., None]
    return np.asarray((picture - shade) * weight[..., None], np.float32)


def _sample(mask: Mask, at_most: int = 4000) -> NDArray[np.int64]:
    """Samples pixels of a mask, evenly spread over it."""
    at = np.flatnonzero(mask)
    return at[np.linspace(0, at.size - 1, min(at_most, at.size)).astype(np.int64)]


def _colours(
    original: NDArray[Any], frame: NDArray[np.float32]
) -> tuple[NDArray[np.float32], float]:
    """Fits the quadratic of red, green and blue that gives an original the colours of the frame.

    The second value is the median squared error left. Iterated least squares with Tukey's weights
    (Holland and Welsch 1977), on pixels ``(n, 3)``.
    """
    x, y = _terms(original).astype(np.float64), frame.astype(np.float64) / 255
    weight = np.ones(len(x))
    start = np.zeros((x.shape[1], 3))
    start[1:4] = np.eye(3)
    solution, ridge = start, 1e-5 * len(x) * np.eye(x.shape[1])
    for _ in range(5):
        weighed = x * weight[:, None]
        solution = start + np.linalg.solve(weighed.T @ x + ridge, weighed.T @ (y - x @ start))
        error = np.abs(y - x @ solution).max(axis=1)
        scale = 4.685 * 1.4826 * max(float(np.median(error)), 1e-3)
        weight = np.where(error < scale, (1 - (error / scale) ** 2) ** 2, 0)
    left = float(np.median(((y - x @ solution) ** 2).sum(axis=1)))
    return solution.astype(np.float32), left


def _terms(rgb: NDArray[Any]) -> NDArray[np.float32]:
    r, g, b = (np.ascontiguousarray(rgb[:, i], np.float32) / 255 for i in range(3))
    return np.stack([np.ones_like(r), r, g, b, r * r, g * g, b * b, r * g, g * b, r * b], axis=1)


def _detail_energy(rgb: NDArray[np.float32]) -> Plane:
    """Averages the squared gradient over patches."""
    import cv2

    grey = rgb.mean(axis=2)
    dx, dy = (
        cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8),
        cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8),
    )
    return np.asarray(cv2.blur(dx * dx + dy * dy, (PATCH, PATCH)), np.float32)


def _expected(
    squared: Plane, detail: Plane, outside: Mask, bins: int = 8, floor: float = 2.0
) -> Plane:
    """Predicts the squared difference of a patch of such detail from the picture outside the faces.

    Beyond the detail found there it grows in proportion. In each bin of detail the mean of the
    lower three quarters counts, so that letters and logos do not.
    """
    x, y = detail[outside], squared[outside]
    edges = np.quantile(x, np.linspace(0, 1, bins + 1))
    middles, levels = [], []
    for low, high in pairwise(edges):
        inside = np.sort(y[(x >= low) & (x <= high)])
        if inside.size:
            middles.append((low + high) / 2)
            levels.append(max(floor, 1.5 * float(inside[: max(1, 3 * inside.size // 4)].mean())))
    rising = np.maximum.accumulate(levels)
    found = np.interp(detail, middles, rising)
    beyond = detail > middles[-1]
    found[beyond] = rising[-1] * detail[beyond] / max(middles[-1], 1e-3)
    return np.asarray(found, np.float32)
