"""One session: from an act before a camera to frames and readings, and to the outcome.

Two levels. `frames` are whole pictures, which go through `unmask.live.reading.read`, the face's
finder included. `readings` are made without pictures, some hundred times as fast: the light of each
cell is rendered once, aligned by the points that the finder found in one whole frame, and every
reading is a sum of those lights through the same camera, noise averaged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask import faces
from unmask.live.challenge import LightChallenge
from unmask.live.protocol import LiveProtocol
from unmask.live.reading import GRID, FrameReading, SeenFace, read
from unmask.types import Frame
from unmask_lab.live.camera import HEIGHT, WIDTH, Automatics, Camera, frame, noisy, times, toned
from unmask_lab.live.head import Floats, posed
from unmask_lab.live.light import linear
from unmask_lab.live.scene import Setting, Stage, pixels, render
from unmask_lab.live.species import Performance

BANDS = 12
"""Number of strips of rows that are read at the same time."""

LEAD, TAIL = 1.0, 1.0
"""Time that the camera runs before the first symbol and after the last, s, as in the service."""

PACE = 0.9
"""Least part of a symbol's time for which the page shows it."""

CODING = 0.0025
"""Standard deviation that 8 bits and JPEG leave in a cell's mean, in linear light at white.

It is less in the dark, as the tone curve is steeper there.
"""

APART = 0.35
"""Share of pixels whose noise is independent: blur and JPEG spread it.

`APART`, `CODING` and the wobble of `readings` are chosen so that sessions without pictures are as
noisy as whole frames: the medians over 30 pairs, at 100 to 600 lux, of the noise of series and
cells and of the relief's standard errors are 0.8 to 1.25 times theirs. A test compares them.
"""

_CELL = faces.CROP_PX // GRID


FINDS = 3
"""Number of frames in which a face is searched, each with noise of its own.

Of eleven persons whom the finder missed in one frame, it found seven in whole frames for most of
the session.
"""


