"""Comparison of a frame with its original: inside each face against everywhere else.

The two were encoded, graded and scaled differently. So the original is first given the colours of
the frame, as measured outside the faces, and made as soft as each head is. What still differs
outside is noise, and noise grows with detail: how much a patch of a given detail differs is learned
outside the faces and subtracted inside. So is a tenth of a head's own structure, because encoders
sharpen and blur: the same face differs by less than that, another face by about twice its
structure.

The place of what remains tells its cause:

- in the face alone: a changed face;
- in the mouth alone: a changed mouth;
- in the head as a whole: another take (it lies elsewhere, and hair and shoulders never move the
  same way twice);
- in strokes that run across and beyond the face: a subtitle;
- elsewhere in the picture: a retouched frame.

Where another face would not have differed visibly, finding no change says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unmask.originals.comparison.face import BLEND, HEAD, ellipse, judge, plan_of
from unmask.originals.comparison.findings import Comparison, FaceFinding, Thresholds
from unmask.originals.comparison.head import Laid
from unmask.originals.comparison.lettering import find_lettering
from unmask.originals.comparison.noise import (
    FINE,
    SHADE,
    Mask,
    Plane,
    match_colours,
    plainest,
    squared_differences,
)
from unmask.types import Pair

__all__ = ["Comparison", "FaceFinding", "Thresholds", "compare"]

LEAST_SEEN = 400
"""Least number of px of the thumbnail; fewer are not enough to measure colours or noise."""


def compare(
    pair: Pair, faces: Sequence[NDArray[np.float32]], thresholds: Thresholds = Thresholds()
) -> tuple[Comparison, ...]:
    """Compares each face of a frame with the original.

    Args:
        pair: the frame laid over its original.
        faces: the five points of every face in the frame, float32 ``(5, 2)`` px of the file's
            frame.
        thresholds: at which a finding begins.

    Returns:
        One comparison per face, in their order.
    """
    import cv2

    plans = [plan_of(points, pair) for points in faces]
    shape = pair.original.shape[:2]
    seen = _inner(pair.seen)
    if seen.sum() < LEAST_SEEN:
        nan = float("nan")
        nothing = Comparison(FaceFinding.COVERED, nan, nan, nan, 0.0, np.zeros(shape, np.float32))
        return tuple(nothing for _ in plans)
    pasted, heads = (
        _union([ellipse(plan, part, shape) for plan in plans], shape) for part in (BLEND, HEAD)
    )
    outside = _enough(seen & ~heads, seen)
    frame = cv2.GaussianBlur(pair.rgb, (0, 0), 0.6).astype(np.float32)
    versions = match_colours(frame, pair.original, _enough(seen & ~pasted, seen))
    plain = plainest(versions)
    residual, expected = squared_differences(frame, plain, seen, outside, SHADE)
    free = seen & ~find_lettering(residual, expected, seen, pasted, heads)
    elsewhere = _elsewhere(residual / expected, free & ~heads)
    _, noise = squared_differences(frame, plain, seen, outside, FINE)
    laid = Laid(frame, [matched for _, matched in versions], seen, free, noise)
    return tuple(judge(plan, laid, elsewhere, thresholds) for plan in plans)


def _inner(seen: Mask, margin: int = 5) -> Mask:
    """Removes the edge of what the frame covers, where warping mixes it with the background."""
    import cv2

    framed = cv2.copyMakeBorder(seen.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.erode(framed, np.ones((margin, margin), np.uint8))[1:-1, 1:-1] > 0)


def _union(masks: Sequence[Mask], shape: tuple[int, ...]) -> Mask:
    return np.asarray(np.logical_or.reduce([np.zeros(shape, np.bool_), *masks]))


def _enough(mask: Mask, otherwise: Mask) -> Mask:
    return mask if mask.sum() > LEAST_SEEN else otherwise


def _elsewhere(ratio: Plane, mask: Mask, far: float = 30.0) -> float:
    """Returns the share of the rest of the picture that differs ``far`` times more than noise."""
    return float((ratio[mask] > far).mean()) if mask.sum() > 100 else 0.0
