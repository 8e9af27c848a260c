"""Exact overlay of one picture on another, and a test whether both show the same scene.

The regions of the two pictures give a homography, which the enhanced correlation coefficient
(Evangelidis and Psarakis 2008) refines to a fraction of a pixel. Tiles tell whether both show the
same: much may differ, such as a face or a subtitle, but not most.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unmask.originals.hashing import blobs
from unmask.types import Rgb

TILE = 16
"""Side of the tiles in which two pictures are compared, px of the thumbnail."""

COARSE, ALIKE = 8.0, 0.6
"""Blur, px, that separates detail from light and shade, and correlation of two similar tiles.

The correlation is the least one, -1 to 1, of the tiles' detail.
"""

FINE, EQUAL = 5.0, 0.8
"""The same for tiles of one recording.

Two people of similar looks and posture reach 0.6 with the shape of head and hair.
"""

ENOUGH = 0.35
"""Share of the comparable tiles that must correlate.

A face that fills half of the frame leaves half of them. With `FINE`, copies through all attacks of
`benchmarks.originals` keep at least 0.5 at the right moment; unrelated close-ups reach 0.17.
"""

LEAST_TILES = 12
"""Least number of tiles with some detail; with fewer nothing can be said."""


MOST_SHRUNK = 5.0
"""Largest factor by which a picture may be shrunk or enlarged to lie over another."""


def lay(
    rgb: Rgb, onto: NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[Rgb, NDArray[np.bool_]]:
    """Warps a picture onto a thumbnail of ``shape``, and returns the mask of what it covers."""
    import cv2

    size = (shape[1], shape[0])
    shrink = min(1 / max(float(np.sqrt(_scale(onto))), 1e-6), MOST_SHRUNK)
    soft = cv2.GaussianBlur(rgb, (0, 0), 0.4 * shrink) if shrink > 1.2 else rgb
    laid = cv2.warpPerspective(soft, onto, size, flags=cv2.INTER_LINEAR)
    seen = cv2.warpPerspective(np.ones(rgb.shape[:2], np.float32), onto, size) > 0.99
    return np.asarray(laid, np.uint8), np.asarray(seen)


def homography(rgb: Rgb, thumbnail: Rgb, place: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Finds the matrix from px of a frame to px of a thumbnail, float64 ``(3, 3)``.

    It is None if too few regions agree.

    Args:
        rgb: the frame, uint8 ``(h, w, 3)``.
        thumbnail: uint8 ``(h, w, 3)``.
        place: float64 ``(3, 3)``: where the thumbnail lies in the frame, roughly, both in their
            widths.
    """
    import cv2

    greys = [luma(picture).astype(np.uint8) for picture in (rgb, thumbnail)]
    (here, there), (a, b) = zip(
        *(cv2.SIFT.create().compute(g, blobs(g, 500, 0.01)) for g in greys), strict=True
    )
    if a is None or b is None or min(len(a), len(b)) < 6:
        return None
    best = [
        pair[0]
        for pair in cv2.BFMatcher().knnMatch(a, b, k=2)
        if len(pair) == 2 and pair[0].distance < 0.85 * pair[1].distance
    ]
    matrix = (
        np.diag([rgb.shape[1], rgb.shape[1], 1.0])
        @ place
        @ np.diag([1 / thumbnail.shape[1]] * 2 + [1.0])
    )
    source = np.array([here[m.queryIdx].pt for m in best], np.float32).reshape(-1, 2)
    target = np.array([there[m.trainIdx].pt for m in best], np.float32).reshape(-1, 2)
    expected = cv2.perspectiveTransform(target[None], matrix)[0] if best else source
    near = np.linalg.norm(expected - source, axis=1) < 0.08 * rgb.shape[1]
    if near.sum() < 6:
        return None
    found, inside = cv2.findHomography(
        source[near].copy(), target[near].copy(), cv2.USAC_MAGSAC, 2.0
    )
    if found is None or inside.sum() < 6 or not _plausible(found):
        return None
    return _polished(rgb, thumbnail, np.asarray(found, np.float64))


def _plausible(onto: NDArray[np.float64]) -> bool:
    """Tells whether a homography neither folds a picture nor scales it too much."""
    return 1 / MOST_SHRUNK**2 < _scale(onto) < MOST_SHRUNK**2


def _scale(onto: NDArray[np.float64]) -> float:
    """Estimates how much a homography enlarges areas; infinite for a degenerate matrix."""
    return float(abs(np.linalg.det(onto[:2, :2])) / max(onto[2, 2] ** 2, 1e-12))


