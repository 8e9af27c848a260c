"""Does the light on the face fall as on a face's shape, rather than on a sheet, a screen or a tint?

Light from one side instead of the other changes each place of a surface by its slope to that side. The response to left
less right light, divided by the response to all light at the same place, is free of the skin's colour, of room light and of
exposure, and gives the slope across; top less bottom gives the slope down (photometric stereo: Woodham 1980). So each
session yields a map of the face's relief.

A sheet of paper or a screen can be bent one way only. A sheet bent about an upright axis has slopes across that are the same
in every row; about a level one, slopes down that are the same in every column; and near light adds what is linear over
the sheet. All of that is removed from the map, and what is left is compared with what is left of a face: above all the nose,
whose flanks and underside no sheet has. A tint leaves nothing at all. The face is that of `depth`, by usual
proportions; people differ from it far less than from a sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from unmask.live import light
from unmask.live.challenge import SYMBOLS, LightChallenge
from unmask.live.light import Series
from unmask.live.reading import GRID, Reading
from unmask.regions import places

BENDS = np.radians(np.arange(0, 180, 22.5))
"""Directions, from level, along which a sheet may be bent."""

ORDER = 2
BINS = 8
"""Places along that direction at each of which it may have a slope of its own, creases included."""

UNEVEN = 0.005
"""Height that gloss, grain and a camera's tone curve may lend to a sheet."""


@dataclass(frozen=True, slots=True)
class Relief:
    """How the map of slopes compares with a face's, both without what the sheet may show that leaves least of the face.

    Attributes:
        height: of what is left as a multiple of what is left of the usual face, across and down, times the breadth of the light, which is unknown.
        doubt: standard errors of ``height``.
    """

    height: tuple[float, float]
    doubt: tuple[float, float]

    @property
    def certainty(self) -> float:
        """By how many standard errors the surface stands out as a face does, both ways together."""
        return float(np.hypot(*(max(h, 0.0) / d for h, d in zip(self.height, self.doubt, strict=True))))


def relief(challenge: LightChallenge, shown: Sequence[float], readings: Sequence[Reading], delay: float) -> Relief:
    """The relief of the face of ``readings``; arguments as of `unmask.live.verification.verify`, ``delay`` from `light.answer`."""
    times = light.times_of(readings)
    symbols = light.symbol_at(challenge, shown, times - delay)
    lit = symbols >= 0
    code = light.codes(challenge)
    seen = light.cells_of(readings)[lit][:, light.face_cells()]
    answers, rest = _fit(code[symbols[lit]], light.drifts(times[lit]), seen)
    everything = _lit_at_all(answers[:, 0])
    white = np.stack([_whitener(rest[..., channel]) for channel in range(3)])
    found = _whitened(answers[:, 1:], white)
    slips = np.column_stack([np.ones(seen.shape[1]), light.slips(readings)])
    frames = np.kron(np.eye(6), slips).reshape(3, 2, -1, 6 * slips.shape[1])
    usual = _lit_as(_usual(), everything)
    near = _whitened(np.concatenate([_lit_as(_near(), everything), frames], axis=3), white)
    found, usual = _without(found, near), _without(_whitened(usual, white), near)
    reliefs = []
    for bend in BENDS:
        bent = _without(_whitened(_lit_as(_bent(float(bend)), everything), white), near)
        filters = np.linalg.pinv(_without(usual, bent))
        seen_by = np.einsum("hcmq,cqp->hcmp", filters.reshape(2, 3, 2, -1), white)
        doubt = np.hypot(_doubt(code, np.einsum("npc,hcmp->nhmc", rest, seen_by, optimize=True), symbols[lit]), UNEVEN)
        reliefs.append(Relief(tuple((filters @ found).tolist()), tuple(doubt.tolist())))
    return min(reliefs, key=lambda one: one.certainty)


def _fit(code: Series, drift: Series, seen: Series) -> tuple[Series, Series]:
    """Each channel's cells' answers to its own light, all, across and down, ``(3, 3, cells)``, and the rest of ``seen``."""
    answers, rest = np.zeros((3, 3, seen.shape[1])), np.empty_like(seen)
    for channel in range(3):
        basis = np.hstack([code[:, channel], drift])
        fit = np.linalg.lstsq(basis, seen[..., channel], rcond=None)[0]
        rest[..., channel] = seen[..., channel] - basis @ fit
        answers[channel] = fit[:3]
    # The fit has followed some of the noise, so that the rest has too little.
    return answers, rest * np.sqrt(SYMBOLS / (SYMBOLS - 3 - drift.shape[1]))


def _lit_at_all(answers):
    """Response to all light, ``(3, cells)``, without what can only be noise."""
    usual = np.maximum(np.median(answers, axis=1, keepdims=True), 1e-4)
    return np.clip(answers, 0.25 * usual, 4 * usual)


