"""One trial: a simulated clip of one person, in one version, through the whole check."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import unmask
from unmask.messages import Message, Value
from unmask.types import CheckResult, Rgb
from unmask_lab.benchmark.footage.filming import film
from unmask_lab.benchmark.footage.versions import AS_IT_IS, VERSIONS, as_it_is
from unmask_lab.benchmark.kept import Answer
from unmask_lab.data import BONA_FIDE, CHANGED, Row
from unmask_lab.forge import FAMILIES
from unmask_lab.forge.face import FaceImage
from unmask_lab.samples import forge_visibly, nearest, shapes


@dataclass(frozen=True, slots=True)
class Trial:
    """Clip of the ``number``-th person in one version.

    ``family`` changed the face, "" if it is bona fide.
    """

    number: int
    identity: str
    version: str
    family: str = ""

    @property
    def label(self) -> int:
        """0 bona fide, 1 changed."""
        return CHANGED if self.family else BONA_FIDE


class Studio:
    """Films trials of people, a portrait each.

    Args:
        portraits: bona fide faces of different people; donors are drawn from all of them.
        people: number of people filmed, the first ones.
        each: versions of each person, taken in turn, so that all are equally frequent.
    """

    def __init__(self, portraits: Sequence[Row], people: int, each: int) -> None:
        first = list({row.identity: row for row in reversed(portraits)}.values())
        self.rows: list[Row] = [first[i] for i in np.random.default_rng(0).permutation(len(first))]
        self.shapes = shapes(self.rows)
        self.people, self.each = min(people, len(self.rows)), each

    @property
    def trials(self) -> Iterator[Trial]:
        """Versions of each person, bona fide and changed, and the changed clip as it is."""
        names, families = list(VERSIONS), list(FAMILIES)
        for number, row in enumerate(self.rows[: self.people]):
            family = families[number % len(families)]
            versions = [names[(number * self.each + k) % len(names)] for k in range(self.each)]
            yield from (Trial(number, row.identity, version) for version in versions)
            yield from (
                Trial(number, row.identity, version, family) for version in (*versions, AS_IT_IS)
            )

    def named(self, trial: Trial) -> str:
        """Returns the key under which the answer is kept: what is shown, and how."""
        shown = hashlib.sha256(self.rows[trial.number].jpeg).hexdigest()[:16]
        return f"{trial.number} {shown} {trial.version} {trial.family}"

    def judged(self, trial: Trial) -> Answer:
        """Makes the clip and checks it.

        Returns:
            ``outcome``, ``people`` (how many were found) and ``codes`` of all messages of the
                answer.
        """
        row, other = self.rows[trial.number], self.rows[trial.number - 1]
        make = VERSIONS.get(trial.version, as_it_is)
        with tempfile.TemporaryDirectory() as folder:
            shown = film(self._face(trial), row.points, np.random.default_rng((1, trial.number)))
            next_one = film(other.rgb, other.points, np.random.default_rng((2, trial.number)))
            path = make(shown, next_one, Path(folder), np.random.default_rng((3, trial.number)))
            result = unmask.check(path)
        return {
            "outcome": result.outcome,
            "people": len(result.people),
            "codes": sorted(set(_codes(result))),
        }

    def _face(self, trial: Trial) -> Rgb:
        row = self.rows[trial.number]
        if not trial.family:
            return row.rgb
        donor = nearest(self.rows, self.shapes, row, np.random.default_rng(trial.number))
        face = FaceImage(row.rgb, row.points, row.mesh)
        return forge_visibly(trial.family, face, donor, np.random.default_rng(trial.number)).rgb


def _codes(result: CheckResult) -> Iterator[str]:
    for message in (result.reason, *result.limits, *(person.reason for person in result.people)):
        yield from _inside(message)


def _inside(value: Value) -> Iterator[str]:
    """Yields the codes of a message and of those among its values."""
    if isinstance(value, Message):
        yield value.code
        value = tuple(value.values.values())
    if isinstance(value, tuple):
        for part in value:
            yield from _inside(part)
