"""Who or what sits before the camera during a challenge by movement, and how it moves.

The room and the screen, evenly white, light the head; their light on it is rendered for some turns of the head and
interpolated between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

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
    """

    open: Surface
    shut: Surface
    marks: Floats
    finish: Finish
    moves: Sequence[Move]
    shown: NDArray[np.float64]
    emission: Floats | None = None


Mover = Callable[[Setting, MovementChallenge, NDArray[np.float64], np.random.Generator], Performance]


def asked_at(challenge: MovementChallenge) -> NDArray[np.float64]:
    """When the moves are asked for, s."""
    return LEAD + np.arange(len(challenge.moves)) * challenge.seconds


def honest(
    where: Setting, asked: MovementChallenge, shown: NDArray[np.float64], random: np.random.Generator
) -> Performance:
    """A person who does what is asked."""
    return _person(where, asked.moves, shown)


def wrong_order(
    where: Setting, asked: MovementChallenge, shown: NDArray[np.float64], random: np.random.Generator
) -> Performance:
    """A person, or a recording of one, who answers another challenge; one in 324 is by chance the same."""
    return _person(where, movement_challenge(drawn(random)).moves, shown)


def no_moves(
    where: Setting, asked: MovementChallenge, shown: NDArray[np.float64], random: np.random.Generator
) -> Performance:
    """A person who sits still and blinks now and then: a video of somebody."""
    when = np.sort(random.uniform(0, shown[-1] + asked.seconds, 3))
    return _person(where, [Move.BLINK] * 3, when)


def moved_print(
    where: Setting, asked: MovementChallenge, shown: NDArray[np.float64], random: np.random.Generator
) -> Performance:
    """A life-size photo that a hand turns and brings closer when asked; it does not blink."""
    surface, marks = sheet(*photo(where), random.choice([0.0, 1 / 0.15]))
    return Performance(surface, surface, marks, Finish(0.02, 10.0), asked.moves, shown)


def replay(
    where: Setting, asked: MovementChallenge, shown: NDArray[np.float64], random: np.random.Generator
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


def frames(where: Setting, act: Performance, end: float, random: np.random.Generator) -> Iterator[Frame]:
    """What the server gets until ``end``, s."""
    device, automatics = where.camera, Automatics(where.camera)
    exposed = times(device, 0.0, end, random)
    motion = moved(exposed, act, float(where.place[2]), random)
    lit, behind = _lit(where, act)
    for i, time in enumerate(exposed):
        turned = np.add(where.turned, motion.turned[i])
        light = lit(float(turned[0]), float(motion.closed[i]))
        seen = render(posed(act.open.points, where.place + motion.place[i], *turned), light, behind, device.focal)
        gains = automatics.gains(metered(seen), float(time))
        yield Frame(float(time) + device.delay, frame(seen, gains, device, random))


def moved(time: NDArray[np.float64], act: Performance, distance: float, random: np.random.Generator) -> Motion:
    """How somebody moves who makes these moves: some tenths of a second late, each in his own way.

    Args:
        time: of the frames, s.
        distance: of the face at rest, m.
    """
    n = time.size
    place, turned = drift(time, 1.0, random, 3) * 0.003, drift(time, 1.0, random, 3) * np.radians(1.2)
    closed = np.zeros(n)
    for move, since in zip(act.moves, act.shown, strict=True):
        late = random.uniform(0.25, 0.7)
        if move is Move.BLINK:
            shut = random.uniform(0.15, 0.4)
            closed += np.clip(1.5 - np.abs(time - since - late - shut / 2 - 0.1) / (shut / 2 + 0.05), 0, 1)
            continue
        part = _out_and_back(time - since - late, random.uniform(0.35, 0.5), random.uniform(0.2, 0.4))
        if move is Move.CLOSER:
            place[:, 2] -= part * distance * random.uniform(0.22, 0.36)
        else:
            turned[:, 0] += part * np.radians(random.uniform(22, 40)) * (-1 if move is Move.TURN_LEFT else 1)
            place[:, 0] += part * random.uniform(0.0, 0.02) * (1 if move is Move.TURN_LEFT else -1)
    return Motion(place.astype(np.float32), turned.astype(np.float32), np.clip(closed, 0, 1).astype(np.float32))


def _person(where: Setting, moves: Sequence[Move], shown: NDArray[np.float64]) -> Performance:
    return Performance(where.head.surface, where.head.blinking(1.0), where.head.marks, SKIN, moves, shown)


def _out_and_back(time: NDArray[np.float64], going: float, staying: float) -> NDArray[np.float64]:
    """0 to 1 and back to 0, smoothly, from time 0 on."""
    rise = np.clip(time / going, 0, 1) - np.clip((time - going - staying) / going, 0, 1)
    return np.asarray(rise**2 * (3 - 2 * rise))


def _lit(where: Setting, act: Performance) -> tuple[Callable[[float, float], Floats], Floats]:
    """The thing's light, ``(n, 3)``, as a function of yaw and of how far the eyes are closed; and the background's."""
    sources = np.float32([0.5] * 4 + [1.0] * (2 if act.emission is None else 3))
    turns: list[tuple[Floats, Floats]] = []
    for yaw in TURNS:
        turned = replace(where, turned=(float(yaw), where.turned[1], where.turned[2]))
        both = [held_up(turned, one, act.marks, act.finish, act.emission) for one in (act.open, act.shut)]
        turns.append(tuple(np.tensordot(sources, one.lit, 1) for one in both))
    behind = np.tensordot(sources, both[0].behind, 1)

    def lit(yaw: float, closed: float) -> Floats:
        place = float(np.interp(yaw, TURNS, np.arange(TURNS.size)))
        low = min(int(place), TURNS.size - 2)
        part = np.float32(place - low)
        eyes = [(1 - part) * turns[low][e] + part * turns[low + 1][e] for e in (0, 1)]
        return np.asarray(eyes[0] + np.float32(closed) * (eyes[1] - eyes[0]))

    return lit, behind
