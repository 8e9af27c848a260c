"""Light that surfaces reflect from a screen's quarters and a room, one basis per light.

Diffuse light after Lambert; a specular lobe after Blinn and Phong, normalised, whose share at
normal incidence is that of skin (Weyrich et al. 2006, "Analysis of human faces using a
measurement-based skin reflectance model": index of refraction 1.38 to 1.44). Attached shadows only:
no nose casts its shadow on a cheek.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask_lab.live.head import LUMINANCE, Floats, Surface

SKIN_SPECULAR = 0.028
"""Reflectance of skin at normal incidence, index of refraction 1.4 (Weyrich et al. 2006)."""

QUARTERS = ((0, 0), (0, 1), (1, 0), (1, 1))
"""Rows and columns of a symbol's quarters, in the order of the bases.

The room's key and its fill follow.
"""

KEY, FILL = 4, 5
LIGHTS = 6

_PATCHES = 2
"""Number of patches of each quarter, along each side: an area light as 4 small ones."""

_BLACK_BODY = np.array(
    [
        [2700, 1.0, 0.386, 0.088],
        [3500, 1.0, 0.548, 0.231],
        [4300, 1.0, 0.684, 0.408],
        [5000, 1.0, 0.783, 0.567],
        [6500, 1.0, 0.942, 0.980],
    ]
)
"""Kelvin, and linear sRGB of a black body's light.

After Charity, "What color is a blackbody?" (2001), rounded.
"""


@dataclass(frozen=True, slots=True)
class Screen:
    """Area light below the camera, facing the person.

    Attributes:
        width, height: m, of the part that shows colours.
        luminance: of its white, cd/m2.
        lag: from painting to light, s.
        settle: time constant of its pixels, s.
    """

    width: float
    height: float
    luminance: float
    lag: float
    settle: float


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """All other light on the face.

    Attributes:
        lux: illuminance at the face, of an upright plane that faces the camera.
        key: part of it, 0 to 1, that comes from one direction; the rest comes from all around, more
            from above.
        towards: float ``(3,)``, unit vector to that direction.
        kelvin: colour temperature.
        flicker: half the swing of the light at twice the mains' frequency, 0 to 1.
        mains: that frequency, 1/s.
    """

    lux: float
    key: float
    towards: NDArray[np.float64]
    kelvin: float
    flicker: float
    mains: float


@dataclass(frozen=True, slots=True)
class Finish:
    """Gloss of a surface.

    Attributes:
        specular: reflectance at normal incidence.
        exponent: of the lobe; higher is smoother.
    """

    specular: float
    exponent: float


SKIN = Finish(SKIN_SPECULAR, 18.0)
CLOTH = Finish(0.0, 1.0)


def bases(surface: Surface, screen: Screen, room: Room, finish: Finish) -> Floats:
    """Computes the light reflected from each source, cd/m2 per primary, float32 ``(LIGHTS, n, 3)``.

    The sources are the quarters at full white, key and fill.
    """
    view = -surface.points / np.linalg.norm(surface.points, axis=1, keepdims=True)
    found: list[NDArray[np.floating]] = [
        _from_quarter(surface, view, screen, *quarter, finish) for quarter in QUARTERS
    ]
    colour = light_colour(room.kelvin)
    towards = room.towards.astype(np.float32)
    # The bound keeps a light that grazes the plane from becoming infinitely bright.
    facing = max(float(-room.towards[2]), 0.15)
    key = room.lux * room.key / facing
    shine = _lobe(surface, view, np.broadcast_to(towards, view.shape), finish)
    cosine = np.maximum(surface.normals @ towards, 0)
    found.append(
        key * (surface.albedo * (cosine / np.pi)[:, None] + (shine * cosine)[:, None]) * colour
    )
    dome = 0.5 - 0.25 * surface.normals[:, 1] - 0.25 * np.minimum(surface.normals[:, 2], 0) * 2
    fill = room.lux * (1 - room.key)
    found.append(
        fill
        * dome[:, None]
        * (surface.albedo / np.pi + finish.specular * surface.gloss[:, None] / np.pi)
        * colour
    )
    return np.stack(found).astype(np.float32)


def light_colour(kelvin: float) -> Floats:
    """Returns linear sRGB of a black body's light with luminance 1, float32 ``(3,)``."""
    rgb = np.array([np.interp(kelvin, _BLACK_BODY[:, 0], _BLACK_BODY[:, i]) for i in (1, 2, 3)])
    return np.asarray(rgb / (rgb @ LUMINANCE), np.float32)


def linear(srgb: NDArray[np.generic]) -> Floats:
    """Converts sRGB 0 to 255 to linear light 0 to 1 (IEC 61966-2-1)."""
    value = np.asarray(srgb, np.float32) / 255
    return np.asarray(
        np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4), np.float32
    )


def irradiance(points: Floats, normals: Floats, screen: Screen) -> Floats:
    """Computes the illuminance of points by each quarter at full white, lux, float32 ``(4, n)``."""
    found = []
    for quarter in QUARTERS:
        patches = (_patch(points, normals, screen, at) for at in _patches(screen, *quarter))
        found.append(sum(lux for lux, _ in patches))
    return np.asarray(np.stack(found), np.float32)


def _from_quarter(
    surface: Surface, view: Floats, screen: Screen, row: int, column: int, finish: Finish
) -> Floats:
    sent = np.zeros_like(surface.points)
    for at in _patches(screen, row, column):
        lux, to = _patch(surface.points, surface.normals, screen, at)
        sent += lux[:, None] * (surface.albedo / np.pi + _lobe(surface, view, to, finish)[:, None])
    return sent


def _patches(screen: Screen, row: int, column: int) -> list[tuple[float, float]]:
    """Returns the middles of a quarter's small lights.

    The person's left is the picture's right, +x; the camera is at the top.
    """
    steps = (np.arange(_PATCHES) + 0.5) / _PATCHES / 2
    xs = screen.width * (0.5 - steps - 0.5 * column)
    ys = screen.height * (steps + 0.5 * row) + 0.006
    return [(float(x), float(y)) for x in xs for y in ys]


def _patch(
    points: Floats, normals: Floats, screen: Screen, at: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Computes one small light's lux at points, ``(n,)``, and its direction ``(n, 3)``."""
    to = np.array([*at, 0], np.float32) - points
    distance = np.sqrt(_dot(to, to))
    to /= distance[:, None]
    area = screen.width * screen.height / 4 / _PATCHES**2
    facing = np.maximum(-to[:, 2], 0) * np.maximum(_dot(normals, to), 0)
    return np.asarray(screen.luminance * area * facing / distance**2, np.float32), to


def _lobe(surface: Surface, view: Floats, to: NDArray[np.float32], finish: Finish) -> Floats:
    """Computes specular reflection per unit of irradiance, 1/sr, float32 ``(n,)``.

    Uses Schlick's Fresnel term (1994).
    """
    if not finish.specular:
        return np.zeros(len(view), np.float32)
    half = view + to
    length = np.maximum(np.sqrt(_dot(half, half)), 1e-6)
    towards = np.maximum(_dot(surface.normals, half) / length, 0)
    grazing = np.clip(1 - _dot(view, half) / length, 0, 1)
    fresnel = finish.specular + (1 - finish.specular) * grazing**5
    return np.asarray(
        fresnel * (finish.exponent + 8) / (8 * np.pi) * towards**finish.exponent * surface.gloss,
        np.float32,
    )


def _dot(a: Floats, b: Floats) -> Floats:
    """Computes the dot product of each pair of rows, ``(n,)``."""
    return np.asarray(np.einsum("ij,ij->i", a, b), np.float32)
