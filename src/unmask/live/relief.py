"""Does the surface stand out as a face does? From the answers to light from the sides.

Light from one side instead of the other changes each place of a surface by its slope to that side.
The answer to left less right light, divided by the answer to all light at the same place, is free
of the skin's colour, of room light and of exposure, and gives the slope across; top less bottom
gives the slope down (photometric stereo: Woodham 1980).

A sheet of paper or a screen can be bent one way only: about an upright axis its slopes across are
the same in every row, about a level one its slopes down in every column; and near light adds what
is linear over the sheet. For each of four ways to bend, all that is set aside, and what is left is
compared with what is left of a face: above all the nose, whose flanks and underside no sheet has.
The way that leaves least counts. A tint leaves nothing at all.

The comparison is by generalised least squares: cells are weighed by their noise and its covariance,
which the readings themselves show once the answers are taken out. The face is that of `depth`, by
usual proportions; people differ from it far less than from a sheet.
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
"""Height that gloss, grain and a camera's tone curve may lend to a sheet: heights of simulated
prints have 0.01 as their standard
deviation in good light, where noise is less.
"""


@dataclass(frozen=True, slots=True)
class Relief:
    """What is left of the surface as a multiple of what is left of the usual face.

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
        """By how many standard errors the surface stands out, both ways together."""
        return float(
            np.hypot(max(self.across / self.doubt_across, 0), max(self.down / self.doubt_down, 0))
        )

    @property
    def hollow(self) -> float:
        """By how many standard errors it stands in where a face stands out, 0 if it does not."""
        return -min(self.across / self.doubt_across, self.down / self.doubt_down, 0.0)


def relief(seen: Response) -> Relief:
    """The relief of the surface that responded so."""
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
    """Answers to all light, ``(3, p)``, without what can only be noise."""
    usual = np.maximum(np.median(answers, axis=1, keepdims=True), 1e-4)
    return np.clip(answers, 0.25 * usual, 4 * usual)


def _answered(slopes: Series, everything: Series) -> Series:
    """How cells of such slopes, ``(2, p, some)``, answer light from the sides, ``(3, 2, p, some)``."""
    return np.asarray(everything[:, None, :, None] * slopes[None] / 2)


def _whitener(noise: Series, shrink: float = 0.1) -> Series:
    """The matrix ``(p, p)`` that makes noise ``(n, p)`` white; the covariance's off-diagonal
    shrinks, as it is known least.
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
    """Patterns ``(3, 2, p, ...)`` in units of noise, ``(6 p, ...)``."""
    return np.asarray(
        np.einsum("cqp,cmp...->cmq...", white, patterns).reshape(-1, *patterns.shape[3:])
    )


def without(patterns: Series, others: Series) -> Series:
    """What of patterns ``(n, ...)`` others ``(n, some)`` do not explain."""
    return beside(patterns, span(others))


def span(patterns: Series) -> Series:
    """An orthonormal base of patterns ``(n, some)``."""
    left, size, _ = np.linalg.svd(patterns, full_matrices=False)
    return np.asarray(left[:, size > 1e-9 * max(float(size[0]), 1e-12)])


def beside(patterns: Series, base: Series) -> Series:
    """What of patterns ``(n, ...)`` does not lie in a base of `span`."""
    return np.asarray(patterns - base @ (base.T @ patterns))


# ---------------------------------------------------------------- faces and sheets


def depth(x: Series, y: Series) -> Series:
    """How far the usual face stands out at each place, all in distances between the eyes; see
    `unmask.faces.regions` for places.

    A head of 145 by 230 mm with a nose of 22 mm, sockets of the eyes, brows, lips and chin, where
    the eyes are 63 mm apart (means of adults: Farkas, "Anthropometry of the Head and Face", 1994).
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
    """Of the usual face, ``(2, p, 2)``: across alone, then down alone; positive where light from
    the left, or the top, falls.

    The screen's left lights the person's left, which lies right in the image.
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
    """Of the places of cells, ``(p, some)``."""
    x, y = (place[face_cells()] for place in places(GRID))
    return np.column_stack(
        [x**i * (y - 0.5) ** j for i in range(order + 1) for j in range(order + 1 - i)]
    )


@cache
def along(bend: float) -> tuple[Series, Series]:
    """Where cells lie along a direction and across it, ``(p,)`` each."""
    x, y = (place[face_cells()] for place in places(GRID))
    return np.cos(bend) * x + np.sin(bend) * (y - 0.5), np.cos(bend) * (y - 0.5) - np.sin(bend) * x


@cache
def _near() -> Series:
    """Slopes that near light lends to a sheet, ``(2, p, 6)``."""
    one = powers(1)
    return np.stack([np.hstack([one, 0 * one]), np.hstack([0 * one, one])])


@cache
def _bent(bend: float) -> Series:
    """Slopes of a sheet bent along a direction, ``(2, p, BINS)``."""
    place, _ = along(bend)
    edges = np.linspace(place.min(), place.max() + 1e-9, BINS + 1)
    bins = np.column_stack([(place >= low) & (place < high) for low, high in pairwise(edges)])
    return np.stack([np.cos(bend) * bins, -np.sin(bend) * bins])
