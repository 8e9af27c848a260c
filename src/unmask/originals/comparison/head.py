"""An original laid over one head of the frame, as soft as the frame is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.originals.comparison.noise import FINE, Colours, Mask, Plane, without_shade

SETTLED = 0.8
"""A head was moved if moving it leaves at most this share of the face's squared difference. Of
another's face, pasted in
its size, more is left; of one pasted some percent larger at times less.
"""


@dataclass(frozen=True, slots=True)
class Laid:
    """A frame over its original: both in the frame's colours, the original in every softness; what
    of them to compare; and
    what noise explains, as the scenery tells, so that what is done to a head cannot raise it.
    """

    frame: Colours
    versions: list[Colours]
    seen: Mask
    free: Mask
    noise: Plane


def lay_over_head(laid: Laid, head: Mask, face: Mask) -> tuple[Colours, float]:
    """The original as soft as the frame is at one head, and laid over that head; and by how many px
    it was moved for that.

    An encoder gives a face other bits than scenery; and in another take the head is the same,
    elsewhere. How it lies is told by hair and neck as well, whether that settles it by the face
    alone, for about the face there is scenery, which stays.
    """
    if not face.any():
        return laid.versions[0], 0.0
    still = min(laid.versions, key=lambda version: _left(laid, version, head))
    warp = _moved(laid.frame, laid.versions[0], head)
    if warp is None:
        return still, 0.0
    moved = min(
        (_warped(version, warp) for version in laid.versions),
        key=lambda version: _left(laid, version, head),
    )
    if _left(laid, moved, face) > SETTLED * _left(laid, still, face):
        return still, 0.0
    y, x = np.nonzero(head)
    by = warp @ np.stack([x, y, np.ones_like(x)]) - np.stack([x, y])
    return moved, float(np.sqrt((by**2).sum(axis=0).mean()))


def _left(laid: Laid, matched: Colours, mask: Mask) -> float:
    """Mean squared difference in a part."""
    return float((without_shade(laid.frame - matched, laid.seen, FINE)[mask] ** 2).mean())


def _moved(frame: Colours, matched: Colours, head: Mask) -> NDArray[np.float32] | None:
    """Lays the original over a head (ECC): float32 ``(2, 3)``, px of the frame to px of the
    original; None if it fails.
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
