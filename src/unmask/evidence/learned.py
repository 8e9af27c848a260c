"""Learned line: a small network trained to see where a face was blended, resampled or pasted.

The network examines a close-up of one face at a time. It gives a logit, and a map of where in the
face it sees a change. It was trained in the lab on forgeries of the lab's own making; its model
card, ``weights/learned.json``, tells on what, and how well it does on forgeries it never saw. It
sees traces of forging, not identity: whose face it is plays no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from unmask import faces, models
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
        """Scores every sighting that is large enough for a close-up."""
        clear = [s for s in track.sightings if s.close_up is not None]
        if not clear:
            return TrackEvidence(Status.NOT_APPLICABLE, Message("learned.small"))
        readings = tuple(recall(self._readings, clear, self._measure))
        strongest = max(readings, key=lambda r: r.score)
        score = of_highest([r.score for r in readings], self.share)
        return TrackEvidence(Status.RAN, _summary(strongest, track), score, readings)

    def _measure(self, sightings: Sequence[Sighting]) -> Iterator[Reading]:
        logits, maps = self.run(np.stack([s.close_up for s in sightings if s.close_up is not None]))
        for sighting, logit, where in zip(sightings, logits, maps, strict=True):
            yield Reading(sighting.time, float(logit), over_crop(where))

    def run(self, close_ups: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Runs the network on close-ups, uint8 ``(n, 224, 224, 3)``.

        Returns logits ``(n,)`` and maps over the close-up ``(n, 14, 14)``, 0 to 1.
        """
        session = models.session(WEIGHT)
        parts = [
            session.run(["logit", "where"], {"rgb": close_ups[i : i + self.batch]})
            for i in range(0, len(close_ups), self.batch)
        ]
        logits, where = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
        return logits, where


def over_crop(where: NDArray[np.float32], side: int = 12) -> NDArray[np.float32]:
    """Resamples a map over the close-up, ``(n, n)``, to one over the aligned crop, 0 beside it.

    Args:
        where: 0 to 1.
        side: cells of the map over the crop, each way.
    """
    import cv2

    x0, y0, x1, y1 = np.array(faces.close_up_in_crop()) * side / faces.CROP_PX
    scale = np.array([x1 - x0, y1 - y0]) / where.shape[0]
    # The value of a cell belongs to its middle, half a cell from its corner.
    shift = np.array([x0, y0]) + (scale - 1) / 2
    matrix = np.column_stack([np.diag(scale), shift])
    return np.asarray(cv2.warpAffine(where, matrix, (side, side)), np.float32)


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
