"""Test whether the surface stands out as a face does, by the answers to light from the sides.

When light comes from one side instead of the other, each place of a surface changes by its slope to
that side. The answer to left less right light, divided by the answer to all light at the same
place, is independent of the skin's colour, of room light and of exposure, and gives the slope
across; top less bottom gives the slope down (photometric stereo: Woodham 1980).

A sheet of paper or a screen can be bent one way only: about an upright axis its slopes across are
the same in every row, about a level one its slopes down in every column; and near light adds what
is linear over the sheet. For each of four ways to bend, all that is subtracted, and what is left is
compared with what is left of a face: above all the nose, whose flanks and underside no sheet has.
The way that leaves least counts. A tint leaves nothing at all.

The comparison is by generalised least squares: cells are weighted by their noise and its
covariance, measured on the readings after the answers are subtracted. The face is that of `depth`,
by usual proportions; people differ from it far less than from a sheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from unmask.faces.regions import places
from unmask.live.reading import GRID
from unmask.live.response import Response
from unmask.live.signals import Series, face_cells

BENDS = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
"""Directions, from level, along which a sheet may be bent."""

BINS = 8
"""Places along that direction at each of which it may have a slope of its own, creases included."""

UNEVEN = 0.005
"""Height that gloss, grain and a camera's tone curve may add to a sheet.

