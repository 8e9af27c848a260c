"""Training pairs: a bona fide face and a forgery of the same face, degraded the same way.

Sample ``i`` depends on the seed and ``i`` alone, so a resumed training sees the same samples as an
uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from unmask import faces
from unmask.types import Rgb
from unmask_lab import degrade
from unmask_lab.config import Attack
from unmask_lab.data import Row
from unmask_lab.forge import Forged, forge, forge_beside
from unmask_lab.forge.face import FaceImage, moved
from unmask_lab.net import STRIDE

__all__ = ["Attack", "Pairs", "Swap", "forge_visibly", "nearest", "shapes"]

ATTACKED = 0.5
"""Part of the pairs that are attacks, where there are any."""

GIVEN = 0.5
"""Part of the other pairs that are given rather than forged, where there are any."""

LEAST = 2.5
"""Least mean difference of a forgery to measure on from its original inside its mask, grey levels.

A smaller one hardly counts as a change. A training sees faint ones, too.
"""

TIGHT = np.array([-1.296, -1.126, 1.296, 1.866])
"""Outline of the face, in distances between the eyes.

`unmask.faces.CLOSE_UP` is this and an eighth more on each side.
"""

TIGHTLY_CUT = {False: 0.5, True: 0.15}
"""Part of the pictures that are cropped close to the face before degradation.

By whether the crops are close-ups.
"""

LEAST_MARGIN, MOST_MARGIN = 0.04, 0.25
"""Bounds of the margin around `TIGHT` in a training's close-ups, in parts of its sides."""

Swap = tuple[Row, Row]
"""Bona fide row, and a changed one that others made from it."""


class Pairs(Dataset[tuple[NDArray[np.uint8], NDArray[np.float32]]]):
    """Data set of training pairs.

    Sample ``i`` is crops uint8 ``(2, px, px, 3)``, bona fide first, and the forgery's map, float32,
    a value for each ``STRIDE`` px.

    Args:
        rows: bona fide faces.
        families: drawn from with equal chance.
        seed, first, count: samples ``first`` to ``first + count`` of this seed.
        attacks: make `ATTACKED` of the pairs, each with equal chance; one that is listed twice
            counts twice.
        given: make `GIVEN` of the rest; where they were changed is not known, and their map is NaN.
        close: whether the crops are close-ups of `CLOSE_UP_PX` px, as the strong look takes them,
            instead of aligned crops of `CROP_PX`.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        families: Sequence[str],
        seed: int,
        first: int,
        count: int,
        attacks: Sequence[Attack] = (),
        given: Sequence[Swap] = (),
        close: bool = False,
    ) -> None:
        self.rows, self.families, self.seed, self.first, self.count = (
            rows,
            families,
            seed,
            first,
            count,
        )
        self.attacks, self.given, self.close = attacks, given, close
        self.shapes = shapes(rows)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        rng = np.random.default_rng((self.seed, self.first + i))
        if self.given and rng.random() < GIVEN:
            return _given(*self.given[int(rng.integers(len(self.given)))], self.close, rng)
        row = self.rows[int(rng.integers(len(self.rows)))]
        target = FaceImage(row.rgb, row.points, row.mesh)
        family, way = self._attack(rng)
        beside, forged = forge_beside(
            family, target, nearest(self.rows, self.shapes, row, rng), rng
        )
        return _same_way(beside, forged, way, self.close, rng)

    def _attack(self, rng: np.random.Generator) -> tuple[str, degrade.Degradation | None]:
        if self.attacks and rng.random() < ATTACKED:
            family, name = self.attacks[int(rng.integers(len(self.attacks)))]
            return family, degrade.NAMED[name]
        return str(rng.choice(self.families)), None


def nearest(
    rows: Sequence[Row],
    shapes: NDArray[np.float32],
    row: Row,
    rng: np.random.Generator,
    among: int = 32,
) -> FaceImage:
    """Returns, of ``among`` random other people, the one whose five points are most similar."""
    drawn = rng.integers(len(rows), size=among)
    other = [i for i in drawn if rows[i].identity != row.identity] or [int(drawn[0])]
    best = min(other, key=lambda i: float(np.square(shapes[i] - _shape(row.points)).sum()))
    return FaceImage(rows[best].rgb, rows[best].points, rows[best].mesh)


def shapes(rows: Sequence[Row]) -> NDArray[np.float32]:
    """Normalises each face's five points for place, size and tilt, float32 ``(n, 5, 2)``."""
    return np.stack([_shape(row.points) for row in rows])


