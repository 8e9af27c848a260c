"""Did the person make these moves, in this order, each in its time, and stay the same person throughout?

Turns are seen by the nose: on a head it moves against the eyes, on a sheet in a hand it keeps its place between them. Coming
closer is seen by the distance from the eyes to the mouth, which turning leaves as it is; closed eyes by their contrast. All are
measured against the same face at rest in the same session, so that no person needs to be known.

The order is all that is secret, one of 186, and whoever can move a face at will, such as a mask worn live on another's face, can
follow it: this is the weaker way, for people whom changing light may harm and for bright daylight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unmask.live.challenge import Move, MovementChallenge
from unmask.live.reading import Anchor, Reading, SeenFace

FIND_EVERY = 0.25
"""Seconds after which `unmask.live.reading.read` must find the face anew: a turn takes half a second."""

TURNED = 0.2
"""How far the nose tip must move towards an eye, in halves of the distance between the eyes: 15 degrees for a nose of 22 mm; on
a sheet turned by 40 degrees it moves by 0.05, on one bent like a head by 0.1."""

CLOSER = 1.12
"""How many times larger the face must become."""

CLOSED = 0.62
"""Part of its contrast at rest at which an eye counts as closed."""

CONTRARY = {
    Move.TURN_LEFT: (Move.TURN_RIGHT,),
    Move.TURN_RIGHT: (Move.TURN_LEFT,),
    Move.CLOSER: (Move.TURN_LEFT, Move.TURN_RIGHT),
    Move.BLINK: (Move.TURN_LEFT, Move.TURN_RIGHT, Move.CLOSER),
}
"""What nobody does who does what is asked. Everybody blinks at times, and a head that turns may come closer."""

LATE = 0.5
"""Seconds by which a move may reach into the next one's time."""

SETTLING = 0.9
"""Seconds after which the move before must be over."""

FRONTAL = 0.12
"""Nose tip's distance from its place at rest within which looks are compared."""

JUMP = 0.6
"""Widths of the face by which it may move from one reading to the next, for each 0.1 s between them."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What the face did.

    Attributes:
        followed: for each move that was asked for, whether it was made in its time.
        contradicted: for each, whether another one was made instead.
        alike: least correlation of successive frontal looks, -1 to 1.
        unbroken: whether the face never jumped.
    """

    followed: tuple[bool, ...]
    contradicted: tuple[bool, ...]
    alike: float
    unbroken: bool


def moved(challenge: MovementChallenge, shown: Sequence[float], readings: Sequence[Reading]) -> Moved:
    """What the face of ``readings`` did; arguments as of `unmask.live.verification.verify`."""
    faces = [reading.face for reading in readings if reading.face]
    times = np.array([reading.time for reading in readings if reading.face])
    doing = _doing(faces)
    followed, contradicted = [], []
    for move, since in zip(challenge.moves, shown, strict=True):
        during = (times >= since) & (times < since + challenge.seconds + LATE)
        settled = (times >= since + SETTLING) & (times < since + challenge.seconds)
        followed.append(bool(doing[move][during].any()))
        contradicted.append(any(bool(doing[other][settled].any()) for other in CONTRARY[move]))
    return Moved(tuple(followed), tuple(contradicted), _alike(faces), _unbroken(faces, times))


def _doing(faces: Sequence[SeenFace]) -> dict[Move, NDArray[np.bool_]]:
    """Which face makes which move."""
    yaw = np.array([face.yaw for face in faces])
    yaw -= np.median(yaw)
    size = np.array([_size(face) for face in faces])
    eyes = np.array([face.eyes for face in faces])
    frontal = np.abs(yaw) < FRONTAL
    rest = np.median(eyes[frontal], axis=0) if frontal.any() else eyes.max(axis=0)
    return {
        Move.TURN_LEFT: yaw > TURNED,
        Move.TURN_RIGHT: yaw < -TURNED,
        Move.CLOSER: size > CLOSER * np.median(size),
        Move.BLINK: (eyes < CLOSED * rest).all(axis=1) & frontal,
    }


def _size(face: SeenFace) -> float:
    """From the eyes to the mouth, px."""
    return float(np.hypot(*(face.points[3:].mean(axis=0) - face.points[:2].mean(axis=0))))


def _alike(faces: Sequence[SeenFace]) -> float:
    """See `Moved`."""
    middle = float(np.median([face.yaw for face in faces]))
    frontal = [face.anchor for face in faces if abs(face.yaw - middle) < FRONTAL and face.anchor.time == face.found_at]
    return min((_correlation(a, b) for a, b in pairwise(frontal)), default=1.0)


def _correlation(a: Anchor, b: Anchor, margin: int = 6) -> float:
    """Of two looks, one shifted by up to ``margin`` px, because the finder is that inexact."""
    import cv2

    return float(cv2.matchTemplate(b.look, a.look[margin:-margin, margin:-margin], cv2.TM_CCOEFF_NORMED).max())


def _unbroken(faces: Sequence[SeenFace], times: NDArray[np.float64]) -> bool:
    """See `Moved`."""
    for (a, b), gap in zip(pairwise(faces), np.diff(times), strict=True):
        middles = np.array([(face.box[0] + face.box[2], face.box[1] + face.box[3]) for face in (a, b)]) / 2
        if np.hypot(*(middles[1] - middles[0])) > JUMP * (a.box[2] - a.box[0]) * max(1.0, gap / 0.1):
            return False
    return True
