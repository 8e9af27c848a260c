"""Attack: a recording of another check, whose frames are held, hurried or mixed until they fit.

A program can do this with one recording and without relighting: it knows how the check judges and
how the recorded face answered each part of the light. As this check's symbols come in, it sends
next, of the allowed recorded frames, the one that lets it answer the symbols so far best (dynamic
programming over the horizon). Every frame is claimed to be as old, and every symbol answered as
late, as the protocol allows. All of it goes through the service's own `LiveProtocol`, on simulated
clocks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from unmask.live import light, signals
from unmask.live.challenge import LightChallenge
from unmask.live.protocol import HEAD, LATEST, LiveProtocol
from unmask.live.reading import FrameReading, SeenFace
from unmask.live.signals import Series

PER_SECOND = 12.5
"""Frames sent per second."""

ANSWERED = float(light.DELAYS[-1]) - 0.05
"""Time after a symbol was sent that the first frame that answers it claims, s."""

OLD = LATEST - 0.001
"""Time by which a frame claims to be older than it is, s."""

FAR = 1e6
"""Prohibitive cost."""


@dataclass(frozen=True, slots=True)
class Program:
    """Strategy of an attacker's program; the best one is not known beforehand.

    Attributes:
        ahead: s by which the recording, played in its order, may run ahead of its own pace, or lag;
            infinite where any frame may follow any other.
        exact: cost of a frame's response to other symbols, relative to the gain of its response to
            the right one; near a change of symbols, where the check does not look, that cost is
            zero.
        noise: standard deviation of the logarithm of each cell's hue that it adds, to hide what
            does not fit.
    """

    ahead: float
    exact: float
    noise: float = 0.0


PROGRAMS = [
    *(Program(ahead, exact) for ahead in (0.2, 0.6, math.inf) for exact in (0.0, 0.1, 0.5)),
    *(Program(math.inf, exact, noise) for exact in (0.1, 0.5) for noise in (0.1, 0.2, 0.4)),
]
"""Strategies that are tried, one after the other.

The first pace is the one that the times claimed by frames allow; the others hold frames, leave some
out, or mix them; noise can hide that.
"""


def program(number: int) -> Program:
    """Returns the program of the session with a number."""
    return PROGRAMS[number % len(PROGRAMS)]


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """Data that the service has at the end: see `unmask.live.verification.verify`."""

    sent: tuple[float, ...]
    shown: tuple[float, ...]
    readings: tuple[FrameReading, ...]


def retimed(
    asked: LightChallenge,
    earlier: LightChallenge,
    shown: Sequence[float],
    recorded: Sequence[FrameReading],
    how: Program,
    random: np.random.Generator,
) -> Sent:
    """Offers a recording to a check.

    Args:
        asked: what the service asks.
        earlier: what the recorded face answered.
        shown: when that was painted, s.
        recorded: that answer's readings.
        random: source of noise.
    """
    faces = [reading for reading in recorded if reading.face]
    follows, differs = _costs(asked, earlier, shown, faces)
    times = signals.times_of(faces)
    session, found, number, place = (
        LiveProtocol(len(asked.symbols), asked.seconds, 0.0, 0.0),
        list[FrameReading](),
        0,
        0,
    )
    begun = float(times[0])
    while True:
        now = number / PER_SECOND + OLD
        while now >= session.due:
            step = session.step(session.due)
            if step is None:
                counted = set(session.counted)
                return Sent(
                    tuple(session.sent),
                    tuple(session.shown),
                    tuple(r for r in found if r.time in counted),
                )
            session.receive(
                f'{{"painted": {step}, "time": {session.sent[step] + 0.01}}}',
                session.sent[step] + 0.02,
            )
        horizon = now - OLD + np.arange(0, OLD + ANSWERED, 1 / PER_SECOND)
        sent, claimed = [*session.sent, now + FAR][: len(asked.symbols)], horizon - ANSWERED
        symbols, judged = (
            signals.symbol_at(asked, sent, claimed),
            signals.one_symbol_at(asked, sent, claimed, light.PAINTED),
        )
        allowed = np.abs(times[None] - begun - horizon[:, None]) <= how.ahead
        costs = how.exact * differs[symbols] * (judged >= 0)[:, None] - follows[symbols]
        wanted = np.where(allowed, costs, FAR)
        place = int(wanted[0].argmin()) if math.isinf(how.ahead) else _best(wanted, place)
        frame = session.receive(HEAD.pack(number, horizon[0]) + number.to_bytes(4), now)
        if frame is not None:
            found.append(
                FrameReading(
                    frame.time, _noisier(faces[place], how.noise, frame.time, random), frame.time
                )
            )
        number += 1


def _noisier(
    reading: FrameReading, much: float, time: float, random: np.random.Generator
) -> SeenFace | None:
    """Returns the face of a reading, found at another time, with a noisier hue."""
    if reading.face is None:
        return None
    noise = random.normal(0, much, reading.face.cells.shape)
    hue = np.exp(noise - noise.mean(axis=2, keepdims=True))
    return replace(reading.face, found_at=time, cells=(reading.face.cells * hue).astype(np.float32))


def _costs(
    asked: LightChallenge,
    earlier: LightChallenge,
    shown: Sequence[float],
    faces: Sequence[FrameReading],
) -> tuple[Series, Series]:
    """Computes each recorded frame's response to each asked symbol, and its error.

    The error is the distance from all that the frame would show for the symbol. Both are ``(symbols
    + 1, frames)``; the last row, for no symbol, is zero.
    """
    times = signals.times_of(faces)
    series = signals.settled(signals.fit_illumination(faces), times)
    delay = light.answer(earlier, shown, faces).delay
    symbols = signals.symbol_at(earlier, shown, times - delay)
    lit, usual, code = symbols >= 0, series.std(axis=0) + 1e-9, signals.codes(asked)
    follows = np.einsum("ncm,kcm->kn", series / usual, code / code.std(axis=0))
    answered = signals.codes(earlier)[symbols[lit]].reshape(int(lit.sum()), -1)
    gains = np.linalg.lstsq(answered, series[lit].reshape(len(answered), -1), rcond=None)[0]
    wanted = (code.reshape(len(code), -1) @ gains).reshape(len(code), 1, 3, 3)
    differs = (((series - wanted) / usual) ** 2).sum(axis=(2, 3))
    nothing = np.zeros(len(times))
    return np.vstack([follows, nothing]), np.vstack([differs, nothing])


def _best(costs: Series, place: int) -> int:
    """Returns the recorded frame to send now, at ``place`` or later in the recording.

    It and those that follow have the least cost.

    Args:
        costs: ``(horizon, frames)``.
    """
    left = np.zeros(costs.shape[1])
    for row in costs[:0:-1]:
        left = np.minimum.accumulate((row + left)[::-1])[::-1]
    total = costs[0] + left
    return place + int(total[place:].argmin())
