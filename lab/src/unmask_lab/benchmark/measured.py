"""Scores of faces after every degradation.

Each face is forged once, sent all the ways, measured as the runtime would, and dropped.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unmask import faces
from unmask.evidence.learned import over_crop
from unmask_lab import metrics
from unmask_lab.benchmark.subgroups import typology_angle
from unmask_lab.data import BONA_FIDE, Row
from unmask_lab.degrade import Degradation
from unmask_lab.examples import Example, as_seen, score, with_forgeries
from unmask_lab.parallel import spread
from unmask_lab.samples import shapes

Record = tuple[str | int | float, ...]
"""One face after one way: a value for each field of `Faces`, in order."""


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Measured faces in columns, ``(n,)`` each: one entry per face and way.

    Unknown figures are nan.

    Attributes:
        way: name of the degradation.
        family, source, identity, original, label: as `Example` has them.
        score: logit of the served network.
        size_px, sharpness, yaw, blockiness: as `Quality` has them.
        typology: individual typology angle of the bona fide face, degrees.
        agreement: of the map with the true mask, an AUC over the cells of the map.
    """

    way: NDArray[np.str_]
    family: NDArray[np.str_]
    source: NDArray[np.str_]
    identity: NDArray[np.str_]
    original: NDArray[np.str_]
    label: NDArray[np.int64]
    score: NDArray[np.float64]
    size_px: NDArray[np.float64]
    sharpness: NDArray[np.float64]
    yaw: NDArray[np.float64]
    blockiness: NDArray[np.float64]
    typology: NDArray[np.float64]
    agreement: NDArray[np.float64]

    @classmethod
    def of(cls, records: Sequence[Record]) -> Faces:
        """Builds the columns from at least one record."""
        return cls(*(np.array(column) for column in zip(*records, strict=True)))

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, chosen: NDArray[np.bool_]) -> Faces:
        """Selects faces by a mask, ``(n,)``."""
        return Faces(*(getattr(self, column.name)[chosen] for column in fields(self)))


def measure(
    rows: Sequence[Row],
    families: Sequence[str],
    ways: Mapping[str, Degradation],
    seed: int = 300,
    processes: int = 2,
) -> Faces:
    """Measures every face, and a forgery per family of each bona fide one, after every way.

    Args:
        rows: bona fide and changed faces.
        families: to forge; none for rows that bring their own changed faces.
        ways: by name.
        seed: of forging and of noise.
        processes: that share the work; 0 to stay in this one.
    """
    task = Task(tuple(rows), tuple(families), dict(ways), seed)
    records: list[Record] = []
    each = spread(task, range(len(task.rows)), processes, chunk=4)
    for done, of_row in enumerate(each, start=1):
        records += of_row
        if done % 100 == 0:
            print(f"measured {done} of {len(task.rows)}", file=sys.stderr, flush=True)
    return Faces.of(records)


@dataclass(frozen=True)
class Task:
    """Work of `measure` on one row; called with the row's index."""

    rows: tuple[Row, ...]
    families: tuple[str, ...]
    ways: dict[str, Degradation]
    seed: int

    @cached_property
    def points(self) -> NDArray[np.float32]:
        """`shapes` of the rows."""
        return shapes(self.rows)

    @cached_property
    def originals(self) -> dict[str, int]:
        """Indices of the bona fide rows by clip."""
        return {row.clip: i for i, row in enumerate(self.rows) if row.label == BONA_FIDE}

    def __call__(self, i: int) -> list[Record]:
        """Measures row ``i`` and returns its records."""
        row, rng = self.rows[i], np.random.default_rng((self.seed, i))
        original = i if row.label == BONA_FIDE else self.originals.get(row.made_from or "", -1)
        pictures = with_forgeries(
            row, self.rows, self.points, self.families if original == i else (), rng
        )
        examples, names = [], []
        for k, (name, degradation) in enumerate(self.ways.items()):
            noise = np.random.default_rng((self.seed, i, k))
            for rgb, mask, family in pictures:
                examples.append(
                    as_seen(row, rgb, mask, family, str(original), degradation, 1.0, noise)
                )
                names.append(name)
        logits, maps = score(examples)
        typology = self._typology(original) if original >= 0 else float("nan")
        return [
            _record(name, example, float(logit), over_crop(where), typology)
            for name, example, logit, where in zip(names, examples, logits, maps, strict=True)
        ]

    def _typology(self, i: int) -> float:
        return typology_angle(faces.align(self.rows[i].rgb, self.rows[i].points))


def _record(
    way: str, e: Example, logit: float, where: NDArray[np.float32], typology: float
) -> Record:
    q = e.quality
    about = (way, e.family, e.source, e.identity, e.original, e.label, logit)
    return (*about, q.size_px, q.sharpness, q.yaw, q.blockiness, typology, _agreement(e, where))


def _agreement(example: Example, where: NDArray[np.float32], least: float = 0.2) -> float:
    """Computes the AUC of the map's cells; nan without a mask, or with cells of one class only.

    Cells whose mean mask is above ``least`` count as changed.
    """
    if example.mask is None:
        return float("nan")
    side = example.mask.shape[0] // where.shape[0]
    cells = (
        example.mask.reshape(where.shape[0], side, where.shape[1], side).mean(axis=(1, 3)) > least
    )
    return (
        metrics.auc(where[~cells], where[cells]) if 0 < cells.sum() < cells.size else float("nan")
    )
