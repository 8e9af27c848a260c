"""Films and clips encoded with real encoders, and edits that uploaders make."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2

from tests.support.films import FPS, Rgb

SECONDS = 10
"""Length of a clip, s."""


def encode(
    path: Path, frames: Iterable[Rgb], crf: int, gop: int = 250, fps: Fraction | int = FPS
) -> Path:
    """Encodes H.264 with x264's veryfast preset and key frames at cuts, as uploaders make it.

    Medium speed settings would take minutes.
    """
    with av.open(str(path), "w") as out:
        stream: Any = None
        for rgb in frames:
            if stream is None:
                stream = out.add_stream(
                    "libx264",
                    rate=fps,
                    options={"crf": str(crf), "preset": "veryfast", "threads": "1"},
                )
                stream.height, stream.width, stream.pix_fmt, stream.gop_size = (
                    *rgb.shape[:2],
                    "yuv420p",
                    gop,
                )
                stream.time_base = 1 / Fraction(fps)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        out.mux(stream.encode(None))
    return path


def small(rgb: Rgb) -> Rgb:
    """Scales to 240 lines."""
    return cv2.resize(rgb, (426, 240), interpolation=cv2.INTER_AREA)
