"""A line of evidence that the user adds: any ONNX classifier with a card, see `unmask.classifiers`.

It examines the same aligned faces as the learned line. Only its owner knows what it was trained on,
and how often it is right. So it is shown without weight until the lab has calibrated it together
with the other lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from unmask.classifiers import Classifier
from unmask.measuring import recall
from unmask.messages import Message
from unmask.types import Case, Reading, Sighting, Status, Track, TrackEvidence


class Added:
    """Asks the user's model about every sighting.

    Scores are natural log-odds of *changed*; a track's score is that of its highest sighting.

    Args:
        classifier: the model; the line has its name.
    """

    def __init__(self, classifier: Classifier) -> None:
        self.name, self._classifier = classifier.name, classifier
        self._readings: dict[Sighting, Reading] = {}

    def examine(self, track: Track, case: Case) -> TrackEvidence:
        """Scores every sighting."""
        readings = tuple(recall(self._readings, track.sightings, self._measure))
        strongest = max(readings, key=lambda r: r.score)
        share = 1 / (1 + np.exp(-np.clip(strongest.score, -30, 30)))
        points = Message("added.points", {"points": float(100 * share)})
        summary = points.at(strongest.time if len(readings) > 1 else None)
        return TrackEvidence(Status.RAN, summary, strongest.score, readings)

    def _measure(self, sightings: Sequence[Sighting]) -> Iterator[Reading]:
        scores = self._classifier.log_odds(np.stack([s.crop for s in sightings]))
        for sighting, score in zip(sightings, scores, strict=True):
            yield Reading(sighting.time, float(score))
