"""Faces turned upright by their five points and cut from the frame.

There are three cuts: the crop that lines of evidence read, a close-up, and a strip of the eyes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unmask.types import Box, Rgb

CROP_PX = 192
"""Side of the aligned crop, px.

It spans 3.6 distances between the eyes: the face with its outline, where seams run.
"""

_EYES_APART = CROP_PX / 3.6
PROPORTIONS: NDArray[np.float32] = np.array(
    [[-0.5, 0.0], [0.5, 0.0], [0.0, 0.57], [-0.415, 1.155], [0.415, 1.155]], np.float32
)
"""The five points of the mean frontal face, in distances between the eyes.

They are measured from the middle between the eyes, y downwards.
"""

TEMPLATE: NDArray[np.float32] = PROPORTIONS * np.float32(_EYES_APART) + np.array(
    [CROP_PX / 2, 0.40 * CROP_PX], np.float32
)
"""Positions of the five points in the aligned crop, px."""

CLOSE_UP_PX = 224
"""Side of the close-up that the strong look takes, px."""

CLOSE_UP: Box = (-1.62, -1.5, 1.62, 2.24)
"""Part of the upright face in the close-up.

It is in distances between the eyes from the middle between them, as in `PROPORTIONS`: the face's
outline and an eighth more on each side, squeezed to a square as Shiohara and Yamasaki's detector
sees it (2022).
"""


def close_up_in_crop() -> Box:
    """Returns the part of the aligned crop that a close-up shows, px; it may reach beyond it."""
    x0, y0, x1, y1 = np.array(CLOSE_UP) * _EYES_APART + np.tile([CROP_PX / 2, 0.40 * CROP_PX], 2)
    return (float(x0), float(y0), float(x1), float(y1))


CLOSE_UP_LEAST_PX = 48.0
"""Least width of a face, px, of which a close-up is kept.

A smaller one shows no more there than in the aligned crop.
"""

STRIP_PX = (192, 64)
"""Width and height of the strip of both eyes, px.

It spans 1.5 by 0.5 distances between the eyes, so that a cornea that the camera saw sharply is 24
px wide: much finer than in the crop.
"""

STRIP_EYES: NDArray[np.float32] = np.array([[32, 32], [160, 32]], np.float32)
"""Positions of the person's right and left eye in the strip, px."""

EYE_PX = 20.0
"""Least width of an eye, px, below which no strip is kept.

An eye's opening is 0.48 of the distance between the eyes (30 of 63 mm: Farkas, "Anthropometry of
the Head and Face", 1994).
"""


def align(rgb: Rgb, points: NDArray[np.float32]) -> Rgb:
    """Turns the face upright and scales it so that its five points lie on `TEMPLATE`.

    Args:
        rgb: uint8 ``(h, w, 3)``.
        points: float32 ``(5, 2)`` px in ``rgb``.

    Returns:
        uint8 ``(CROP_PX, CROP_PX, 3)``; what lies outside the image is mirrored.
    """
    return _upright(rgb, points, TEMPLATE, (CROP_PX, CROP_PX))


def close_up(rgb: Rgb, points: NDArray[np.float32], part: Box = CLOSE_UP) -> Rgb:
    """Turns the face upright and squeezes a part of it to a square, finer and closer than `align`.

    Args:
        rgb: uint8 ``(h, w, 3)``.
        points: float32 ``(5, 2)`` px in ``rgb``.
        part: see `CLOSE_UP`.

    Returns:
        uint8 ``(CLOSE_UP_PX, CLOSE_UP_PX, 3)``; what lies outside the image is mirrored.
    """
    x0, y0, x1, y1 = part
    per_eyes = CLOSE_UP_PX / np.array([x1 - x0, y1 - y0])
    return _warped(
        rgb, points, PROPORTIONS, (CLOSE_UP_PX, CLOSE_UP_PX), per_eyes, -per_eyes * (x0, y0)
    )