def _lit_as(slopes, everything):
    """How cells of these slopes answer light from across and down, ``(3, 2, cells, some)``; slopes (2, cells, some)."""
    return everything[:, None, :, None] * slopes[None] / 2


def _whitener(rest, shrink=0.1):
    """Matrix that makes noise of the cells' covariance white."""
    covariance = rest.T @ rest / len(rest)
    covariance = (1 - shrink) * covariance + shrink * np.diag(np.diag(covariance)) + 1e-10 * np.eye(len(covariance))
    values, vectors = np.linalg.eigh(covariance)
    return (vectors / np.sqrt(values)) @ vectors.T


def _whitened(patterns, white):
    """(3, 2, cells, ...) -> (3*2*cells, ...)"""
    return np.einsum("cqp,cmp...->cmq...", white, patterns).reshape(-1, *patterns.shape[3:])


def _doubt(code, noise, symbols):
    """noise (n, 2 heights, 2 comps, 3 channels)"""
    sums = np.zeros((len(code), *noise.shape[1:]))
    np.add.at(sums, symbols, noise)
    decoys = light.decoys(code, 500)[..., 1:]
    energy = (code[symbols, 0, 1:] ** 2).sum(axis=0)
    values = np.einsum("dkcm,khmc,m->dh", decoys, sums, 1 / energy)
    return values.std(axis=0)


def depth(x: Series, y: Series) -> Series:
    """How far the usual face stands out at each place, all in distances between the eyes; see `unmask.regions` for places.

    A head, 145 mm wide, 230 mm high and 85 mm deep, with a nose of 22 mm, sockets of the eyes, brows, lips and chin; the eyes are 63 mm apart
    (means of adults: Farkas, "Anthropometry of the Head and Face", 1994).
    """
    head = 1.35 * np.sqrt(np.maximum(1 - (x / 1.15) ** 2 - ((y - 0.55) / 1.8) ** 2, 0.05))
    nose_height = np.interp(y, [-0.1, 0.6, 0.72, 0.85], [0.04, 0.36, 0.33, 0.0])
    nose = nose_height * np.exp(-((x / np.interp(y, [0.0, 0.65], [0.13, 0.2])) ** 2) / 2)
    sockets = -0.14 * (_mound(x - 0.5, y, 0.28, 0.17) + _mound(x + 0.5, y, 0.28, 0.17))
    brow = 0.06 * np.exp(-(((y + 0.38) / 0.15) ** 2) / 2)
    lips = 0.09 * _mound(x, y - 1.155, 0.35, 0.13) - 0.05 * _mound(x, y - 1.4, 0.4, 0.08)
    chin = 0.12 * _mound(x, y - 1.7, 0.35, 0.18)
    return np.asarray(head + nose + sockets + brow + lips + chin)


def _mound(x: Series, y: Series, width: float, height: float) -> Series:
    return np.asarray(np.exp(-((x / width) ** 2 + (y / height) ** 2) / 2))


@cache
def _usual() -> Series:
    """The usual face's slopes ``(2, cells, 2)``: those across alone, and those down alone."""
    side = 8 * GRID
    x, y = places(side)
    # A place is lit from the screen's left, right in the image, where it falls off to the right; from the top where it rises downwards.
    down, across = np.gradient(depth(x, y), float(x[0, 1] - x[0, 0]))
    p, q = (part.reshape(GRID, 8, GRID, 8).mean(axis=(1, 3))[light.face_cells()] for part in (-across, down))
    return np.stack([np.stack([p, 0 * q]), np.stack([0 * p, q])], axis=2)


@cache
def _near() -> Series:
    """Slopes that near light lends to a sheet, ``(2, cells, 6)``."""
    x, y = (place[light.face_cells()] for place in places(GRID))
    nothing = np.zeros_like(x)
    terms = [x**i * y**j for i in range(ORDER + 1) for j in range(ORDER + 1 - i)]
    return np.array([*((one, nothing) for one in terms), *((nothing, one) for one in terms)]).transpose(1, 2, 0)


@cache
def _bent(bend: float) -> Series:
    """Slopes of a sheet bent along a direction, ``(2, cells, some)``."""
    x, y = (place[light.face_cells()] for place in places(GRID))
    along = np.cos(bend) * x + np.sin(bend) * (y - 0.5)
    edges = np.linspace(along.min(), along.max() + 1e-9, BINS + 1)
    bins = [(along >= low) & (along < high) for low, high in pairwise(edges)]
    return np.array([(np.cos(bend) * one, -np.sin(bend) * one) for one in bins if one.any()]).transpose(1, 2, 0)


def _without(patterns: Series, others: Series) -> Series:
    """What is left of patterns, ``(n, ...)``, that others, ``(n, some)``, do not explain."""
    left, size, _ = np.linalg.svd(others, full_matrices=False)
    base = left[:, size > 1e-9 * size[0]]
    return patterns - base @ (base.T @ patterns)
