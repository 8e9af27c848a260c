"""Films for tests and benchmarks: shots of one person each, cuts, and uploaders' edits.

A moving camera films each person before painted scenery, which is painted from a seed. People are
portraits. They are either NASA's of astronaut Eileen Collins, which scikit-image carries, with her
looks varied; or faces of a Parquet file such as `unmask-lab collect` writes, of which none is ever
copied into the repository. All frames are rgb uint8 ``(360, 640, 3)`` at 25 a second. Everything
measured on them is simulated.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.faces import PROPORTIONS, similarity

Rgb = NDArray[np.uint8]
WIDTH, HEIGHT, FPS = 640, 360, 25

LEAST_CHANGE = 4.0
"""Least difference, in levels of 255, that a change must make where it was made.

It is twice the films' grain. A face pasted onto itself is no change.
"""


@dataclass(frozen=True, eq=False)
class Portrait:
    """A person's head and shoulders and the five points of the face, px."""

    rgb: Rgb
    points: NDArray[np.float32]

    @cached_property
    def cut_out(self) -> NDArray[np.float32]:
        """Mask of head and shoulders, soft at the edge, 0 to 1."""
        return _cut_out(self)


def portraits(path: Path | None = None) -> list[Portrait]:
    """Returns the people of a Parquet file, in order of identity; or one, in twelve looks."""
    if path is None:
        from skimage.data import astronaut

        from unmask import faces

        one = np.ascontiguousarray(astronaut()[0:256, 96:352])
        return [Portrait(look, faces.find(look)[0].points) for look in _looks(one)]
    from PIL import Image
    from pyarrow.parquet import read_table

    rows = read_table(path, columns=["image", "points", "identity"]).to_pylist()
    rows.sort(key=lambda row: row["identity"])
    return [
        Portrait(
            np.asarray(Image.open(io.BytesIO(row["image"])).convert("RGB")),
            np.float32(row["points"]).reshape(5, 2),
        )
        for row in rows
    ]


def _looks(rgb: Rgb) -> list[Rgb]:
    """Mirrors, tints and stretches one portrait, so that the looks differ."""
    h, w = rgb.shape[:2]
    looks = []
    for i in range(12):
        rng = np.random.default_rng(i)
        tinted = np.clip(rgb * rng.uniform(0.6, 1.1, 3) + rng.uniform(-10, 20), 0, 255).astype(
            np.uint8
        )
        bent = cv2.resize(tinted, (int(w * rng.uniform(0.85, 1.1)), h))
        looks.append(np.ascontiguousarray(bent[:, ::-1] if i % 2 else bent))
    return looks


# ---------------------------------------------------------------- a shot