def metered(light: Floats) -> Floats:
    """Measures the mean of the middle of a frame, float32 ``(3,)``.

    Exposure and white balance follow it.
    """
    middle = light[HEIGHT // 4 : 3 * HEIGHT // 4, WIDTH // 4 : 3 * WIDTH // 4]
    return np.array(cv2.mean(middle)[:3], np.float32)


TURNS = float(np.radians(1.2))
"""Standard deviation of a head's turning, nodding and tilting while it holds still, radians."""


@dataclass(frozen=True, slots=True, eq=False)
class Sway:
    """Motion of a head over a session, one row per frame.

    Attributes:
        place: float32 ``(n, 3)``, m.
        turned: float32 ``(n, 3)``, radians: yaw, pitch, roll.
    """

    place: Floats
    turned: Floats


@dataclass(frozen=True, slots=True, eq=False)
class SymbolTiming:
    """Times at which the symbols of a challenge came and went, s of the camera's clock.

    Attributes:
        sent, shown: as the service's session knows them at the end, see
            `unmask.live.protocol.LiveProtocol`.
        painted: when they stood on the screen.
    """

    sent: tuple[float, ...]
    shown: tuple[float, ...]
    painted: NDArray[np.float64]


def timing(challenge: LightChallenge, random: np.random.Generator) -> SymbolTiming:
    """Simulates an honest browser behind an ordinary network.

    A message takes 10 to 80 ms, and up to 40 ms more on average (exponentially distributed); the
    screen has 60 Hz, the service's loop is up to 12 ms late, and no symbol comes sooner after the
    one before than the page allows. The figures are assumed.
    """
    session, painted = (
        LiveProtocol(len(challenge.symbols), challenge.seconds, 0.0, 0.0),
        list[float](),
    )
    delay, jitter = random.uniform(0.01, 0.08), random.uniform(0.0, 0.04)
    arrived = 0.0
    for number in range(len(challenge.symbols)):
        due = session.due + random.uniform(0, 0.012)
        session.step(due)
        arrived = max(arrived, due + delay + random.exponential(jitter))
        free = painted[-1] + PACE * challenge.seconds if painted else 0.0
        painted.append(max(arrived, free) + random.uniform(1, 2) / 60)
        session.receive(json.dumps({"painted": number, "time": painted[-1]}), painted[-1])
    return SymbolTiming(tuple(session.sent), tuple(session.shown), np.array(painted))


def frames(
    where: Setting, act: Performance, end: float, random: np.random.Generator
) -> Iterator[Frame]:
    """Yields the frames that the server gets until ``end``, s."""
    device, automatics = where.camera, Automatics(where.camera)
    exposed = times(device, 0.0, end, random)
    sway = _sway(exposed, act.still, random)
    band = _bands(act.stage, act.stage.place, act.stage.turned)
    rows = np.arange(HEIGHT) * BANDS // HEIGHT
    strengths = _strength(act, device, exposed)
    lit, back = (
        np.ascontiguousarray(np.moveaxis(of, (0, -1), (-1, 0)))
        for of in (act.stage.lit, act.stage.behind)
    )
    for i, (time, strength) in enumerate(zip(exposed, strengths, strict=True)):
        place, turned = (
            act.stage.place + sway.place[i],
            tuple(np.add(act.stage.turned, sway.turned[i])),
        )
        face = np.stack([(lit[c] * strength[band, :, c]).sum(axis=1) for c in range(3)], axis=-1)
        behind = np.stack(
            [(back[c] @ strength[rows, :, c, None])[..., 0] for c in range(3)], axis=-1
        )
        light = render(posed(act.stage.points, place, *turned), face, behind, act.stage.focal)
        gains = automatics.gains(metered(light), float(time))
        yield Frame(float(time) + device.delay, frame(light, gains, device, random))


def read_frames(
    where: Setting, act: Performance, end: float, random: np.random.Generator
) -> list[FrameReading]:
    """Returns the readings of `frames`."""
    found: list[FrameReading] = []
    for one in frames(where, act, end, random):
        found.append(read(one, found[-1] if found else None))
    return found


# ---------------------------------------------------------------- readings without pictures


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Cells of a stage as the grid of readings sees it.

    Attributes:
        face: as `read` saw it in one whole frame.
        lit: of each cell under each light, float32 ``(lights, GRID, GRID, 3)``, cd/m2.
        moved: how that changes as the followed points slip by 1 % of the distance between the eyes
            to the right and downwards, and as the head turns and nods by `TURNS`, float32 ``(4,
            lights, GRID, GRID, 3)``.
        metered: mean of the part of the frame that the automatics measure, float32 ``(lights, 3)``.
        merged: the frame's pixels in a cell whose noise is independent.
    """

    face: SeenFace
    lit: Floats
    moved: Floats
    metered: Floats
    merged: float


def cells(stage: Stage, device: Camera, random: np.random.Generator) -> Cells | None:
    """Computes the stage's cells; None if the finder finds no face in `FINDS` frames of it."""
    seen = _lights(stage, stage.turned)
    plain = np.asarray(sum(seen[1:], seen[0]))
    gains = Automatics(device).gains(metered(plain), 0.0)
    found = (read(Frame(0.0, frame(plain, gains, device, random)), None).face for _ in range(FINDS))
    face = next((one for one in found if one), None)
    if face is None:
        return None
    eyes = float(np.hypot(*(face.points[1] - face.points[0])))
    step = np.float32(0.01 * eyes)
    right, down = (
        face.points + np.array([step, 0], np.float32),
        face.points + np.array([0, step], np.float32),
    )
    base, right, down = (_gridded(seen, points) for points in (face.points, right, down))
    turns = [tuple(np.add(stage.turned, by)) for by in ((TURNS, 0, 0), (0, TURNS, 0))]
    moved = [
        right,
        down,
        *(_gridded(_lights(stage, to), _followed(stage, to, face.points)) for to in turns),
    ]
    means = np.stack([metered(one) for one in seen])
    return Cells(face, base, np.stack(moved) - base, means, APART * (3.6 * eyes / GRID) ** 2)


def readings(
    where: Setting,
    act: Performance,
    seen: Cells,
    end: float,
    random: np.random.Generator,
    wobble: float = 1.2,
) -> list[FrameReading]:
    """Simulates readings until ``end``, s.

    Args:
        seen: the act's stage.
        wobble: standard deviation of the followed points, % of the distance between the eyes.
    """
    device, automatics = where.camera, Automatics(where.camera)
    exposed = times(device, 0.0, end, random)
    strength = _strength(act, device, exposed)
    rows = np.clip(_cell_rows(seen.face.points), 0, HEIGHT - 1).astype(int) * BANDS // HEIGHT
    moved = np.hstack(
        [wobble * drift(exposed, 0.6, random, 2), act.still * drift(exposed, 1.0, random, 2)]
    )
    light = _summed(seen.lit, strength[:, rows])
    for much, one in zip(moved.T.astype(np.float32), seen.moved, strict=True):
        light += much[:, None, None, None] * _summed(one, strength[:, rows])
    means = (seen.metered * strength.mean(axis=1)).sum(axis=1)
    gains = np.stack(
        [automatics.gains(mean, float(time)) for mean, time in zip(means, exposed, strict=True)]
    )
    output = toned(noisy(light, gains[:, None, None], device, random, seen.merged), device)
    value = linear(255 * output)
    value += np.float32(CODING) * random.standard_normal(value.shape, np.float32) * value**0.55
    value = np.maximum(value, 0)
    clipped = (value.max(axis=3) > 0.98)[:, 3:-3, 3:-3].mean(axis=(1, 2))
    return [
        FrameReading(time, replace(seen.face, found_at=time, cells=cells_, clipped=share), time)
        for time, cells_, share in zip(
            (exposed + device.delay).tolist(), value, clipped.tolist(), strict=True
        )
    ]


def _lights(stage: Stage, turned: Sequence[float]) -> list[Floats]:
    """Renders the stage under each of its lights alone, each float32 ``(HEIGHT, WIDTH, 3)``."""
    lights, n = stage.lit.shape[:2]
    lit, behind = stage.lit.transpose(1, 0, 2).reshape(n, -1), stage.behind.transpose(1, 2, 0, 3)
    placed = posed(stage.points, stage.place, *turned)
    seen = render(placed, lit, behind.reshape(HEIGHT, WIDTH, -1), stage.focal).reshape(
        HEIGHT, WIDTH, lights, 3
    )
    return [np.ascontiguousarray(seen[:, :, i]) for i in range(lights)]


def _followed(stage: Stage, turned: Sequence[float], points: Floats) -> Floats:
    """Returns the positions to which points of the face at rest are followed when it turns.

    They move as a whole, without regard to depth.
    """
    before, after = (
        pixels(posed(stage.marks, stage.place, *of), stage.focal) for of in (stage.turned, turned)
    )
    matrix = faces.similarity(before, after)
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float32)


