"""Continuous footage of one camera, painted from a seed: rgb uint8 ``(180, 320, 3)`` at any time.

All is simulated. Scenery is painted. People are NASA's portrait of astronaut Eileen Collins, which
scikit-image carries, or drawn. Each picture has its own sensor noise.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np

from tests.support import films
from tests.support.films import Rgb, scenery

SIZE = (320, 180)
_SHIFT = 4
"""Fractional bits of the px coordinates of drawn things."""
_FIRST = np.float32([[0.5, 0, -55], [0, 0.5, -40]])
"""Affine matrix that brings the middle of a painted place into the picture."""


def filmed(camera: str, seed: int, t: float) -> Rgb:
    """Returns the picture that a camera, one of `CAMERAS`, takes at ``t`` seconds."""
    page = CAMERAS[camera](seed, t)
    sigma = np.random.default_rng((seed, 17)).uniform(1, 4)
    grain = np.random.default_rng((seed, 19, round(t * 1000))).normal(
        0, sigma, (SIZE[1], SIZE[0], 1)
    )
    return np.clip(page + grain, 0, 255).astype(np.uint8)


def _hand(seed: int, t: float) -> Rgb:
    """Shows a hand-held view: it sways, shakes and turns, and somebody walks."""
    reach, speed, phase = (
        _drawn(seed, (8, 20), 2),
        _drawn(seed + 1, (0.1, 0.25), 2),
        _drawn(seed + 2, (0, 6), 2),
    )
    x, y = reach * np.sin(2 * np.pi * speed * t + phase) + np.array(
        [np.sin(7.3 * t), np.cos(9.1 * t)]
    )
    page = _placed(seed, x, y, turn=1.5 * np.sin(0.8 * t + phase[0]))
    return _walkers(page, seed, t, count=1, away=(x, y))


def _pan(seed: int, t: float) -> Rgb:
    """Shows a pan on a stand, faster and slower, to and fro; the street is empty."""
    (first, second, third), phase = (
        2 * np.pi / _drawn(seed, (7, 26), 3),
        _drawn(seed + 1, (0, 6), 3),
    )
    x = 40 * np.sin(first * t + phase[0]) + 30 * np.sin(second * t + phase[1])
    return _placed(seed, x, 6 * np.sin(third * t + phase[2]))


def _drive(seed: int, t: float) -> Rgb:
    """Shows a drive behind a windscreen.

    Fronts of houses come nearer on both sides of a road that shakes, above a dashboard.
    """
    speed = float(_drawn(seed, (5, 14), 1)[0])
    went = speed * t + 0.25 * speed * np.sin(0.7 * t)
    y = 80 + 1.2 * np.sin(23 * t) * np.sin(3.1 * t)
    page = np.full((SIZE[1], SIZE[0], 3), (150, 165, 185), np.uint8)
    page[int(y) :] = (90, 88, 85)
    first = int(went // 6)
    for number in range(first + 14, first - 1, -1):
        away = number * 6 + 6 - went
        rng = np.random.default_rng((seed, 47, number))
        side, wide, high = (-1, 1)[number % 2], rng.uniform(5, 9), rng.uniform(3, 9)
        left = 160 + 150 * (side * rng.uniform(3, 5) - (wide if side < 0 else 0)) / away
        front = scenery(seed + int(rng.integers(6)))[60:360, 100:500]
        box = np.float32([[left, y + 150 / away], [left + 150 * wide / away, y + 150 / away]])
        matrix = cv2.getAffineTransform(
            np.float32([[0, 300], [400, 300], [0, 0]]),
            np.float32([*box, [left, y + 150 * (1 - high) / away]]),
        )
        cv2.warpAffine(
            front, matrix, SIZE, page, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
        )
    cv2.ellipse(page, (160, 215), (230, 70), 0, 0, 360, (25, 25, 30), -1)
    return page


def _stand(seed: int, t: float) -> Rgb:
    """Shows somebody who walks about, from a stand."""
    return _walkers(_placed(seed, 0, 0), seed, t, count=1)


def _crowd(seed: int, t: float) -> Rgb:
    """Shows a crowd in the rain, from a stand."""
    page = _walkers(_placed(seed, 0, 0), seed, t, count=12)
    drops = (
        np.random.default_rng((seed, round(t * 1000)))
        .uniform([0, 0], [320, 170], (60, 2))
        .astype(int)
    )
    for x, y in drops.tolist():
        cv2.line(page, (x, y), (x - 1, y + 7), (170, 170, 175), 1)
    return page


def _talk(seed: int, t: float) -> Rgb:
    """Shows somebody who talks, from a stand.

    The head moves by a few px, the mouth opens, and nothing else changes.
    """
    portrait = _portraits()[seed % 12]
    a, f, p = _drawn(seed, (1, 5), 3), _drawn(seed + 1, (0.15, 0.6), 3), _drawn(seed + 2, (0, 6), 3)
    dx, dy, turn = a * np.sin(2 * np.pi * f * t + p) + 0.4 * a * np.sin(2 * np.pi * 2.3 * f * t)
    matrix = cv2.getRotationMatrix2D((128, 128), 0.6 * float(turn), 0.6)
    matrix[:, 2] += 160 - 128 + dx, 105 - 128 + 0.4 * dy
    alpha = cv2.warpAffine(portrait.cut_out, matrix, SIZE)
    head = cv2.warpAffine(portrait.rgb, matrix, SIZE, borderMode=cv2.BORDER_REFLECT)
    open_ = max(0.0, np.sin(17 * t + p[0]) * np.sin(2.3 * t + p[1]))
    mouth = matrix[:, :2] @ portrait.points[3:].mean(axis=0) + matrix[:, 2]
    cv2.ellipse(
        head,
        (int(mouth[0]), int(mouth[1])),
        (5, round(1 + 3 * open_)),
        0,
        0,
        360,
        (70, 25, 25),
        -1,
        cv2.LINE_AA,
    )
    return cv2.blendLinear(head, _placed(seed, 0, 0), alpha, 1 - alpha)


def _screen(seed: int, t: float) -> Rgb:
    """Shows a screen with text, which scrolls in smooth steps, and a pointer that may rest."""
    scrolled = 24 * (int(t // 3.1) + min(1.0, t % 3.1 / 0.4))
    page = np.full((SIZE[1], SIZE[0], 3), 238, np.uint8)
    for line in range(-1, 15):
        number = line + int(scrolled // 14)
        words = np.random.default_rng((seed, number + 2)).integers(15, 60, 6)
        y, x = round(line * 14 - scrolled % 14 + 12), 20
        for width in words.tolist():
            cv2.rectangle(page, (x, y), (min(300, x + width - 5), y + 5), (60, 60, 70), -1)
            x += width
    moves = np.clip(np.sin(0.5 * t + seed), -0.6, 0.6)
    pointer = _fine(160 + 150 * moves, 90 + 60 * np.cos(0.5 * t))
    cv2.circle(page, pointer, 4 << _SHIFT, (200, 40, 40), -1, cv2.LINE_AA, _SHIFT)
    return page


CAMERAS: dict[str, Callable[[int, float], Rgb]] = {
    "hand": _hand,
    "pan": _pan,
    "drive": _drive,
    "stand": _stand,
    "crowd": _crowd,
    "talk": _talk,
    "screen": _screen,
}
"""All cameras; the last four stand still."""
STANDING = ("stand", "crowd", "talk", "screen")


def _drawn(seed: int, between: tuple[float, float], count: int) -> np.ndarray:
    return np.random.default_rng((seed, 41)).uniform(*between, count)


def _placed(seed: int, x: float, y: float, turn: float = 0.0, zoom: float = 1.0) -> Rgb:
    """Returns a painted place, moved by px, turned by degrees about the middle, and zoomed."""
    about = np.vstack([cv2.getRotationMatrix2D((SIZE[0] / 2, SIZE[1] / 2), turn, zoom), [0, 0, 1]])
    matrix = (about @ np.vstack([_FIRST + np.float32([[0, 0, x], [0, 0, y]]), [0, 0, 1]]))[:2]
    return cv2.warpAffine(
        scenery(seed), matrix, SIZE, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT
    )


def _walkers(page: Rgb, seed: int, t: float, count: int, away: tuple[float, float] = (0, 0)) -> Rgb:
    """Draws people who walk to and fro, each with their own gait and speed."""
    for who in range(count):
        rng = np.random.default_rng((seed, 43, who))
        reach, speed, phase, size = (
            rng.uniform(40, 130),
            rng.uniform(0.2, 0.7),
            rng.uniform(0, 6),
            rng.uniform(0.5, 1.1),
        )
        coat, skin = rng.uniform(20, 200, 3).tolist(), (205, 170, 150)
        x = (
            rng.uniform(60, 260)
            + reach * np.sin(speed * t + phase)
            + 5 * np.sin(3.7 * t + phase)
            + away[0]
        )
        y = 105 + 4 * abs(np.sin(4.4 * t + phase)) + away[1]
        body, head, neck = (_fine(x, y + down * size) for down in (40, -12, 12))
        hand = _fine(
            x + 26 * size * np.sin(3.1 * t + phase), y + size * (30 + 12 * np.cos(2.3 * t))
        )
        cv2.ellipse(
            page, body, _fine(20 * size, 42 * size), 0, 0, 360, coat, -1, cv2.LINE_AA, _SHIFT
        )
        cv2.circle(page, head, _fine(12 * size, 0)[0], skin, -1, cv2.LINE_AA, _SHIFT)
        cv2.line(page, neck, hand, (200, 190, 90), max(2, int(6 * size)), cv2.LINE_AA, _SHIFT)
    return page


def _fine(x: float, y: float) -> tuple[int, int]:
    return round(x * 2**_SHIFT), round(y * 2**_SHIFT)


@cache
def _portraits() -> list[films.Portrait]:
    return films.portraits()