@dataclass(frozen=True)
class Shot:
    """One person before one scenery.

    ``take`` changes how the person moves, and the grain, but not the place.
    """

    seed: int
    portrait: Portrait
    take: int = 0
    face: float = 0.1
    """Area of the face box, share of the frame."""

    def frame(
        self, t: float, swap: Callable[[Rgb, NDArray[np.float32]], Rgb] | None = None
    ) -> tuple[Rgb, Rgb]:
        """Returns the picture at ``t`` seconds, and the same with ``swap(rgb, points)`` applied."""
        plain, points = self._acted(self._filmed(t), t)
        grain = _grain((self.seed, self.take, round(t * 1000)))
        grained = cv2.add(plain, grain, dtype=cv2.CV_8U)
        return grained, grained if swap is None else cv2.add(
            swap(plain, points), grain, dtype=cv2.CV_8U
        )

    def _filmed(self, t: float) -> Rgb:
        """Returns the scenery as a hand-held camera sees it."""
        rng = np.random.default_rng((self.seed, 7))
        sway = rng.uniform(4, 30, 2), rng.uniform(0.15, 0.5, 2), rng.uniform(0, 6, 2)
        x, y = (a * np.sin(f * t * 2 + p) for a, f, p in zip(*sway, strict=True))
        shake = 0.8 * np.sin(7 * t + self.take), 0.8 * np.cos(9 * t)
        zoom = 1 + 0.03 * np.sin(0.5 * t)
        matrix = np.float32([[zoom, 0, -80 + x + shake[0]], [0, zoom, -60 + y + shake[1]]])
        return cv2.warpAffine(scenery(self.seed), matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)

    def _acted(self, rgb: Rgb, t: float) -> tuple[Rgb, NDArray[np.float32]]:
        """Pastes in the person, who sways, nods and turns a little; also returns the points."""
        rng = np.random.default_rng((self.seed, 11, self.take))
        a, f, p = rng.uniform(3, 22, 3), rng.uniform(0.2, 0.9, 3), rng.uniform(0, 6, 3)
        dx, dy, turn = (float(v) for v in a * np.sin(2 * f * t + p))
        home = np.random.default_rng((self.seed, 13)).uniform([0.3, 0.42], [0.7, 0.5]) * [
            WIDTH,
            HEIGHT,
        ]
        apart = np.sqrt(self.face * WIDTH * HEIGHT / (2.2 * 2.9))
        angle = np.radians(turn / 4)
        rotation = np.float32([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        goal = (PROPORTIONS * np.float32(apart)) @ rotation.T + np.float32(
            [home[0] + dx, home[1] - 0.6 * apart + dy / 3]
        )
        matrix = similarity(self.portrait.points, goal.astype(np.float32))
        alpha = cv2.warpAffine(self.portrait.cut_out, matrix, (WIDTH, HEIGHT))
        points = self.portrait.points @ matrix[:, :2].T + matrix[:, 2]
        return _laid_over(rgb, self.portrait.rgb, matrix, alpha), points.astype(np.float32)


def _laid_over(
    rgb: Rgb,
    other: Rgb,
    matrix: NDArray[np.float32],
    alpha: NDArray[np.float32],
    matched_in: float | None = None,
) -> Rgb:
    """Blends another picture in where ``alpha``, 0 to 1, is above 0.

    If ``matched_in`` is given, its colours are matched, by mean and spread, to what it covers where
    ``alpha`` is above ``matched_in``.
    """
    x, y, w, h = cv2.boundingRect((alpha > 0).astype(np.uint8))
    if not w:
        return rgb
    moved = matrix - np.float32([[0, 0, x], [0, 0, y]])
    layer = cv2.warpAffine(
        other, moved, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    below, part = rgb[y : y + h, x : x + w], alpha[y : y + h, x : x + w]
    if matched_in is not None and (inside := part > matched_in).any():
        a, b = layer[inside].astype(np.float32), below[inside].astype(np.float32)
        gain = b.std(axis=0) / np.maximum(a.std(axis=0), 1)
        layer = np.clip((layer - a.mean(axis=0)) * gain + b.mean(axis=0), 0, 255).astype(np.uint8)
    out = rgb.copy()
    out[y : y + h, x : x + w] = cv2.blendLinear(layer, below, part, 1 - part)
    return out


def _cut_out(portrait: Portrait) -> NDArray[np.float32]:
    """Returns a mask of head and shoulders, soft at the edge, 0 to 1."""
    h, w = portrait.rgb.shape[:2]
    eyes, mouth = portrait.points[:2].mean(axis=0), portrait.points[3:].mean(axis=0)
    long = float(np.linalg.norm(mouth - eyes))
    mask = np.zeros((h, w), np.float32)
    centre = (eyes + 0.35 * (mouth - eyes)).astype(int)
    cv2.ellipse(
        mask, tuple(map(int, centre)), (int(1.45 * long), int(2.0 * long)), 0, 0, 360, 1.0, -1
    )
    body = (int(mouth[0]), int(mouth[1] + 2.4 * long))
    cv2.ellipse(mask, body, (int(2.6 * long), int(1.9 * long)), 0, 0, 360, 1.0, -1)
    return cv2.GaussianBlur(mask, (0, 0), 0.06 * long)


@lru_cache(16)
def scenery(seed: int) -> Rgb:
    """Paints a place, uint8 ``(520, 860, 3)``: walls, furniture and patterns.

    The seed also sets how far it is out of focus.
    """
    rng = np.random.default_rng((seed, 3))
    h, w = HEIGHT + 160, WIDTH + 220
    canvas = cv2.resize(_muted(rng, (4, 6)), (w, h), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(25, 60))):
        a, b = (int(v) for v in rng.integers(8, 130, 2))
        x, y, r = int(rng.integers(0, w)), int(rng.integers(0, h)), max(a, b)
        part = canvas[max(0, y - r) : y + r, max(0, x - r) : x + r]
        shape, middle = np.zeros(part.shape[:2], np.float32), (min(x, r), min(y, r))
        if rng.random() < 0.6:
            box = cv2.boxPoints((middle, (a, b), float(rng.uniform(0, 30))))
            cv2.fillPoly(shape, [box.astype(np.int32)], 1.0)
        else:
            cv2.ellipse(
                shape, middle, (a // 2 + 2, b // 2 + 2), float(rng.uniform(0, 180)), 0, 360, 1.0, -1
            )
        texture = _noise(rng, *part.shape[:2], float(rng.choice([2, 5, 12, 40]))) * rng.uniform(
            0, 45
        )
        alpha = cv2.GaussianBlur(shape, (0, 0), float(rng.uniform(0.5, 3)))[
            ..., None
        ] * rng.uniform(0.5, 1)
        part += alpha * (_muted(rng, ()) + texture[..., None] - part)
    blur = float(rng.choice([0, 0, 1, 2.5, 5]))
    canvas = cv2.GaussianBlur(canvas, (0, 0), blur) if blur else canvas
    return np.clip(canvas, 0, 255).astype(np.uint8)


def _muted(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Returns random colours, half way to grey."""
    colours = rng.uniform(15, 235, (*shape, 3))
    return (0.5 * colours + 0.5 * colours.mean(axis=-1, keepdims=True)).astype(np.float32)


def _noise(rng: np.random.Generator, h: int, w: int, grain: float) -> NDArray[np.float32]:
    coarse = rng.normal(0, 1, (max(2, int(h / grain)), max(2, int(w / grain)))).astype(np.float32)
    return cv2.resize(coarse, (w, h), interpolation=cv2.INTER_CUBIC)


def _grain(seed: tuple[int, ...], spare: int = 64) -> NDArray[np.int16]:
    """Returns film grain, sigma 2: a part of one of a few sheets.

    New grain for each frame would take longer than all the rest.
    """
    which, y, x = np.random.default_rng(seed).integers(0, (8, spare, spare))
    return _sheet(int(which), HEIGHT + spare, WIDTH + spare)[y : y + HEIGHT, x : x + WIDTH]


@cache
def _sheet(which: int, height: int, width: int) -> NDArray[np.int16]:
    grain = (
        np.random.default_rng((which, 23)).normal(0, 2, (height, width, 1)).round().astype(np.int16)
    )
    return np.repeat(grain, 3, axis=2)


# ---------------------------------------------------------------- a film


@dataclass(frozen=True)
class Film:
    """Shots of 3 to 8 seconds with hard cuts."""

    shots: tuple[tuple[float, Shot], ...]
    seconds: float

    def at(self, t: float) -> tuple[Shot, float]:
        """Returns the shot shown at ``t`` seconds, and the time in it."""
        start, shot = [(s, shot) for s, shot in self.shots if s <= t + 1e-9][-1]
        return shot, t - start

    def frame(self, t: float, swap: Callable[[Rgb, NDArray[np.float32]], Rgb] | None = None) -> Rgb:
        """Returns the picture at ``t``, with the face changed if ``swap`` is given."""
        return self.both(t, swap)[1]

    def both(
        self, t: float, swap: Callable[[Rgb, NDArray[np.float32]], Rgb] | None = None
    ) -> tuple[Rgb, Rgb]:
        """Returns the picture at ``t``, and the same with the face changed."""
        shot, inside = self.at(t)
        return shot.frame(inside, swap)


def film(
    seed: int, people: Sequence[Portrait], seconds: float, take: int = 0, area: float | None = None
) -> Film:
    """Returns the film of a seed; another ``take`` has the same shots, acted again."""
    rng = np.random.default_rng((seed, 1))
    shots: list[tuple[float, Shot]] = []
    at = 0.0
    while at < seconds:
        who = people[int(rng.integers(len(people)))]
        size = float(rng.uniform(0.02, 0.2)) if area is None else area
        shots.append((at, Shot(int(rng.integers(2**31)), who, take, size)))
        at += round(float(rng.uniform(3, 8)) * FPS) / FPS
    return Film(tuple(shots), seconds)


# ---------------------------------------------------------------- changing a face


def another_face(other: Portrait) -> Callable[[Rgb, NDArray[np.float32]], Rgb]:
    """Pastes the inner face of someone else, its colours matched, as a face swap does."""
    return _pasted(other, (0.0, 0.62), (0.95, 1.25))


def another_mouth(other: Portrait) -> Callable[[Rgb, NDArray[np.float32]], Rgb]:
    """Pastes only the mouth of someone else, as lip-syncing does."""
    return _pasted(other, (0.0, 1.2), (0.62, 0.42))


def _pasted(
    other: Portrait, centre: tuple[float, float], axes: tuple[float, float]
) -> Callable[[Rgb, NDArray[np.float32]], Rgb]:
    def swap(rgb: Rgb, points: NDArray[np.float32]) -> Rgb:
        plan = similarity(PROPORTIONS, points)
        apart = float(np.hypot(plan[0, 0], plan[1, 0]))
        middle = plan[:, :2] @ np.array(centre) + plan[:, 2]
        turn = float(np.degrees(np.arctan2(plan[1, 0], plan[0, 0])))
        mask = np.zeros(rgb.shape[:2], np.float32)
        box = (
            (float(middle[0]), float(middle[1])),
            (2 * axes[0] * apart, 2 * axes[1] * apart),
            turn,
        )
        cv2.ellipse(mask, box, 1.0, -1)
        alpha = cv2.GaussianBlur(mask, (0, 0), max(0.6, 0.09 * apart))
        return _laid_over(rgb, other.rgb, similarity(other.points, points), alpha, matched_in=0.5)

    return swap


# ---------------------------------------------------------------- what uploaders do


Frames = Iterable[Rgb]


def cropped(rgb: Rgb, part: float = 0.05) -> Rgb:
    """Crops ``part`` of the width and height on either side."""
    h, w = rgb.shape[:2]
    y, x = round(h * part), round(w * part)
    return cv2.resize(rgb[y : h - y, x : w - x], (w, h), interpolation=cv2.INTER_AREA)


def barred(rgb: Rgb) -> Rgb:
    """Shrinks between black bars at the left and right, as a 4:3 film on a wide screen."""
    h, w = rgb.shape[:2]
    page = np.zeros_like(rgb)
    small = cv2.resize(rgb, (int(w * 0.75), int(h * 0.75)), interpolation=cv2.INTER_AREA)
    y, x = (h - small.shape[0]) // 2, (w - small.shape[1]) // 2
    page[y : y + small.shape[0], x : x + small.shape[1]] = small
    return page


def mirrored(rgb: Rgb) -> Rgb:
    """Exchanges left and right."""
    return np.ascontiguousarray(rgb[:, ::-1])


def subtitled(
    rgb: Rgb, text: str = "What did you say to him last night?", height: float = 0.88
) -> Rgb:
    """Writes white letters with a black edge at ``height`` of the picture."""
    out, h, w = rgb.copy(), rgb.shape[0], rgb.shape[1]
    scale = w / 640
    (tw, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.8 * scale, 2)
    at = ((w - tw) // 2, int(h * height))
    cv2.putText(out, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.8 * scale, (0, 0, 0), 5, cv2.LINE_AA)
    cv2.putText(
        out, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.8 * scale, (255, 255, 255), 2, cv2.LINE_AA
    )
    return out


def with_logo(rgb: Rgb) -> Rgb:
    """Draws a channel's logo in a corner."""
    out, w = rgb.copy(), rgb.shape[1]
    cv2.circle(out, (w - 60, 50), 32, (220, 30, 40), -1, cv2.LINE_AA)
    cv2.putText(
        out, "TV", (w - 82, 60), cv2.FONT_HERSHEY_DUPLEX, 1.0, (255, 255, 255), 2, cv2.LINE_AA
    )
    return out


def graded(rgb: Rgb) -> Rgb:
    """Makes it warmer and darker, with more contrast and less colour."""
    curves = (np.arange(256)[:, None] / 255) ** np.array([0.95, 1.1, 1.3]) * 255
    bent = cv2.LUT(rgb, curves.astype(np.float32)[None])
    mixed = cv2.transform(bent, 1.25 * (0.75 * np.eye(3) + 0.25 / 3))
    return np.clip(mixed - np.float32((1.25 * 0.5 - 0.47) * 255), 0, 255).astype(np.uint8)


def inset(rgb: Rgb, around: Rgb, part: float = 0.42) -> Rgb:
    """Shows it small in a corner of another film."""
    out, h, w = around.copy(), around.shape[0], around.shape[1]
    small = cv2.resize(rgb, (int(w * part), int(h * part)), interpolation=cv2.INTER_AREA)
    out[20 : 20 + small.shape[0], w - 20 - small.shape[1] : w - 20] = small
    return out


def behind(rgb: Rgb, front: Rgb, part: float = 0.35) -> Rgb:
    """Shows another film small in a corner of it."""
    return inset(front, rgb, part)


def changed_by(before: Rgb, after: Rgb) -> float:
    """Returns the root mean square difference, of 255, over the changed pixels; 0 if none."""
    difference = after.astype(np.float32) - before
    touched = difference[difference.any(axis=2)]
    return float(np.sqrt((touched**2).mean())) if touched.size else 0.0
