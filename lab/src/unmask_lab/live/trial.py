"""One session: an act before a camera, to frames and readings, to the outcome.

Two levels. `frames` are whole pictures, which go through `unmask.live.reading.read`, the face's finder included. `readings`
are made without pictures, some hundred times as fast: the light of each cell is rendered once, aligned by the points that the
finder found in one whole frame, and every reading is a sum of those lights through the same camera, noise averaged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask import faces
from unmask.live.challenge import LightChallenge
from unmask.live.reading import GRID, Reading, SeenFace, read
from unmask.types import Face, Frame
from unmask_lab.live.camera import HEIGHT, WIDTH, Automatics, Camera, frame, noisy, times, toned
from unmask_lab.live.head import Floats, posed
from unmask_lab.live.light import linear
from unmask_lab.live.scene import Setting, Stage, pixels, render
from unmask_lab.live.species import Act

BANDS = 12
"""Strips of rows that are read at the same time."""

LEAD, TAIL = 0.6, 0.6
"""Seconds that the camera runs before the first symbol and after the last."""

_CELL = faces.CROP_PX // GRID
METERED = (slice(HEIGHT // 4, 3 * HEIGHT // 4), slice(WIDTH // 4, 3 * WIDTH // 4))
"""The middle of the frame, by which exposure and white balance go."""


@dataclass(frozen=True, slots=True, eq=False)
class Sway:
    """How a head moves over a session, one row per frame.

    Attributes:
        place: float32 ``(n, 3)``, m.
        turned: float32 ``(n, 3)``, radians: yaw, pitch, roll.
    """

    place: Floats
    turned: Floats


def painted(challenge: LightChallenge, random: np.random.Generator) -> NDArray[np.float64]:
    """When a browser painted the symbols, s: a screen's refresh and a busy page late."""
    n = len(challenge.symbols)
    return LEAD + np.arange(n) * challenge.seconds + np.cumsum(random.uniform(0, 0.012, n))


def frames(where: Setting, act: Act, end: float, random: np.random.Generator) -> Iterator[Frame]:
    """What the server gets until ``end``, s."""
    device, automatics = where.camera, Automatics(where.camera)
    exposed = times(device, 0.0, end, random)
    sway = _sway(exposed, act.still, random)
    band = _bands(act.stage, act.stage.place, act.stage.turned)
    rows = np.arange(HEIGHT) * BANDS // HEIGHT
    for i, time in enumerate(exposed):
        strength = _strength(act, device, float(time))
        place, turned = act.stage.place + sway.place[i], tuple(np.add(act.stage.turned, sway.turned[i]))
        face = np.einsum("snc,nsc->nc", act.stage.lit, strength[band])
        behind = np.einsum("shwc,hsc->hwc", act.stage.behind, strength[rows])
        light = render(posed(act.stage.points, place, *turned), face, behind, act.stage.focal)
        gains = automatics.gains(light[METERED].mean(axis=(0, 1)), float(time))
        yield Frame(float(time) + device.delay, frame(light, gains, device, random))


def read_frames(where: Setting, act: Act, end: float, random: np.random.Generator) -> list[Reading]:
    """The readings of `frames`."""
    found: list[Reading] = []
    for one in frames(where, act, end, random):
        found.append(read(one, found[-1] if found else None))
    return found


# ---------------------------------------------------------------- readings without pictures


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """A stage as the grid of readings sees it.

    Attributes:
        face: as the finder found it in one whole frame.
        lit: of each cell under each light, float32 ``(lights, GRID, GRID, 3)``, cd/m2.
        shifted: how that changes as the points shift by 1 % of the distance between the eyes to the right and downwards,
            float32 ``(2, lights, GRID, GRID, 3)``.
        metered: mean of the part of the frame that the automatics measure, float32 ``(lights, 3)``.
        merged: the frame's pixels in a cell.
    """

    face: Face
    lit: Floats
    shifted: Floats
    metered: Floats
    merged: float


def cells(stage: Stage, device: Camera, random: np.random.Generator) -> Cells | None:
    """The stage's cells; None where the finder finds no face in a frame of it."""
    lights = len(stage.lit)
    placed = posed(stage.points, stage.place, *stage.turned)
    seen = [render(placed, stage.lit[i], stage.behind[i], stage.focal) for i in range(lights)]
    plain = sum(seen[1:], seen[0])
    gains = Automatics(device).gains(plain[METERED].mean(axis=(0, 1)), 0.0)
    found = faces.find(frame(np.asarray(plain), gains, device, random))
    if not found:
        return None
    points = found[0].points
    eyes = float(np.hypot(*(points[1] - points[0])))
    step = np.float32(0.01 * eyes)
    base, right, down = (
        np.stack([_gridded(one, points + shift) for one in seen])
        for shift in (np.float32([0, 0]), np.float32([step, 0]), np.float32([0, step]))
    )
    metered = np.stack([one[METERED].mean(axis=(0, 1)) for one in seen])
    return Cells(found[0], base, np.stack([right - base, down - base]), metered, (3.6 * eyes / GRID) ** 2)


