"""Degradations: lighting, resizing, blur, noise, encoding, shots of a screen.

They are the same for both classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.types import Rgb
from unmask_lab import treat
from unmask_lab.data import decode


@dataclass(frozen=True, slots=True)
class Degradation:
    """Settings of one degradation; a field that is None leaves the picture as it is.

    Attributes:
        exposure: stops of light more or, if negative, less.
        contrast: factor of the distance from the picture's mean.
        tint: factors of red, green and blue.
        scale: of the sides, through which the picture is resized and back, 0 to 1.
        blur: sigma, px.
        motion: length and direction of a shake, px and radians.
        noise: sigma, grey levels.
        treatment: what an app or a device did to the whole picture first, by its name in
            `treat.TREATMENTS`.
        h264: constant rate factor, 0 to 51.
        moving: whether H.264 codes the picture as a predicted frame of a moving clip instead of as
            a key frame.
        jpeg: quality, 1 to 100.
        screenshot: zoom at which the picture was on the screen that was shot, above 1.
        grey: whether the colour is removed.
    """

    exposure: float | None = None
    contrast: float | None = None
    tint: tuple[float, float, float] | None = None
    scale: float | None = None
    blur: float | None = None
    motion: tuple[float, float] | None = None
    noise: float | None = None
    treatment: str | None = None
    h264: int | None = None
    moving: bool = False
    jpeg: int | None = None
    screenshot: float | None = None
    grey: bool = False

    def __call__(self, rgb: Rgb, rng: np.random.Generator) -> Rgb:
        """Degrades a picture, uint8 ``(h, w, 3)``; its size stays."""
        h, w = rgb.shape[:2]
        rgb = self._lit(rgb)
        if self.treatment is not None:
            rgb = treat.TREATMENTS[self.treatment](rgb, rng)
        if self.scale is not None:
            small = cv2.resize(
                rgb,
                (max(16, int(w * self.scale)), max(16, int(h * self.scale))),
                interpolation=cv2.INTER_AREA,
            )
            rgb = np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR), np.uint8)
        if self.blur is not None:
            rgb = np.asarray(cv2.GaussianBlur(rgb, (0, 0), self.blur), np.uint8)
        if self.motion is not None:
            rgb = np.asarray(
                cv2.filter2D(rgb, -1, _shake(*self.motion), borderType=cv2.BORDER_REFLECT_101),
                np.uint8,
            )
        if self.noise is not None:
            rgb = np.clip(rgb + rng.normal(0, self.noise, rgb.shape), 0, 255).astype(np.uint8)
        if self.h264 is not None:
            rgb = through_h264(
                rgb, self.h264, tuple(rng.uniform(-2, 2, 2)) if self.moving else None
            )
        if self.jpeg is not None:
            rgb = through_jpeg(rgb, self.jpeg)
        if self.screenshot is not None:
            rgb = through_screen(rgb, self.screenshot)
        return rgb

    def _lit(self, rgb: Rgb) -> Rgb:
        if self.grey:
            rgb = np.asarray(
                cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8
            )
        if self.exposure is None and self.contrast is None and self.tint is None:
            return rgb
        # Exposure scales light, and a pixel is about light to the power of 1 / 2.2 (IEC 61966-2-1).
        x: NDArray[np.float32] = (
            rgb
            * np.float32(2 ** ((self.exposure or 0.0) / 2.2))
            * np.array(self.tint or (1, 1, 1), np.float32)
        )
        mean = np.float32(x.mean())
        return np.asarray(
            np.clip((x - mean) * (self.contrast or 1.0) + mean + 0.5, 0, 255), np.uint8
        )


NAMED: dict[str, Degradation] = {
    "as it is": Degradation(),
    "JPEG 50": Degradation(jpeg=50),
    "JPEG 30": Degradation(jpeg=30),
    "H.264 CRF 28": Degradation(h264=28),
    "H.264 CRF 40": Degradation(h264=40),
    "half size": Degradation(scale=0.5),
    "blur 1.5 px": Degradation(blur=1.5),
    "noise 8": Degradation(noise=8),
    "dark and noisy": Degradation(exposure=-2.5, noise=4),
    "screenshot": Degradation(screenshot=1.5),
}
"""Degradations that the benchmark measures."""


JUDGED = ("denoised", "beautified", "sharpened", "clarified", "drawn upon")
"""Treatments of a whole picture that do not keep the check from judging it."""


def at_random(rng: np.random.Generator) -> Degradation:
    """Draws a degradation for training.

    Half of them hardly change the picture; the others encode, resize, relight, blur and treat it.
    """
    return _mild(rng) if rng.random() < 0.5 else _harsh(rng)


def as_it_comes(rng: np.random.Generator) -> tuple[Degradation, float]:
    """Draws a degradation as photos and frames reach a user, and a scale.

    The scale is the part of its size to which a picture is reduced first.

    Degradations are milder than those of `at_random`, whose harder ones are for training: a
    calibration must know how often pictures that are really judged score high. Those that the check
    recognises and does not judge are left out: damage, ghosting, interlacing, enlargement. The
    shares are assumed, not measured.
    """

    def chance(of: float) -> bool:
        return bool(rng.random() < of)

    frame = chance(0.4)
    way = Degradation(
        exposure=float(rng.normal(0, 0.5)) if chance(0.3) else None,
        contrast=float(rng.uniform(0.8, 1.15)) if chance(0.3) else None,
        tint=_tint(rng) if chance(0.3) else None,
        treatment=str(rng.choice(JUDGED)) if chance(0.15) else None,
        blur=float(rng.uniform(0.3, 1.2)) if chance(0.1) else None,
        noise=float(rng.uniform(1, 5)) if chance(0.1) else None,
        h264=int(rng.integers(18, 34)) if frame else None,
        moving=chance(0.7),
        jpeg=int(rng.integers(50, 100)) if chance(0.2 if frame else 0.8) else None,
    )
    return way, float(rng.uniform(0.5, 1.0)) if chance(0.5) else 1.0


def _mild(rng: np.random.Generator) -> Degradation:
    """Draws a degradation that keeps the detail: coded well once, or not at all."""
    return Degradation(
        exposure=float(rng.normal(0, 0.25)) if rng.random() < 0.3 else None,
        contrast=float(rng.uniform(0.9, 1.1)) if rng.random() < 0.3 else None,
        tint=_tint(rng) if rng.random() < 0.3 else None,
        scale=float(rng.uniform(0.5, 0.95)) if rng.random() < 0.2 else None,
        blur=float(rng.uniform(0.3, 1.0)) if rng.random() < 0.1 else None,
        jpeg=int(rng.integers(40, 100)) if rng.random() < 0.5 else None,
    )


def _harsh(rng: np.random.Generator) -> Degradation:
    def chance(of: float) -> bool:
        return bool(rng.random() < of)

    return Degradation(
        exposure=float(rng.uniform(-3.0, 0.8)) if chance(0.5) else None,
        contrast=float(rng.uniform(0.45, 1.2)) if chance(0.5) else None,
        tint=_tint(rng) if chance(0.5) else None,
        treatment=str(rng.choice(list(treat.TREATMENTS))) if chance(0.4) else None,
        scale=float(rng.uniform(0.35, 0.95)) if chance(0.45) else None,
        blur=float(rng.uniform(0.4, 1.8)) if chance(0.2) else None,
        motion=(float(rng.uniform(2, 6)), float(rng.uniform(0, np.pi))) if chance(0.08) else None,
        noise=float(rng.uniform(1, 8)) if chance(0.2) else None,
        h264=int(rng.integers(18, 42)) if chance(0.4) else None,
        moving=chance(0.7),
        jpeg=int(rng.integers(30, 98)) if chance(0.5) else None,
        screenshot=float(rng.uniform(1.1, 2.0)) if chance(0.05) else None,
        grey=chance(0.04),
    )


def _tint(rng: np.random.Generator) -> tuple[float, float, float]:
    red, green, blue = np.exp(rng.normal(0, 0.08, 3)).tolist()
    return red, green, blue


def through_jpeg(rgb: Rgb, quality: int) -> Rgb:
    """Encodes and decodes once as JPEG."""
    _, jpeg = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return decode(jpeg.tobytes())


def through_screen(rgb: Rgb, zoom: float) -> Rgb:
    """Simulates a screenshot: shown at a zoom, saved as a JPEG of quality 85, and shrunk back."""
    h, w = rgb.shape[:2]
    shown = np.asarray(
        cv2.resize(rgb, (round(w * zoom), round(h * zoom)), interpolation=cv2.INTER_LINEAR),
        np.uint8,
    )
    return np.asarray(
        cv2.resize(through_jpeg(shown, 85), (w, h), interpolation=cv2.INTER_AREA), np.uint8
    )


def _shake(length: float, direction: float) -> NDArray[np.float32]:
    """Returns the kernel of a camera shake; it sums to 1."""
    reach = int(np.ceil(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    dx, dy = length / 2 * np.cos(direction), length / 2 * np.sin(direction)
    start, end = ((round((reach + s * dx) * 16), round((reach + s * dy) * 16)) for s in (-1, 1))
    cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_8, 4)
    return kernel / np.float32(kernel.sum())


def through_h264(rgb: Rgb, crf: int, speed: tuple[float, float] | None = None) -> Rgb:
    """Codes a picture as H.264 and decodes it; the sides are cut to even numbers and padded back.

    Args:
        rgb: uint8 ``(h, w, 3)``.
        crf: constant rate factor, 0 to 51.
        speed: px per frame, across and down, of a camera's move that ends with the picture, which
            is then predicted from two frames before; None to code it alone, as a key frame.
    """
    h, w = rgb.shape[:2]
    even = np.ascontiguousarray(rgb[: h // 2 * 2, : w // 2 * 2])
    stream = av.CodecContext.create("libx264", "w")
    stream.width, stream.height, stream.pix_fmt = even.shape[1], even.shape[0], "yuv420p"
    stream.time_base, stream.thread_count = Fraction(1, 25), 1
    stream.options = {"crf": str(crf), "preset": "ultrafast", "tune": "zerolatency"}
    packets = [
        packet for shown in _approach(even, speed) for packet in stream.encode(_frame(shown))
    ]
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    coded = [*packets, *stream.encode(None)]
    frames = [frame for packet in coded for frame in decoder.decode(packet)] + list(
        decoder.decode(None)
    )
    out = frames[-1].to_ndarray(format="rgb24")
    return np.asarray(
        cv2.copyMakeBorder(out, 0, h - out.shape[0], 0, w - out.shape[1], cv2.BORDER_REPLICATE),
        np.uint8,
    )


def _frame(rgb: Rgb) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(rgb, format="rgb24")


def _approach(rgb: Rgb, speed: tuple[float, float] | None) -> list[Rgb]:
    """Returns the frames that a moving camera sees, of which the last is the picture itself."""
    if speed is None:
        return [rgb]
    h, w = rgb.shape[:2]
    shifts = [
        np.array([[1, 0, speed[0] * before], [0, 1, speed[1] * before]], np.float32)
        for before in (2, 1)
    ]
    return [
        *(
            np.asarray(cv2.warpAffine(rgb, m, (w, h), borderMode=cv2.BORDER_REFLECT_101), np.uint8)
            for m in shifts
        ),
        rgb,
    ]