def _summed(lit: Floats, strength: Floats) -> Floats:
    """Sums cells under lights with a strength per frame and row.

    Returns float32 ``(frames, GRID, GRID, 3)``.
    """
    return np.asarray(np.einsum("srcp,nrsp->nrcp", lit, strength), np.float32)


def _gridded(lights: Sequence[Floats], points: Floats) -> Floats:
    """Averages each light over the cells of the aligned face, ``(lights, GRID, GRID, 3)``.

    This is what `read` does, in linear light.
    """
    matrix, side = faces.similarity(points, faces.TEMPLATE), (faces.CROP_PX, faces.CROP_PX)
    crops = [
        cv2.warpAffine(light, matrix, side, borderMode=cv2.BORDER_REFLECT_101) for light in lights
    ]
    return np.stack([crop.reshape(GRID, _CELL, GRID, _CELL, 3).mean(axis=(1, 3)) for crop in crops])


def _cell_rows(points: Floats) -> Floats:
    """Returns the frame's row of each row of cells, float32 ``(GRID,)``."""
    corners = faces.outline(points)
    top, bottom = corners[:2, 1].mean(), corners[2:, 1].mean()
    return np.asarray(top + (np.arange(GRID) + 0.5) / GRID * (bottom - top), np.float32)


# ---------------------------------------------------------------- time


def _strength(act: Performance, device: Camera, exposed: NDArray[np.float64]) -> Floats:
    """Computes the strength of each light during the exposure of each band of rows.

    Returns float32 ``(frames, BANDS, lights, 3)``.

    Args:
        exposed: the middle of each frame, s.
    """
    open_for = 1 / 30
    middle = exposed[:, None] + device.readout * ((np.arange(BANDS) + 0.5) / BANDS - 0.5)
    during = middle[..., None] + open_for * (np.arange(4) / 4 - 0.375)
    quarters = act.playing.at(during.ravel(), act.screen).reshape(*during.shape, 4, 3).mean(axis=2)
    others = np.ones((*middle.shape, len(act.stage.lit) - 4, 3), np.float32)
    swing = act.room.flicker * np.sinc(2 * act.room.mains * open_for)
    others[:, :, :2] += (swing * np.sin(4 * np.pi * act.room.mains * middle))[..., None, None]
    return np.concatenate([quarters, others], axis=2).astype(np.float32)


def _sway(time: NDArray[np.float64], much: float, random: np.random.Generator) -> Sway:
    """Simulates a person who holds still: some mm and degrees, back and forth within a second."""
    place = drift(time, 1.0, random, 3) * np.float32(0.003 * much)
    turned = drift(time, 1.0, random, 3) * np.float32(TURNS * much)
    return Sway(place, turned)


def drift(time: NDArray[np.float64], memory: float, random: np.random.Generator, n: int) -> Floats:
    """Simulates noise of variance 1 with a correlation time of ``memory`` seconds, ``(times, n)``.

    It is float32, an Ornstein-Uhlenbeck process (Ornstein and Uhlenbeck 1930).
    """
    drift = np.zeros((time.size, n))
    drift[0] = random.normal(size=n)
    for i, gap in enumerate(np.diff(time), start=1):
        keep = np.exp(-gap / memory)
        drift[i] = keep * drift[i - 1] + np.sqrt(1 - keep**2) * random.normal(size=n)
    return drift.astype(np.float32)


def _bands(stage: Stage, place: Floats, turned: tuple[float, float, float]) -> NDArray[np.intp]:
    rows = pixels(posed(stage.points, place, *turned), stage.focal)[:, 1]
    return np.clip(rows * BANDS / HEIGHT, 0, BANDS - 1).astype(np.intp)
