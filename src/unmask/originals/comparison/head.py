"""Overlay of an original on one head of the frame, as soft as the frame is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.originals.comparison.noise import FINE, Colours, Mask, Plane, without_shade

SETTLED = 0.8
"""Largest share of the face's squared difference that may remain for a head to count as moved.

With another's face, pasted in its size, more remains; with one pasted some percent larger sometimes
less.
"""


@dataclass(frozen=True, slots=True)
class Laid:
    """A frame and its original, both in the frame's colours.

    Attributes:
        frame: the frame.
        versions: the original in every softness.
        seen: pixels that the frame covers.
        free: those of them to compare.
        noise: what noise explains, measured on the scenery, so that a change of a head cannot raise
            it.
    """

    frame: Colours
    versions: list[Colours]
    seen: Mask
    free: Mask
    noise: Plane


def lay_over_head(laid: Laid, head: Mask, face: Mask) -> tuple[Colours, float]:
    """Lays the original over one head, as soft as the frame is there.

    Returns it, and by how many px it was moved. An encoder spends a different number of bits on a
    face than on scenery; and in another take the same head lies elsewhere. Hair and neck help to
    find its place. Whether the move is accepted depends on the face alone, because around the face
    there is scenery, which stays.
    """
    if not face.any():
        return laid.versions[0], 0.0
    still = min(laid.versions, key=lambda version: _residual(laid, version, head))
    warp = _moved(laid.frame, laid.versions[0], head)
    if warp is None:
        return still, 0.0
    moved = min(
        (_warped(version, warp) for version in laid.versions),
        key=lambda version: _residual(laid, version, head),
    )
    if _residual(laid, moved, face) > SETTLED * _residual(laid, still, face):
        return still, 0.0
    y, x = np.nonzero(head)
    by = warp @ np.stack([x, y, np.ones_like(x)]) - np.stack([x, y])
    return moved, float(np.sqrt((by**2).sum(axis=0).mean()))


def _residual(laid: Laid, matched: Colours, mask: Mask) -> float:
    """Computes the mean squared difference in a part."""
    return float((without_shade(laid.frame - matched, laid.seen, FINE)[mask] ** 2).mean())


def _moved(frame: Colours, matched: Colours, head: Mask) -> NDArray[np.float32] | None:
    """Aligns the original with a head (ECC): float32 ``(2, 3)``.

    The matrix leads from px of the frame to px of the original; None if that fails.
    """
    import cv2

    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-3)
    start, mask = np.eye(2, 3, dtype=np.float32), head.astype(np.uint8)
    try:
        _, warp = cv2.findTransformECC(
            frame.mean(axis=2), matched.mean(axis=2), start, cv2.MOTION_AFFINE, criteria, mask, 5
        )
    except cv2.error:
        return None
    return np.asarray(warp, np.float32)


def _warped(matched: Colours, warp: NDArray[np.float32]) -> Colours:
    import cv2

    size, flags = (matched.shape[1], matched.shape[0]), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(matched, warp, size, flags=flags, borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )
