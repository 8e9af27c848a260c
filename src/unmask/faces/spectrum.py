"""What the spectrum of an aligned crop tells of the picture: where its detail ends, and whether it
shows everything twice.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
"""Luma, grey levels, ``(n, n)``."""

_RINGS = 64
"""Rings of equal width from 0 to half a cycle per px, over which power is taken."""
_WITHIN = (8, 14)
"""Rings in which every face has detail; the line begins in their middle."""
_AXIS = 2.5
"""rings next to either axis that are left out."""
_STEEPEST = 5.9
"""Power of the frequency with which detail falls at the steepest; in bona fide portraits it falls
with 3 to 5.
"""
_LASTING = 6
"""rings on end that lie below that, before the spectrum counts as ended; a single one may lie there
by chance.
"""


def detail_end(grey: Grey) -> float:
    """The frequency, cycles per px, from which there is no detail any more; 0.5 where it reaches as
    far as the crop shows.

    What was enlarged has nothing beyond the end of its own spectrum, however it was sharpened or
    compressed afterwards: there the power falls more steeply than any lens draws. Taken is the
    lower quartile of the power around each ring, off the axes, for the rest is what compression and
    the kernel of the enlargement left.
    """
    power = np.log10(_power(grey[None])[0].ravel() + 1e-3)
    level = np.array([np.quantile(power[ring], 0.25) for ring in _rings(len(grey))])
    smooth = np.convolve(np.pad(level, 2, "edge"), np.ones(5) / 5, "valid")
    count, frequency = _WITHIN[1] - _WITHIN[0], np.arange(_WITHIN[0], _RINGS) + 0.5
    below = smooth < level[:count].mean() - _STEEPEST * np.log10(frequency / np.mean(_WITHIN))
    below[:count] = False
    ended = np.lib.stride_tricks.sliding_window_view(below, _LASTING).all(axis=1)
    return float(_WITHIN[0] + ended.argmax() if ended.any() else _RINGS) / (2 * _RINGS)


_TILE, _STEP = 96, 32
"""px, the side of the tiles whose spectra are averaged, and how far apart they lie."""
_BAND = (0.2, 0.12)
"""Cycles per px: middle and width of the frequencies that are looked at; below lies the face
itself, above grain.
"""
_NEAREST, _FARTHEST = 4, 30
"""px between the two of a double picture; what lies nearer is blur."""


def echo(grey: Grey) -> float:
    """How clearly everything is seen twice, a little apart: 0 not at all, towards 1 in an even
    blend of two pictures.

    A picture that is blended with itself, moved, has a spectrum with ripples of one period over all
    frequencies; its cepstrum shows them as one peak (Bogert, Healy and Tukey 1963).
    """
    views = np.lib.stride_tricks.sliding_window_view(grey, (_TILE, _TILE))[
        ::_STEP, ::_STEP
    ].reshape(-1, _TILE, _TILE)
    level = np.fft.fftshift(np.log(_power(views) + 1.0).mean(axis=0))
    frequency = np.fft.fftshift(_frequencies(_TILE))
    band = np.exp(-(((frequency - _BAND[0]) / _BAND[1]) ** 2))
    ripples = (level - _smoothed(level)) * band / band.mean()
    cepstrum = np.real(np.fft.ifft2(np.fft.ifftshift(ripples)))
    apart = _frequencies(_TILE) * _TILE
    return max(0.0, float(cepstrum[(apart >= _NEAREST) & (apart <= _FARTHEST)].max()))


@cache
def _rings(n: int) -> tuple[NDArray[np.intp], ...]:
    """The places of each ring from the first of `_WITHIN` on in a spectrum ``(n, n)``, flat; half
    of them, the rest is alike.
    """
    along, ring = np.fft.fftfreq(n) * 2 * _RINGS, (_frequencies(n) * 2 * _RINGS).astype(int)
    off = (np.abs(along) > _AXIS)[:, None] & (along > _AXIS)
    return tuple(np.flatnonzero((ring == k) & off) for k in range(_WITHIN[0], _RINGS))


def _power(tiles: NDArray[np.float32]) -> NDArray[np.float64]:
    """Power spectra of tiles ``(k, n, n)``, per px, without what their edges would add."""
    window = np.hanning(tiles.shape[1])
    weight = window[:, None] * window
    level = (tiles * weight).sum(axis=(1, 2), keepdims=True) / weight.sum()
    return np.asarray(np.abs(np.fft.fft2((tiles - level) * weight)) ** 2 / (weight**2).sum())


def _frequencies(n: int) -> NDArray[np.float64]:
    """Of each place of a spectrum, cycles per px, ``(n, n)``."""
    along = np.fft.fftfreq(n)
    return np.asarray(np.hypot(along[:, None], along))


def _smoothed(level: NDArray[np.float64]) -> NDArray[np.float64]:
    import cv2

    return np.asarray(cv2.GaussianBlur(level, (0, 0), 4, borderType=cv2.BORDER_REFLECT))
