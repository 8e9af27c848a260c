"""Did the person make these moves, in this order, each in its time?

Turns are seen by the nose: on a head it moves against the eyes, on a sheet in a hand it keeps its place between them. Coming
closer is seen by the distance from the eyes to the mouth, which turning leaves as it is; closed eyes by their contrast. All are
measured against the same face at rest in the same session, so that no person needs to be known.

The order is all that is secret, one of 186, and whoever can move a face at will, such as a mask worn live on another's face, can
follow it: this is the weaker way, for people whom changing light may harm and for bright daylight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.live.challenge import Move, MovementChallenge
from unmask.live.continuity import FRONTAL
from unmask.live.reading import Reading, SeenFace

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


@dataclass(frozen=True, slots=True)
class Moved:
    """What the face did.

    Attributes:
        followed: for each move that was asked for, whether it was made in its time.
        contradicted: for each, whether another one was made instead.
    """

    followed: tuple[bool, ...]
    contradicted: tuple[bool, ...]


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
    return Moved(tuple(followed), tuple(contradicted))


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