def _polished(rgb: Rgb, thumbnail: Rgb, onto: NDArray[np.float64]) -> NDArray[np.float64]:
    """Refines a homography by ECC over the tiles that show the same.

    People who moved or were changed are left out. The homography stays unchanged where ECC fails.
    """
    import cv2

    laid, seen = lay(rgb, onto, thumbnail.shape)
    alike, _ = tiles_alike(laid, thumbnail, seen, COARSE, ALIKE)
    same = np.zeros_like(seen)
    same[: TILE * alike.shape[0], : TILE * alike.shape[1]] = np.kron(
        alike, np.ones((TILE, TILE), np.bool_)
    )
    same = same & seen if alike.sum() >= LEAST_TILES else seen
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 25, 1e-4)
    try:
        worth, warp = cv2.findTransformECC(
            luma(thumbnail), luma(laid), np.eye(3, dtype=np.float32),
            cv2.MOTION_HOMOGRAPHY, criteria, same.astype(np.uint8), 5,
        )  # fmt: skip
    except cv2.error:
        return onto
    moved = np.asarray(np.linalg.inv(warp.astype(np.float64)) @ onto)
    if not _plausible(moved):
        return onto
    before = correlation(luma(laid), luma(thumbnail), same)
    again, both = lay(rgb, moved, thumbnail.shape)
    return (
        moved
        if worth > 0 and correlation(luma(again), luma(thumbnail), both & same) >= before
        else onto
    )


def resembles(laid: Rgb, thumbnail: Rgb, seen: NDArray[np.bool_]) -> bool:
    """Tells whether two pictures show the same scene, perhaps at another moment.

    Enough tiles with some detail must correlate, and they must not all lie in one corner.
    """
    like, counted = tiles_alike(laid, thumbnail, seen, COARSE, ALIKE)
    if not _enough(like, counted):
        return False
    rows, cols = np.nonzero(like & counted)
    return bool(
        np.ptp(rows) >= 0.3 * (like.shape[0] - 1) and np.ptp(cols) >= 0.3 * (like.shape[1] - 1)
    )


def shows_the_same(laid: Rgb, thumbnail: Rgb, seen: NDArray[np.bool_]) -> bool:
    """Tells whether fine detail agrees as well: one recording, or one place filmed twice.

    A merely similar scene does not pass.
    """
    return _enough(*tiles_alike(laid, thumbnail, seen, FINE, EQUAL))


def _enough(like: NDArray[np.bool_], counted: NDArray[np.bool_]) -> bool:
    return bool(counted.sum() >= LEAST_TILES and like[counted].mean() >= ENOUGH)


def tiles_alike(
    laid: Rgb, thumbnail: Rgb, seen: NDArray[np.bool_], blur: float, alike: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Finds the tiles that correlate by more than ``alike``, and those that can be compared.

    Each result is bool ``(h // TILE, w // TILE)``.
    """
    x, y = (_tiled(detail(luma(p), blur)) for p in (laid, thumbnail))
    covered = _tiled(seen.astype(np.float32)).min(axis=2) > 0.5
    x, y = (t - t.mean(axis=2, keepdims=True) for t in (x, y))
    spread_x, spread_y = ((t * t).mean(axis=2) for t in (x, y))
    correlation = (x * y).mean(axis=2) / np.sqrt(np.maximum(spread_x * spread_y, 1e-6))
    return np.asarray(correlation > alike), np.asarray(covered & (spread_y > 9.0))


def _tiled(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, cols = plane.shape[0] // TILE, plane.shape[1] // TILE
    cut = plane[: rows * TILE, : cols * TILE].reshape(rows, TILE, cols, TILE)
    return cut.transpose(0, 2, 1, 3).reshape(rows, cols, TILE * TILE)


def luma(rgb: Rgb) -> NDArray[np.float32]:
    """Converts to grey, float32 ``(h, w)``, 0 to 255."""
    import cv2

    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)


def correlation(a: NDArray[np.float32], b: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Correlates two pictures without their coarse light and shade."""
    if mask.sum() < 100:
        return -1.0
    x, y = (detail(picture)[mask] for picture in (a, b))
    x, y = x - x.mean(), y - y.mean()
    return float((x * y).sum() / max(float(np.sqrt((x * x).sum() * (y * y).sum())), 1e-6))


def detail(grey: NDArray[np.float32], sigma: float = 6.0) -> NDArray[np.float32]:
    import cv2

    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), sigma), np.float32)
