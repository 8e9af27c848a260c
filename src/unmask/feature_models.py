"""Small models that weigh named measurements of a face, each of which speaks for a change the more the larger it is.

The lab fits them by logistic regression with weights that are nowhere negative, and writes them, with what they rest on, as
``weights/<name>.json``: so one can read off what counts, and a larger measurement never lowers the score.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from unmask import models
from unmask.errors import WeightsError
from unmask.types import Reading, Sighting, clock, of_highest

MOST = 4.0
"""Spreads from its mean beyond which a measurement counts no more, so that no single one decides."""


@dataclass(frozen=True, slots=True)
class Term:
    """One measurement: its mean and spread over bona fide faces, and its weight per spread, 0 or more."""

    mean: float
    spread: float
    weight: float


@dataclass(frozen=True, slots=True)
class FeatureModel:
    """Weights by the name of the measurement; ``notable`` is the score that one in a hundred bona fide faces reaches."""

    intercept: float
    terms: Mapping[str, Term]
    notable: float

    def parts(self, values: Mapping[str, float]) -> dict[str, float]:
        """What each measurement adds to the score; 0 for the mean bona fide face."""
        return {
            name: t.weight * min(max((values[name] - t.mean) / t.spread, -MOST), MOST) for name, t in self.terms.items()
        }

    def reason(self, values: Mapping[str, float]) -> str | None:
        """What adds most to the score, if the score is `notable`."""
        parts = self.parts(values)
        return max(parts, key=lambda name: parts[name]) if self.score(values) >= self.notable else None

    def score(self, values: Mapping[str, float]) -> float:
        """Natural log-odds of *changed* among the faces that it was fitted to."""
        return self.intercept + sum(self.parts(values).values())


@dataclass(frozen=True, slots=True)
class Judged:
    """A track, judged by a model.

    Attributes:
        score: of the whole track, see `unmask.types.of_highest`.
        readings: of the sightings that could be measured.
        worst: the sighting that scored highest.
        when: that was, as words to put behind a noun; empty where there is only one.
        reason: see `FeatureModel.reason`, of the worst.
    """

    score: float
    readings: tuple[Reading, ...]
    worst: Sighting
    when: str
    reason: str | None


def judge(model: FeatureModel, measured: Sequence[tuple[Sighting, Mapping[str, float]]], share: float) -> Judged:
    """What a model says of a track's measured sightings, at least one, in order of time."""
    readings = tuple(Reading(sighting.time, model.score(values)) for sighting, values in measured)
    worst, values = measured[max(range(len(readings)), key=lambda i: readings[i].score)]
    when = f" at {clock(worst.time)}" if len(readings) > 1 else ""
    return Judged(of_highest([r.score for r in readings], share), readings, worst, when, model.reason(values))


@cache
def load(name: str) -> FeatureModel:
    """The model of a line of evidence.

    Raises:
        WeightsError: its file is missing, damaged, or not the released one.
    """
    try:
        facts: dict[str, Any] = json.loads(models.content(f"{name}.json"))
        terms = {key: Term(**of) for key, of in facts["terms"].items()}
        return FeatureModel(facts["intercept"], terms, facts["notable"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{name}.json: no model that this version of Unmask reads; reinstall Unmask") from error
