"""Fake of a camera that films a surface lit by a screen: readings cell by cell, without pictures.

It shares nothing with the simulator in the lab. A surface is a depth over the aligned face, in
units of the distance between the eyes, 63 mm. Each quarter of the screen is four small lights. The
room lights evenly, more or less from one side. The camera's exposure follows slowly, its noise is
white, and the face is tracked to a few hundredths of a cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.faces.regions import places
from unmask.live.challenge import LightChallenge, light_challenge
from unmask.live.reading import GRID, LOOK, FaceAnchor, FrameReading, SeenFace

Map = NDArray[np.float64]
Depth = Callable[[Map, Map], Map]

FINE = 4
"""Places along each side of a cell."""

EYES = 0.063
"""Distance between the eyes, m."""

SIDE = GRID * FINE
POINTS = np.array([[140, 100], [185, 100], [162, 126], [144, 152], [181, 152]], np.float32)


def challenge(seed: int) -> LightChallenge:
    """Returns a challenge that is always the same, unlike real ones."""
    return light_challenge(Random(seed))  # noqa: S311


def face(x: Map, y: Map) -> Map:
    """Returns the depth of an egg with a round nose: no sockets, brows, lips or chin."""
    head = 1.4 * np.sqrt(np.maximum(1 - (x / 1.25) ** 2 - ((y - 0.5) / 1.7) ** 2, 0.04))
    return np.asarray(
        head + np.interp(y, [0, 0.55, 0.8], [0, 0.3, 0]) * np.exp(-((x / 0.19) ** 2) / 2)
    )


def flat(x: Map, y: Map) -> Map:
    """Returns the depth of a flat sheet."""
    return 0 * (x + y)


def bent(axis: float, radius: float) -> Depth:
    """Returns the depth of a sheet bent around an axis.

    Args:
        axis: degrees from upright.
        radius: in distances between the eyes.
    """

    def depth(x: Map, y: Map) -> Map:
        across = np.cos(np.radians(axis)) * x + np.sin(np.radians(axis)) * (y - 0.5)
        return np.asarray(np.sqrt(np.maximum(radius**2 - across**2, 0.02)))

    return depth


@dataclass(frozen=True)
class Subject:
    """Someone, or something, before a laptop.

    Attributes:
        depth: depth of the surface.
        room: light of the room, lux.
        tint: the picture is tinted evenly instead of being lit.
        glow: the surface's own light over what it reflects of the room: a screen.
        late: delay from painting to frame, s.
        rate: frames per second; ``dropped`` is the share that never arrive.
        noise: noise of a cell, as a share of its light.
        drift: drift of the exposure, as a share of light per second.
    """

    depth: Depth = face
    room: float = 150.0
    tint: bool = False
    glow: float = 0.0
    late: float = 0.15
    rate: float = 12.0
    dropped: float = 0.0
    noise: float = 0.008
    drift: float = 0.0

    def quarters(self) -> Map:
        """Returns lux on each place from each quarter's white, ``(2, 2, SIDE, SIDE)``."""
        x, y = places(SIDE)
        z = self.depth(x, y)
        down, across = np.gradient(z, float(x[0, 1] - x[0, 0]))
        normal = np.stack([-across, -down, np.ones_like(z)]) / np.sqrt(across**2 + down**2 + 1)
        at = np.stack([x, y - 0.5, z - 1.3]) * EYES
        lux = np.zeros((2, 2, SIDE, SIDE))
        for row, column, right, low in product((0, 1), (0, 1), (0.125, 0.375), (0.125, 0.375)):
            lamp = np.array(
                [(0.5 - right - 0.5 * column) * 0.30, (low - 0.5 + 0.5 * row) * 0.19, 0.45]
            )
            to = lamp[:, None, None] - at
            squared = (to**2).sum(axis=0)
            cosines = np.maximum((to * normal).sum(axis=0), 0) * to[2] / squared
            lux[row, column] += 300 * 0.30 * 0.19 / 16 * cosines / squared
        return np.full_like(lux, lux.mean()) if self.tint else lux

    def answers(
        self, asked: LightChallenge, seed: int, shown: LightChallenge | None = None
    ) -> list[FrameReading]:
        """Returns the readings of one session.

        They begin 0.8 s before the first symbol, which is painted at `painted`, and end 1 s after
        the last symbol.

        Args:
            asked: the challenge of this session.
            seed: seed of paint, room and noise.
            shown: what lights the surface; by default what was asked.
        """
        random = np.random.default_rng(seed)
        since, values = (
            painted(asked),
            np.array([symbol.quarters for symbol in (shown or asked).symbols]),
        )
        lit = linear(np.concatenate([values, np.full((1, 2, 2, 3), 190)]))
        paint, room = self._paint(random), self._room(random)
        times = np.arange(0, since[-1] + asked.seconds + 1, 1 / self.rate)
        times = times[random.random(times.size) >= self.dropped] + 0.0
        strays = np.cumsum(random.normal(0, 0.02, (times.size, 2)), axis=0) * 0.5
        quarters, edges = self.quarters(), self._edges(paint)
        gain, found = 0.25 / (paint * room[..., None]).mean() / 1.5, []
        for time, stray in zip(times, strays - strays.mean(axis=0), strict=True):
            symbol = int(np.searchsorted(since, time - self.late, side="right")) - 1
            screen = np.einsum(
                "abyx,abc->yxc", quarters, lit[symbol if symbol < len(since) else -1]
            )
            light = (
                paint * (room[..., None] + screen)
                if not self.glow
                else self.glow * room.mean() * paint + 0.1 * screen
            )
            moved = np.array([[1, 0, stray[0] * FINE], [0, 1, stray[1] * FINE]])
            light = cv2.warpAffine(
                light.astype(np.float32), moved, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE
            )
            cells = (
                cv2.resize(light, (GRID, GRID), interpolation=cv2.INTER_AREA)
                * gain
                * np.exp(self.drift * time)
            )
            cells *= 1 + random.normal(0, self.noise, cells.shape)
            found.append(reading(float(time), np.clip(cells, 0, 1).astype(np.float32), edges))
        return found

    def _paint(self, random: np.random.Generator) -> Map:
        """Returns the reflectance of skin with some features, ``(SIDE, SIDE, 3)``."""
        spots = cv2.GaussianBlur(random.normal(size=(SIDE, SIDE)), (0, 0), 3)
        return np.asarray((0.35 + 0.05 * spots / spots.std())[..., None] * [1.0, 0.7, 0.55])

    def _room(self, random: np.random.Generator) -> Map:
        """Returns lux of the room, ``(SIDE, SIDE)``; on a face more where it turns to the lamp."""
        x, y = places(SIDE)
        down, across = np.gradient(self.depth(x, y), float(x[0, 1] - x[0, 0]))
        lamp = random.uniform(-0.4, 0.4, 2)
        return np.asarray(
            self.room
            * np.clip(
                1 - (lamp[0] * across + lamp[1] * down) / np.hypot(1, np.hypot(across, down)),
                0.3,
                2,
            )
        )

    def _edges(self, paint: Map) -> NDArray[np.float32]:
        grey = cv2.resize(paint.mean(axis=2), (GRID, GRID), interpolation=cv2.INTER_AREA)
        down, across = np.gradient(np.log(grey), 3.6 / GRID)
        return np.stack([across, down]).astype(np.float32)


