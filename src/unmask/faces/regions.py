"""Regions of the aligned crop: the inner face and the head around it.

Every swap replaces the inner face; none replaces the head. Places are measured in distances between
the eyes from the middle between them, as `unmask.faces.PROPORTIONS` is. The face is modelled as an
ellipse; `rho` is 0 in its middle and 1 on its outline, from the hairline to the chin.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from unmask.faces.alignment import CROP_PX, TEMPLATE

Mask = NDArray[np.bool_]


@cache
def places(side: int = CROP_PX) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns x and y of every pixel of the aligned crop at ``side`` px, each ``(side, side)``."""
    per_px = CROP_PX / side
    apart = float(TEMPLATE[1, 0] - TEMPLATE[0, 0])
    middle = TEMPLATE[:2].mean(axis=0)
    y, x = (np.mgrid[:side, :side] + 0.5) * per_px - 0.5
    return (x - middle[0]) / apart, (y - middle[1]) / apart


@cache
def rho(side: int = CROP_PX) -> NDArray[np.float64]:
    """Returns each pixel's `rho`, the distance from the middle of the face, ``(side, side)``."""
    x, y = places(side)
    return np.asarray(np.hypot(x / 1.1, (y - 0.5) / 1.45))


@cache
def ring(low: float, high: float, side: int = CROP_PX) -> Mask:
    """Returns the pixels with `rho` from ``low`` to below ``high``, ``(side, side)``."""
    return (rho(side) >= low) & (rho(side) < high)


@cache
def inner_skin(side: int = CROP_PX) -> Mask:
    """Returns cheeks, nose and chin, without eyes, brows and mouth, ``(side, side)``."""
    x, y = places(side)
    eyes = (np.abs(y) < 0.22) & (np.abs(np.abs(x) - 0.5) < 0.35)
    brows = (y > -0.55) & (y < -0.2) & (np.abs(x) < 0.95)
    mouth = (np.abs(y - 1.155) < 0.25) & (np.abs(x) < 0.55)
    return ring(0.0, 0.62, side) & ~eyes & ~brows & ~mouth


@cache
def outer_skin(side: int = CROP_PX) -> dict[str, Mask]:
    """Returns where skin may show around the inner face, by name, each ``(side, side)``.

    Hair or cloth may cover it.
    """
    x, y = places(side)
    return {
        "forehead": (y > -0.95) & (y < -0.55) & (np.abs(x) < 0.6),
        "sides": (y > 0) & (y < 1) & (np.abs(x) > 0.85) & (np.abs(x) < 1.05),
    }
