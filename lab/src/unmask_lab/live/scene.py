"""Random scenes before a screen with a camera, and their rendering.

A scene shows a person, or a picture that is held up.

Screens: phones 400 to 800 cd/m2 and laptops 250 to 500 cd/m2 at most (makers' data sheets: 800 for
an iPhone 13, 400 for a Redmi 9A; 500 for a MacBook Air of 2022, 250 to 400 for ThinkPads), of which
a user has 50 to 100 % on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask import faces
from unmask.types import Rgb
from unmask_lab.live.camera import HEIGHT, WIDTH, Camera, camera
from unmask_lab.live.head import TONES, Floats, Head, Surface, head, posed
from unmask_lab.live.light import CLOTH, SKIN, Finish, Room, Screen, bases

DAYLIGHT = 2000.0
"""Illuminance from which light is daylight, lux: near a window, or outside."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadPortrait:
    """Face to dress a head in: uint8 ``(h, w, 3)`` and its five points, float32 ``(5, 2)`` px."""

    rgb: Rgb
    points: Floats


@cache
def astronaut() -> tuple[HeadPortrait, ...]:
    """Loads NASA's public-domain portrait from scikit-image, and its mirror image."""
    from skimage.data import astronaut as photo

    both = [
        np.ascontiguousarray(image)
        for image in (photo()[:300, 50:400], photo()[:300, 50:400][:, ::-1])
    ]
    return tuple(HeadPortrait(image, faces.find(image)[0].points) for image in both)


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """Person, place, and background of a session.

    Attributes:
        head: of the person.
        place: of the middle between the eyes, m.
        turned: yaw, pitch and roll, radians.
        screen, room, camera: of this session.
        wall: reflectance behind the person, float32 ``(HEIGHT, WIDTH, 3)``.
        wall_distance: m.
    """

    head: Head
    place: Floats
    turned: tuple[float, float, float]
    screen: Screen
    room: Room
    camera: Camera
    wall: Floats
    wall_distance: float


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """Scene under each light at full strength as the camera sees it, cd/m2 in primaries.

    Attributes:
        points: of the thing that moves, float32 ``(n, 3)`` m, about ``place``.
        marks: the face's five points on it, float32 ``(5, 3)``.
        place, turned: where it is at rest.
        lit: float32 ``(lights, n, 3)``.
        behind: what does not move, float32 ``(lights, HEIGHT, WIDTH, 3)``.
        focal: px.
    """

    points: Floats
    marks: Floats
    place: Floats
    turned: tuple[float, float, float]
    lit: Floats
    behind: Floats
    focal: float


def setting(
    random: np.random.Generator,
    portraits: Sequence[HeadPortrait],
    lux: float | None = None,
    tone: str | None = None,
) -> Setting:
    """Draws one setting.

    Args:
        random: source of everything not given.
        portraits: faces to choose from.
        lux: at the face; None draws 50 to 600, log-uniform.
        tone: of `TONES`; None draws one.
    """
    portrait = portraits[int(random.integers(len(portraits)))]
    person = head(portrait.rgb, portrait.points, tone or str(random.choice(list(TONES))), random)
    screen, distance = _screen(random)
    place = np.array([random.normal(0, 0.015), random.normal(0.02, 0.015), distance], np.float32)
    turned = tuple(random.normal(0, np.radians((4.0, 4.0, 2.5))))
    room = _room(random, lux or float(np.exp(random.uniform(np.log(50), np.log(600)))))
    wall = _wall(random)
    return Setting(
        person,
        place,
        turned,
        screen,
        room,
        camera(random),
        wall,
        distance + random.uniform(0.6, 2.5),
    )


def stage(where: Setting) -> Stage:
    """Stages the person in the setting."""
    return _staged(where, where.head.surface, where.head.marks, SKIN)


