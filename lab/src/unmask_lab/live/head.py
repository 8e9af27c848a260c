"""Surface of a head, as points with normals and reflectance.

A head is a height field over the plane of the face: an ellipsoid with nose, sockets, brows, lips,
chin and cheeks. The sizes are the means of Farkas, "Anthropometry of the Head and Face" (1994),
rounded; people differ from them by some per cent. The five points lie where
`unmask.faces.PROPORTIONS` puts them, so that an aligned portrait fits as its skin.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.faces import CROP_PX, PROPORTIONS, TEMPLATE
from unmask.types import Rgb

Floats = NDArray[np.float32]

EYES_APART = 0.063
"""Distance between the pupils, m."""

STEP = 0.0012
"""Distance between neighbouring points of the surface, m: about a pixel."""

SHEET = (0.21, 0.297)
"""Width and height of a picture that is held up, m: A4."""

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Weights of the linear sRGB primaries in luminance (IEC 61966-2-1)."""

TONES: dict[str, tuple[float, float, float]] = {
    "very light": (70.0, 9.0, 12.5),
    "light": (66.0, 10.0, 14.5),
    "intermediate": (61.5, 11.0, 16.5),
    "tan": (56.0, 12.0, 17.5),
    "brown": (47.5, 12.0, 15.0),
    "dark": (35.5, 9.0, 13.0),
}
"""Skin colours, CIE L*, a*, b*: one within each of the six groups by individual typology angle.

The groups stand for Fitzpatrick's types I to VI (bounds 55, 41, 28, 10 and -30 degrees: Chardon,
Cretois and Hourseau 1991; Del Bino and Bernerd 2013).
"""

