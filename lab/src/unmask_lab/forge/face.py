"""Shared parts of the families: a face with its points, shapes of face parts, and blending."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.faces import PROPORTIONS, similarity
from unmask.types import Rgb

Mask = NDArray[np.float32]

# Shapes of a mean frontal face, in eye distances from the middle between the eyes, y downwards;
# right halves, mirrored below.
OUTLINE = [
    (0.0, 1.95),
    (0.35, 1.9),
    (0.65, 1.7),
    (0.88, 1.37),
    (1.02, 0.95),
    (1.1, 0.5),
    (1.12, 0.05),
    (1.05, -0.38),
]
FOREHEAD = [(0.85, -0.72), (0.5, -0.93), (0.0, -1.0)]
BROWS = [(0.8, -0.48), (0.4, -0.52), (0.0, -0.45)]
INNER = [
    (0.0, 1.62),
    (0.45, 1.5),
    (0.72, 1.1),
    (0.8, 0.6),
    (0.86, 0.1),
    (0.8, -0.42),
    (0.3, -0.5),
    (0.0, -0.42),
]
EYES = [(0.0, 0.28), (0.5, 0.34), (0.92, 0.12), (0.9, -0.38), (0.4, -0.5), (0.0, -0.35)]
MOUTH = [(0.0, 1.6), (0.45, 1.5), (0.7, 1.2), (0.6, 0.9), (0.25, 0.8), (0.0, 0.8)]
LOWER = [(0.0, 1.9), (0.5, 1.8), (0.85, 1.4), (0.98, 0.95), (0.9, 0.6), (0.3, 0.5), (0.0, 0.5)]
NOSE = [(0.0, 0.85), (0.3, 0.8), (0.36, 0.55), (0.2, 0.1), (0.0, 0.0)]

WHOLE_FACES = (OUTLINE + FOREHEAD, OUTLINE + BROWS, INNER)
PARTS = (EYES, MOUTH, LOWER, NOSE)


@dataclass(frozen=True, slots=True)
class FaceImage:
    """Image with the points of its face.

    The image is uint8 ``(h, w, 3)``, the five points are float32 ``(5, 2)`` px; the mesh is None
    where it is not known.
    """

    rgb: Rgb
    points: NDArray[np.float32]
    mesh: NDArray[np.float32] | None = None

    @property
    def eyes_apart(self) -> float:
        """Distance between the eyes, px."""
        return max(4.0, float(np.hypot(*(self.points[1] - self.points[0]))))


def from_face_units(xy: NDArray[np.float32], face: FaceImage) -> NDArray[np.float32]:
    """Converts points ``(n, 2)`` from eye distances, as in `OUTLINE`, to px of the image.

    The transform is fitted to all five points.
    """
    return moved(xy, similarity(PROPORTIONS, face.points))


def moved(points: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """Moves points, float32 ``(n, 2)``, by an affine matrix, ``(2, 3)``."""
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def random_mask(
    face: FaceImage, shapes: tuple[list[tuple[float, float]], ...], rng: np.random.Generator
) -> Mask:
    """Draws one of the shapes, deformed, as a soft mask, float32 ``(h, w)``, 0 to 1.

    Its edge spans 1 to 25 % of an eye distance.
    """
    half = np.array(shapes[rng.integers(len(shapes))], np.float32)
    shape = np.concatenate([half, (half * np.array([-1, 1], np.float32))[::-1]])
    shape += rng.normal(0, 0.05, shape.shape).astype(np.float32)
    middle = shape.mean(axis=0)
    shape = (shape - middle) * np.float32(rng.uniform(0.85, 1.12, 2)) + middle
    h, w = face.rgb.shape[:2]
    mask = np.zeros((h, w), np.float32)
    cv2.fillPoly(
        mask, [np.round(from_face_units(shape, face) * 8).astype(np.int32)], 1.0, cv2.LINE_8, 3
    )
    sigma = face.eyes_apart * float(np.exp(rng.uniform(np.log(0.01), np.log(0.25))))
    return np.minimum(cv2.GaussianBlur(mask, (0, 0), max(0.5, sigma)), 1.0)


def elastic(
    shape: tuple[int, int], strength_px: float, smooth_px: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draws a smooth random displacement field, float32 ``(h, w, 2)`` px.

    Its root mean square is about ``strength_px``.
    """
    h, w = shape
    grid = (max(2, int(h / smooth_px) + 1), max(2, int(w / smooth_px) + 1))
    field = rng.normal(0, strength_px, (*grid, 2)).astype(np.float32)
    return np.asarray(cv2.resize(field, (w, h), interpolation=cv2.INTER_CUBIC), np.float32)


