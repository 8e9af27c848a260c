"""What happens to a picture on its way: lit, resized, blurred, noisy, encoded, shot off a screen. The same for both classes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.types import Rgb


@dataclass(frozen=True, slots=True)
class Degradation:
    """Settings of one way; a field that is None leaves the picture as it is.

    Attributes:
        exposure: stops of light more or, if negative, less.
        contrast: factor of the distance from the picture's mean.
        tint: factors of red, green and blue.
        scale: of the sides, through which the picture is resized and back, 0 to 1.
        blur: sigma, px.
        motion: length and direction of a shake, px and radians.
        noise: sigma, grey levels.
        h264: constant rate factor, 0 to 51.
        jpeg: quality, 1 to 100.
        screenshot: zoom at which the picture was on the screen that was shot, above 1.
        grey: whether the colour is taken out.
    """

    exposure: float | None = None
    contrast: float | None = None
    tint: tuple[float, float, float] | None = None
    scale: float | None = None
    blur: float | None = None
    motion: tuple[float, float] | None = None
    noise: float | None = None
    h264: int | None = None
    jpeg: int | None = None
    screenshot: float | None = None
    grey: bool = False

    def __call__(self, rgb: Rgb, rng: np.random.Generator) -> Rgb:
        """The picture, uint8 ``(h, w, 3)``, in its old size."""
        h, w = rgb.shape[:2]
        rgb = self._lit(rgb)
        if self.scale is not None:
            small = cv2.resize(
                rgb, (max(16, int(w * self.scale)), max(16, int(h * self.scale))), interpolation=cv2.INTER_AREA
            )
            rgb = cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR)
        if self.blur is not None:
            rgb = cv2.GaussianBlur(rgb, (0, 0), self.blur)
        if self.motion is not None:
            rgb = cv2.filter2D(rgb, -1, _shake(*self.motion), borderType=cv2.BORDER_REFLECT_101)
        if self.noise is not None:
            rgb = np.clip(rgb + rng.normal(0, self.noise, rgb.shape), 0, 255).astype(np.uint8)
        if self.h264 is not None:
            rgb = through_h264(rgb, self.h264)
        if self.jpeg is not None:
            rgb = through_jpeg(rgb, self.jpeg)
        if self.screenshot is not None:
            rgb = through_screen(rgb, self.screenshot)
        return rgb

    def _lit(self, rgb: Rgb) -> Rgb:
        if self.grey:
            rgb = cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        if self.exposure is None and self.contrast is None and self.tint is None:
            return rgb
        # Exposure acts on light, of which a pixel is the root of 2.2 (IEC 61966-2-1, roughly).
        x = rgb * np.float32(2 ** ((self.exposure or 0.0) / 2.2)) * np.float32(self.tint or (1, 1, 1))
        mean = x.mean()
        return np.clip((x - mean) * (self.contrast or 1.0) + mean + 0.5, 0, 255).astype(np.uint8)


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
"""The ways that the benchmark measures."""


def at_random(rng: np.random.Generator) -> Degradation:
    """A way drawn as pictures come: most encoded once or twice, some resized, few blurred, noisy or grey."""

    def chance(of: float) -> bool:
        return bool(rng.random() < of)

    return Degradation(
        exposure=float(rng.uniform(-3.0, 0.8)) if chance(0.5) else None,
        contrast=float(rng.uniform(0.45, 1.2)) if chance(0.5) else None,
        tint=_tint(rng) if chance(0.5) else None,
        scale=float(rng.uniform(0.35, 0.95)) if chance(0.45) else None,
        blur=float(rng.uniform(0.4, 1.8)) if chance(0.2) else None,
        motion=(float(rng.uniform(2, 6)), float(rng.uniform(0, np.pi))) if chance(0.08) else None,
        noise=float(rng.uniform(1, 8)) if chance(0.2) else None,
        h264=int(rng.integers(18, 42)) if chance(0.3) else None,
        jpeg=int(rng.integers(30, 98)) if chance(0.6) else None,
        screenshot=float(rng.uniform(1.1, 2.0)) if chance(0.05) else None,
        grey=chance(0.04),
    )


def _tint(rng: np.random.Generator) -> tuple[float, float, float]:
    red, green, blue = np.exp(rng.normal(0, 0.08, 3)).tolist()
    return red, green, blue


def through_jpeg(rgb: Rgb, quality: int) -> Rgb:
    """Encoded and decoded once as JPEG."""
    _, jpeg = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR)[..., ::-1])


def through_screen(rgb: Rgb, zoom: float) -> Rgb:
    """Shown on a screen at a zoom, shot there, saved as a JPEG of quality 85 and shrunk back."""
    h, w = rgb.shape[:2]
    shown = cv2.resize(rgb, (round(w * zoom), round(h * zoom)), interpolation=cv2.INTER_LINEAR)
    return cv2.resize(through_jpeg(shown, 85), (w, h), interpolation=cv2.INTER_AREA)


def _shake(length: float, direction: float) -> NDArray[np.float32]:
    """A camera's shake as a kernel that sums to 1."""
    reach = int(np.ceil(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    dx, dy = length / 2 * np.cos(direction), length / 2 * np.sin(direction)
    ends = [(round((reach + s * dx) * 16), round((reach + s * dy) * 16)) for s in (-1, 1)]
    cv2.line(kernel, *ends, 1.0, 1, cv2.LINE_8, 4)
    return kernel / kernel.sum()


def through_h264(rgb: Rgb, crf: int) -> Rgb:
    """Encoded and decoded once as a key frame of H.264; the sides are cut to even numbers and padded back."""
    h, w = rgb.shape[:2]
    even = np.ascontiguousarray(rgb[: h // 2 * 2, : w // 2 * 2])
    stream = av.CodecContext.create("libx264", "w")
    stream.width, stream.height, stream.pix_fmt, stream.time_base = (
        even.shape[1],
        even.shape[0],
        "yuv420p",
        Fraction(1, 25),
    )
    stream.thread_count = 1
    stream.options = {"crf": str(crf), "preset": "ultrafast", "tune": "zerolatency"}
    packets = [*stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")), *stream.encode(None)]
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    frames = [frame for packet in packets for frame in decoder.decode(packet)] + list(decoder.decode(None))
    out = frames[0].to_ndarray(format="rgb24")
    return cv2.copyMakeBorder(out, 0, h - out.shape[0], 0, w - out.shape[1], cv2.BORDER_REPLICATE)