# Bumps of the face: height, m, towards the viewer; middle and width, m, of a Gaussian. Eyes are at
# y = 0.
_PAIRED = {
    "socket": (-0.0085, 0.0315, 0.000, 0.0150, 0.0100),
    "brow": (0.0040, 0.0290, -0.0170, 0.0180, 0.0060),
    "cheek": (0.0045, 0.0420, 0.0280, 0.0170, 0.0150),
    "nostril": (0.0060, 0.0110, 0.0370, 0.0060, 0.0065),
}
_MIDDLE = {
    "lips": (0.0055, 0.0, 0.0725, 0.0200, 0.0085),
    "chin": (0.0090, 0.0, 0.1040, 0.0180, 0.0130),
    "under the lip": (-0.0040, 0.0, 0.0880, 0.0160, 0.0055),
}


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Points of anything that reflects light.

    Attributes:
        points: float32 ``(n, 3)``, m.
        normals: float32 ``(n, 3)``, of length 1, outwards.
        albedo: float32 ``(n, 3)``, diffuse reflectance 0 to 1 in linear sRGB primaries.
        gloss: float32 ``(n,)``, share of the specular lobe: 1 for skin, less for hair and cloth.
    """

    points: Floats
    normals: Floats
    albedo: Floats
    gloss: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """Head of a person, facing -z, the middle between the eyes at the origin.

    Attributes:
        surface: of the face.
        marks: float32 ``(5, 3)``, m: the five points in the order of `unmask.faces.PROPORTIONS`.
        lids: float32 ``(n, 3)``: reflectance with the eyes closed.
    """

    surface: Surface
    marks: Floats
    lids: Floats

    def blinking(self, closed: float) -> Surface:
        """Returns the surface with the eyes ``closed``, 0 to 1."""
        albedo = self.surface.albedo
        return replace(self.surface, albedo=albedo + np.float32(closed) * (self.lids - albedo))


def head(portrait: Rgb, points: Floats, tone: str, random: np.random.Generator) -> Head:
    """Makes a head of random proportions with a portrait's features in a skin tone.

    Args:
        portrait, points: uint8 ``(h, w, 3)`` and its five points, float32 ``(5, 2)`` px.
        tone: of `TONES`.
    """
    half_width, half_height, depth = np.array([0.077, 0.122, 0.098]) * random.normal(1, 0.04, 3)
    x, y = np.meshgrid(_steps(-half_width, half_width), _steps(-0.105, 0.128))
    height, inside = _height(x, y, (half_width, half_height, depth), random)
    texture, lids = _texture(portrait, points, tone)
    normals = _normals(height)
    at = np.stack([x, y, -height], axis=-1)[inside].astype(np.float32)
    albedo, lidded = (_looked_up(image, x, y)[inside] for image in (texture, lids))
    gloss = np.clip(albedo @ LUMINANCE / (_skin(tone) @ LUMINANCE), 0.2, 1).astype(np.float32)
    rows, cols = _nearest(PROPORTIONS * EYES_APART, x, y)
    marks = np.stack([x[rows, cols], y[rows, cols], -height[rows, cols]], axis=-1)
    origin = np.array([0, 0, marks[:2, 2].mean()], np.float32)
    return Head(
        Surface(at - origin, normals[inside], albedo, gloss),
        (marks - origin).astype(np.float32),
        lidded,
    )


def posed(
    points: Floats, place: Floats, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0
) -> Floats:
    """Turns points or normals by radians about y, x and z, and moves them to ``place``.

    ``place`` is zero for normals.
    """
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (yaw, pitch, roll))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(
        points @ (about_z @ about_x @ about_y).T.astype(np.float32) + place, np.float32
    )


def sheet(
    image: Floats,
    points: Floats,
    bend: float = 0.0,
    along: float = 0.0,
    eyes_apart: float = EYES_APART,
) -> tuple[Surface, Floats]:
    """Makes a picture on paper or glass, facing -z.

    The middle between the pictured eyes is at the origin.

    Args:
        image: float32 ``(h, w, 3)``, diffuse reflectance.
        points: the pictured face's five points, float32 ``(5, 2)`` px.
        bend: curvature, 1/m; 0 is flat.
        along: direction of bending, radians from level: 0 bends about an upright axis.
        eyes_apart: size of the picture: between the pictured pupils, m.

    Returns:
        The surface and its marks, float32 ``(5, 3)``.
    """
    middle = points[:2].mean(axis=0)
    metre = float(np.hypot(*(points[1] - points[0]))) / eyes_apart
    x, y = np.meshgrid(
        _steps(-SHEET[0] / 2, SHEET[0] / 2), _steps(-0.42 * SHEET[1], 0.58 * SHEET[1])
    )
    px = (np.stack([x, y], axis=-1) * metre + middle).astype(np.float32)
    looked_up = cv2.remap(
        image, px[..., 0], px[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    albedo = np.asarray(looked_up, np.float32).reshape(-1, 3)
    c, d = np.cos(along), np.sin(along)
    bent, straight = c * x + d * y, c * y - d * x
    angle = bent * bend
    across, back = (
        (np.sin(angle) / bend, (1 - np.cos(angle)) / bend) if bend else (bent, np.zeros_like(x))
    )
    at = np.stack([c * across - d * straight, d * across + c * straight, back], axis=-1).reshape(
        -1, 3
    )
    normals = np.stack([c * np.sin(angle), d * np.sin(angle), -np.cos(angle)], axis=-1).reshape(
        -1, 3
    )
    rows, cols = _nearest((points - middle) / metre, x, y)
    marks = at.reshape(*x.shape, 3)[rows, cols].astype(np.float32)
    return Surface(
        at.astype(np.float32), normals.astype(np.float32), albedo, np.ones(len(at), np.float32)
    ), marks


# ---------------------------------------------------------------- the shape


def _height(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    half: tuple[float, float, float],
    random: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Returns the height towards the viewer, m, and a mask of the head."""
    width, tall, depth = half
    radius = (np.abs(x) / width) ** 2.3 + (np.abs(y - 0.012) / tall) ** 2.3
    height = depth * np.maximum(1 - radius, 0) ** 0.5
    vary = random.normal(1, 0.17, len(_PAIRED) + len(_MIDDLE) + 1)
    for (tall_, cx, cy, sx, sy), much in zip(
        [*_PAIRED.values(), *_MIDDLE.values()], vary, strict=False
    ):
        sides = (-cx, cx) if cx else (0.0,)
        height += sum(
            much * tall_ * np.exp(-(((x - c) / sx) ** 2 + ((y - cy) / sy) ** 2) / 2) for c in sides
        )
    # The nose rises from its root to its tip and falls off below it.
    along = np.clip((y + 0.006) / 0.042, 0, 1)
    falls = np.exp(-(np.maximum(y - 0.036, 0) ** 2) / (2 * 0.0045**2)) * (y > -0.006)
    height += (
        vary[-1]
        * 0.022
        * along**1.2
        * falls
        * np.exp(-(x**2) / (2 * (0.0060 + 0.0035 * along) ** 2))
    )
    return np.asarray(cv2.GaussianBlur(height, (0, 0), 1.5), np.float64), radius < 0.97


