"""What happens to a picture on its way: resized, blurred, noisy, encoded as JPEG or H.264. Always the same for both classes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np

from unmask.types import Rgb


@dataclass(frozen=True, slots=True)
class Degradation:
    """Settings of one way; a field that is None leaves the picture as it is.

    Attributes:
        scale: of the sides, through which the picture is resized and back, 0 to 1.
        blur: sigma, px.
        noise: sigma, grey levels.
        h264: constant rate factor, 0 to 51.
        jpeg: quality, 1 to 100.
        grey: whether the colour is taken out.
    """

    scale: float | None = None
    blur: float | None = None
    noise: float | None = None
    h264: int | None = None
    jpeg: int | None = None
    grey: bool = False

    def __call__(self, rgb: Rgb, rng: np.random.Generator) -> Rgb:
        """The picture, uint8 ``(h, w, 3)``, in its old size."""
        h, w = rgb.shape[:2]
        if self.grey:
            rgb = cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        if self.scale is not None:
            small = cv2.resize(
                rgb, (max(16, int(w * self.scale)), max(16, int(h * self.scale))), interpolation=cv2.INTER_AREA
            )
            rgb = cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR)
        if self.blur is not None:
            rgb = cv2.GaussianBlur(rgb, (0, 0), self.blur)
        if self.noise is not None:
            rgb = np.clip(rgb + rng.normal(0, self.noise, rgb.shape), 0, 255).astype(np.uint8)
        if self.h264 is not None:
            rgb = through_h264(rgb, self.h264)
        if self.jpeg is not None:
            rgb = through_jpeg(rgb, self.jpeg)
        return rgb


NAMED: dict[str, Degradation] = {
    "as it is": Degradation(),
    "JPEG 50": Degradation(jpeg=50),
    "JPEG 30": Degradation(jpeg=30),
    "H.264 CRF 28": Degradation(h264=28),
    "H.264 CRF 40": Degradation(h264=40),
    "half size": Degradation(scale=0.5),
    "blur 1.5 px": Degradation(blur=1.5),
    "noise 8": Degradation(noise=8),
}
"""The ways that the benchmark measures."""


def at_random(rng: np.random.Generator) -> Degradation:
    """A way drawn as pictures come: most encoded once or twice, some resized, few blurred, noisy or grey."""

    def chance(of: float) -> bool:
        return bool(rng.random() < of)

    return Degradation(
        scale=float(rng.uniform(0.4, 0.95)) if chance(0.35) else None,
        blur=float(rng.uniform(0.4, 1.8)) if chance(0.12) else None,
        noise=float(rng.uniform(1, 8)) if chance(0.15) else None,
        h264=int(rng.integers(18, 42)) if chance(0.2) else None,
        jpeg=int(rng.integers(30, 98)) if chance(0.6) else None,
        grey=chance(0.03),
    )


def through_jpeg(rgb: Rgb, quality: int) -> Rgb:
    """Encoded and decoded once as JPEG."""
    _, jpeg = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR)[..., ::-1])


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
