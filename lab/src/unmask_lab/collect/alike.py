"""Near-duplicates: faces of one person that differ by no more than the codec and the finder's
jitter make them differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.types import Rgb

SIDE = 64
"""px at which two faces are compared; coding noise is mostly finer."""

RIM = 40
"""px around the aligned crop that are left out: hair and background are not the face, and would
outweigh an eyelid.
"""

RIVALS = 8
"""Kept faces that each new one is registered with: those most alike before registration."""

STEPS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-4)


def unlike(crops: Sequence[Rgb], alike: float) -> list[int]:
    """Which of one person's aligned crops, rgb uint8 ``(h, w, 3)``, to keep: each unlike all that
    are kept before it.

    Args:
        alike: enhanced correlation, 0 to 1, from which two crops count as one; see `correlation`.
    """
    kept: list[int] = []
    small = [_small(crop) for crop in crops]
    flat = np.stack([_normal(s) for s in small])
    plain = flat @ flat.T
    for i in range(len(crops)):
        rivals = sorted(kept, key=plain[i].__getitem__)[-RIVALS:]
        if all(correlation(small[k], small[i]) < alike for k in rivals):
            kept.append(i)
    return kept


def correlation(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Correlation of two grey images after the best affine registration (ECC, Evangelidis and
    Psarakis 2008); at most 1.

    Five points found anew in each frame jitter by a pixel or two, which moves a still face more
    than a blink changes it; registration takes that out, and brightness and contrast with it.
    """
    everywhere = np.full(b.shape, 255, np.uint8)
    try:
        rho, _ = cv2.findTransformECC(
            a, b, np.eye(2, 3, dtype=np.float32), cv2.MOTION_AFFINE, STEPS, everywhere, 3
        )
    except cv2.error:  # nothing to register with: a flat image, or no convergence
        return 0.0
    return float(rho)


def _small(crop: Rgb) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(crop[RIM:-RIM, RIM:-RIM], cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _normal(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    centred = grey.astype(np.float32).ravel() - np.float32(grey.mean())
    return centred / max(float(np.linalg.norm(centred)), 1e-6)
