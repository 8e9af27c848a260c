"""Pictures that a page carries inside itself, as data URIs."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np

from unmask.types import Rgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_PX = 1200
"""Longest side, px, of a picture on the page; larger ones are scaled down."""


def data_uri(rgb: Rgb) -> str:
    """Encodes an rgb uint8 image ``(h, w, 3)`` as ``data:image/jpeg;base64,...``."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg(rgb)).decode('ascii')}"


def jpeg(rgb: Rgb) -> bytes:
    """Encodes an rgb uint8 image ``(h, w, 3)`` as JPEG, with chroma in full resolution."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(rgb, dtype=np.uint8), "RGB")
    image.thumbnail((LONGEST_PX, LONGEST_PX))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=88, subsampling=0)
    return file.getvalue()


def heat(heatmap: NDArray[np.float32], side: int = 192) -> bytes:
    """Renders a heatmap as a square PNG of ``side`` px in the colours of `overlay`.

    It is transparent where the heatmap is 0.

    Args:
        heatmap: 0 to 1, of any size.
    """
    import cv2
    from PIL import Image

    finite = np.nan_to_num(np.asarray(heatmap, np.float32), nan=0, posinf=1, neginf=0)
    levels = np.clip(cv2.resize(finite, (side, side), interpolation=cv2.INTER_LINEAR), 0, 1)
    colour = cv2.cvtColor(
        cv2.applyColorMap((levels * 255).astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB
    )
    opacity = (0.85 * np.sqrt(levels) * 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.dstack([colour, opacity]), "RGBA").save(file, "PNG")
    return file.getvalue()


def thumbnail(rgb: Rgb, size: int = 96) -> Rgb:
    """Makes a small copy, rgb uint8 ``(size, size, 3)``, for a list of people."""
    import cv2

    return np.asarray(cv2.resize(rgb, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def overlay(crop: Rgb, heatmap: NDArray[np.float32]) -> Rgb:
    """Draws the crop in grey, coloured where the heatmap sees the change.

    The colour map is matplotlib's perceptually uniform *inferno*; grey keeps skin from being read
    as heat.

    Args:
        crop: rgb uint8 ``(h, w, 3)``.
        heatmap: 0 to 1, of any size, over the whole crop.
    """
    import cv2

    height, width = crop.shape[:2]
    finite = np.nan_to_num(np.asarray(heatmap, np.float32), nan=0, posinf=1, neginf=0)
    heat = np.clip(cv2.resize(finite, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1)
    colour = cv2.cvtColor(
        cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB
    )
    grey = cv2.cvtColor(
        cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB
    )
    weight = 0.85 * np.sqrt(heat)[..., None]
    return np.asarray(np.rint(grey * (1 - weight) + colour * weight), np.uint8)


def legend(width: int = 160, height: int = 10) -> Rgb:
    """Draws the colours of `overlay` over mid grey, from 0 at the left to 1 at the right."""
    ramp = np.tile(np.linspace(0, 1, width, dtype=np.float32), (height, 1))
    return overlay(np.full((height, width, 3), 128, np.uint8), ramp)
