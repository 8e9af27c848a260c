"""A broadcast from the road: one camera that drives, stops and eats, for hours, with sound.

All is simulated, and follows from the seed. The camera looks out of a car at scenery that is
painted as it comes, turns to passers-by where the car stops, and to somebody who eats. Nothing is
shown twice, and no sample of the sound is used twice. Only the sensor noise is drawn from a bank,
at random offsets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.support.films import scenery

FPS, RATE = 25, 16_000
SIZE = (640, 360)
DAY_S = 18 * 3600.0
"""Length of the whole story, s. In a shorter broadcast each leg is shorter, too."""
_FAR_ROWS = 220
"""Rows of the picture that show what is far away; below them the side of the road goes by."""
_WIDE = {"far": 860, "near": 1280}
"""Width of a painted piece of scenery, px."""
_FASTEST = 15.0
"""Most that the side of the road moves from one picture to the next, px."""
_FAR = 0.2
"""How fast the distance goes by, of the side of the road."""
_TURN = 1500.0
"""How far the camera turns at a stop or a meal, px."""
_CHANGE_S = 6.0
"""Seconds in which the car stops or starts, and in which the camera turns."""
_PASSES_S = 45.0
"""Seconds in which one lorry overtakes."""
_PASSERS_BY, _ROUND = 5, 900.0
"""People at a stop, and how far they walk to either side, px; less than the camera turns."""
_SHIFT = 4
"""Fractional bits of the px coordinates of drawn things."""
_LENGTHS = {"drive": (25.0, 70.0), "stop": (2.0, 9.0), "meal": (30.0, 50.0)}
"""Minutes that a leg lasts, from and to, in 18 hours."""
_ORDER = ("drive", "stop", "drive", "meal")
_SHORTEST_S = 12.0

Planes = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
"""Luma of any size, and chroma of half of it."""


@dataclass(frozen=True)
class Leg:
    """One leg of the journey, of a kind in `_LENGTHS`, from ``start`` to ``end``, s."""

    kind: str
    start: float
    end: float


@dataclass(frozen=True)
class Journey:
    """A broadcast of ``seconds`` that follows from ``seed``."""

    seed: int
    seconds: float

    @property
    def pictures(self) -> int:
        """Returns the number of pictures."""
        return round(self.seconds * FPS)

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Legs, in turns; the last one may go on after the end."""
        return _legs(self)

    @property
    def speed(self) -> NDArray[np.float64]:
        """Speed at each picture, 0 to 1."""
        return _speed(self)

    def between(self, first: int, last: int) -> Iterator[NDArray[np.uint8]]:
        """Yields the pictures from ``first`` to before ``last``: I420, uint8 ``(540, 640)``."""
        for number in range(first, min(last, self.pictures)):
            yield self._picture(number)

    def _picture(self, number: int) -> NDArray[np.uint8]:
        t = number / FPS
        page = np.empty((SIZE[1] * 3 // 2, SIZE[0]), np.uint8)
        planes = _planes(page, *SIZE[::-1])
        x, y = self._held(number)
        far = _went(self)[number] * _FAR + _turned(self)[number] + x
        near = _went(self)[number] + _turned(self)[number] + x
        _show(_part(planes, 0, _FAR_ROWS), "far", self.seed, far, y)
        _show(_part(planes, _FAR_ROWS, SIZE[1]), "near", self.seed, near, y)
        self._people(planes, number, x, y)
        self._lorry(planes, t)
        luma, bank = planes[0], _grain()
        cv2.convertScaleAbs(luma, luma, self._light(t))
        row, column = np.random.default_rng((self.seed, 3, number)).integers(0, SIZE[::-1])
        more, less = (one[row : row + SIZE[1], column : column + SIZE[0]] for one in bank)
        cv2.subtract(cv2.add(luma, more), less, luma)
        return page

    def _held(self, number: int) -> tuple[float, float]:
        """Returns how a hand and a road move the camera, px."""
        t, (x, y) = number / FPS, _sway(self)[:, number]
        bumps = 2.5 * np.sin(19 * t) * np.sin(2.7 * t) * np.sin(0.37 * t)
        return float(x), float(0.6 * y + self.speed[number] * bumps)

    def _light(self, t: float) -> float:
        """Returns the gain of the light: the day ends, and clouds pass."""
        day = 0.75 + 0.25 * np.cos(np.pi * t / max(self.seconds, 1.0))
        return float(day + 0.06 * np.sin(t / 41) + 0.04 * np.sin(t / 13.3))

    def _people(self, planes: Planes, number: int, x: float, y: float) -> None:
        """Draws who is there while the camera is turned away from the road."""
        t, paced = number / FPS, float(_paced(self)[number])
        for count, leg in enumerate(self.legs):
            if leg.kind == "drive" or not leg.start - _CHANGE_S <= t <= leg.end + _CHANGE_S:
                continue
            middle = min(_number((leg.start + leg.end) / 2), self.pictures - 1)
            away = _turned(self)[middle] - _turned(self)[number] - x
            if leg.kind == "meal":
                _eats(planes, (self.seed, 5, count), paced, 330 + away, y)
            else:
                for who in range(_PASSERS_BY):
                    _walks(planes, (self.seed, 6, count, who), paced, away, y)

    def _lorry(self, planes: Planes, t: float) -> None:
        """Draws a lorry that overtakes now and then, and covers most of the view."""
        turn = int(t // _PASSES_S)
        rng = np.random.default_rng((self.seed, 7, turn))
        begin = turn * _PASSES_S + rng.uniform(5, _PASSES_S - 5)
        into = t - begin
        if 0 <= into < 1.2 and self.speed[_number(begin)] > 0.5:
            left, grey, stripe = int(660 - 1150 * into), *rng.integers(30, 200, 2).tolist()
            luma = planes[0]
            luma[110:330, max(0, left) : max(0, left + 430)] = grey
            luma[200:240, max(0, left + 40) : max(0, left + 390)] = stripe

    def second(self, number: int) -> NDArray[np.float32]:
        """Returns the sound of one second, mono at `RATE`; the seed sets its tones."""
        rng = np.random.default_rng((self.seed, 8))
        at = number + np.arange(RATE) / RATE
        inverter, idle = rng.uniform(49.95, 50.05), rng.uniform(24, 28)
        hum = sum(loud * _tone(inverter * k * at) for k, loud in ((1, 0.3), (2, 1.0), (3, 0.4)))
        near = slice(number * FPS, number * FPS + FPS + 1)
        frames = np.arange(near.start, min(near.stop, self.pictures)) / FPS
        speed = np.interp(at, frames, self.speed[near])
        turns = np.interp(at, frames, _revolutions(self)[near]) + idle * at
        engine = sum(_tone(k * turns) / k for k in (1, 2, 3, 4))
        road = np.convolve(
            np.concatenate([_white(self.seed, number - 1)[-31:], _white(self.seed, number)]),
            np.hanning(34)[1:-1] / 8,
            "valid",
        )
        sound = 0.012 * hum + 0.006 * (0.4 + speed) * engine + (0.004 + 0.02 * speed) * road
        sound += self._voices(at) + self._cutlery(number)
        return np.asarray(sound, np.float32)

    def _voices(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns somebody who talks in half of the time, in phrases of a few seconds."""
        a, b, c, _ = _phases(self.seed, 10, 0, 0)
        talks = np.clip(3 * np.sin(at / 1.9 + a) * np.sin(at / 5.3 + b), 0, 1)
        pitch = 140 * at + 9 * np.sin(1.1 * at + c) + 4 * np.sin(2.9 * at + a)
        syllables = np.sin(2 * np.pi * 1.9 * at + 2 * np.sin(0.7 * at + b)) ** 2
        return np.asarray(
            0.03 * talks * syllables * sum(_tone(k * pitch) / k for k in (1, 2, 3, 5))
        )

    def _cutlery(self, number: int) -> NDArray[np.float64]:
        """Returns the clicks of a meal, and of doors at a stop."""
        rng, out = np.random.default_rng((self.seed, 11, number)), np.zeros(RATE)
        kind = next((leg.kind for leg in self.legs if leg.start <= number < leg.end), "drive")
        for _ in range(rng.poisson({"drive": 0.002, "stop": 0.05, "meal": 0.25}[kind])):
            place = int(rng.integers(0, RATE - 400))
            out[place : place + 400] += (
                rng.uniform(0.1, 0.4) * rng.normal(0, 1, 400) * np.exp(-np.arange(400) / 60)
            )
        return out


@lru_cache(2)
def _legs(journey: Journey) -> tuple[Leg, ...]:
    rng, share = np.random.default_rng((journey.seed, 1)), min(1.0, journey.seconds / DAY_S)
    legs, at = list[Leg](), 0.0
    while at < journey.seconds:
        kind = _ORDER[len(legs) % len(_ORDER)]
        length = max(_SHORTEST_S, 60 * share * rng.uniform(*_LENGTHS[kind]))
        legs.append(Leg(kind, at, at + length))
        at += length
    return tuple(legs)


@lru_cache(2)
def _speed(journey: Journey) -> NDArray[np.float64]:
    driving = np.zeros(journey.pictures)
    for leg in journey.legs:
        if leg.kind == "drive":
            driving[_number(leg.start) : _number(leg.end)] = 1.0
    t = np.arange(journey.pictures) / FPS
    phase = np.random.default_rng((journey.seed, 2)).uniform(0, 6, 3)
    waves = zip((23.7, 61.3, 157.9), phase, strict=True)
    traffic = 0.7 + sum(0.1 * np.sin(2 * np.pi * t / period + p) for period, p in waves)
    return np.asarray(_eased(driving) * traffic)


@lru_cache(2)
def _went(journey: Journey) -> NDArray[np.float64]:
    """Returns how far the side of the road has gone by at each picture, px."""
    return np.cumsum(journey.speed * _FASTEST)


@lru_cache(2)
def _turned(journey: Journey) -> NDArray[np.float64]:
    """Returns the direction of the camera at each picture, px."""
    turns = np.zeros(journey.pictures)
    for leg in journey.legs:
        if leg.kind != "drive":
            turns[[_number(leg.start), min(_number(leg.end), journey.pictures - 1)]] += _TURN
    return np.cumsum(_eased(turns))


@lru_cache(2)
def _sway(journey: Journey) -> NDArray[np.float64]:
    """Returns how a hand moves the camera at each picture, px, ``(2, n)``; never twice alike."""
    noise = np.random.default_rng((journey.seed, 4)).normal(0, 1, (2, journey.pictures))
    return np.array([35 * _eased(one, 3.0) + 3 * _eased(one[::-1], 0.5) for one in noise])


@lru_cache(2)
def _paced(journey: Journey) -> NDArray[np.float64]:
    """Returns the time by which people move, s; nobody moves twice at one pace."""
    noise = np.random.default_rng((journey.seed, 16)).normal(0, 1, journey.pictures)
    return np.cumsum(1 + 3 * _eased(noise, 5.0)) / FPS


@lru_cache(2)
def _revolutions(journey: Journey) -> NDArray[np.float64]:
    """Returns the turns of the engine until each picture, above idling; no engine runs evenly."""
    uneven = np.cumsum(np.random.default_rng((journey.seed, 9)).normal(0, 0.05, journey.pictures))
    uneven -= _eased(uneven, seconds=20.0)
    return np.cumsum(60 * journey.speed + uneven) / FPS


def _number(t: float) -> int:
    return round(t * FPS)


def _eased(values: NDArray[np.float64], seconds: float = _CHANGE_S) -> NDArray[np.float64]:
    """Spreads sudden changes over some seconds."""
    window = np.hanning(round(seconds * FPS) | 1)
    return np.convolve(values, window / window.sum(), "same")


def _tone(turns: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.sin((2 * np.pi * (turns % 1.0)).astype(np.float32))


@lru_cache(2)
def _white(seed: int, second: int) -> NDArray[np.float32]:
    rng = np.random.default_rng((seed, 12, second + 1))
    return rng.standard_normal(RATE, np.float32)


def _planes(page: NDArray[np.uint8], h: int, w: int) -> Planes:
    """Returns the planes of an I420 page, as views."""
    chroma = page[h:].reshape(2, h // 2, w // 2)
    return page[:h], chroma[0], chroma[1]


def _part(planes: Planes, top: int, bottom: int) -> Planes:
    luma, *chroma = planes
    return luma[top:bottom], *(one[top // 2 : bottom // 2] for one in chroma)  # type: ignore[return-value]


def _show(planes: Planes, layer: str, seed: int, x: float, y: float) -> None:
    """Fills planes with the scenery of a layer that lies ``x`` px along and ``y`` px down."""
    number, into = divmod(x + _WIDE[layer], _WIDE[layer])
    strip = _pair(layer, seed, int(number))
    h, w = planes[0].shape
    top = (strip[0].shape[0] - h) / 2 + y
    planes[0][:] = cv2.getRectSubPix(strip[0], (w, h), (into + (w - 1) / 2, top + (h - 1) / 2))
    row, column = int(top / 2), int(into / 2)
    for plane, painted in zip(planes[1:], strip[1:], strict=True):
        plane[:] = painted[row : row + h // 2, column : column + w // 2]


@lru_cache(4)
def _pair(layer: str, seed: int, number: int) -> Planes:
    """Returns a piece of scenery and the next one, side by side."""
    pieces = (_painted(layer, seed, number), _painted(layer, seed, number + 1))
    return tuple(np.hstack(planes) for planes in zip(*pieces, strict=True))  # type: ignore[return-value]


@lru_cache(4)
def _painted(layer: str, seed: int, number: int) -> Planes:
    rgb = scenery.__wrapped__(_place(seed, number)) if layer == "far" else _verge(seed, number)
    h, w = rgb.shape[0] // 4 * 4, rgb.shape[1] // 4 * 4
    page = cv2.cvtColor(np.ascontiguousarray(rgb[:h, :w]), cv2.COLOR_RGB2YUV_I420)
    return _planes(page, h, w)


def _place(seed: int, number: int) -> int:
    return int(np.random.default_rng((seed, 13, number)).integers(1 << 62))


def _verge(seed: int, number: int) -> NDArray[np.uint8]:
    """Paints the side of a road, rgb uint8 ``(180, 1280, 3)``: grass, bushes, posts and stones."""
    rng = np.random.default_rng((seed, 14, number))
    coarse = rng.integers(70, 150, (6, 40, 1)) + rng.integers(-12, 12, (6, 40, 3)) + (0, 15, -15)
    fine = cv2.resize(rng.integers(0, 50, (60, 427), np.uint8), (_WIDE["near"], 180))
    page = cv2.resize(coarse.astype(np.uint8), (_WIDE["near"], 180), interpolation=cv2.INTER_CUBIC)
    page = cv2.subtract(page, cv2.merge([fine] * 3))
    for _ in range(int(rng.integers(14, 30))):
        x, y, a, b = (int(v) for v in rng.integers((0, 20, 6, 6), (_WIDE["near"], 180, 60, 40)))
        colour = rng.uniform(20, 220, 3).tolist()
        if rng.random() < 0.5:
            cv2.ellipse(page, (x, y), (a, b), 0, 0, 360, colour, -1, cv2.LINE_AA)
        else:
            cv2.rectangle(page, (x, y - 3 * b), (x + a // 3, y), colour, -1)
    return page


@lru_cache(64)
def _phases(*seed: int) -> tuple[float, ...]:
    """Draws four numbers from 0 to 6."""
    return tuple(np.random.default_rng(seed).uniform(0, 6, 4).tolist())


@cache
def _grain() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Returns a bank of sensor noise, what is added and what is taken away."""
    noise = np.random.default_rng(15).normal(0, 2.2, (2 * SIZE[1], 2 * SIZE[0])).round()
    return noise.clip(0, None).astype(np.uint8), (-noise).clip(0, None).astype(np.uint8)


def _eats(planes: Planes, seed: tuple[int, ...], t: float, x: float, y: float) -> None:
    """Draws somebody at a table, whose hand goes to the mouth and back."""
    a, b, c, _ = _phases(*seed, 0)
    sway = 9 * np.sin(0.43 * t + a) + 4 * np.sin(1.3 * t + b)
    head = x + sway, 130 + y + 5 * np.sin(0.9 * t + c)
    lifted = np.clip(1.6 * np.sin(0.9 * t + 1.2 * np.sin(0.23 * t + b)), 0, 1)
    hand = x - 90 + (95 + sway) * lifted, 270 + y - 105 * lifted
    _ellipse(planes, (x + 0.6 * sway, 270 + y), (95, 100), (70, 140, 110))
    _ellipse(planes, head, (44, 56), (165, 110, 150))
    _ellipse(planes, (x - 20, 340 + y), (120, 26), (215, 126, 130))
    _ellipse(planes, hand, (22, 17), (150, 112, 152))
    _ellipse(planes, (hand[0] + 14, hand[1] - 14), (5, 13), (225, 128, 128))


def _walks(planes: Planes, seed: tuple[int, ...], t: float, away: float, y: float) -> None:
    """Draws somebody who walks to and fro."""
    a, phase, b, c = _phases(*seed)
    pace, size, coat = 40 + 12 * a, 0.8 + 0.1 * b, 30 + 25 * c
    x = 320 + _ROUND * np.sin(t * pace / _ROUND + phase) + 25 * np.sin(0.31 * t + b) + away
    step = 4 * abs(np.sin(4.4 * t + phase))
    body, head = (x, 225 + y - step), (x, 225 - 78 * size + y - step)
    hand = x + 38 * size * np.sin(3.1 * t + phase), 235 + y + 14 * np.cos(2.3 * t)
    _ellipse(planes, body, (26 * size, 60 * size), (coat, 120, 136))
    _ellipse(planes, head, (17 * size, 21 * size), (160, 112, 150))
    _ellipse(planes, hand, (11 * size, 11 * size), (190, 100, 140))


def _ellipse(
    planes: Planes,
    middle: tuple[float, float],
    axes: tuple[float, float],
    colour: tuple[float, float, float],
) -> None:
    for plane, level, scale in zip(planes, colour, (1.0, 0.5, 0.5), strict=True):
        at, size = (
            tuple(round(float(v) * scale * 2**_SHIFT) for v in pair) for pair in (middle, axes)
        )
        cv2.ellipse(plane, at, size, 0, 0, 360, float(level), -1, cv2.LINE_AA, _SHIFT)