def eyes(rgb: Rgb, points: NDArray[np.float32], least_px: float = EYE_PX) -> Rgb | None:
    """Cuts both eyes in one strip, turned upright, finer than in the aligned crop.

    It is None where they are narrower than ``least_px``.

    Args:
        rgb: uint8 ``(h, w, 3)``.
        points: float32 ``(5, 2)`` px in ``rgb``.
        least_px: see `EYE_PX`.

    Returns:
        uint8 ``(64, 192, 3)``, see `STRIP_PX`: the person's right eye at the left.
    """
    if 0.48 * float(np.hypot(*(points[1] - points[0]))) < least_px:
        return None
    return _upright(rgb, points[:2], STRIP_EYES, STRIP_PX)


def outline(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the corners of the aligned crop in the frame, float32 ``(4, 2)`` px.

    The top left one comes first, then clockwise.
    """
    matrix = similarity(points, TEMPLATE)
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * CROP_PX
    return np.asarray((corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T, np.float32)


def _upright(
    rgb: Rgb, points: NDArray[np.float32], onto: NDArray[np.float32], size: tuple[int, int]
) -> Rgb:
    """Moves the image so that its points lie on others, and cuts it to a size, ``(w, h)`` px."""
    return _warped(rgb, points, onto, size, np.ones(2), np.zeros(2))


def _warped(
    rgb: Rgb,
    points: NDArray[np.float32],
    onto: NDArray[np.float32],
    size: tuple[int, int],
    stretch: NDArray[np.float64],
    shift: NDArray[np.float64],
) -> Rgb:
    """Moves the image so that its points lie on others, then stretches and shifts x and y.

    The result is cut to ``(w, h)`` px.
    """
    import cv2

    matrix = _stretched(similarity(points, onto), stretch, shift)
    shrink = 1.0 / float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if shrink > 1.5:
        # A bilinear warp reads four pixels whatever the scale. Without shrinking by area first,
        # fine texture would turn to noise.
        rgb, points = _shrunk(rgb, points, matrix, shrink, size)
        matrix = _stretched(similarity(points, onto), stretch, shift)
    warped = cv2.warpAffine(
        rgb, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(warped, np.uint8)


def _stretched(
    matrix: NDArray[np.float64], stretch: NDArray[np.float64], shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    return matrix * stretch[:, None] + np.column_stack([np.zeros((2, 2)), shift])


def _shrunk(
    rgb: Rgb,
    points: NDArray[np.float32],
    matrix: NDArray[np.float64],
    shrink: float,
    size: tuple[int, int],
) -> tuple[Rgb, NDArray[np.float32]]:
    """Returns the part of the image that a warp to ``size`` covers, and the points in it.

    The part is ``shrink`` times smaller.
    """
    import cv2

    w, h = size
    corners = np.array([[0, 0], [w, 0], [0, h], [w, h]]) - matrix[:, 2]
    corners = corners @ np.linalg.inv(matrix[:, :2]).T
    h, w = rgb.shape[:2]
    x0, y0 = np.clip(np.floor(corners.min(axis=0)).astype(int) - 2, 0, [w - 1, h - 1])
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 2, [x0 + 1, y0 + 1], [w, h])
    to = (max(1, round((x1 - x0) / shrink)), max(1, round((y1 - y0) / shrink)))
    small = cv2.resize(rgb[y0:y1, x0:x1], to, interpolation=cv2.INTER_AREA)
    per_px = np.array([to[0] / (x1 - x0), to[1] / (y1 - y0)], np.float32)
    # When an image shrinks, the corner of the first pixel stays in place, not its middle.
    return np.asarray(small, np.uint8), (
        points - np.array([x0, y0], np.float32) + 0.5
    ) * per_px - np.float32(0.5)


def similarity(points: NDArray[np.float32], onto: NDArray[np.float32]) -> NDArray[np.float64]:
    """Fits the rotation, scale and shift, float64 ``(2, 3)``, from points to others.

    The squared error is least. Points that give neither a direction nor a size, such as five in one
    place, are only shifted.
    """
    mean_a, mean_b = points.mean(axis=0), onto.mean(axis=0)
    a, b = points - mean_a, onto - mean_b
    norm = max(float((a * a).sum()), 1e-6)
    cos = float((a * b).sum()) / norm
    sin = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / norm
    if np.hypot(cos, sin) < 1e-3:
        cos, sin = 1.0, 0.0
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([turn, mean_b - turn @ mean_a])