def held_up(
    where: Setting, surface: Surface, marks: Floats, finish: Finish, emission: Floats | None = None
) -> Stage:
    """Stages something else in the person's place.

    Args:
        surface, marks: of a sheet, facing -z.
        finish: its gloss.
        emission: its own light as one more basis, cd/m2, float32 ``(n, 3)``; None for none.
    """
    seen = _staged(where, surface, marks, finish)
    if emission is None:
        return seen
    nothing = np.zeros((1, *seen.behind.shape[1:]), np.float32)
    lit, behind = np.concatenate([seen.lit, emission[None]]), np.concatenate([seen.behind, nothing])
    return Stage(seen.points, seen.marks, seen.place, seen.turned, lit, behind, seen.focal)


def _staged(where: Setting, surface: Surface, marks: Floats, finish: Finish) -> Stage:
    at_rest = Surface(
        posed(surface.points, where.place, *where.turned),
        posed(surface.normals, np.zeros(3, np.float32), *where.turned),
        surface.albedo,
        surface.gloss,
    )
    lit = bases(at_rest, where.screen, where.room, finish)
    return Stage(
        surface.points, marks, where.place, where.turned, lit, _behind(where), where.camera.focal
    )


# ---------------------------------------------------------------- rendering


def render(
    points: Floats, colours: Floats, behind: Floats, focal: float, near: float = 0.012
) -> Floats:
    """Renders points in front of a background, through a pinhole.

    Args:
        points: float32 ``(n, 3)``, m.
        colours: float32 ``(n, k)``.
        behind: float32 ``(HEIGHT, WIDTH, k)``.
        focal: px.
        near: depth over which points of one pixel are mixed rather than hidden, m.

    Returns:
        float32 ``(HEIGHT, WIDTH, k)``.
    """
    px = pixels(points, focal)
    column, row = np.rint(px).astype(np.int32).T
    inside = (column >= 0) & (column < WIDTH) & (row >= 0) & (row < HEIGHT)
    cell, depth = (row * WIDTH + column)[inside], points[inside, 2]
    order = np.argsort(-depth, kind="stable")
    nearest = np.full(HEIGHT * WIDTH, np.inf, np.float32)
    nearest[cell[order]] = depth[order]
    seen = depth < nearest[cell] + near
    cell, found = cell[seen], colours[inside][seen]
    count = np.bincount(cell, minlength=HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.float32)
    weight = cv2.GaussianBlur(count, (3, 3), 0.6) + 1e-6
    mask = cv2.morphologyEx(
        (count > 0).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)
    )
    alpha = cv2.GaussianBlur(mask.astype(np.float32), (3, 3), 0.7)
    out = np.empty(behind.shape, np.float32)
    for k in range(found.shape[1]):
        total = (
            np.bincount(cell, np.ascontiguousarray(found[:, k]), HEIGHT * WIDTH)
            .reshape(HEIGHT, WIDTH)
            .astype(np.float32)
        )
        out[..., k] = behind[..., k] + alpha * (
            cv2.GaussianBlur(total, (3, 3), 0.6) / weight - behind[..., k]
        )
    return out


def pixels(points: Floats, focal: float) -> Floats:
    """Projects points to the frame, float32 ``(n, 2)`` px."""
    return np.asarray(
        points[:, :2] / points[:, 2:] * np.float32(focal)
        + np.array([WIDTH / 2, HEIGHT / 2], np.float32),
        np.float32,
    )


def _behind(where: Setting) -> Floats:
    """Renders the wall and the person's neck and shoulders under each light.

    Returns float32 ``(lights, HEIGHT, WIDTH, 3)``.
    """
    # Light on them is smooth, so it is computed for every fourth pixel; reflectance, for each.
    small = 4
    column, row = np.meshgrid(np.arange(0, WIDTH, small) + 1.5, np.arange(0, HEIGHT, small) + 1.5)
    x, y = (column - WIDTH / 2) / where.camera.focal, (row - HEIGHT / 2) / where.camera.focal
    distance = float(where.place[2]) + 0.07
    body, across = _body(x * distance - where.place[0], y * distance - where.place[1])
    depth = np.where(body, distance, where.wall_distance)
    points = (
        (np.stack([x, y, np.ones_like(x)], axis=-1) * depth[..., None])
        .reshape(-1, 3)
        .astype(np.float32)
    )
    normals = (
        np.stack([across, np.zeros_like(x), -np.sqrt(1 - across**2)], axis=-1)
        .reshape(-1, 3)
        .astype(np.float32)
    )
    white = Surface(points, normals, np.ones_like(points), np.zeros(len(points), np.float32))
    lit = bases(white, where.screen, where.room, CLOTH).reshape(
        -1, HEIGHT // small, WIDTH // small, 3
    )
    large = [cv2.resize(one, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR) for one in lit]
    return np.asarray(np.stack(large) * _dressed(where), np.float32)