def painted(asked: LightChallenge) -> list[float]:
    """Returns the times when the symbols are painted, s."""
    return [0.8 + asked.seconds * k for k in range(len(asked.symbols))]


def linear(srgb: NDArray[np.int64]) -> Map:
    """Converts sRGB to linear light (IEC 61966-2-1)."""
    value = srgb / 255
    return np.asarray(np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4))


def reading(
    time: float,
    cells: NDArray[np.float32] | None = None,
    edges: NDArray[np.float32] | None = None,
    yaw: float = 0.0,
    size: float = 1.0,
    eyes: float = 0.4,
    moved: float = 0.0,
    look: NDArray[np.float32] | None = None,
) -> FrameReading:
    """Returns a reading of a face that was just found; what is not given has an ordinary value."""
    cells = np.full((GRID, GRID, 3), 0.25, np.float32) if cells is None else cells
    edges = np.zeros((2, GRID, GRID), np.float32) if edges is None else edges
    anchor = FaceAnchor(time, LOOKS[0] if look is None else look, edges)
    points = (
        (POINTS - POINTS.mean(axis=0)) * np.float32(size) + POINTS.mean(axis=0) + np.float32(moved)
    )
    seen = SeenFace(
        (110, 60, 215, 190), points, time, anchor, 1.0, yaw, 58.0 * size, cells, 0.0, (eyes, eyes)
    )
    return FrameReading(time, seen, time)


LOOKS = np.random.default_rng(0).normal(size=(2, LOOK, LOOK)).astype(np.float32)
"""Appearances of two people."""