def _shape(points: NDArray[np.float32]) -> NDArray[np.float32]:
    return moved(points, faces.similarity(points, faces.TEMPLATE)) / np.float32(faces.CROP_PX)


def forge_visibly(
    family: str, target: FaceImage, donor: FaceImage, rng: np.random.Generator
) -> Forged:
    """Makes a forgery that differs visibly from its original.

    The difference is `LEAST` grey levels or more inside its mask. Returns the last of six tries if
    none does.
    """
    for _ in range(6):
        forged = forge(family, target, donor, rng)
        inside = forged.mask > 0.1
        if (
            inside.any()
            and float(np.abs(forged.rgb[inside].astype(int) - target.rgb[inside]).mean()) >= LEAST
        ):
            break
    return forged


def _same_way(
    target: FaceImage,
    forged: Forged,
    way: degrade.Degradation | None,
    close: bool,
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    window = _window(target, TIGHTLY_CUT[close], rng)
    cut = _cut(
        FaceImage(
            target.rgb, target.points - np.array([window[1].start, window[0].start], np.float32)
        ),
        close,
        rng,
    )
    way, noise_seed = way or degrade.at_random(rng), int(rng.integers(2**31))
    crops = [
        cut(way(np.ascontiguousarray(rgb[window]), np.random.default_rng(noise_seed)))
        for rgb in (target.rgb, forged.rgb)
    ]
    where = cut((np.repeat(forged.mask[window][..., None], 3, 2) * 255).astype(np.uint8))
    side = where.shape[0] // STRIDE
    small = cv2.resize(
        where[..., 0].astype(np.float32) / 255, (side, side), interpolation=cv2.INTER_AREA
    )
    return np.stack(crops), np.asarray(small, np.float32)


def _given(
    original: Row, changed: Row, close: bool, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    way, noise_seed, cut_seed = (
        degrade.at_random(rng),
        int(rng.integers(2**31)),
        int(rng.integers(2**31)),
    )
    crops = []
    for row in (original, changed):
        cut = _cut(FaceImage(row.rgb, row.points, row.mesh), close, np.random.default_rng(cut_seed))
        crops.append(cut(way(row.rgb, np.random.default_rng(noise_seed))))
    return np.stack(crops), np.full((crops[0].shape[0] // STRIDE,) * 2, np.nan, np.float32)


def _cut(face: FaceImage, close: bool, rng: np.random.Generator) -> Callable[[Rgb], Rgb]:
    """Draws a crop of a face, the same for every picture of it.

    Its points are jittered, and half of the crops are mirrored.
    """
    points = face.points + rng.normal(0, 0.02 * face.eyes_apart, (5, 2)).astype(np.float32)
    flip = rng.random() < 0.5
    margins = (
        rng.uniform(LEAST_MARGIN, MOST_MARGIN, 4)
        * np.tile(TIGHT[2:] - TIGHT[:2], 2)
        * (-1, -1, 1, 1)
    )
    x0, y0, x1, y1 = (float(side) for side in TIGHT + margins)

    def cut(rgb: Rgb) -> Rgb:
        crop = faces.close_up(rgb, points, (x0, y0, x1, y1)) if close else faces.align(rgb, points)
        return np.ascontiguousarray(crop[:, ::-1]) if flip else crop

    return cut


def _window(face: FaceImage, tightly: float, rng: np.random.Generator) -> tuple[slice, slice]:
    """Draws the whole picture, or a window close to the face.

    Windows occur at the edge of a frame and in sets of tight crops.
    """
    h, w = face.rgb.shape[:2]
    if rng.random() >= tightly:
        return slice(0, h), slice(0, w)
    (cx, cy), reach = face.points.mean(axis=0), face.eyes_apart * rng.uniform(1.05, 2.0, 4)
    return (
        slice(max(0, int(cy - reach[0])), min(h, max(int(cy + reach[1]), 32))),
        slice(max(0, int(cx - reach[2])), min(w, max(int(cx + reach[3]), 32))),
    )
