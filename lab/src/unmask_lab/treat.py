"""Treatments of a whole picture that change no face: by phones, apps, editors and faulty video.

A bona fide picture that went through one of them is bona fide. Both classes of the training go
through all of them.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from unmask.types import Rgb

Treatment = Callable[[Rgb, np.random.Generator], Rgb]
"""Function ``(rgb uint8 (h, w, 3), rng) -> rgb uint8 (h, w, 3)``, of the same size."""


def denoised(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Smooths away grain and keeps edges, as night modes do."""
    strength = float(rng.uniform(2, 8))
    if rng.random() < 0.5:
        return np.asarray(cv2.bilateralFilter(rgb, 5, 5 * strength, 3), np.uint8)
    return np.asarray(cv2.medianBlur(rgb, 3), np.uint8)


def beautified(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Smooths skin over the whole picture, lightens it a little, and keeps some texture."""
    smooth = cv2.bilateralFilter(rgb, 9, float(rng.uniform(15, 50)), float(rng.uniform(3, 7)))
    mixed = cv2.addWeighted(
        smooth, share := float(rng.uniform(0.4, 0.9)), rgb, 1 - share, float(rng.uniform(0, 8))
    )
    return np.asarray(mixed, np.uint8)


def sharpened(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Adds an unsharp mask, from a camera's default to far too much."""
    amount, sigma = float(rng.uniform(0.3, 2.0)), float(rng.uniform(0.6, 3.0))
    return np.asarray(
        cv2.addWeighted(rgb, 1 + amount, cv2.GaussianBlur(rgb, (0, 0), sigma), -amount, 0), np.uint8
    )


def clarified(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Lifts local contrast, as "clarity" sliders and HDR tone mapping do."""
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
    tiles = int(rng.integers(2, 8))
    lab[..., 0] = cv2.createCLAHE(float(rng.uniform(1, 4)), (tiles, tiles)).apply(lab[..., 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)


def enlarged(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Shrinks the picture and enlarges it again, at times sharpened afterwards, as upscalers do."""
    h, w = rgb.shape[:2]
    scale = float(rng.uniform(0.2, 0.6))
    small = cv2.resize(
        rgb, (max(16, int(w * scale)), max(16, int(h * scale))), interpolation=cv2.INTER_AREA
    )
    how = int(
        rng.choice([cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4])
    )
    large = np.asarray(cv2.resize(small, (w, h), interpolation=how), np.uint8)
    return sharpened(large, rng) if rng.random() < 0.4 else large


def ghosted(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Mixes the picture with itself moved, as blended frames and double exposures do."""
    h, w = rgb.shape[:2]
    dx, dy = rng.normal(0, 0.02 * w, 2)
    turn = cv2.getRotationMatrix2D(
        (w / 2, h / 2), float(rng.normal(0, 1.5)), float(rng.normal(1, 0.02))
    )
    turn[:, 2] += dx, dy
    other = cv2.warpAffine(rgb, turn, (w, h), borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(
        cv2.addWeighted(rgb, share := float(rng.uniform(0.5, 0.85)), other, 1 - share, 0), np.uint8
    )


def interlaced(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Interlaces the picture: every second line comes from another moment.

    At times one field is dropped and interpolated instead.
    """
    out = rgb.copy()
    if rng.random() < 0.3:
        out[1:-1:2] = (out[:-2:2].astype(np.uint16) + out[2::2][: len(out[1:-1:2])]) // 2
        return out
    shift = int(rng.integers(1, 5)) * (1 if rng.random() < 0.5 else -1)
    out[1::2] = np.roll(rgb, shift, axis=1)[1::2]
    return out


def damaged(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Misplaces blocks of 16 px, as a decoder does that lost a packet."""
    out = rgb.copy()
    h, w = rgb.shape[0] // 16, rgb.shape[1] // 16
    if min(h, w) < 3:
        return out
    for row in rng.integers(0, h, int(rng.integers(1, max(2, h // 4)))):
        first, dx = int(rng.integers(0, w)), int(rng.integers(4, 40))
        moved = np.roll(rgb, dx, axis=1)
        out[row * 16 : row * 16 + 16, first * 16 :] = moved[row * 16 : row * 16 + 16, first * 16 :]
    return out


def drawn_upon(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Draws a frame like a detector's box, or lettering, over the picture."""
    h, w = rgb.shape[:2]
    out, colour = rgb.copy(), tuple(int(c) for c in rng.integers(0, 256, 3))
    thick = int(rng.integers(1, 4))
    if rng.random() < 0.6:
        (x0, y0), (x1, y1) = (rng.uniform(a, b, 2) * (w, h) for a, b in ((0.02, 0.3), (0.7, 0.98)))
        cv2.rectangle(out, (int(x0), int(y0)), (int(x1), int(y1)), colour, thick)
    else:
        text = "".join(chr(int(c)) for c in rng.integers(65, 91, 12))
        at = (int(rng.uniform(0, 0.4) * w), int(rng.uniform(0.1, 0.98) * h))
        cv2.putText(
            out, text, at, cv2.FONT_HERSHEY_SIMPLEX, float(rng.uniform(0.4, 1.2)), colour, thick
        )
    return out


TREATMENTS: dict[str, Treatment] = {
    "denoised": denoised,
    "beautified": beautified,
    "sharpened": sharpened,
    "clarified": clarified,
    "enlarged": enlarged,
    "ghosted": ghosted,
    "interlaced": interlaced,
    "damaged": damaged,
    "drawn upon": drawn_upon,
}
