"""Test whether the person made these moves, in this order, each in its time.

A move counts when it begins. Each beginning belongs to one step: the last one that a person who
begins now can have read. A step is followed if its move begins in its time, and contradicted if a
contrary one does. Of any two moves at least one is contrary to the other, so a beginning in a
step's time is right for at most one request, and a recording for one order.

Turns are seen by the nose: on a head it moves against the eyes, on a sheet in a hand it keeps its
place between them. Coming closer is seen by the size of the face and of its parts, which turning
does not enlarge; closed eyes by their contrast. All are measured against the same face at rest in
the same session, so no person needs to be known.

Only the order is secret, one of 186. Whoever can move a face at will can follow it, such as a mask
worn live on another's face, or a program that plays a clip of each move when it is asked for. So
this is the weaker way, for people whom changing light may harm and for bright daylight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unmask.live.challenge import Move, MovementChallenge
from unmask.live.reading import FrameReading, SeenFace

FIND_EVERY = 0.25
"""Seconds after which `unmask.live.reading.read` must detect the face again.

A turn takes half a second.
"""

TURNED = 0.2
"""Least move of the nose tip towards an eye, in halves of the distance between the eyes, of a turn.

It is 15 degrees for a nose of 22 mm; on a sheet turned by 40 degrees it moves by 0.05, on one bent
like a head by 0.1.
"""

CLOSER = 1.14
"""Least growth of the face, as a factor, that counts as closer.

The detector's own noise, and turning, reach 1.1 (simulated).
"""

CLOSED = 0.8
"""Part of their contrast at rest below which the eyes count as closed.

Open eyes of simulated people keep 0.83 in 19 of 20 frames, and closed ones have 0.45 (median).
"""

OVER = 0.6
"""Part of `TURNED`, or of what `CLOSER` asks for, below which a move is over.

Only then can it begin again.
"""

CONTRARY = {
    Move.TURN_LEFT: {Move.TURN_RIGHT},
    Move.TURN_RIGHT: {Move.TURN_LEFT},
    Move.CLOSER: {Move.TURN_LEFT, Move.TURN_RIGHT},
    Move.BLINK: {Move.TURN_LEFT, Move.TURN_RIGHT, Move.CLOSER},
}
"""Moves that contradict each requested move, because nobody makes them while making that one.

Everybody blinks at times, and a head that turns may come closer.
"""

REACTION = 0.35
"""Least time to read a request and to begin, s; what begins sooner belongs to the step before.

Choosing among four known signals with a practised hand takes 0.35 to 0.45 (Hick 1952).
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """Moves of the face during a challenge.

    Attributes:
        followed: for each move that was asked for, whether it began in its time.
        contradicted: for each, whether a contrary one did.
    """

    followed: tuple[bool, ...]
    contradicted: tuple[bool, ...]


def moved(
    challenge: MovementChallenge, shown: Sequence[float], readings: Sequence[FrameReading]
) -> Moved:
    """Finds which steps were followed; arguments as of `unmask.live.verification.verify`."""
    begun = beginnings(readings)
    bounds = [since + REACTION for since in (*shown, shown[-1] + challenge.seconds)]
    made = [
        {move for time, move in begun if since <= time < until} for since, until in pairwise(bounds)
    ]
    steps = list(zip(challenge.moves, made, strict=True))
    return Moved(
        tuple(asked in those for asked, those in steps),
        tuple(not CONTRARY[asked].isdisjoint(those) for asked, those in steps),
    )


def beginnings(readings: Sequence[FrameReading]) -> list[tuple[float, Move]]:
    """Finds the moves and the times, s, at which they began.

    The readings are in order of time with a face in at least one. Closed eyes, which are contrary
    to nothing, begin anew in each frame: one may blink just before closing them on purpose.
    """
    seen = [(reading.time, reading.face) for reading in readings if reading.face]
    begun = []
    for move, much in _made([face for _, face in seen]).items():
        making = False
        for (time, _), level in zip(seen, much, strict=True):
            if level >= 1 and (not making or move is Move.BLINK):
                begun.append((time, move))
            making = bool(level >= (OVER if making else 1))
    return begun


def _made(faces: Sequence[SeenFace]) -> dict[Move, NDArray[np.float64]]:
    """Measures how far each face makes each move: 0 at rest, from 1 on it does."""
    yaw = np.array([face.yaw for face in faces])
    yaw -= np.median(yaw)
    size = np.array([face.size for face in faces])
    eyes = np.array([face.eyes for face in faces])
    frontal = np.abs(yaw) < OVER * TURNED
    rest = np.median(eyes[frontal], axis=0) if frontal.any() else eyes.max(axis=0)
    return {
        Move.TURN_LEFT: yaw / TURNED,
        Move.TURN_RIGHT: -yaw / TURNED,
        Move.CLOSER: (size / np.median(size) - 1) / (CLOSER - 1),
        Move.BLINK: frontal * (1 - (eyes / rest).mean(axis=1)) / (1 - CLOSED),
    }
