"""Persons and attacks before the camera in a challenge by movement, and their motion.

The room and the screen, evenly white, light the head; their light on it is rendered for some turns
of the head and interpolated between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from unmask.live.challenge import Move, MovementChallenge, movement_challenge
from unmask.types import Frame
from unmask_lab.live.camera import Automatics, frame, times
from unmask_lab.live.head import Floats, Surface, posed, sheet
from unmask_lab.live.light import SKIN, Finish
from unmask_lab.live.scene import Setting, held_up, render
from unmask_lab.live.species import drawn, photo
from unmask_lab.live.trial import LEAD, drift, metered

TURNS = np.radians([-50.0, -25.0, 0.0, 25.0, 50.0])
"""Yaws for which the light is rendered."""

AXIS = 0.09
"""Distance of a head's axis of turning behind the eyes, m.

It is half of the head's length (Farkas, see `head`).
"""

FACE = (0.058, 0.09, 0.025)
"""Size and place of the face that a portrait shows, m.

They are its half width, its half height, and the distance of its middle below the eyes.
"""

REACTION = (0.6, 0.22)
"""Median, s, and spread of the logarithm of the reaction time.

It is the time from the words on the screen to the beginning of a move: nine in ten take 0.42 to
0.86 s. Choosing among four signals takes 0.35 to 0.45 s (Hick 1952); reading the words comes on
top.
"""

GOING, STAYING = (0.5, 0.8), (0.1, 0.4)
"""Duration of a turn or of coming closer each way, and of holding it, s.

These are unhurried, without a measurement of people who were told to; the fastest turns are shorter
(Zangemeister, Jones and Stark 1981).
"""

CLOSING, OPENING = 0.1, 0.2
"""Duration of lids closing and opening, s (VanderWerf and others 2003)."""

SHUT, BLINK = (0.3, 0.6), (0.1, 0.2)
"""Seconds from the beginning of closing the eyes to that of opening them.

First on purpose, then without purpose.
"""

BLINK_EVERY = 3.5
"""Mean time between blinks, s: 17 a minute (Bentivoglio and others 1997)."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadMotion:
    """Motion over a session, one row per frame.

    Attributes:
        place: float32 ``(n, 3)``, m, from rest.
        turned: float32 ``(n, 3)``, radians from rest: yaw, pitch, roll.
        closed: of the eyes, 0 to 1, float32 ``(n,)``.
    """

    place: Floats
    turned: Floats
    closed: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """Moving thing, and its moves with their times.

    Attributes:
        open, shut: with open and with closed eyes; the same for a picture.
        marks: the five points, float32 ``(5, 3)``.
        finish: how it shines.
        moves, shown: made, and when they were asked for, s.
        emission: its own light, cd/m2, float32 ``(n, 3)``, or None.
        axis: distance of its axis of turning behind the middle between the eyes, m.
    """

    open: Surface
    shut: Surface
    marks: Floats
    finish: Finish
    moves: Sequence[Move]
    shown: Sequence[float] | NDArray[np.float64]
    emission: Floats | None = None
    axis: float = 0.0


Mover = Callable[
    [Setting, MovementChallenge, NDArray[np.float64], np.random.Generator], Performance
]


def asked_at(challenge: MovementChallenge) -> NDArray[np.float64]:
    """Returns the times, s, at which the moves are asked for."""
    return np.asarray(LEAD + np.arange(len(challenge.moves)) * challenge.seconds, np.float64)


def honest(
    where: Setting,
    asked: MovementChallenge,
    shown: NDArray[np.float64],
    random: np.random.Generator,
) -> Performance:
    """Makes a person who does what is asked."""
    return _person(where, asked.moves, shown)


def wrong_order(
    where: Setting,
    asked: MovementChallenge,
    shown: NDArray[np.float64],
    random: np.random.Generator,
) -> Performance:
    """Makes a person, or a recording of one, who answers another challenge."""
    source = drawn(random)
    others = (movement_challenge(source).moves for _ in count())
    return _person(where, next(moves for moves in others if moves != asked.moves), shown)


def no_moves(
    where: Setting,
    asked: MovementChallenge,
    shown: NDArray[np.float64],
    random: np.random.Generator,
) -> Performance:
    """Makes a person who sits still and blinks now and then: a video of somebody."""
    return _person(where, (), ())


def moved_print(
    where: Setting,
    asked: MovementChallenge,
    shown: NDArray[np.float64],
    random: np.random.Generator,
) -> Performance:
    """Makes a life-size photo that a hand turns and brings closer when asked; it does not blink."""
    surface, marks = sheet(*photo(where), random.choice([0.0, 1 / 0.15]))
    return Performance(surface, surface, marks, Finish(0.02, 10.0), asked.moves, shown)


def replay(
    where: Setting,
    asked: MovementChallenge,
    shown: NDArray[np.float64],
    random: np.random.Generator,
) -> Performance:
    """Makes a tablet with a still portrait that a hand turns and brings closer when asked."""
    surface, marks = sheet(*photo(where))
    glass = replace(surface, albedo=np.full_like(surface.albedo, 0.01))
    return Performance(
        glass,
        glass,
        marks,
        Finish(0.04, 25.0),
        asked.moves,
        shown,
        surface.albedo * np.float32(random.uniform(150, 450)),
    )


ATTACKS: dict[str, Mover] = {
    "wrong order": wrong_order,
    "no moves": no_moves,
    "moved print": moved_print,
    "moved tablet": replay,
}


