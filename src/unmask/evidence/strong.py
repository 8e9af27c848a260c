"""Strong line: a large network at a few chosen sightings of each face.

It is CLIP's image tower (Radford et al. 2021), of which the lab tuned the LayerNorms and a head on
forgeries of its own making; its card, ``weights/strong.json``, tells on what. It finds swaps of
kinds never trained on that the small network misses, at some ten times its cost. So it examines
only as many sightings as help: half of them evenly over the track, half where the small network
reacts most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from unmask import models
from unmask.measuring import recall
from unmask.messages import Message
from unmask.types import Case, Evidence, Reading, Sighting, Status, Track, TrackEvidence

WEIGHT = "strong"

GUIDE = "learned"
"""Line whose readings tell where a change may be.

It weighs nothing where the strong line looked. Weighed together, the LR was better on the set that
calibrations are checked on, and worse over all sets of the yardstick (mean Cllr .90 for .85).
"""


class Strong:
    """Asks the network about chosen sightings; scores are its logits of *changed*.

    Args:
        looks: most sightings of a track that are examined. The mean of ten frames tells what one
            cannot (DeepFaceLive clips: AUC .94 for .90); beyond that little is gained.
    """

    name = "strong"

    def __init__(self, looks: int = 16) -> None:
        self.looks = looks
        self._readings: dict[Sighting, Reading] = {}

    def examine(self, track: Track, case: Case) -> TrackEvidence:
        """Scores the chosen sightings; the track's score is their mean."""
        clear = [s for s in track.sightings if s.close_up is not None]
        if not clear:
            return TrackEvidence(Status.NOT_APPLICABLE, Message("strong.small"))
        readings = tuple(
            recall(self._readings, choose(clear, case.earlier, self.looks), self._measure)
        )
        score = float(np.mean([reading.score for reading in readings]))
        return TrackEvidence(
            Status.RAN, _summary(readings), score, readings, sampled=True, instead_of=(GUIDE,)
        )

    def _measure(self, sightings: Sequence[Sighting]) -> Iterator[Reading]:
        logits = self.run(np.stack([s.close_up for s in sightings if s.close_up is not None]))
        for sighting, logit in zip(sightings, logits, strict=True):
            yield Reading(sighting.time, float(logit))

    def run(self, close_ups: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Computes logits ``(n,)`` of close-ups, uint8 ``(n, 224, 224, 3)``.

        Each is run on its own: activations are quantised over all that a run is given, and a face's
        score must not depend on its neighbours.
        """
        session = models.session(WEIGHT)
        return np.concatenate(
            [session.run(["logit"], {"rgb": close_up[None]})[0] for close_up in close_ups]
        )


def choose(sightings: Sequence[Sighting], earlier: Evidence, most: int) -> list[Sighting]:
    """Chooses sightings, in order of time.

    All are chosen if they are few, else half evenly, half where the small network reacts most.

    Args:
        sightings: in order of time.
        earlier: evidence on the same track; without the line `GUIDE` all are chosen evenly.
        most: most sightings to choose.
    """
    if len(sightings) <= most:
        return list(sightings)
    guide = earlier.get(GUIDE)
    reactions = {reading.time: reading.score for reading in guide.readings} if guide else {}
    evenly = most // 2 if reactions else most
    chosen = {round(i) for i in np.linspace(0, len(sightings) - 1, evenly)}
    by_reaction = sorted(
        range(len(sightings)), key=lambda i: -reactions.get(sightings[i].time, -np.inf)
    )
    chosen.update([i for i in by_reaction if i not in chosen][: most - len(chosen)])
    return [sightings[i] for i in sorted(chosen)]


def _summary(readings: Sequence[Reading]) -> Message:
    """Tells how many looks there were and where the network reacts most.

    The calibration tells whether it matters.
    """
    if len(readings) == 1:
        return Message("strong.looked_once")
    strongest = max(readings, key=lambda reading: reading.score)
    return Message("strong.looked", {"count": len(readings), "time": strongest.time})
