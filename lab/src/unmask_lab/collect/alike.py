"""Near-duplicates: faces of one person that differ only by the codec and the finder's jitter."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.types import Rgb

SIDE = 64
"""Side of the pictures in which two faces are compared, px; coding noise is mostly finer."""

RIM = 40
"""Border of the aligned crop that is left out, px.

Hair and background are not the face, and would outweigh an eyelid.
"""

RIVALS = 8
"""Number of kept faces that each new one is registered with.

These are the most similar before registration.
"""

STEPS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-4)


def unlike(crops: Sequence[Rgb], alike: float) -> list[int]:
    """Selects those of one person's aligned crops that differ from each other.

    Crops are rgb uint8 ``(h, w, 3)``. Each selected one is unlike all that are kept before it.
    Returns their indices.

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
    """Computes the correlation of two grey images after the best affine registration; at most 1.

    The registration is ECC (Evangelidis and Psarakis 2008). Five points found anew in each frame
    jitter by a pixel or two, which moves a still face more than a blink changes it. Registration
    removes this jitter, and differences of brightness and contrast.
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
