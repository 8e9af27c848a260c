"""Strong line: a large network at a few chosen sightings of each face.

It is CLIP's image tower (Radford et al. 2021), of which the lab tuned the LayerNorms and two heads
on forgeries of its own making; its card, ``weights/strong.json``, tells on what. One head judges
the face as a whole, the other each patch of 16 px. It finds swaps of kinds never trained on that
the small network misses, at some ten times its cost. So it examines only as many sightings as help:
half of them evenly over the track, half where the small network reacts most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from unmask import models
from unmask.errors import WeightsError
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
        head = patch_head()
        return np.array([head.judge(*look(close_up)) for close_up in close_ups], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class PatchHead:
    """Linear head that judges each patch of a close-up by its tokens, and what that adds.

    Seams are local, and a swap may show in a few patches alone. Patch by patch, detectors have
    generalised better to unknown generators (Chai et al., "What makes fake images detectable?",
    ECCV 2020).

    Attributes:
        mean, spread: of each token value over the lab's faces, ``(2304,)``.
        weight, bias: of the head, after `levelled`, ``(2304,)`` and ``()``.
        gain: factor by which the patches' logit has the spread of the whole face's.
    """

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    gain: NDArray[np.float32]

    def __call__(self, tokens: NDArray[np.float32]) -> NDArray[np.float32]:
        """Computes the logit of each patch, ``(196,)``, from its tokens, ``(196, 2304)``."""
        return self.levelled(tokens) @ self.weight + self.bias

    def levelled(self, tokens: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scales token values alike, cuts off outliers, and levels each patch as LayerNorm does."""
        values = np.clip((tokens - self.mean) / self.spread, -8, 8)
        away = values - values.mean(axis=-1, keepdims=True)
        return np.asarray(away / np.sqrt(np.square(away).mean(axis=-1, keepdims=True) + 1e-5))

    def judge(self, whole: float, tokens: NDArray[np.float32]) -> float:
        """Returns the mean of the logit of the whole face and that of its patches.

        Patches weigh as in the mean of their odds, so that the most suspicious ones decide.
        """
        return (whole + float(self.gain * mean_odds(self(tokens)))) / 2


def mean_odds(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Computes the logarithm of the mean odds over the last axis."""
    return np.asarray(np.logaddexp.reduce(logits, axis=-1) - np.log(logits.shape[-1]), np.float32)


@cache
def patch_head() -> PatchHead:
    """Loads the head; it is the only one.

    Raises:
        WeightsError: its file is missing, is not the released one, or holds no such head.
    """
    if not (values := models.patches(WEIGHT)):
        raise WeightsError(f"{WEIGHT}.npz: holds no head for patches; run unmask-lab patches")
    return PatchHead(**values)


def look(close_up: NDArray[np.uint8]) -> tuple[float, NDArray[np.float32]]:
    """Runs the tower on one close-up, uint8 ``(224, 224, 3)``.

    Returns the logit of the whole face, and the tokens of its patches, ``(196, 2304)``.
    """
    outputs = ["logit", *models.TOKENS[WEIGHT]]
    logit, *tokens = models.session(WEIGHT).run(outputs, {"rgb": close_up[None]})
    return float(logit[0]), np.concatenate([token[0, 1:] for token in tokens], axis=1)


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
