"""A face lit by a screen, for simulated cameras.

It is drawn by `live_face.js` in a browser, or here into a video file. The skin is that of
scikit-image's portrait of an astronaut, the shape an ellipsoid with a nose; light falls on it by
Lambert's law. Left and right of the screen are the person's, so its left lights the right of the
picture.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask import faces
from unmask.live.challenge import Symbol, light_challenge

WIDTH, HEIGHT = 320, 240
TOWARDS = ((0.45, -0.35), (-0.45, -0.35), (0.45, 0.35), (-0.45, 0.35))
"""Directions from the face to the screen's quarters: x and y of the picture at depth 0.8."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Light on the face, and the camera.

    Attributes:
        room: light of the room, as a multiple of what makes the portrait as it is.
        screen: light of the white screen, likewise: 0.4 for a large bright one at half a metre in a
            room of 300 lux.
        noise: standard deviation of the camera's noise, of 255.
        delay: time from the painting to the picture, s.
        fps: pictures per second.
    """

    room: float = 0.75
    screen: float = 0.3
    noise: float = 1.5
    delay: float = 0.08
    fps: float = 20.0


@cache
def portrait() -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Returns the face without the screen's light, and the light of each quarter on it.

    Returns:
        rgb ``(HEIGHT, WIDTH, 3)``, and shares of light ``(4, HEIGHT, WIDTH)``, 0 to 1; the four add
        up to about 1 where the face looks at the screen.
    """
    from skimage.data import astronaut

    rgb = np.ascontiguousarray(
        cv2.resize(astronaut()[10:190, 106:346], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    )
    points = faces.find(rgb)[0].points
    right, left = points[0], points[1]
    apart = float(np.linalg.norm(left - right))
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    x, y = (x - (right[0] + left[0]) / 2) / apart, (y - (right[1] + left[1]) / 2) / apart
    head = 1 - (x / 1.25) ** 2 - ((y - 0.5) / 1.8) ** 2
    ridge = np.interp(y, [-0.15, 0.55, 0.75], [0.0, 0.42, 0.0])
    depth = 1.45 * np.sqrt(np.maximum(head, 0)) + ridge * np.exp(-((x / 0.17) ** 2))
    down, across = np.gradient(cv2.GaussianBlur(depth, (0, 0), 1.2), 1 / apart)
    normal = np.stack([-across, -down, np.ones_like(x)]) / np.sqrt(1 + across**2 + down**2)
    lamps = np.array([[*towards, 0.8] for towards in TOWARDS])
    lamps /= np.linalg.norm(lamps, axis=1, keepdims=True)
    falls = np.clip(np.einsum("qk,khw->qhw", lamps, normal), 0, 1) / 3.5
    return rgb, np.where(head > 0, falls, 0.08)


def script(scene: Scene) -> str:
    """Returns an init script for a page, after which its camera is this face."""
    rgb, falls = portrait()
    plain = {
        "width": WIDTH,
        "height": HEIGHT,
        "albedo": _text(rgb),
        "quarters": [_text(np.round(255 * one).astype(np.uint8)) for one in falls],
        "room": scene.room,
        "screen": scene.screen,
        "noise": scene.noise,
        "delay": 1000 * scene.delay,
        "fps": scene.fps,
    }
    return f"({Path(__file__).with_suffix('.js').read_text(encoding='utf-8')})({json.dumps(plain)})"


def seen(symbol: Symbol | None, scene: Scene, random: np.random.Generator) -> NDArray[np.uint8]:
    """Returns what the camera sees while the screen shows a symbol, or grey.

    The picture of the face is rgb ``(HEIGHT, WIDTH, 3)``.
    """
    still = lit(symbol, scene)
    return np.clip(np.round(still + random.normal(0, scene.noise, still.shape)), 0, 255).astype(
        np.uint8
    )


@lru_cache(32)
def lit(symbol: Symbol | None, scene: Scene) -> NDArray[np.float64]:
    """Returns the same without noise, 0 to 255."""
    rgb, falls = portrait()
    lamp = _linear(np.array(symbol.quarters if symbol else [172] * 12).reshape(4, 3))
    light = _linear(rgb) * (scene.room + scene.screen * np.einsum("qhw,qk->hwk", falls, lamp))
    return 255 * np.where(
        light < 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-6) ** (1 / 2.4) - 0.055
    )


def recorded(path: Path, seed: int, scene: Scene, seconds: float = 30.0, fps: float = 30.0) -> Path:
    """Writes a video file of a face that answered other challenges, as a camera for Chromium.

    It consists of JPEGs, one after another.
    """
    random, noise = Random(seed), np.random.default_rng(seed)  # noqa: S311 - nothing to be kept secret
    with path.open("wb") as file:
        begun, challenge = 0.0, light_challenge(random)
        for i in range(int(seconds * fps)):
            if i / fps - begun >= len(challenge.symbols) * challenge.seconds:
                begun, challenge = i / fps, light_challenge(random)
            number = int((i / fps - begun) / challenge.seconds)
            file.write(jpeg(seen((*challenge.symbols, None)[number], scene, noise)))
    return path


def jpeg(rgb: NDArray[np.uint8], quality: int = 95) -> bytes:
    """Encodes a picture as a plain JPEG, as the page does."""
    encoded: Any = cv2.imencode(".jpg", rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return bytes(encoded)


def _linear(srgb: NDArray[Any]) -> NDArray[np.float64]:
    value = srgb.astype(np.float64) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _text(values: NDArray[np.uint8]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