def frames(
    where: Setting, act: Performance, end: float, random: np.random.Generator
) -> Iterator[Frame]:
    """Yields the frames that the server gets until ``end``, s."""
    device, automatics = where.camera, Automatics(where.camera)
    exposed = times(device, 0.0, end, random)
    motion = moved(exposed, act, float(where.place[2]), random)
    lit, behind = _lit(where, act)
    for i, time in enumerate(exposed):
        turned = np.add(where.turned, motion.turned[i])
        light = lit(float(turned[0]), float(motion.closed[i]))
        seen = render(
            posed(act.open.points, where.place + motion.place[i], *turned),
            light,
            behind,
            device.focal,
        )
        gains = automatics.gains(metered(seen), float(time))
        yield Frame(float(time) + device.delay, frame(seen, gains, device, random))


def moved(
    time: NDArray[np.float64], act: Performance, distance: float, random: np.random.Generator
) -> HeadMotion:
    """Simulates the motion of a performance.

    Each move begins when the one before is over and the request was read.

    Args:
        time: of the frames, s.
        distance: of the face at rest, m.
    """
    place, turned = (
        drift(time, 1.0, random, 3) * 0.003,
        drift(time, 1.0, random, 3) * np.radians(1.2),
    )
    closed, free = _blinks(time, random), -np.inf
    for move, since in zip(act.moves, act.shown, strict=True):
        begins = max(float(since) + random.lognormal(np.log(REACTION[0]), REACTION[1]), free)
        if move is Move.BLINK:
            shut = random.uniform(*SHUT)
            closed, free = np.maximum(closed, _lids(time - begins, shut)), begins + shut + OPENING
            continue
        going, staying = random.uniform(*GOING), random.uniform(*STAYING)
        part, free = _out_and_back(time - begins, going, staying), begins + 2 * going + staying
        if move is Move.CLOSER:
            place[:, 2] -= part * distance * random.uniform(0.22, 0.36)
        else:
            turned[:, 0] += (
                part * np.radians(random.uniform(22, 40)) * (-1 if move is Move.TURN_LEFT else 1)
            )
    place[:, 0] -= act.axis * np.sin(turned[:, 0])
    place[:, 2] += act.axis * (1 - np.cos(turned[:, 0]))
    return HeadMotion(
        place.astype(np.float32), turned.astype(np.float32), closed.astype(np.float32)
    )


def _person(
    where: Setting, moves: Sequence[Move], shown: Sequence[float] | NDArray[np.float64]
) -> Performance:
    sides = _sides(where.head.surface)
    eyes_open, shut = (
        _covered(surface, sides) for surface in (where.head.surface, where.head.blinking(1.0))
    )
    return Performance(eyes_open, shut, where.head.marks, SKIN, moves, shown, axis=AXIS)


def _sides(surface: Surface) -> Floats:
    """Computes how far each point lies beyond the face, 0 to 1, float32 ``(n, 1)``.

    There a portrait shows what was behind its person.
    """
    x, y = surface.points[:, :1] / FACE[0], (surface.points[:, 1:2] - FACE[2]) / FACE[1]
    return np.asarray(np.clip((np.hypot(x, y) - 0.9) / 0.2, 0, 1), np.float32)


def _covered(surface: Surface, sides: Floats) -> Surface:
    """Returns the surface with its sides in the colour of its skin."""
    return replace(
        surface,
        albedo=surface.albedo + sides * (np.median(surface.albedo, axis=0) - surface.albedo),
    )


def _out_and_back(time: NDArray[np.float64], going: float, staying: float) -> NDArray[np.float64]:
    """Rises from 0 to 1 and falls back to 0, smoothly, from time 0 on."""
    rise = np.clip(time / going, 0, 1) - np.clip((time - going - staying) / going, 0, 1)
    return np.asarray(rise**2 * (3 - 2 * rise))


def _lids(time: NDArray[np.float64], shut: float) -> NDArray[np.float64]:
    """Computes the closure, 0 to 1, of eyes that begin to close at time 0.

    They begin to open after ``shut`` seconds.
    """
    return np.asarray(np.clip(np.minimum(time / CLOSING, 1 - (time - shut) / OPENING), 0, 1))


def _blinks(time: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Simulates the closure, 0 to 1, of eyes that blink now and then."""
    closed, at = np.zeros(time.size), random.exponential(BLINK_EVERY)
    while at < time[-1]:
        closed = np.maximum(closed, _lids(time - at, random.uniform(*BLINK)))
        at += BLINK[1] + OPENING + random.exponential(BLINK_EVERY - BLINK[1] - OPENING)
    return closed


def _lit(where: Setting, act: Performance) -> tuple[Callable[[float, float], Floats], Floats]:
    """Returns the thing's light, ``(n, 3)``, as a function of yaw and closure of the eyes.

    Also returns the background's light.
    """
    sources = np.array([0.5] * 4 + [1.0] * (2 if act.emission is None else 3), np.float32)
    turns: list[tuple[Floats, Floats]] = []
    for yaw in TURNS:
        turned = replace(where, turned=(float(yaw), where.turned[1], where.turned[2]))
        both = [
            held_up(turned, one, act.marks, act.finish, act.emission)
            for one in (act.open, act.shut)
        ]
        eyes_open, shut = (np.tensordot(sources, one.lit, 1) for one in both)
        turns.append((eyes_open, shut))
    behind = np.tensordot(sources, both[0].behind, 1)

    def lit(yaw: float, closed: float) -> Floats:
        place = float(np.interp(yaw, TURNS, np.arange(TURNS.size)))
        low = min(int(place), TURNS.size - 2)
        part = np.float32(place - low)
        eyes = [(1 - part) * turns[low][e] + part * turns[low + 1][e] for e in (0, 1)]
        return np.asarray(eyes[0] + np.float32(closed) * (eyes[1] - eyes[0]))

    return lit, behind
