"""Who or what sits before the camera during a challenge by movement, and how it moves.

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
"""How far behind the eyes the axis lies about which a head turns, m: half of its length (Farkas,
see `head`).
"""

FACE = (0.058, 0.09, 0.025)
"""Half width and half height of what a portrait shows of its person's face, m, and how far its
middle lies below the eyes.
"""

REACTION = (0.6, 0.22)
"""Median, s, and spread of the logarithm of the time from the words on the screen to the beginning
of a move, so that nine in
ten take 0.42 to 0.86 s: choosing among four signals takes 0.35 to 0.45 s (Hick 1952), reading the
words comes on top.
"""

GOING, STAYING = (0.5, 0.8), (0.1, 0.4)
"""Seconds that a turn or coming closer takes each way, and that it is held: unhurried, without a
measurement of people who were
told to; the fastest turns are shorter (Zangemeister, Jones and Stark 1981).
"""

CLOSING, OPENING = 0.1, 0.2
"""Seconds that lids take to come down and to rise (VanderWerf and others 2003)."""

SHUT, BLINK = (0.3, 0.6), (0.1, 0.2)
"""Seconds from the beginning of closing the eyes to that of opening them, on purpose and without.
"""

BLINK_EVERY = 3.5
"""Mean seconds between blinks: 17 a minute (Bentivoglio and others 1997)."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Over a session, one row per frame.

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
    """What moves, and which moves it makes when.

    Attributes:
        open, shut: with open and with closed eyes; the same for a picture.
        marks: the five points, float32 ``(5, 3)``.
        finish: how it shines.
        moves, shown: made, and when they were asked for, s.
        emission: its own light, cd/m2, float32 ``(n, 3)``, or None.
        axis: how far behind the middle between the eyes it turns about, m.
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
    """When the moves are asked for, s."""
    return np.asarray(LEAD + np.arange(len(challenge.moves)) * challenge.seconds, np.float64)


def honest(
    where: Setting,
    asked: MovementChallenge,
    shown: NDArray[np.float64],
    random: np.random.Generator,
) -> Performance:
    """A person who does what is asked."""
    return _person(where, asked.moves, shown)


def wrong_order(
    where: Setting,
    asked: MovementChallenge,
    shown: NDArray[np.float64],
    random: np.random.Generator,
) -> Performance:
    """A person, or a recording of one, who answers another challenge."""
    source = drawn(random)
    others = (movement_challenge(source).moves for _ in count())
    return _person(where, next(moves for moves in others if moves != asked.moves), shown)


def no_moves(
    where: Setting,
    asked: MovementChallenge,
    shown: NDArray[np.float64],
    random: np.random.Generator,
) -> Performance:
    """A person who sits still and blinks now and then: a video of somebody."""
    return _person(where, (), ())


def moved_print(
    where: Setting,
    asked: MovementChallenge,
    shown: NDArray[np.float64],
    random: np.random.Generator,
) -> Performance:
    """A life-size photo that a hand turns and brings closer when asked; it does not blink."""
    surface, marks = sheet(*photo(where), random.choice([0.0, 1 / 0.15]))
    return Performance(surface, surface, marks, Finish(0.02, 10.0), asked.moves, shown)


def replay(
    where: Setting,
    asked: MovementChallenge,
    shown: NDArray[np.float64],
    random: np.random.Generator,
) -> Performance:
    """A tablet with a still portrait that a hand turns and brings closer when asked."""
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
    """What the server gets until ``end``, s."""
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
) -> Motion:
    """How somebody moves who makes these moves, each when the one before is over and what is asked
    was read.

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
    return Motion(place.astype(np.float32), turned.astype(np.float32), closed.astype(np.float32))


def _person(
    where: Setting, moves: Sequence[Move], shown: Sequence[float] | NDArray[np.float64]
) -> Performance:
    sides = _sides(where.head.surface)
    eyes_open, shut = (
        _covered(surface, sides) for surface in (where.head.surface, where.head.blinking(1.0))
    )
    return Performance(eyes_open, shut, where.head.marks, SKIN, moves, shown, axis=AXIS)


def _sides(surface: Surface) -> Floats:
    """How far each point lies beyond the face, 0 to 1, float32 ``(n, 1)``: there a portrait shows
    what was behind its person.
    """
    x, y = surface.points[:, :1] / FACE[0], (surface.points[:, 1:2] - FACE[2]) / FACE[1]
    return np.asarray(np.clip((np.hypot(x, y) - 0.9) / 0.2, 0, 1), np.float32)


def _covered(surface: Surface, sides: Floats) -> Surface:
    """The surface with its sides in the colour of its skin."""
    return replace(
        surface,
        albedo=surface.albedo + sides * (np.median(surface.albedo, axis=0) - surface.albedo),
    )


def _out_and_back(time: NDArray[np.float64], going: float, staying: float) -> NDArray[np.float64]:
    """0 to 1 and back to 0, smoothly, from time 0 on."""
    rise = np.clip(time / going, 0, 1) - np.clip((time - going - staying) / going, 0, 1)
    return np.asarray(rise**2 * (3 - 2 * rise))


def _lids(time: NDArray[np.float64], shut: float) -> NDArray[np.float64]:
    """How far the eyes are closed that begin to close at time 0, and to open after ``shut``
    seconds.
    """
    return np.asarray(np.clip(np.minimum(time / CLOSING, 1 - (time - shut) / OPENING), 0, 1))


def _blinks(time: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """How far the eyes are closed of somebody who blinks now and then."""
    closed, at = np.zeros(time.size), random.exponential(BLINK_EVERY)
    while at < time[-1]:
        closed = np.maximum(closed, _lids(time - at, random.uniform(*BLINK)))
        at += BLINK[1] + OPENING + random.exponential(BLINK_EVERY - BLINK[1] - OPENING)
    return closed


def _lit(where: Setting, act: Performance) -> tuple[Callable[[float, float], Floats], Floats]:
    """The thing's light, ``(n, 3)``, as a function of yaw and of how far the eyes are closed; and
    the background's.
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
