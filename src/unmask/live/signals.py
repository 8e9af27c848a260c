"""The two signals that a light challenge compares: the screen's, and the light on the face.

The signal that was sent consists of the `codes` of its symbols. The frames' light is reduced to
`fit_illumination` series: of each colour channel, the whole face, its left against its right and
its top against its bottom. They are logarithms, so that room light, skin and exposure are only
offsets. Drift, and errors of following the face, are removed.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from unmask.faces.regions import places, rho
from unmask.live.challenge import HIGH, LOW, LightChallenge
from unmask.live.reading import GRID, FrameReading

Series = NDArray[np.float64]

CHANGING = 0.06
"""Time before and after a change of symbols in which a frame shows both, s.

It is half an exposure, the shutter's roll, and half a step of `unmask.live.light.DELAYS`.
"""

SLOWEST = 2.4
"""Shortest period of drift of light, exposure or white balance, s; longer periods are removed."""

FACE = 0.85
"""Largest distance from the middle of the face of a cell that belongs to it.

See `unmask.faces.regions.rho`.
"""

EDGE = 0.5
"""Edge, see `unmask.live.reading.FaceAnchor`, from which on a cell counts less."""


def codes(challenge: LightChallenge) -> Series:
    """Returns the light of a challenge, ``(symbols, 3, 3)``.

    Per colour channel all of the screen, -0.5 to 0.5, its left less its right, and its top less its
    bottom, -1 to 1.
    """
    values = np.array([symbol.quarters for symbol in challenge.symbols], np.float64)
    (a, b), (c, d) = ((values - LOW) / (HIGH - LOW)).transpose(1, 2, 0, 3)
    return np.stack([(a + b + c + d) / 4 - 0.5, (a + c - b - d) / 2, (a + b - c - d) / 2], axis=2)


def decoys(code: Series, count: int) -> NDArray[np.float32]:
    """Returns `codes` of other challenges, ``(3, 3, count, symbols)``.

    Each channel's symbols are in another order, drawn as `unmask.live.challenge.light_challenge`
    does; every challenge has the same symbols.
    """
    random = np.random.default_rng(secrets.randbits(128))
    orders = random.permuted(np.tile(np.arange(len(code), dtype=np.int8), (3, count, 1)), axis=2)
    return np.stack(
        [
            part[:, order]
            for part, order in zip(code.astype(np.float32).transpose(1, 2, 0), orders, strict=True)
        ]
    )


def symbol_at(challenge: LightChallenge, shown: Sequence[float], times: Series) -> NDArray[np.intp]:
    """Returns the index of the symbol that the screen showed at each time, s.

    It is -1 before the first and after the last.
    """
    index = np.searchsorted(np.asarray(shown), times, side="right") - 1
    return np.where(times < shown[-1] + challenge.seconds, index, -1)


def one_symbol_at(
    challenge: LightChallenge, shown: Sequence[float], times: Series, painted: float = CHANGING
) -> NDArray[np.intp]:
    """Returns the same as `symbol_at`, but -1 also where a frame may show two symbols.

    That is `CHANGING` s before a change and ``painted`` s after it.
    """
    since = times[:, None] - np.asarray(shown)
    near = ((since > -CHANGING) & (since < painted)).any(axis=1)
    return np.where(near, -1, symbol_at(challenge, shown, times))


def times_of(readings: Sequence[FrameReading]) -> Series:
    """Returns the times of the readings with a face, s, ``(n,)``."""
    return np.array([reading.time for reading in readings if reading.face])


def cells_of(readings: Sequence[FrameReading]) -> Series:
    """Returns the logarithm of the light of the readings with a face, ``(n, GRID, GRID, 3)``."""
    return logarithm(np.stack([reading.face.cells for reading in readings if reading.face]))


def whole_of(readings: Sequence[FrameReading]) -> Series:
    """Returns the logarithm of the whole face's light, ``(n, 3)``."""
    light = np.stack([reading.face.cells for reading in readings if reading.face])
    return logarithm(light[:, face_cells()].mean(axis=1))


@cache
def face_cells() -> NDArray[np.bool_]:
    """Returns the cells of the face, see `FACE`, ``(GRID, GRID)``."""
    return np.asarray(rho(GRID) < FACE)


def logarithm(light: NDArray[np.floating]) -> Series:
    """Takes the logarithm of linear light, 0 to 1; what is darker than a thousandth is noise."""
    return np.log(np.asarray(light, np.float64) + 1e-3)


def fit_illumination(readings: Sequence[FrameReading]) -> Series:
    """Returns the series that should follow `codes`, ``(n, 3, 3)``.

    Of each frame and channel, they are the level and the slopes across and down that, with its
    slips, explain its cells best. The screen's left lights the person's left, which lies right in
    the image.
    """
    cells = cells_of(readings)[:, face_cells()]
    return np.asarray(np.einsum("bp,npc->ncb", reduction(readings)[1][:3], cells))


def reduction(readings: Sequence[FrameReading]) -> tuple[Series, Series]:
    """Returns the basis of level, slope across, slope down and slips, ``(p, 7)``, and its filters.

    The filters ``(7, p)`` find them in cells, weighted by trust.
    """
    x, y = (place[face_cells()] for place in places(GRID))
    weights = trust(readings)
    basis = np.column_stack([np.ones_like(x), x, 0.5 - y, slips(readings)])
    return basis, np.asarray(np.linalg.pinv(basis * weights[:, None]) * weights)


def slips(readings: Sequence[FrameReading]) -> Series:
    """Returns what inexact following of a face adds to the logarithm of its cells, ``(cells, 4)``.

    The columns are shifts, zoom and turn.
    """
    right, down = next(reading.face.anchor.edges for reading in readings if reading.face)
    x, y = places(GRID)
    parts = (right, down, right * x + down * (y - 0.5), down * x - right * (y - 0.5))
    return np.column_stack([part[face_cells()] for part in parts]).astype(np.float64)


def trust(readings: Sequence[FrameReading]) -> Series:
    """Returns the weight of each cell, ``(cells,)``, 0 to 1.

    An edge in the face's colours is noisy where following is inexact.
    """
    edges = np.hypot(*slips(readings)[:, :2].T)
    return np.asarray(1 / np.hypot(1, edges / EDGE))


def settled(series: Series, times: Series) -> Series:
    """Removes the mean and the drift, see `SLOWEST`, from series ``(n, ...)``."""
    return left_over(series.reshape(len(series), -1), drifts(times)).reshape(series.shape)


def left_over(series: Series, basis: Series) -> Series:
    """Returns the part of series ``(n, some)`` that a basis ``(n, other)`` does not explain."""
    return np.asarray(series - basis @ np.linalg.lstsq(basis, series, rcond=None)[0])


def drifts(times: Series) -> Series:
    """Returns the slow cosines of `SLOWEST`, and a constant, ``(n, some)``."""
    span = float(np.ptp(times)) + 1e-9
    orders = np.arange(int(2 * span / SLOWEST) + 1)
    return np.asarray(np.cos(np.pi * orders * (times[:, None] - times[0]) / span))
