"""The two signals that a light challenge compares: what the screen sent, and what the frames of a
face show of it.

What was sent are the `codes` of its symbols. The frames' light is reduced to `nine` series: of each
colour channel, the whole face, its left against its right and its top against its bottom, as
logarithms, so that room light, skin and exposure are but offsets; what drifts, and what comes from
following the face inexactly, is taken out.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from unmask.faces.regions import places, rho
from unmask.live.challenge import HIGH, LOW, LightChallenge
from unmask.live.reading import GRID, Reading

Series = NDArray[np.float64]

CHANGING = 0.06
"""s before and after a change of symbols in which a frame shows both: half an exposure, the
shutter's roll, half a step of
`unmask.live.light.DELAYS`.
"""

SLOWEST = 2.4
"""Shortest period, s, of what is taken for drift of light, exposure or white balance and removed.
"""

FACE = 0.85
"""How far out, see `unmask.faces.regions.rho`, a cell still belongs to the face."""

EDGE = 0.5
"""Edge, see `unmask.live.reading.Anchor`, from which on a cell counts less."""


def codes(challenge: LightChallenge) -> Series:
    """What a challenge lights, ``(symbols, 3, 3)``.

    Per colour channel all of the screen, -0.5 to 0.5, its left less its right, and its top less its
    bottom, -1 to 1.
    """
    values = np.array([symbol.quarters for symbol in challenge.symbols], np.float64)
    (a, b), (c, d) = ((values - LOW) / (HIGH - LOW)).transpose(1, 2, 0, 3)
    return np.stack([(a + b + c + d) / 4 - 0.5, (a + c - b - d) / 2, (a + b - c - d) / 2], axis=2)


def decoys(code: Series, count: int) -> NDArray[np.float32]:
    """`codes` of other challenges, ``(3, 3, count, symbols)``: each channel's symbols in another
    order, drawn as
    `unmask.live.challenge.light_challenge` does; every challenge has the same ones.
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
    """The index of the symbol that the screen showed at each time, s; -1 before the first and after
    the last.
    """
    index = np.searchsorted(np.asarray(shown), times, side="right") - 1
    return np.where(times < shown[-1] + challenge.seconds, index, -1)


def one_symbol_at(
    challenge: LightChallenge, shown: Sequence[float], times: Series, painted: float = CHANGING
) -> NDArray[np.intp]:
    """As `symbol_at`; -1 also where a frame may show two symbols: `CHANGING` before a change and
    ``painted`` s after it.
    """
    since = times[:, None] - np.asarray(shown)
    near = ((since > -CHANGING) & (since < painted)).any(axis=1)
    return np.where(near, -1, symbol_at(challenge, shown, times))


def times_of(readings: Sequence[Reading]) -> Series:
    """Seconds of the readings with a face, ``(n,)``."""
    return np.array([reading.time for reading in readings if reading.face])


def cells_of(readings: Sequence[Reading]) -> Series:
    """Logarithm of the light of the readings with a face, ``(n, GRID, GRID, 3)``."""
    return logarithm(np.stack([reading.face.cells for reading in readings if reading.face]))


def whole_of(readings: Sequence[Reading]) -> Series:
    """Logarithm of the whole face's light, ``(n, 3)``."""
    light = np.stack([reading.face.cells for reading in readings if reading.face])
    return logarithm(light[:, face_cells()].mean(axis=1))


@cache
def face_cells() -> NDArray[np.bool_]:
    """The cells of the face, see `FACE`, ``(GRID, GRID)``."""
    return np.asarray(rho(GRID) < FACE)


def logarithm(light: NDArray[np.floating]) -> Series:
    """Of linear light, 0 to 1; what is darker than a thousandth is noise."""
    return np.log(np.asarray(light, np.float64) + 1e-3)


def nine(readings: Sequence[Reading]) -> Series:
    """What should follow `codes`, ``(n, 3, 3)``: of each frame and channel, the level and the
    slopes across and down that, with
    its slips, explain its cells best.

    The screen's left lights the person's left, which lies right in the image.
    """
    cells = cells_of(readings)[:, face_cells()]
    return np.asarray(np.einsum("bp,npc->ncb", reduction(readings)[1][:3], cells))


def reduction(readings: Sequence[Reading]) -> tuple[Series, Series]:
    """Level, slope across, slope down and slips, ``(p, 7)``, and the filters ``(7, p)`` that find
    them in cells by trust.
    """
    x, y = (place[face_cells()] for place in places(GRID))
    weights = trust(readings)
    basis = np.column_stack([np.ones_like(x), x, 0.5 - y, slips(readings)])
    return basis, np.asarray(np.linalg.pinv(basis * weights[:, None]) * weights)


def slips(readings: Sequence[Reading]) -> Series:
    """What a face that is followed inexactly adds to the logarithm of its cells, ``(cells, 4)``:
    shifts, zoom and turn.
    """
    right, down = next(reading.face.anchor.edges for reading in readings if reading.face)
    x, y = places(GRID)
    parts = (right, down, right * x + down * (y - 0.5), down * x - right * (y - 0.5))
    return np.column_stack([part[face_cells()] for part in parts]).astype(np.float64)


def trust(readings: Sequence[Reading]) -> Series:
    """Weight of each cell, ``(cells,)``, 0 to 1: an edge of the face's paint is noisy where
    following is inexact.
    """
    edges = np.hypot(*slips(readings)[:, :2].T)
    return np.asarray(1 / np.hypot(1, edges / EDGE))


def settled(series: Series, times: Series) -> Series:
    """Series ``(n, ...)`` without their mean and their drift, see `SLOWEST`."""
    return left_over(series.reshape(len(series), -1), drifts(times)).reshape(series.shape)


def left_over(series: Series, basis: Series) -> Series:
    """What of series ``(n, some)`` a basis ``(n, other)`` does not explain."""
    return np.asarray(series - basis @ np.linalg.lstsq(basis, series, rcond=None)[0])


def drifts(times: Series) -> Series:
    """The slow cosines of `SLOWEST`, and a constant, ``(n, some)``."""
    span = float(np.ptp(times)) + 1e-9
    orders = np.arange(int(2 * span / SLOWEST) + 1)
    return np.asarray(np.cos(np.pi * orders * (times[:, None] - times[0]) / span))