Heights of simulated prints have 0.01 as their standard deviation in good light, where noise is
less.
"""


@dataclass(frozen=True, slots=True)
class Relief:
    """Remaining relief of the surface as a multiple of that of the usual face.

    Attributes:
        across, down: height times the breadth of the light, which is unknown: about 0.04 before a
        telephone and 0.12 before a laptop, 0 for a sheet.
        doubt_across, doubt_down: their standard errors, `UNEVEN` included.
    """

    across: float
    down: float
    doubt_across: float
    doubt_down: float

    @property
    def certainty(self) -> float:
        """Number of standard errors by which the surface stands out, both ways together."""
        return float(
            np.hypot(max(self.across / self.doubt_across, 0), max(self.down / self.doubt_down, 0))
        )

    @property
    def hollow(self) -> float:
        """Number of standard errors by which it stands in where a face stands out, or else 0."""
        return -min(self.across / self.doubt_across, self.down / self.doubt_down, 0.0)


def relief(seen: Response) -> Relief:
    """Measures the relief of the surface with this response."""
    everything = _plausible(seen.answers[:, 0])
    white = np.stack([_whitener(seen.rest[..., channel]) for channel in range(3)])
    slips = np.column_stack([np.ones(len(seen.slips)), seen.slips])
    frames = np.kron(np.eye(6), slips).reshape(3, 2, -1, 6 * slips.shape[1])
    near = span(_whitened(np.concatenate([_answered(_near(), everything), frames], axis=3), white))
    found = beside(_whitened(seen.answers[:, 1:], white), near)
    face = beside(_whitened(_answered(usual_slopes(), everything), white), near)
    reliefs = []
    for bend in BENDS:
        bent = beside(_whitened(_answered(_bent(bend), everything), white), near)
        filters = np.linalg.pinv(without(face, bent))
        across, down = filters @ found
        by_cell = np.einsum("hcmq,cqp->mhcp", filters.reshape(2, 3, 2, -1), white)
        doubt = np.sqrt(sum(seen.noise(by_cell[part], 1 + part) for part in (0, 1)) + UNEVEN**2)
        reliefs.append(Relief(float(across), float(down), float(doubt[0]), float(doubt[1])))
    return min(reliefs, key=lambda one: one.certainty)


def _plausible(answers: Series) -> Series:
    """Limits answers to all light, ``(3, p)``, to a range outside which they can only be noise."""
    usual = np.maximum(np.median(answers, axis=1, keepdims=True), 1e-4)
    return np.clip(answers, 0.25 * usual, 4 * usual)


def _answered(slopes: Series, everything: Series) -> Series:
    """Computes the answers of cells with such slopes, ``(2, p, some)``, to light from the sides.

    They are ``(3, 2, p, some)``.
    """
    return np.asarray(everything[:, None, :, None] * slopes[None] / 2)


def _whitener(noise: Series, shrink: float = 0.1) -> Series:
    """Returns the matrix ``(p, p)`` that makes noise ``(n, p)`` white.

    The covariance's off-diagonal is shrunk, because it is known least.
    """
    covariance = noise.T @ noise / len(noise)
    covariance = (
        (1 - shrink) * covariance
        + shrink * np.diag(np.diag(covariance))
        + 1e-10 * np.eye(len(covariance))
    )
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors / np.sqrt(np.maximum(values, 1e-10))) @ vectors.T)


def _whitened(patterns: Series, white: Series) -> Series:
    """Converts patterns ``(3, 2, p, ...)`` to units of noise, ``(6 p, ...)``."""
    return np.asarray(
        np.einsum("cqp,cmp...->cmq...", white, patterns).reshape(-1, *patterns.shape[3:])
    )


def without(patterns: Series, others: Series) -> Series:
    """Returns the part of patterns ``(n, ...)`` that others ``(n, some)`` do not explain."""
    return beside(patterns, span(others))


def span(patterns: Series) -> Series:
    """Returns an orthonormal base of patterns ``(n, some)``."""
    left, size, _ = np.linalg.svd(patterns, full_matrices=False)
    return np.asarray(left[:, size > 1e-9 * max(float(size[0]), 1e-12)])


def beside(patterns: Series, base: Series) -> Series:
    """Returns the part of patterns ``(n, ...)`` that does not lie in a base of `span`."""
    return np.asarray(patterns - base @ (base.T @ patterns))


# ---------------------------------------------------------------- faces and sheets


def depth(x: Series, y: Series) -> Series:
    """Returns how far the usual face stands out at each place, in distances between the eyes.

    The places have the same unit, see `unmask.faces.regions`. The face is a head of 145 by 230 mm
    with a nose of 22 mm, sockets of the eyes, brows, lips and chin, where the eyes are 63 mm apart
    (means of adults: Farkas, "Anthropometry of the Head and Face", 1994).
    """
    head = 1.35 * np.sqrt(np.maximum(1 - (x / 1.15) ** 2 - ((y - 0.55) / 1.8) ** 2, 0.05))
    height = np.interp(y, [-0.1, 0.6, 0.72, 0.85], [0.04, 0.36, 0.33, 0.0])
    nose = height * np.exp(-((x / np.interp(y, [0.0, 0.65], [0.13, 0.2])) ** 2) / 2)
    sockets = 0.14 * (_mound(x - 0.5, y, 0.28, 0.17) + _mound(x + 0.5, y, 0.28, 0.17))
    brow = 0.06 * np.exp(-(((y + 0.38) / 0.15) ** 2) / 2)
    lips = 0.09 * _mound(x, y - 1.155, 0.35, 0.13) - 0.05 * _mound(x, y - 1.4, 0.4, 0.08)
    chin = 0.12 * _mound(x, y - 1.7, 0.35, 0.18)
    return np.asarray(head + nose - sockets + brow + lips + chin)


def _mound(x: Series, y: Series, width: float, height: float) -> Series:
    return np.asarray(np.exp(-((x / width) ** 2 + (y / height) ** 2) / 2))


@cache
def usual_slopes() -> Series:
    """Returns the slopes of the usual face, ``(2, p, 2)``: across alone, then down alone.

    They are positive where light from the left, or the top, falls. The screen's left lights the
    person's left, which lies right in the image.
    """
    side = 8 * GRID
    x, y = places(side)
    down, across = np.gradient(depth(x, y), float(x[0, 1] - x[0, 0]))
    p, q = (
        part.reshape(GRID, 8, GRID, 8).mean(axis=(1, 3))[face_cells()] for part in (-across, down)
    )
    return np.stack([np.stack([p, 0 * q]), np.stack([0 * p, q])], axis=2)


@cache
def powers(order: int) -> Series:
    """Returns the powers of the cells' places, ``(p, some)``."""
    x, y = (place[face_cells()] for place in places(GRID))
    return np.column_stack(
        [x**i * (y - 0.5) ** j for i in range(order + 1) for j in range(order + 1 - i)]
    )


@cache
def along(bend: float) -> tuple[Series, Series]:
    """Returns the positions of cells along a direction and across it, ``(p,)`` each."""
    x, y = (place[face_cells()] for place in places(GRID))
    return np.cos(bend) * x + np.sin(bend) * (y - 0.5), np.cos(bend) * (y - 0.5) - np.sin(bend) * x


@cache
def _near() -> Series:
    """Returns slopes that near light adds to a sheet, ``(2, p, 6)``."""
    one = powers(1)
    return np.stack([np.hstack([one, 0 * one]), np.hstack([0 * one, one])])


@cache
def _bent(bend: float) -> Series:
    """Returns slopes of a sheet bent along a direction, ``(2, p, BINS)``."""
    place, _ = along(bend)
    edges = np.linspace(place.min(), place.max() + 1e-9, BINS + 1)
    bins = np.column_stack([(place >= low) & (place < high) for low, high in pairwise(edges)])
    return np.stack([np.cos(bend) * bins, -np.sin(bend) * bins])
