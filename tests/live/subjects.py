"""A documented fake: what a camera would read of a surface that a screen lights, cell by cell, without any picture.

Nothing of it comes from the simulator in the lab. A surface is a depth over the aligned face, in distances between the eyes of 63 mm; each quarter of
the screen is one area light in its middle; the room lights evenly. The camera's exposure follows slowly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.live.challenge import LightChallenge
from unmask.live.reading import GRID, LOOK, Anchor, Reading, SeenFace, _linear
from unmask.regions import places

Depth = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
FINE = 4


def face(x, y):
    """A head without sockets, brows, lips or chin: an egg with a round nose."""
    head = 1.4 * np.sqrt(np.maximum(1 - (x / 1.25) ** 2 - ((y - 0.5) / 1.7) ** 2, 0.04))
    return head + np.interp(y, [0, 0.55, 0.8], [0, 0.3, 0]) * np.exp(-((x / 0.19) ** 2) / 2)


def flat(x, y):
    return 0 * x


def bent(axis: float, radius: float) -> Depth:
    """A sheet bent around an axis, degrees from upright."""
    c, s = np.cos(np.radians(axis)), np.sin(np.radians(axis))

    def depth(x, y):
        u = c * x + s * (y - 0.5)
        return np.sqrt(np.maximum(radius**2 - u**2, 0.02))

    return depth


@dataclass(frozen=True)
class Subject:
    depth: Depth = face
    screen: tuple[float, float] = (0.30, 0.19)  # m
    distance: float = 0.45  # m
    nits: float = 300.0
    room: float = 300.0  # lux
    noise: float = 0.004
    exposure: float = 0.7
    delay: float = 0.15
    rate: float = 12.0
    sway: float = 0.05
    tint: bool = False
    yaw: float = 0.0

    def light(self, challenge: LightChallenge) -> NDArray[np.float64]:
        """Per quarter, how the cells answer its white, ``(2, 2, fine, fine)`` lux."""
        side = GRID * FINE
        x, y = places(side)
        z = self.depth(x, y)
        step = x[0, 1] - x[0, 0]
        zy, zx = np.gradient(z, step)
        normal = np.stack([-zx, -zy, np.ones_like(z)]) / np.sqrt(zx**2 + zy**2 + 1)
        a = np.radians(self.yaw)
        at = np.stack([x, y - 0.5, z - 1.3]) * 0.063
        turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
        normal, at = np.einsum("ij,jkl->ikl", turn, normal), np.einsum("ij,jkl->ikl", turn, at)
        w, h = self.screen
        out = np.zeros((2, 2, side, side))
        for row in range(2):
            for column in range(2):
                for sx in (0.125, 0.375):
                    for sy in (0.125, 0.375):
                        lx = (0.5 - sx - 0.5 * column + 0.0) * w
                        ly = (sy - 0.5 + 0.5 * row) * h
                        to = np.array([lx, ly, self.distance])[:, None, None] - at
                        r2 = (to**2).sum(axis=0)
                        cos = np.maximum((to * normal).sum(axis=0), 0) / np.sqrt(r2)
                        out[row, column] += self.nits * w * h / 16 * cos * (to[2] / np.sqrt(r2)) / r2
        if self.tint:
            out[:] = out.mean()
        return out

    def readings(self, challenge: LightChallenge, rng: np.random.Generator, answered: LightChallenge | None = None):
        """Readings and the times at which the symbols were shown."""
        shown = [0.8 + k * challenge.seconds for k in range(len(challenge.symbols))]
        end = shown[-1] + challenge.seconds + 1.0
        times = np.arange(0, end, 1 / self.rate) + rng.normal(0, 0.01, int(np.ceil(end * self.rate)))
        quarters = self.light(challenge)
        values = np.array([s.quarters for s in (answered or challenge).symbols])
        lin = _linear()[values].astype(float)  # (k,2,2,3)
        side = GRID * FINE
        albedo = np.clip(0.3 + 0.12 * rng.normal(size=(side, side)), 0.03, 1)
        import cv2

        albedo = cv2.GaussianBlur(albedo, (0, 0), 3)
        albedo = (albedo - albedo.mean()) / albedo.std() * 0.07 + 0.3
        skin = np.array([1.0, 0.7, 0.55])
        x, y = places(side)
        room = self.room * (1 + 0.3 * rng.uniform(-1, 1) * x + 0.2 * rng.uniform(0, 1) * (0.5 - y))
        room = np.maximum(room, 0.1 * self.room) * rng.uniform(0.6, 1.4)
        gain, found = None, []
        sway = rng.normal(size=(2, 3))
        for t in times:
            k = int(np.searchsorted(shown, t - self.delay, side="right")) - 1
            lit = lin[k] if k >= 0 and t - self.delay < shown[-1] + challenge.seconds else np.full((2, 2, 3), 0.5)
            screen = np.einsum("abyx,abc->yxc", quarters, lit)
            scene = (albedo / np.pi)[..., None] * skin * (room[..., None] + screen)
            d = [self.sway * sum(sway[i, j] * np.sin((0.7 + j) * t + i + j) for j in range(3)) for i in range(2)]
            scene = cv2.warpAffine(
                scene.astype(np.float32),
                np.float32([[1, 0, d[0] * FINE], [0, 1, d[1] * FINE]]),
                (side, side),
                borderMode=cv2.BORDER_REPLICATE,
            )
            want = 0.25 / scene.mean()
            gain = want if gain is None else gain + (want - gain) * min(1, self.exposure / self.rate)
            cells = cv2.resize(scene * gain, (GRID, GRID), interpolation=cv2.INTER_AREA)
            cells = np.clip(
                cells + rng.normal(0, self.noise, cells.shape) * np.sqrt(np.maximum(cells, 0) / 0.25), 0, 1
            ).astype(np.float32)
            anchor = Anchor(0.0, np.zeros((LOOK, LOOK), np.float32), np.zeros((2, GRID, GRID), np.float32))
            points = np.array([[140, 100], [185, 100], [162, 126], [144, 152], [181, 152]], np.float32)
            seen = SeenFace((110, 60, 215, 190), points, t, anchor, 0.95, 0.0, cells, 0.0, (0.35, 0.35))
            found.append(Reading(float(t), seen, float(t)))
        return shown, found
