"""Sensitivity of a network's score to the position of the crop.

One face is scored in twelve slightly shifted and scaled views.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from unmask import faces
from unmask.types import Rgb

Scorer = Callable[[NDArray[np.uint8]], NDArray[np.floating]]
"""Function from crops, uint8 ``(n, side, side, 3)``, to scores ``(n,)``."""

SHIFT = 0.15
"""Shift in distances between the eyes.

It is 8 px of the aligned crop, half a stride of a network with a stride of 16 px.
"""

SCALES = (1.0, 0.94, 1.06)
VIEWS = tuple((x, y, scale) for scale in SCALES for y, x in product((0.0, SHIFT), repeat=2))
"""Shift to the right and down, in distances between the eyes, and scale.

The first is the crop as it is served.
"""


def over_views(
    rgb: Rgb,
    points: NDArray[np.float32],
    score: Scorer,
    align: Callable[[Rgb, NDArray[np.float32]], Rgb] = faces.align,
) -> list[float]:
    """Scores one face in all `VIEWS`.

    Args:
        rgb: uint8 ``(h, w, 3)``.
        points: float32 ``(5, 2)`` px, as `unmask.faces.find` gives them.
        score: of a network.
        align: from picture and points to the crop that the network sees, moving as the points do.
    """
    crops = np.stack([align(rgb, _moved(points, *view)) for view in VIEWS])
    return [float(value) for value in np.asarray(score(crops), np.float64)]


def _moved(points: NDArray[np.float32], x: float, y: float, scale: float) -> NDArray[np.float32]:
    """Moves the points so that the aligned face is shifted and scaled.

    It shifts by ``x`` to the right and ``y`` down, and is ``scale`` times as large.
    """
    across = points[1] - points[0]
    down = np.array([-across[1], across[0]], np.float32)
    middle = points.mean(axis=0)
    return np.asarray(middle + (points - middle) / scale - x * across - y * down, np.float32)