def readings(
    where: Setting, act: Act, seen: Cells, end: float, random: np.random.Generator, wobble: float = 0.8
) -> list[Reading]:
    """Readings until ``end``, s.

    Args:
        seen: the act's stage.
        wobble: standard deviation of the followed points, % of the distance between the eyes.
    """
    device, automatics = where.camera, Automatics(where.camera)
    exposed = times(device, 0.0, end, random)
    wobbled = drift(exposed, 0.3, random, 2) * np.float32(wobble)
    rows = np.clip(_cell_rows(seen.face.points), 0, HEIGHT - 1).astype(int) * BANDS // HEIGHT
    found = []
    for i, time in enumerate(exposed):
        strength = _strength(act, device, float(time))
        lit = seen.lit + np.tensordot(wobbled[i], seen.shifted, 1)
        light = np.einsum("srcp,rsp->rcp", lit, strength[rows])
        gains = automatics.gains((seen.metered * strength.mean(axis=0)).sum(axis=0), float(time))
        value = linear(255 * toned(noisy(light, gains, device, random, seen.merged), device))
        value = np.maximum(value + random.normal(0, CODING, value.shape) * value**0.55, 0).astype(np.float32)
        shift = wobbled[i] * np.float32(0.01 * np.hypot(*(seen.face.points[1] - seen.face.points[0])))
        at = float(time) + device.delay
        found.append(Reading(at, SeenFace(seen.face.box, seen.face.points + shift, at, value)))
    return found


CODING = 0.002
"""What 8 bits and JPEG leave in a cell's mean, as a standard deviation of linear light at white; less in the dark, as the tone
curve is steeper there."""


def _gridded(light: Floats, points: Floats) -> Floats:
    """Means over the cells of the aligned face, float32 ``(GRID, GRID, 3)``: what `read` does, without tone curve."""
    matrix = faces.similarity(points, faces.TEMPLATE)
    crop = cv2.warpAffine(light, matrix, (faces.CROP_PX, faces.CROP_PX), borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(crop.reshape(GRID, _CELL, GRID, _CELL, 3).mean(axis=(1, 3)), np.float32)


def _cell_rows(points: Floats) -> Floats:
    """The frame's row of each row of cells, float32 ``(GRID,)``."""
    corners = faces.outline(points)
    top, bottom = corners[:2, 1].mean(), corners[2:, 1].mean()
    return np.asarray(top + (np.arange(GRID) + 0.5) / GRID * (bottom - top), np.float32)


# ---------------------------------------------------------------- time


def _strength(act: Act, device: Camera, time: float) -> Floats:
    """Of each light while each band of rows was exposed, float32 ``(BANDS, lights, 3)``.

    Args:
        time: of the middle of the frame, s.
    """
    shutter = 1 / 30
    middle = time + device.readout * ((np.arange(BANDS) + 0.5) / BANDS - 0.5)
    during = middle[:, None] + shutter * (np.arange(4) / 4 - 0.375)
    quarters = act.playing.at(during.ravel(), act.screen).reshape(BANDS, 4, 4, 3).mean(axis=1)
    room = np.ones((BANDS, len(act.stage.lit) - 4, 3), np.float32)
    swing = act.room.flicker * np.sinc(2 * act.room.mains * shutter)
    room[:, :2] += (swing * np.sin(4 * np.pi * act.room.mains * middle))[:, None, None]
    return np.concatenate([quarters, room], axis=1).astype(np.float32)


def _sway(time: NDArray[np.float64], much: float, random: np.random.Generator) -> Sway:
    """A person who holds still: some mm and degrees, back and forth within a second."""
    place = drift(time, 1.0, random, 3) * np.float32(0.003 * much)
    turned = drift(time, 1.0, random, 3) * np.float32(np.radians(1.2) * much)
    return Sway(place, turned)


def drift(time: NDArray[np.float64], memory: float, random: np.random.Generator, n: int) -> Floats:
    """Noise of variance 1 that forgets within ``memory`` seconds (Ornstein and Uhlenbeck 1930), float32 ``(times, n)``."""
    drift = np.zeros((time.size, n))
    drift[0] = random.normal(size=n)
    for i, gap in enumerate(np.diff(time), start=1):
        keep = np.exp(-gap / memory)
        drift[i] = keep * drift[i - 1] + np.sqrt(1 - keep**2) * random.normal(size=n)
    return drift.astype(np.float32)


def _bands(stage: Stage, place: Floats, turned: tuple[float, float, float]) -> NDArray[np.intp]:
    rows = pixels(posed(stage.points, place, *turned), stage.focal)[:, 1]
    return np.clip(rows * BANDS / HEIGHT, 0, BANDS - 1).astype(np.intp)
