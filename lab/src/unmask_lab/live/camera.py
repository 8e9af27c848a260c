"""Camera: from light to the JPEG that a browser sends, and its time.

Noise is shot noise and read noise at a pixel that stands for the several of the sensor that were
merged into it; the numbers are those of a webcam or a front camera: f/2, 5.6 um per merged pixel,
about 3000 electrons per lux second and um2 after the colour filters (4 x 10^3 photons of 555 nm per
um2 in a lux second, broad light more, efficiency 0.3), so about 16 000 electrons per cd/m2 and
second. The automatics are slow control loops towards a mean brightness and a grey mean, as in every
camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.types import Rgb
from unmask_lab.live.head import LUMINANCE, Floats

WIDTH, HEIGHT = 320, 240
"""Size of a frame, px."""

ELECTRONS = 16_000.0
"""Electrons per cd/m2 and second at a merged pixel."""

JPEG = 95
"""JPEG quality at which the page sends frames."""

FULL_WELL = 80_000.0
"""Electrons that a merged pixel holds: 16 of 5,000."""


@dataclass(frozen=True, slots=True)
class Camera:
    """One device and its driver.

    Attributes:
        focal: focal length, px.
        sensitivity: factor on `ELECTRONS`.
        read_noise: electrons at a merged pixel.
        target: mean linear output, 0 to 1, that exposure aims at.
        exposure_seconds, balance_seconds: time constants of the two automatics, s.
        dead_band: relative error below which exposure stays.
        balance: share of a colour cast that white balance removes, 0 to 1.
        saturation: of the colour matrix.
        contrast: strength of an S-shaped tone curve on top of sRGB's, 0 to 0.3.
        blur: of lens and merging, px.
        jpeg: quality, 1 to 100.
        fps: frames sent per second.
        jitter: standard deviation of a frame's time, s.
        dropped: share of frames that never arrive.
        readout: from the first line to the last, s.
        delay: from the end of exposure to the time that the browser notes, s.
    """

    focal: float
    sensitivity: float
    read_noise: float
    target: float
    exposure_seconds: float
    balance_seconds: float
    dead_band: float
    balance: float
    saturation: float
    contrast: float
    blur: float
    jpeg: int
    fps: float
    jitter: float
    dropped: float
    readout: float
    delay: float


def camera(random: np.random.Generator) -> Camera:
    """Draws a camera such as a laptop or a phone has."""
    return Camera(
        focal=random.uniform(230, 290),
        sensitivity=random.uniform(0.4, 1.5),
        read_noise=random.uniform(10, 25),
        target=random.uniform(0.14, 0.26),
        exposure_seconds=random.uniform(0.3, 1.0),
        balance_seconds=random.uniform(1.0, 4.0),
        dead_band=random.uniform(0.03, 0.12),
        balance=random.uniform(0.5, 0.9),
        saturation=random.uniform(0.9, 1.25),
        contrast=random.uniform(0.0, 0.25),
        blur=random.uniform(0.4, 0.9),
        jpeg=JPEG,
        fps=random.uniform(10, 15),
        jitter=random.uniform(0.002, 0.012),
        dropped=random.uniform(0.0, 0.05),
        readout=random.uniform(0.012, 0.03),
        delay=random.uniform(0.04, 0.18),
    )


def times(
    device: Camera, start: float, end: float, random: np.random.Generator
) -> NDArray[np.float64]:
    """Draws the times, s, at which frames are exposed (the middle of the picture).

    They are jittered, and some frames are dropped.
    """
    ticks = np.arange(start, end, 1 / device.fps) + random.uniform(0, 1 / device.fps)
    kept = ticks[random.random(ticks.size) >= device.dropped]
    return np.sort(kept + random.normal(0, device.jitter, kept.size))


class Automatics:
    """Exposure and white balance of one camera over one session.

    They are settled at the first frame, as after a second of looking.
    """

    def __init__(self, device: Camera) -> None:
        self._device = device
        self._exposure = 0.0
        self._balance = np.ones(3, np.float32)
        self._at: float | None = None

    def gains(self, mean: Floats, time: float) -> Floats:
        """Computes output per cd/m2 and primary, float32 ``(3,)``.

        Args:
            mean: what the metered part of the frame sends, cd/m2 per primary, float32 ``(3,)``.
            time: s.
        """
        device = self._device
        wanted = device.target / max(float(mean @ LUMINANCE), 1e-4)
        grey = (mean[1] / np.maximum(mean, 1e-4)) ** device.balance
        if self._at is None:
            self._exposure, self._balance = wanted, grey
        else:
            passed = max(time - self._at, 0.0)
            error = np.log(wanted / self._exposure)
            if abs(error) > device.dead_band:
                self._exposure *= float(
                    np.exp(error * (1 - np.exp(-passed / device.exposure_seconds)))
                )
            self._balance = self._balance + (grey - self._balance) * (
                1 - np.exp(-passed / device.balance_seconds)
            )
        self._at = time
        return np.asarray(self._exposure * self._balance, np.float32)


def shutter(device: Camera, gain: Floats) -> Floats:
    """Computes the exposure time of a pixel, s.

    It is 1/30 s unless the pixel would be full before the output is white.

    Args:
        gain: output per cd/m2.
    """
    return np.asarray(
        np.minimum(
            np.float32(1 / 30), gain * np.float32(FULL_WELL / (ELECTRONS * device.sensitivity))
        ),
        np.float32,
    )


def noisy(
    light: Floats, gains: Floats, device: Camera, random: np.random.Generator, merged: float = 1.0
) -> Floats:
    """Converts luminance in primaries, float32 ``(..., 3)``, to noisy linear output.

    Output is 0 to about 1, and higher where the light is too bright.

    Args:
        light: cd/m2.
        gains: of `Automatics`, of a shape that broadcasts to ``light``'s.
        merged: pixels over which a value is a mean.
    """
    exposed = np.float32(ELECTRONS * device.sensitivity) * shutter(device, gains[..., 1:2])
    electrons = np.maximum(light, 0) * exposed
    spread = np.sqrt((electrons + np.float32(device.read_noise**2)) / np.float32(merged))
    return np.asarray(
        (electrons + spread * _normal(light.size, random).reshape(light.shape)) * (gains / exposed)
    )


def _normal(n: int, random: np.random.Generator) -> Floats:
    """Returns standard normal numbers, a part of many that are drawn once.

    Drawing them anew would cost more than all the rest of a frame.
    """
    many = _many()
    if n > many.size // 4:
        return random.standard_normal(n, np.float32)
    first = int(random.integers(many.size - n))
    return many[first : first + n]


@cache
def _many() -> Floats:
    return np.random.default_rng(0).standard_normal(1 << 21, np.float32)


def toned(output: Floats, device: Camera) -> Floats:
    """Converts linear output to sRGB, 0 to 1: colour matrix, clipping, tone curve."""
    grey = (output @ LUMINANCE)[..., None]
    value = np.clip(grey + np.float32(device.saturation) * (output - grey), 0, 1)
    srgb = _CURVE[(value * np.float32(len(_CURVE) - 1) + np.float32(0.5)).astype(np.int32)]
    return np.asarray(
        srgb - np.float32(device.contrast / (2 * np.pi)) * np.sin(np.float32(2 * np.pi) * srgb),
        np.float32,
    )


def frame(light: Floats, gains: Floats, device: Camera, random: np.random.Generator) -> Rgb:
    """Renders the frame that the server decodes, uint8 ``(h, w, 3)``.

    It is blurred, noisy, toned, 8 bit, JPEG.

    Args:
        light: cd/m2 per primary, float32 ``(h, w, 3)``.
        gains: of `Automatics`.
    """
    blurred = np.asarray(cv2.GaussianBlur(light, (0, 0), device.blur), np.float32)
    return jpeg(toned(noisy(blurred, gains, device, random), device), device.jpeg)


def jpeg(srgb: Floats, quality: int) -> Rgb:
    """Passes sRGB 0 to 1 through 8 bit and JPEG."""
    pixels = (np.clip(srgb, 0, 1) * 255 + 0.5).astype(np.uint8)
    coded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB), np.uint8)


_STEPS = np.linspace(0, 1, 8193, dtype=np.float32)
_CURVE: Floats = np.where(
    _STEPS <= 0.0031308, 12.92 * _STEPS, 1.055 * _STEPS ** (1 / 2.4) - 0.055
).astype(np.float32)
"""Tone curve of sRGB over linear light (IEC 61966-2-1)."""