def _body(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Returns a mask of neck and shoulders, and the rightward component of their normal.

    x and y are in m from the middle between the eyes.
    """
    half = np.where(y < 0.15, 0.055, np.minimum(0.055 + (y - 0.15) * 3.0, 0.21))
    body = (np.abs(x) < half) & (y > 0.05)
    return body, np.where(body, np.clip(x / half, -0.95, 0.95) * 0.8, 0.0)


def _dressed(where: Setting) -> Floats:
    """Returns the reflectance of wall, cloth and neck, float32 ``(HEIGHT, WIDTH, 3)``."""
    column, row = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    distance = float(where.place[2]) + 0.07
    x = (column - WIDTH / 2) / where.camera.focal * distance - where.place[0]
    y = (row - HEIGHT / 2) / where.camera.focal * distance - where.place[1]
    body, _ = _body(x, y)
    skin = np.median(where.head.lids, axis=0)
    cloth = where.wall[0, 0][::-1] * 0.6
    colour = np.where((y < 0.15)[..., None], skin * 0.8, cloth)
    return np.asarray(np.where(body[..., None], colour, where.wall), np.float32)


# ---------------------------------------------------------------- what is drawn


def _screen(random: np.random.Generator) -> tuple[Screen, float]:
    """Draws a phone or a laptop, and its distance to the face, m."""
    lag, settle, on = (
        random.uniform(0.02, 0.07),
        random.uniform(0.002, 0.012),
        random.uniform(0.5, 1.0),
    )
    if random.random() < 0.5:
        return Screen(0.065, 0.130, random.uniform(400, 800) * on, lag, settle), random.uniform(
            0.30, 0.40
        )
    return Screen(0.30, 0.165, random.uniform(250, 500) * on, lag, settle), random.uniform(
        0.40, 0.50
    )


def _room(random: np.random.Generator, lux: float) -> Room:
    """Draws lamps, or daylight from `DAYLIGHT` on, from anywhere on the face's side."""
    day = lux >= DAYLIGHT
    around, up = random.uniform(-75, 75) * np.pi / 180, random.uniform(5, 55) * np.pi / 180
    towards = np.array([np.sin(around) * np.cos(up), -np.sin(up), -np.cos(around) * np.cos(up)])
    kelvin = 6500.0 if day else random.uniform(2700, 5500)
    flicker = 0.0 if day else random.choice([0.0, random.uniform(0.0, 0.15)])
    return Room(
        lux, random.uniform(0.2, 0.7), towards, kelvin, flicker, float(random.choice([50.0, 60.0]))
    )


def _wall(random: np.random.Generator) -> Floats:
    """Draws blurred furniture, float32 ``(HEIGHT, WIDTH, 3)``."""
    coarse = random.uniform(0.08, 0.7, (6, 8, 1)) * random.uniform(0.7, 1.0, (6, 8, 3))
    wall = cv2.resize(coarse.astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    for _ in range(random.integers(2, 7)):
        x, y = int(random.integers(0, WIDTH)), int(random.integers(0, HEIGHT))
        colour = random.uniform(0.05, 0.7, 3).tolist()
        cv2.rectangle(
            wall,
            (x, y),
            (x + int(random.integers(10, 90)), y + int(random.integers(10, 120))),
            colour,
            -1,
        )
    return np.clip(cv2.GaussianBlur(wall, (0, 0), 1.5), 0.03, 0.85).astype(np.float32)
