"""Test whether the surface is shaded as a face is, by the answer to all light.

That answer is the share of each cell's light that is the screen's. Where screen and room light a
surface from different directions, that share follows the surface's normals; of a face, whatever the
room, their spherical harmonics up to the second order (Basri and Jacobs 2003). On a sheet it
changes smoothly, on a bent one along the bend. So this works in a lit room, where the answers to
the sides, see `relief`, work in a dim one.

The share is less strict than slopes from the sides: a camera's tone curve and colour matrix, and a
screen's own light, make it follow the visible picture. So the picture itself, its powers and its
hues, is subtracted with all that sheets may show: cubic polynomials, and gloss along a bend; the
way to bend that leaves least counts. On a screen that shows a face, following the picture is a sign
of its own: the screen's own light does not rise, so the share falls where its picture is bright.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from unmask.live.relief import BENDS, along, beside, powers, span, usual_slopes, without
from unmask.live.response import Response
from unmask.live.signals import Series

HATS = 11
"""Places along a bend at each of which gloss may differ."""


@dataclass(frozen=True, slots=True)
class Shading:
    """Variation of the screen's share of the light over the surface.

    Attributes:
        facial: standard deviation, relative to the mean share, of what follows a face's normals and
            no sheet; noise taken out.
        glow: slope of the share over the picture's logarithm, relative to the mean share: near 0
            for skin and paper, -1 for a screen whose own light outshines what it reflects.
    """

    facial: float
    glow: float


def shading(seen: Response) -> Shading:
    """Measures the shading of the surface with this response."""
    mean = seen.mean
    share = (seen.answers[:, 0] / mean[:, None]).T * seen.trust[:, None]
    facial = min(_facial(seen, share, mean, bend) for bend in BENDS)
    smooth = span(np.column_stack([powers(2), seen.slips]) * seen.trust[:, None])
    picture = beside(seen.picture.mean(axis=1) * seen.trust, smooth)
    rises = beside(share.mean(axis=1), smooth)
    return Shading(facial, float(picture @ rises / max(float(picture @ picture), 1e-9)))


def _facial(seen: Response, share: Series, mean: Series, bend: float) -> float:
    """Computes `Shading.facial` against a sheet bent this way.

    ``share`` ``(p, 3)`` is weighted by trust.
    """
    sheet = (
        np.column_stack([powers(3), _gloss(bend), seen.slips, _painted(seen.picture)])
        * seen.trust[:, None]
    )
    left, size, _ = np.linalg.svd(
        without(_harmonics() * seen.trust[:, None], sheet), full_matrices=False
    )
    face = left[:, size > 0.02 * size[0]]
    energy = ((face.T @ share) ** 2).sum(axis=0)
    for channel in range(3):
        filters = np.zeros((face.shape[1], 3, len(face)))
        filters[:, channel] = (face * seen.trust[:, None]).T / mean[channel]
        energy[channel] -= seen.noise(filters, 0).sum()
    return float(np.sqrt(np.maximum(energy, 0) / len(face)).mean())


@cache
def _harmonics() -> Series:
    """Returns the harmonics of the usual face's normals up to the second order, ``(p, 8)``."""
    p, q = usual_slopes().sum(axis=2)
    z = 1 / np.sqrt(1 + p**2 + q**2)
    x, y = p * z, q * z
    return np.column_stack([x, y, z, x * x - y * y, x * y, x * z, y * z, 3 * z * z - 1])


@cache
def _gloss(bend: float) -> Series:
    """Returns what gloss on a sheet bent this way may add, ``(p, 2 HATS)``.

    It is any course along the bend, tilted across it.
    """
    place, beside = along(bend)
    middles = np.linspace(place.min(), place.max(), HATS)
    hats = np.maximum(0, 1 - np.abs(place[:, None] - middles) / (middles[1] - middles[0]))
    return np.hstack([hats, hats * beside[:, None]])


def _painted(picture: Series) -> Series:
    """Returns terms that follow the picture, ``(p, 5)``."""
    picture = picture - picture.mean(axis=0)
    grey = picture.mean(axis=1)
    return np.column_stack([grey, grey**2, grey**3, picture[:, 0] - grey, picture[:, 2] - grey])
