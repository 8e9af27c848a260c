"""Small models over named measurements of a face; each measurement can only raise the score.

The lab fits them by logistic regression with non-negative weights and writes them, with the data of
the fit, as ``weights/<name>.json``. So the weights can be read directly, and a larger measurement
never lowers the score. `WeighingLine` is a line of evidence that such a model scores.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from unmask import models
from unmask.errors import WeightsError
from unmask.measuring import Measurement, SightingLine
from unmask.messages import Message
from unmask.types import Picture, Reading, Rgb, Status, TrackEvidence, of_highest

MOST = 4.0
"""Spreads from the mean at which a measurement is clipped, so that no single one decides."""


@dataclass(frozen=True, slots=True)
class Term:
    """One measurement: mean and spread over bona fide faces, and weight per spread, 0 or more."""

    mean: float
    spread: float
    weight: float


@dataclass(frozen=True, slots=True)
class FeatureModel:
    """Terms by name of the measurement.

    ``notable`` is the score that one in a hundred bona fide faces reaches.
    """

    intercept: float
    terms: Mapping[str, Term]
    notable: float

    def parts(self, values: Mapping[str, float]) -> dict[str, float]:
        """Returns each measurement's contribution to the score; 0 for the mean bona fide face."""
        return {
            name: t.weight * min(max((values[name] - t.mean) / t.spread, -MOST), MOST)
            for name, t in self.terms.items()
        }

    def reason(self, values: Mapping[str, float]) -> str | None:
        """Names the largest contribution to the score; None if the score is below `notable`."""
        parts = self.parts(values)
        return (
            max(parts, key=lambda name: parts[name]) if self.score(values) >= self.notable else None
        )

    def score(self, values: Mapping[str, float]) -> float:
        """Returns natural log-odds of *changed* among the faces that the model was fitted to."""
        return self.intercept + sum(self.parts(values).values())


@cache
def load(name: str) -> FeatureModel:
    """Loads the model of a line of evidence.

    Raises:
        WeightsError: its file is missing, damaged, or not the released one.
    """
    try:
        facts: dict[str, Any] = json.loads(models.content(f"{name}.json"))
        terms = {key: Term(**of) for key, of in facts["terms"].items()}
        return FeatureModel(facts["intercept"], terms, facts["notable"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"{name}.json: no model that this version of Unmask reads; reinstall Unmask"
        ) from error


class WeighingLine(SightingLine[Mapping[str, float]]):
    """A line of evidence scored by its `FeatureModel`.

    The names of its measurements are those that the model weighs.

    Args:
        share: part of a track's sightings, the highest ones, whose mean is the track's score.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def sum_up(self, measured: Sequence[Measurement[Mapping[str, float]]]) -> TrackEvidence:
        """Scores every sighting, and explains and shows the highest one.

        Raises:
            WeightsError: see `load`.
        """
        model = load(self.name)
        readings = tuple(Reading(m.sighting.time, model.score(m.value)) for m in measured)
        worst = measured[max(range(len(readings)), key=lambda i: readings[i].score)]
        time = worst.sighting.time if len(readings) > 1 else None
        return TrackEvidence(
            Status.RAN,
            self.summary(model.reason(worst.value), time),
            of_highest([r.score for r in readings], self.share),
            readings,
            (self.picture(worst.sighting.crop, time),),
        )

    @abstractmethod
    def summary(self, reason: str | None, time: float | None) -> Message:
        """Says in one sentence what the highest sighting shows.

        Args:
            reason: see `FeatureModel.reason`.
            time: of that sighting, seconds; None where it is the only one.
        """

    @abstractmethod
    def picture(self, crop: Rgb, time: float | None) -> Picture:
        """Shows the crop of the highest sighting; ``time`` as in `summary`."""
