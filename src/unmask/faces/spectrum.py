"""Measurements on the spectrum of an aligned crop: the end of its detail, and double pictures."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
"""Luma, grey levels, ``(n, n)``."""

_RINGS = 64
"""Rings of equal width from 0 to half a cycle per px, over which power is measured."""
_WITHIN = (8, 14)
"""Rings in which every face has detail; the reference line begins in their middle."""
_AXIS = 2.5
"""Rings next to either axis that are left out."""
_STEEPEST = 5.9
"""Steepest fall of detail, as a power of the frequency; in bona fide portraits it is 3 to 5."""
_LASTING = 6
"""Consecutive rings below the line after which the spectrum counts as ended.

A single one may lie there by chance.
"""


def detail_end(grey: Grey) -> float:
    """Finds the frequency, cycles per px, above which there is no detail.

    It is 0.5 where detail reaches as far as the crop shows. An enlarged picture has nothing beyond
    the end of its own spectrum, however it was sharpened or compressed afterwards: there the power
    falls more steeply than with any lens. The measure is the lower quartile of the power around
    each ring, off the axes; the rest comes from compression and the kernel of the enlargement.
    """
    power = np.log10(_power(grey[None])[0].ravel() + 1e-3)
    level = np.array([_lower_quartile(power[ring]) for ring in _rings(len(grey))])
    smooth = np.convolve(np.pad(level, 2, "edge"), np.ones(5) / 5, "valid")
    count, frequency = _WITHIN[1] - _WITHIN[0], np.arange(_WITHIN[0], _RINGS) + 0.5
    below = smooth < level[:count].mean() - _STEEPEST * np.log10(frequency / np.mean(_WITHIN))
    below[:count] = False
    ended = np.lib.stride_tricks.sliding_window_view(below, _LASTING).all(axis=1)
    return float(_WITHIN[0] + ended.argmax() if ended.any() else _RINGS) / (2 * _RINGS)


_TILE, _STEP = 96, 32
"""Side of the tiles whose spectra are averaged, and their spacing, px."""
_BAND = (0.2, 0.12)
"""Middle and width of the band of frequencies that is examined, cycles per px.

Below lies the face itself, above lies grain.
"""
_NEAREST, _FARTHEST = 4, 30
"""Least and greatest distance between the two of a double picture, px; nearer is blur."""


def echo(grey: Grey) -> float:
    """Measures how clearly everything is seen twice, a little apart.

    It is 0 for a single picture, and approaches 1 in an even blend of two pictures. A picture that
    is blended with a moved copy of itself has a spectrum with ripples of one period over all
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
    """Returns flat positions of each ring in a spectrum ``(n, n)``, from the first of `_WITHIN`.

    Half of the spectrum is enough, because the other half is symmetric.
    """
    along, ring = np.fft.fftfreq(n) * 2 * _RINGS, (_frequencies(n) * 2 * _RINGS).astype(int)
    off = (np.abs(along) > _AXIS)[:, None] & (along > _AXIS)
    return tuple(np.flatnonzero((ring == k) & off) for k in range(_WITHIN[0], _RINGS))


def _lower_quartile(values: NDArray[np.float64]) -> float:
    """Returns what `numpy.quantile` does for 0.25, in a tenth of its time for so few values."""
    below, share = divmod((values.size - 1) / 4, 1)
    low, high = np.partition(values, (int(below), int(below) + 1))[int(below) : int(below) + 2]
    return float(low + share * (high - low))


def _power(tiles: NDArray[np.float32]) -> NDArray[np.float64]:
    """Computes power spectra of tiles ``(k, n, n)``, per px, without the effect of their edges."""
    window = np.hanning(tiles.shape[1])
    weight = window[:, None] * window
    level = (tiles * weight).sum(axis=(1, 2), keepdims=True) / weight.sum()
    return np.asarray(np.abs(np.fft.fft2((tiles - level) * weight)) ** 2 / (weight**2).sum())


def _frequencies(n: int) -> NDArray[np.float64]:
    """Returns the frequency at each place of a spectrum, cycles per px, ``(n, n)``."""
    along = np.fft.fftfreq(n)
    return np.asarray(np.hypot(along[:, None], along))


def _smoothed(level: NDArray[np.float64]) -> NDArray[np.float64]:
    import cv2

    return np.asarray(cv2.GaussianBlur(level, (0, 0), 4, borderType=cv2.BORDER_REFLECT))
