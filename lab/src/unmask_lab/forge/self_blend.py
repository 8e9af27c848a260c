"""Self-blending: two differently treated copies of one face, blended through a face-shaped mask.

After Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022, and its
public implementation. Without the change of identity, a swap leaves a seam and two statistics that
do not match. The layer is only shifted and scaled; the mask is warped.
"""

from __future__ import annotations

import cv2
import numpy as np

from unmask.types import Rgb
from unmask_lab.forge.face import FaceImage, Mask, blend
from unmask_lab.forge.hulls import face_mask

OPACITY = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)

SHIFT = np.array([0.03, 0.015])
"""Largest shift of the layer across and down, in widths and heights of the face."""

FACE_PER_EYES = np.array([2.6, 3.0])
"""Width and height of a face, in distances between the eyes."""


def self_blend(target: FaceImage, donor: FaceImage, rng: np.random.Generator) -> tuple[Rgb, Mask]:
    """Lays a treated copy of the target over itself; the donor is not used."""
    return blended(target, treated(target.rgb, rng), rng)


def blended(base: FaceImage, layer: Rgb, rng: np.random.Generator) -> tuple[Rgb, Mask]:
    """Lays another copy of a picture, uint8 ``(h, w, 3)``, over it through a face-shaped mask.

    The copy is shifted and scaled.
    """
    h, w = base.rgb.shape[:2]
    scale, centre = rng.uniform(0.95, 1.05), base.points.mean(axis=0)
    shift = rng.uniform(-SHIFT, SHIFT) * FACE_PER_EYES * base.eyes_apart
    matrix = np.column_stack([np.eye(2) * scale, centre * (1 - scale) + shift])
    moved_layer = np.asarray(
        cv2.warpAffine(
            layer, matrix, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        ),
        np.uint8,
    )
    mask = cv2.warpAffine(face_mask(base, rng), matrix, (w, h)) * np.float32(rng.choice(OPACITY))
    return blend(base.rgb, moved_layer, mask), mask


def treated(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Changes a picture's colours, and resamples it through a smaller size or sharpens it."""
    rgb = recoloured(rgb, rng)
    h, w = rgb.shape[:2]
    if rng.random() < 0.5:
        amount, soft = rng.uniform(0.2, 0.8), cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.7, 1.5))
        return np.asarray(cv2.addWeighted(rgb, 1 + amount, soft, -amount, 0), np.uint8)
    scale = rng.uniform(0.25, 0.7)
    down, up = (
        int(rng.choice(ways))
        for ways in (
            (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA, cv2.INTER_NEAREST),
            (cv2.INTER_LINEAR, cv2.INTER_CUBIC),
        )
    )
    small = cv2.resize(rgb, (max(8, int(w * scale)), max(8, int(h * scale))), interpolation=down)
    return np.asarray(cv2.resize(small, (w, h), interpolation=up), np.uint8)


def recoloured(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Shifts channels, hue, saturation, brightness and contrast, each in four of five cases."""
    x = rgb.astype(np.float32)
    if rng.random() < 0.8:
        x += rng.uniform(-20, 20, 3).astype(np.float32)
    if rng.random() < 0.8:
        hsv = cv2.cvtColor(np.clip(x, 0, 255).astype(np.uint8), cv2.COLOR_RGB2HSV).astype(
            np.float32
        )
        hsv[..., 0] = (hsv[..., 0] + rng.uniform(-8, 8)) % 180
        hsv[..., 1] = hsv[..., 1] * rng.uniform(0.75, 1.3) + rng.uniform(-15, 15)
        hsv[..., 2] += rng.uniform(-20, 20)
        x = cv2.cvtColor(np.clip(hsv, 0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB).astype(
            np.float32
        )
    if rng.random() < 0.8:
        x = (x - 128) * np.float32(rng.uniform(0.88, 1.12)) + np.float32(128 + rng.uniform(-20, 20))
    return np.clip(x, 0, 255).astype(np.uint8)
