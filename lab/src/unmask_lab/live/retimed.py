"""A recording of another check whose frames are held, hurried or mixed, as this one's symbols come
in, until they fit.

What a program can do with one recording and without relighting anything: it knows how the check
judges and how the recorded face answered each part of the light, and sends next, of the recorded
frames that it may, the one from which the symbols that have come so far can be answered best
(dynamic programming over the horizon). Every frame is claimed to be as old, and every symbol
answered as late, as the protocol allows. All of it goes through the service's own `Session`, on
simulated clocks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from unmask.live import light, signals
from unmask.live.challenge import LightChallenge
from unmask.live.reading import Reading, SeenFace
from unmask.live.session import HEAD, LATEST, Session
from unmask.live.signals import Series

PER_SECOND = 12.5
"""Frames sent."""

ANSWERED = float(light.DELAYS[-1]) - 0.05
"""s after a symbol was sent at which the first frame that answers it claims to be."""

OLD = LATEST - 0.001
"""s by which a frame claims to be older than it is."""

FAR = 1e6
"""A cost that nothing is worth."""


@dataclass(frozen=True, slots=True)
class Program:
    """How an attacker's program goes about it: which is best is not clear beforehand.

    Attributes:
        ahead: s by which the recording, played in its order, may run ahead of its own pace, or lag;
            infinite where any frame may follow any other.
        exact: how much it minds what a frame shows of other symbols, over how much it likes what it
            shows of the right one; near a change of symbols, where the check does not look, it
            minds nothing.
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
"""Those that are tried, one after the other. The first pace is what the times that frames claim
allow; the others hold frames,
leave some out, or mix them; noise can hide that.
"""


def program(number: int) -> Program:
    """The program whose turn it is in the session of a number."""
    return PROGRAMS[number % len(PROGRAMS)]


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """What the service has at the end: see `unmask.live.verification.verify`."""

    sent: tuple[float, ...]
    shown: tuple[float, ...]
    readings: tuple[Reading, ...]


def retimed(
    asked: LightChallenge,
    earlier: LightChallenge,
    shown: Sequence[float],
    recorded: Sequence[Reading],
    how: Program,
    random: np.random.Generator,
) -> Sent:
    """A recording offered to a check.

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
        Session(len(asked.symbols), asked.seconds, 0.0, 0.0),
        list[Reading](),
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
                Reading(
                    frame.time, _noisier(faces[place], how.noise, frame.time, random), frame.time
                )
            )
        number += 1


def _noisier(
    reading: Reading, much: float, time: float, random: np.random.Generator
) -> SeenFace | None:
    """The face of a reading, found at another time, its hue noisier."""
    if reading.face is None:
        return None
    noise = random.normal(0, much, reading.face.cells.shape)
    hue = np.exp(noise - noise.mean(axis=2, keepdims=True))
    return replace(reading.face, found_at=time, cells=(reading.face.cells * hue).astype(np.float32))


def _costs(
    asked: LightChallenge, earlier: LightChallenge, shown: Sequence[float], faces: Sequence[Reading]
) -> tuple[Series, Series]:
    """How much each recorded frame shows what each asked symbol would, and how far it is from all
    that it would show, each
    ``(symbols + 1, frames)``; nothing for none, the last row.
    """
    times = signals.times_of(faces)
    series = signals.settled(signals.nine(faces), times)
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
    """The recorded frame to send now, at ``place`` or later in the recording, so that it and those
    that follow cost least.

    Args:
        costs: ``(horizon, frames)``.
    """
    left = np.zeros(costs.shape[1])
    for row in costs[:0:-1]:
        left = np.minimum.accumulate((row + left)[::-1])[::-1]
    total = costs[0] + left
    return place + int(total[place:].argmin())
