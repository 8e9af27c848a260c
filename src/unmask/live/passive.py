"""Signs of a carrier of the face in single frames: a print, a screen or a sheet instead of skin.

About one frame per second is examined, whatever was asked. A sign only ever speaks against a
person, and only where it is beyond doubt: a camera of 320 x 240 px blurs most dots and grids away,
and a person may stand in a door's frame. So a missing sign says nothing, and the challenge decides.

- Dots and moire are periodic: over all looks the face's mean spectrum has a peak that skin has not
  (Garcia and de Queiroz, "Face-spoofing 2D-detection based on Moire-pattern analysis", 2015).
  Periods along the image's axes are left out, where JPEG's blocks and the camera's lines lie.
- Edges: a sheet or a bezel runs straight beside the face on all four sides, and near.
- Colour: skin of every tone reflects more red than green and more green than blue (Angelopoulou
  2001); white balance moves that, but not to green or blue.

Banding, the rows of a rolling shutter, is left out on purpose: mains light causes it on living
faces as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from unmask import faces
from unmask.types import Rgb

SIDE = 64
"""Side of the face's middle whose spectrum is measured, px of the frame."""

HIGHEST_PEAK = 1.2
"""Most that the mean spectrum may rise above its neighbourhood, log10."""

LEAST_LOOKS = 4
"""Least number of looks; with fewer the spectrum's own noise would make peaks."""

CLEAR = 6.0
"""Least step of an edge, grey levels from one px to the next."""

STRAIGHT = 0.8
"""Part of a side along which an edge must run."""

CHROMA_OFF = -6.0
"""CIE a* and b* below which, as a median over the looks, a face is greener or bluer than skin."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Measurements of one frame.

    Attributes:
        spectrum: log10 power of the face's middle, float32 ``(SIDE, SIDE // 2 + 1)``; None where
            the face is smaller.
        edged: share of straight edge beside the face, the lowest of its four sides, 0 to 1.
        colour: mean CIE a* and b* of the inner face.
    """

    spectrum: NDArray[np.float32] | None
    edged: float
    colour: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Signs:
    """Signs of all looks together; ``against`` names the signs against a person."""

    peak: float
    edged: float
    colour: tuple[float, float]
    against: tuple[str, ...]


def look(rgb: Rgb, points: NDArray[np.float32]) -> Look:
    """Measures one frame, uint8 ``(h, w, 3)``, whose face has these points; takes about 1 ms.

    For the points see `unmask.live.reading.SeenFace`.
    """
    import cv2

    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    lab = cv2.cvtColor(
        cv2.resize(faces.align(rgb, points), (32, 32), interpolation=cv2.INTER_AREA),
        cv2.COLOR_RGB2LAB,
    )
    a, b = lab[12:26, 10:22, 1:].reshape(-1, 2).astype(np.float64).mean(axis=0) - 128
    return Look(_spectrum(grey, points), _edged(grey, points), (float(a), float(b)))


def signs(looks: Sequence[Look]) -> Signs:
    """Combines these looks, one at least."""
    spectra = [one.spectrum for one in looks if one.spectrum is not None]
    peak = _peak(np.mean(spectra, axis=0)) if len(spectra) >= LEAST_LOOKS else 0.0
    edged = float(np.median([one.edged for one in looks]))
    a, b = np.median([one.colour for one in looks], axis=0)
    found = {
        "dots": peak > HIGHEST_PEAK,
        "edges": edged > STRAIGHT,
        "colour": min(a, b) < CHROMA_OFF,
    }
    return Signs(
        peak, edged, (float(a), float(b)), tuple(name for name, seen in found.items() if seen)
    )


def _spectrum(grey: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Computes `Look.spectrum`."""
    x, y = np.rint(points.mean(axis=0)).astype(int) - SIDE // 2
    middle = grey[max(y, 0) : y + SIDE, max(x, 0) : x + SIDE]
    if middle.shape != (SIDE, SIDE):
        return None
    window = np.hanning(SIDE)
    waves = np.fft.rfft2((middle - middle.mean()) * np.outer(window, window))
    return np.asarray(np.log10(np.abs(waves) ** 2 + 1), np.float32)


def _peak(spectrum: NDArray[np.float32]) -> float:
    """Measures by how much, log10, a mean spectrum rises above its neighbourhood.

    Frequencies near an axis, and low ones, where skin is not smooth, are left out.
    """
    import cv2

    whole = np.fft.fftshift(spectrum, axes=0).astype(np.float32)
    around = cv2.blur(whole, (7, 7), borderType=cv2.BORDER_REFLECT)
    return float((whole - around)[_oblique()].max())


@cache
def _oblique() -> NDArray[np.bool_]:
    """Selects frequencies from a tenth of a cycle per px on, away from both axes.

    They are those of a shifted half spectrum.
    """
    down, across = np.abs(np.fft.fftshift(np.fft.fftfreq(SIDE))), np.fft.rfftfreq(SIDE)
    off_axis = (down[:, None] > 0.03) & (across[None, :] > 0.03)
    return np.asarray(off_axis & (np.hypot(down[:, None], across[None, :]) > 0.1))


def _edged(grey: NDArray[np.float32], points: NDArray[np.float32]) -> float:
    """Computes `Look.edged`.

    The face is turned upright with its eyes 20 px apart. Beside each of its sides, 1 to 2.4 of that
    distance off its middle, the best line is the one along which most steps are clear and go the
    same way.
    """
    import cv2

    matrix = faces.similarity(points, faces.PROPORTIONS * np.float32(20) + np.float32(64))
    upright = cv2.warpAffine(
        grey, matrix, (128, 152), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    across, down = np.diff(upright, axis=1), np.diff(upright, axis=0)
    sides = [
        across[40:100, 16:44],
        across[40:100, 84:112],
        down[16:40, 40:88].T,
        down[104:140, 40:88].T,
    ]
    return min(
        max(float((side > CLEAR).mean(axis=0).max()), float((side < -CLEAR).mean(axis=0).max()))
        for side in sides
    )
