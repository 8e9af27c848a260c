"""Perceptual hashes of the regions of a frame, which are compared to find an original.

A frame is hashed region by region, never as a whole: a close-up whose face was replaced, a crop,
bars or a picture in a picture leave most regions unchanged. A region is a blob that stands out from
its surroundings at its own scale (SIFT's detector, Lowe 2004; upright, because film is seldom
rotated). Its hash is SIFT's descriptor, quantised to two bits for each of its 128 values by the
descriptor's own median and upper quartile. This keeps nearly all of its information (binary SIFT,
Peker 2011; scalar quantisation, Zhou et al. 2012) and gives 256 bits, the size of PDQ's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.types import Rgb

LONGEST_PX = 384
"""Longest side at which an original is hashed and kept as a thumbnail, px."""

QUERY_PX = 640
"""Longest side at which a query is hashed, px.

An original that is shown in a corner of the query is still large enough there.
"""

KEPT = 64
"""Regions kept of an original's frame.

At one frame every two seconds an hour costs 115,000 hashes, 3.7 MB.
"""

QUERY_KEPT = 160
"""Regions kept of a query's frame; more, as the original may be only a part of it."""


@dataclass(frozen=True, slots=True)
class Regions:
    """The regions of one frame.

    Attributes:
        hashes: uint64 ``(n, 4)``: 256 bits each.
        places: float32 ``(n, 3)``: x, y and size of each, in widths of the frame.
    """

    hashes: NDArray[np.uint64]
    places: NDArray[np.float32]


def hash_regions(rgb: Rgb, longest_px: int = LONGEST_PX, at_most: int = KEPT) -> Regions:
    """Hashes the most distinctive regions of a frame, spread over it.

    Returns no regions for a frame that was drawn, not filmed, see `is_drawn`.

    Args:
        rgb: uint8 ``(h, w, 3)``.
        longest_px: longest side at which it is hashed, px.
        at_most: regions kept.
    """
    import cv2

    small = scaled(rgb, longest_px)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    if is_drawn(grey):
        return _NONE
    unique = {
        (round(p.pt[0]), round(p.pt[1]), round(2 * p.size)): p
        for p in blobs(grey, 6 * at_most, 0.015)
    }
    for point in unique.values():
        point.angle = 0
    chosen = _spread(list(unique.values()), small.shape[1], small.shape[0], at_most)
    if not chosen:
        return _NONE
    described_at, described = cv2.SIFT.create().compute(grey, chosen)
    hashes = _bits(np.asarray(described, np.float32))
    places = np.array([[p.pt[0], p.pt[1], p.size] for p in described_at], np.float32) / np.float32(
        small.shape[1]
    )
    alone = ~_twins(hashes)
    return Regions(hashes[alone], places[alone])


def blobs(grey: NDArray[np.uint8], at_most: int, contrast: float) -> list[Any]:
    """Finds SIFT's keypoints in a copy of half the size.

    OpenCV doubles a picture before it detects. That costs four times as much and only adds blobs so
    small that no copy keeps them.

    Args:
        grey: uint8 ``(h, w)``.
        at_most: keypoints kept, the strongest.
        contrast: SIFT's threshold.
    """
    import cv2

    half = cv2.resize(
        grey, (max(1, grey.shape[1] // 2), max(1, grey.shape[0] // 2)), interpolation=cv2.INTER_AREA
    )
    found = list(
        cv2.SIFT.create(nfeatures=at_most, contrastThreshold=contrast, edgeThreshold=12).detect(
            half, None
        )
    )
    x, y = grey.shape[1] / half.shape[1], grey.shape[0] / half.shape[0]
    for point in found:
        point.pt = (x * (point.pt[0] + 0.5) - 0.5, y * (point.pt[1] + 0.5) - 0.5)
        point.size *= 2
        # The lowest byte is the octave, -1 at first.
        point.octave = point.octave & ~255 | point.octave + 1 & 255
    return found


def scaled(rgb: Rgb, longest_px: int) -> Rgb:
    """Scales a picture down to ``longest_px`` on its longest side; a smaller one stays as it is."""
    import cv2

    h, w = rgb.shape[:2]
    scale = longest_px / max(h, w)
    if scale >= 1:
        return rgb
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def is_drawn(
    grey: NDArray[np.uint8],
    least: float = 0.02,
    flat: float = 0.5,
    step: float = 24.0,
    shades: int = 25,
) -> bool:
    """Tells whether a frame was drawn, not filmed: black, a title or a test card.

    A filmed picture has soft gradients and many shades. A drawn one has flat areas, and hard steps
    between few shades. Films share cards and titles, so such a frame must match nothing.

    Args:
        grey: uint8 ``(h, w)``.
        least: share of pixels that must differ from a neighbour by more than 2; with fewer the
            frame shows nothing and counts as drawn.
        flat: share of pixels that differ from no neighbour by more than 2, above which the frame
            may be drawn.
        step: median difference between neighbours, 0 to 255, at the other pixels, above which a
            flat frame is drawn.
        shades: number of grey levels, each with over 0.2 % of the pixels; below it half of ``step``
            is enough, however little of the frame is flat, because compression rings.
    """
    import cv2

    kernel = np.ones((3, 3), np.uint8)
    contrast = cv2.dilate(grey, kernel).astype(np.int16) - cv2.erode(grey, kernel)
    rough = contrast[contrast > 2]
    if rough.size < least * grey.size:
        return True
    typical = float(np.median(rough))
    few = int((np.bincount(grey.ravel(), minlength=256) > 0.002 * grey.size).sum()) < shades
    return (rough.size < (1 - flat) * grey.size and typical > step) or (few and typical > step / 2)


def _spread(points: list[Any], width: int, height: int, at_most: int, cells: int = 6) -> list[Any]:
    """Chooses the strongest points in turn from the cells of a grid.

    One busy corner thus does not use up all of them.
    """
    order = sorted(points, key=lambda p: -p.response * p.size)
    taken: dict[tuple[int, int], int] = {}
    ranked: list[tuple[int, int, Any]] = []
    for point in order:
        cell = int(point.pt[0] * cells / width), int(point.pt[1] * cells / height)
        taken[cell] = taken.get(cell, 0) + 1
        ranked.append((taken[cell], len(ranked), point))
    return [point for _, _, point in sorted(ranked, key=lambda r: r[:2])[:at_most]]


def _bits(described: NDArray[np.float32]) -> NDArray[np.uint64]:
    middle = np.median(described, axis=1, keepdims=True)
    upper = np.percentile(described, 75, axis=1, keepdims=True)
    bits = np.concatenate([described > middle, described > upper], axis=1)
    return np.packbits(bits, axis=1).view(np.uint64)


def _twins(hashes: NDArray[np.uint64], near: int = 24) -> NDArray[np.bool_]:
    """Tells which hashes have one like them in the same frame.

    A repeated pattern does not tell where in the frame it is.
    """
    apart = np.bitwise_count(hashes[:, None] ^ hashes[None]).sum(axis=2)
    np.fill_diagonal(apart, 255)
    return np.asarray((apart <= near).any(axis=1))


_NONE = Regions(np.zeros((0, 4), np.uint64), np.zeros((0, 3), np.float32))