def displaced(rgb: Rgb, field: NDArray[np.float32]) -> Rgb:
    """Moves the image by a displacement field, px."""
    h, w = rgb.shape[:2]
    x, y = np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32))
    return np.asarray(
        cv2.remap(
            rgb,
            (x + field[..., 0]).astype(np.float32),
            (y + field[..., 1]).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        ),
        np.uint8,
    )


def blend(onto: Rgb, layer: Rgb, mask: Mask) -> Rgb:
    """Lays ``layer`` over ``onto`` where the mask is 1."""
    m = mask[..., None]
    return np.clip(onto * (1 - m) + layer * m + 0.5, 0, 255).astype(np.uint8)


def match_colour(layer: Rgb, like: Rgb, mask: Mask) -> Rgb:
    """Matches the layer's mean and spread of Lab to ``like`` (Reinhard et al. 2001).

    Both are measured inside the mask.
    """
    inside = mask > 0.5
    if inside.sum() < 16:
        return layer
    a = cv2.cvtColor(layer, cv2.COLOR_RGB2LAB).astype(np.float32)
    b = cv2.cvtColor(like, cv2.COLOR_RGB2LAB).astype(np.float32)
    gain = (b[inside].std(axis=0) + 1) / (a[inside].std(axis=0) + 1)
    matched = (a - a[inside].mean(axis=0)) * np.clip(gain, 0.5, 2.0) + b[inside].mean(axis=0)
    return np.asarray(
        cv2.cvtColor(np.clip(matched, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB), np.uint8
    )


def shift_colour(rgb: Rgb, rng: np.random.Generator, strength: float = 1.0) -> Rgb:
    """Changes gain, offset per channel, saturation and gamma a little, at random.

    Such differences occur between two cameras or generators.
    """
    x = rgb.astype(np.float32) / 255
    x = x ** float(np.exp(rng.normal(0, 0.10 * strength)))
    grey: NDArray[np.float32] = x.mean(axis=2, keepdims=True)
    x = grey + (x - grey) * float(np.exp(rng.normal(0, 0.12 * strength)))
    x = x * np.exp(rng.normal(0, 0.04 * strength, 3)).astype(np.float32) + rng.normal(
        0, 0.02 * strength, 3
    ).astype(np.float32)
    return (np.clip(x, 0, 1) * 255 + 0.5).astype(np.uint8)


def change_detail(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Randomly resamples through a smaller size, blurs, sharpens, or does nothing."""
    h, w = rgb.shape[:2]
    how = rng.integers(4)
    if how == 0:
        scale = rng.uniform(0.3, 0.9)
        small = cv2.resize(
            rgb, (max(8, int(w * scale)), max(8, int(h * scale))), interpolation=cv2.INTER_AREA
        )
        return np.asarray(
            cv2.resize(
                small,
                (w, h),
                interpolation=int(
                    rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4])
                ),
            ),
            np.uint8,
        )
    if how == 1:
        return np.asarray(cv2.GaussianBlur(rgb, (0, 0), float(rng.uniform(0.4, 1.6))), np.uint8)
    if how == 2:
        amount = float(rng.uniform(0.3, 1.5))
        soft = cv2.GaussianBlur(rgb, (0, 0), float(rng.uniform(0.7, 2.0)))
        return np.asarray(cv2.addWeighted(rgb, 1 + amount, soft, -amount, 0), np.uint8)
    return rgb
