"""Motion line: consistency of the inner face with its head over time.

Face and head have one light, one focus and one skull. A swapper makes the face anew in every frame,
and what it leaves varies on its own: colour and sharpness flicker, the face jumps against the head
(Gu et al. 2021 and Sun et al. 2021 learn such inconsistencies), and at the ends of a changed
stretch the quality changes at once. So the line never follows the face alone but the inner face
relative to the head around it, which cancels the camera's own exposure, focus and encoder:

- ratios of brightness, of red to green and of blue to green, which neither exposure nor white
  balance changes, and the share of fine detail, each against the track's own median over time;
- between looks at most a quarter of a second apart, how far the inner face moved against its
  outline (dense inverse search optical flow: Kroeger et al. 2016). Over longer gaps people turn and
  speak, which is no sign of a change.

The score is the root mean square of these differences, each in units of what is usual among bona
fide faces before a moving camera (simulated: docs/lines/motion.md). No footage with known truth has
calibrated it, so it is shown and weighs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unmask import drawing
from unmask.faces import TEMPLATE
from unmask.faces.regions import inner_skin, ring
from unmask.measuring import recall
from unmask.messages import Message
from unmask.types import (
    Case,
    Kind,
    Picture,
    Reading,
    Rgb,
    Sighting,
    Status,
    Track,
    TrackEvidence,
    clock,
    of_highest,
)

TRAITS = ("brightness", "red", "blue", "sharpness", "place")
"""Measured traits of the inner face, relative to the head; each has a message ``motion.NAME``."""

USUAL = (0.028, 0.02, 0.02, 0.045, 0.49)
"""Root mean square of each trait's change over one bona fide track, see the module.

The units are natural logs of ratios, and per cent of an eye distance.
"""

NOTABLE = 3.0
"""Score from which the message reports a change.

It is above 99 in 100 single looks at bona fide faces in the same simulation.
"""

SIDE = 48
"""Width of the crop in which colours are compared, px."""

OUTLINE = (0.85, 1.2)
"""Ring with which the inner face is compared, see `unmask.faces.regions.rho`.

It is near enough to share its light.
"""


class Motion:
    """Follows the inner face relative to the head around it.

    Args:
        fewest: sightings below which no change can be measured.
        yaw: how far the head may be turned aside, see `unmask.types.Quality`; sightings beyond are
            left out.
        near: seconds between two looks up to which places are compared.
        share: part of a track's sightings, the highest ones, whose mean is the track's score.
    """

    name = "motion"

    def __init__(
        self, fewest: int = 5, yaw: float = 0.75, near: float = 0.25, share: float = 0.1
    ) -> None:
        self.fewest, self.yaw, self.near, self.share = fewest, yaw, near, share
        self._traits: dict[Sighting, tuple[float, ...]] = {}
        self._slips: dict[tuple[Sighting, Sighting], float] = {}

    def examine(self, track: Track, case: Case) -> TrackEvidence:
        """Follows a face that is seen often enough."""
        if case.media.kind is Kind.PHOTO:
            return TrackEvidence(Status.NOT_APPLICABLE, Message("motion.photo"))
        seen = [s for s in track.sightings if s.quality.yaw <= self.yaw]
        if len(seen) < self.fewest:
            seldom = Message("motion.seldom", {"count": len(seen), "needed": self.fewest})
            return TrackEvidence(Status.NOT_APPLICABLE, seldom)
        strange = self.changes(seen) / np.array(USUAL)
        scores = np.sqrt(np.nanmean(strange**2, axis=1))
        readings = tuple(
            Reading(s.time, float(score)) for s, score in zip(seen, scores, strict=True)
        )
        return TrackEvidence(
            Status.RAN,
            _summary(strange, seen, scores),
            of_highest(scores, self.share),
            readings,
            (_picture([s.time for s in seen], scores),),
        )

    def changes(self, seen: Sequence[Sighting]) -> NDArray[np.float64]:
        """Measures how far each of `TRAITS` is from its usual value in these sightings of one face.

        The sightings are in order of time.

        Returns:
            ``(n, 5)``, 0 or more, in the units of `USUAL`; nan for the place where the sighting
            before is not `near`.
        """
        traits = np.array(recall(self._traits, seen, lambda new: [relative(s.crop) for s in new]))
        steps = [
            (before, now) for before, now in pairwise(seen) if now.time - before.time <= self.near
        ]
        slips = recall(
            self._slips, steps, lambda new: [slip(before.crop, now.crop) for before, now in new]
        )
        moved = {now: far for (_, now), far in zip(steps, slips, strict=True)}
        usual = [_median(trait, np.array([s.time for s in seen])) for trait in traits.T]
        return np.column_stack([np.abs(traits - usual), [moved.get(s, np.nan) for s in seen]])


def _median(values: NDArray[np.float64], times: NDArray[np.float64]) -> float:
    """Computes the median over time, not over looks.

    A suspicious stretch is looked at more often, but must not count more for that.
    """
    edges = np.concatenate([times[:1], (times[1:] + times[:-1]) / 2, times[-1:]])
    order = np.argsort(values)
    lasted = np.cumsum(np.diff(edges)[order])
    return float(values[order[np.searchsorted(lasted, lasted[-1] / 2)]])


def relative(crop: Rgb) -> tuple[float, float, float, float]:
    """Compares the inner face with the head around it.

    Returns natural logs of the ratios of brightness, red over green, blue over green and sharpness.
    """
    import cv2

    small = cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    inside, around = (
        np.log(np.median(small[of], axis=0) + 2) for of in (inner_skin(SIDE), ring(*OUTLINE, SIDE))
    )
    red, green, blue = (float(c) for c in inside - around)
    luma = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    soft, softer = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in (0.8, 1.6))
    fine, middle = (luma - soft) ** 2, (soft - softer) ** 2
    sharp = [
        np.log((fine[of].mean() + 0.02) / (middle[of].mean() + 0.02))
        for of in (ring(0.0, 0.6), ring(*OUTLINE))
    ]
    return green, red - green, blue - green, float(sharp[0] - sharp[1])


def slip(before: Rgb, now: Rgb) -> float:
    """Measures how far the inner face moved against its outline between two aligned crops.

    The unit is per cent of an eye distance.
    """
    import cv2

    grey = [cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) for crop in (before, now)]
    still = np.zeros((*grey[0].shape, 2), np.float32)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST).calc(
        grey[0], grey[1], still
    )
    inside, around = (np.median(flow[of], axis=0) for of in (ring(0.0, 0.6), ring(*OUTLINE)))
    return float(100 * np.hypot(*(inside - around)) / (TEMPLATE[1, 0] - TEMPLATE[0, 0]))


def _summary(
    strange: NDArray[np.float64], seen: Sequence[Sighting], scores: NDArray[np.float64]
) -> Message:
    worst = int(scores.argmax())
    trait = TRAITS[int(np.nanargmax(strange[worst]))]
    if scores[worst] < NOTABLE:
        return Message("motion.steady")
    return Message(
        "motion.unsteady", {"trait": Message(f"motion.{trait}"), "time": seen[worst].time}
    )


def _picture(times: Sequence[float], scores: NDArray[np.float64]) -> Picture:
    light, dark = (
        drawing.curve(
            times, scores.tolist(), (clock(times[0]), clock(times[-1])), NOTABLE, paper=paper
        )
        for paper in (drawing.LIGHT, drawing.DARK)
    )
    return Picture(Message("motion.picture"), light, dark=dark)