def _normals(height: NDArray[np.float64]) -> Floats:
    down, right = np.gradient(height, STEP)
    normals = np.stack([-right, -down, -np.ones_like(height)], axis=-1)
    return np.asarray(normals / np.linalg.norm(normals, axis=-1, keepdims=True), np.float32)


def _steps(low: float, high: float) -> NDArray[np.float64]:
    return np.arange(low, high, STEP)


def _nearest(
    marks: NDArray[np.floating], x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    cols = np.abs(x[0][None] - marks[:, :1]).argmin(axis=1)
    rows = np.abs(y[:, 0][None] - marks[:, 1:2]).argmin(axis=1)
    return rows, cols


# ---------------------------------------------------------------- the skin


def _skin(tone: str) -> Floats:
    """Returns the diffuse reflectance of a tone, float32 ``(3,)``."""
    return np.asarray(
        cv2.cvtColor(np.array([[TONES[tone]]], np.float32), cv2.COLOR_Lab2LRGB)[0, 0], np.float32
    )


def _texture(portrait: Rgb, points: Floats, tone: str) -> tuple[Floats, Floats]:
    """Computes reflectance as an aligned crop with the eyes open and closed.

    Both are float32 ``(CROP_PX, CROP_PX, 3)``. The portrait's own light is divided out as its
    smooth part within the face (Land and McCann 1971, "Lightness and retinex theory"); the
    remainder is the features, in multiples of the skin's reflectance.
    """
    from unmask.faces import align

    crop = (align(portrait, points) / 255.0).astype(np.float32) ** 2.2 + 0.004
    y, x = np.mgrid[:CROP_PX, :CROP_PX].astype(np.float32)
    face = (((x - 96) / 62) ** 2 + ((y - 100) / 84) ** 2 < 1).astype(np.float32)[..., None]
    smooth = cv2.GaussianBlur(crop * face, (0, 0), 22) / (
        cv2.GaussianBlur(face, (0, 0), 22)[..., None] + 1e-3
    )
    light = smooth * face + np.median(crop[face[..., 0] > 0], axis=0) * (1 - face)
    ratio = np.clip(crop / light, 0.05, 1.5)
    texture = np.clip(ratio * _skin(tone), 0.01, 0.8).astype(np.float32)
    lids = np.zeros((CROP_PX, CROP_PX, 1), np.float32)
    for cx, cy in TEMPLATE[:2]:
        lids = np.maximum(
            lids, np.exp(-((((x - cx) / 13) ** 2 + ((y - cy) / 6) ** 2) ** 2))[..., None]
        )
    lash = np.exp(-(((y - TEMPLATE[0, 1] - 4) / 1.2) ** 2))[..., None]
    closed = _skin(tone) * (0.95 - 0.5 * lash)
    return texture, np.asarray(texture + lids * (closed - texture), np.float32)


def _looked_up(texture: Floats, x: NDArray[np.float64], y: NDArray[np.float64]) -> Floats:
    """Looks up colours of an aligned crop on the face's plane, float32 ``(*x.shape, 3)``."""
    px = np.stack([x, y], axis=-1) / EYES_APART * (TEMPLATE[1, 0] - TEMPLATE[0, 0]) + TEMPLATE[
        :2
    ].mean(axis=0)
    across, down = px[..., 0].astype(np.float32), px[..., 1].astype(np.float32)
    found = cv2.remap(texture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)
