"""Learned line: a small network trained to see where a face was blended, resampled or pasted.

The network examines one aligned face at a time. It gives a logit, and a map of where in the face it
sees a change. It was trained in the lab on forgeries of the lab's own making; its model card,
``weights/learned.json``, tells on what, and how well it does on forgeries it never saw. It sees
traces of forging, not identity: whose face it is plays no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from unmask import models
from unmask.measuring import recall
from unmask.messages import Message
from unmask.types import Case, Reading, Sighting, Status, Track, TrackEvidence, of_highest

WEIGHT = "learned"

REGIONS = {
    "forehead": (0.0, 0.30),
    "eyes": (0.30, 0.50),
    "nose": (0.50, 0.66),
    "mouth": (0.66, 0.80),
    "chin": (0.80, 1.0),
}
"""Parts of the aligned crop, as fractions of its height from the top.

Each has a message ``learned.NAME``.
"""


class Learned:
    """Asks the network about every sighting; scores are its logits of *changed*.

    Args:
        batch: faces per run of the network, which changes memory and speed, not the result; more
            than a few at once outgrow a CPU's cache (`python -m benchmarks.speed`).
        share: part of a track's sightings, the highest ones, whose mean is the track's score.
    """

    name = "learned"

    def __init__(self, batch: int = 4, share: float = 0.1) -> None:
        self.batch, self.share = batch, share
        self._readings: dict[Sighting, Reading] = {}

    def examine(self, track: Track, case: Case) -> TrackEvidence:
        """Scores every sighting."""
        readings = tuple(recall(self._readings, track.sightings, self._measure))
        strongest = max(readings, key=lambda r: r.score)
        score = of_highest([r.score for r in readings], self.share)
        return TrackEvidence(Status.RAN, _summary(strongest, track), score, readings)

    def _measure(self, sightings: Sequence[Sighting]) -> Iterator[Reading]:
        logits, maps = self.run(np.stack([s.crop for s in sightings]))
        for sighting, logit, where in zip(sightings, logits, maps, strict=True):
            yield Reading(sighting.time, float(logit), where)

    def run(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Runs the network on crops, uint8 ``(n, 192, 192, 3)``.

        Returns logits ``(n,)`` and maps ``(n, 12, 12)``, 0 to 1.
        """
        session = models.session(WEIGHT)
        parts = [
            session.run(["logit", "where"], {"rgb": crops[i : i + self.batch]})
            for i in range(0, len(crops), self.batch)
        ]
        logits, where = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
        return logits, where


def _summary(strongest: Reading, track: Track) -> Message:
    """Tells where and when the network reacts most; the calibration tells whether it matters."""
    region = Message(f"learned.{_region(np.asarray(strongest.heatmap))}")
    return Message("learned.reacts", {"region": region}).at(
        strongest.time if len(track.sightings) > 1 else None
    )


def _region(heatmap: NDArray[np.float32]) -> str:
    rows = heatmap.shape[0]
    mass = {
        name: float(heatmap[round(top * rows) : round(bottom * rows)].mean())
        for name, (top, bottom) in REGIONS.items()
    }
    return max(mass, key=lambda name: mass[name])
