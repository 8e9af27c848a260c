"""Texture line: detail and noise of the inner face against those of the head around it.

A camera gives one picture one noise and one sharpness, up to focus. A face that was made anew at
its own size, resized, blurred, sharpened or encoded once more before it was pasted has another
share of fine detail than the head around it, whatever it shows. Ratios are measured, so that a
blurred or noisy picture alone does not count:

- fine to middle and middle to coarse detail (octaves of a difference-of-Gaussians pyramid: Burt and
  Adelson 1983), which resizing and blurring change (Popescu and Farid 2005 look for the same loss
  as correlations);
- the noise residual, a diagonal second difference that edges hardly enter (Immerkaer 1996), whose
  level differs between sources (Mahdian and Saic 2009; Lyu, Pan and Zhang 2014);
- the largest step of fine detail from ring to ring outwards, where a seam is (Li et al., "Face
  X-ray", 2020);
- detail in colour over detail in brightness, which generators and chroma subsampling make
  inconsistent.

The aligned crop is itself resampled: traces that need the pixels of the file, such as the grid of
an earlier JPEG or the period of an interpolation, are lost in it and not searched for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unmask import drawing
from unmask.faces import CROP_PX
from unmask.faces.regions import ring
from unmask.feature_models import WeighingLine
from unmask.measuring import Measurement, Unmeasured
from unmask.messages import Message
from unmask.types import Picture, Rgb, Sighting

RINGS = (0.0, 0.3, 0.6, 0.75, 0.9, 1.05, 1.2, 1.5)
"""Edges of the compared rings, see `unmask.faces.regions.rho`.

The inner face is the first two, the head the last two.
"""


class Texture(WeighingLine):
    """Compares detail and noise of the inner face with those of the head around it.

    Args:
        least_px: face width, px, below which the crop is enlarged so much that it has no detail of
            its own.
        darkest, brightest: median grey level of the inner face outside of which 8 bits hold no
        detail.
        share: part of a track's sightings, the highest ones, whose mean is the track's score.
    """

    name = "texture"

    def __init__(
        self,
        least_px: float = 48.0,
        darkest: float = 20.0,
        brightest: float = 245.0,
        share: float = 0.1,
    ) -> None:
        super().__init__(share)
        self.least_px, self.darkest, self.brightest = least_px, darkest, brightest

    def look(self, sighting: Sighting) -> Measurement[Mapping[str, float]] | Unmeasured:
        """Takes the measurements of `measure`, unless the face is too small or badly exposed."""
        if sighting.quality.size_px < self.least_px:
            return Unmeasured(Message("unmeasured.small", {"width": self.least_px}))
        if not self.darkest <= float(np.median(sighting.crop[ring(0.0, 0.6)])) <= self.brightest:
            return Unmeasured(Message("unmeasured.exposure"))
        return Measurement(sighting, measure(sighting.crop))

    def summary(self, reason: str | None, time: float | None) -> Message:
        """Tells whether the inner face matches its head, and if not, what differs."""
        if reason is None:
            return Message("texture.alike")
        return Message("texture.differs", {"how": Message(f"texture.{reason}")}).at(time)

    def picture(self, crop: Rgb, time: float | None) -> Picture:
        """Shows the face, and beside it its fine detail."""
        return Picture(Message("texture.picture").at(time), _shown(crop))


def measure(crop: Rgb) -> dict[str, float]:
    """Measures an aligned crop, uint8 ``(192, 192, 3)``; 0 or more, natural logarithms.

    Each measurement has a message ``texture.NAME``. Their opposites, and softer detail as such,
    gave no further information.
    """
    import cv2

    fine, middle, coarse, noise = _bands(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32))
    profile = _evenly(fine) - _evenly(middle)
    step = max(
        abs((profile[i + 1] + profile[i + 2] - profile[i - 1] - profile[i]) / 2)
        for i in range(2, 5)
    )
    return {
        "sharper inside": max(0.0, _contrast(_level(fine) - _level(middle))),
        "coarser inside": max(0.0, _contrast(_level(coarse) - _level(middle))),
        "less noise inside": max(0.0, -_contrast(_evenly(noise))),
        "step outwards": float(step),
        "more colour detail inside": max(0.0, _contrast(_colour_detail(crop))),
    }


def _bands(luma: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Splits luma into fine, middle and coarse detail and the noise residual.

    The octaves begin at sigma 0.8 px; each band is ``(192, 192)``, grey levels.
    """
    import cv2

    blurred = [luma, *(cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in (0.8, 1.6, 3.2))]
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
    noise = cv2.filter2D(luma, -1, mask, borderType=cv2.BORDER_REFLECT_101)
    return (*(np.asarray(a - b) for a, b in pairwise(blurred)), np.asarray(noise, np.float32))


FLOOR = 0.02
"""Energy, grey levels squared, that counts as none: about that of rounding to whole levels."""


def _level(band: NDArray[np.float32]) -> NDArray[np.float64]:
    """Computes the natural log of a band's mean energy, per ring."""
    return np.asarray(np.log(_per_ring(band * band) + FLOOR))


def _evenly(band: NDArray[np.float32]) -> NDArray[np.float64]:
    """Computes the mean of the logs of local energy, per ring.

    It is as `_level`, but every place counts as much as an edge does.
    """
    import cv2

    return _per_ring(np.log(cv2.blur(band * band, (5, 5)) + FLOOR))


def _colour_detail(crop: Rgb) -> NDArray[np.float64]:
    """Computes the natural log of fine detail in colour over that in brightness, per ring."""
    import cv2

    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB).astype(np.float32)
    detail = np.abs(lab - cv2.GaussianBlur(lab, (0, 0), 1.2))
    colour, brightness = _per_ring(detail[..., 1] + detail[..., 2]), _per_ring(detail[..., 0])
    return np.asarray(np.log((colour + 0.1) / (brightness + 0.1)))


@cache
def _rings() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the ring of each pixel, the last number for none, and the pixels per ring."""
    member = np.full((CROP_PX, CROP_PX), len(RINGS) - 1)
    for i, (low, high) in enumerate(pairwise(RINGS)):
        member[ring(low, high)] = i
    return member.ravel(), np.bincount(member.ravel())


def _per_ring(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Averages per ring, ``(7,)``."""
    member, count = _rings()
    return np.asarray(np.bincount(member, values.ravel()) / count)[:-1]


def _contrast(rings: NDArray[np.float64]) -> float:
    """Computes the mean of the inner face less that of the head around it."""
    return float(rings[:2].mean() - rings[-2:].mean())


def _shown(crop: Rgb) -> Rgb:
    """Draws the face, and beside it its fine detail, eight times as strong."""
    import cv2

    luma = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = np.clip(128 + 8 * (luma - cv2.GaussianBlur(luma, (0, 0), 0.8)), 0, 255).astype(np.uint8)
    return drawing.side_by_side(crop, cv2.cvtColor(fine, cv2.COLOR_GRAY2RGB))
