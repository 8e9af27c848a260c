"""Versions of a clip as it may reach a user: broken, joined, blended, interlaced, enlarged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from unmask.types import Rgb

RATE = 25
"""Pictures a second of every clip."""

GOP = 12
"""Pictures from one key frame to the next."""

PACKET = 188
"""Bytes of a packet of an MPEG transport stream (ISO/IEC 13818-1)."""

AS_IT_IS = "as it is"

Film = Sequence[Rgb]
"""Pictures of even sides, twice as many per second as `RATE`."""

Version = Callable[[Film, Film, Path, np.random.Generator], Path]
"""Function ``(film, film of somebody else, folder, rng) -> file``."""


def as_it_is(film: Film, _other: Film, folder: Path, _rng: np.random.Generator) -> Path:
    """Writes the clip as H.264 in MP4."""
    return _written(film[::2], folder / "clip.mp4")


def packets_lost(film: Film, _other: Film, folder: Path, rng: np.random.Generator) -> Path:
    """Drops three packets of a transport stream."""
    data = _written(film[::2], folder / "whole.ts").read_bytes()
    packets = [data[at : at + PACKET] for at in range(0, len(data), PACKET)]
    lost = set(rng.integers(len(packets) // 8, len(packets), 3).tolist())
    path = folder / "clip.ts"
    path.write_bytes(b"".join(packet for i, packet in enumerate(packets) if i not in lost))
    return path


def zeros(film: Film, _other: Film, folder: Path, rng: np.random.Generator) -> Path:
    """Overwrites a fiftieth of the file with zeros, as a bad disk or a broken download does."""
    path = _written(film[::2], folder / "clip.mp4")
    data = bytearray(path.read_bytes())
    length = len(data) // 50
    start = int(rng.uniform(0.2, 0.8) * len(data))
    data[start : start + length] = bytes(length)
    path.write_bytes(data)
    return path


def joined(film: Film, other: Film, folder: Path, _rng: np.random.Generator) -> Path:
    """Appends somebody else's clip after a hard cut."""
    h, w = film[0].shape[:2]
    return _written([*film[::2], *(_resized(rgb, w, h) for rgb in other[::2])], folder / "clip.mp4")


def blended(film: Film, _other: Film, folder: Path, _rng: np.random.Generator) -> Path:
    """Makes each picture the mean of three, as FFmpeg's ``tmix=frames=3`` does."""
    shown = np.stack(film[::2]).astype(np.uint16)
    return _written(
        ((shown[:-2] + shown[1:-1] + shown[2:]) // 3).astype(np.uint8), folder / "clip.mp4"
    )


def interlaced(film: Film, _other: Film, folder: Path, _rng: np.random.Generator) -> Path:
    """Weaves even lines of one moment and odd lines of the next, without an interlacing flag."""
    woven = [rgb.copy() for rgb in film[::2]]
    for picture, later in zip(woven, film[1::2], strict=True):
        picture[1::2] = later[1::2]
    return _written(woven, folder / "clip.mp4")


def enlarged(film: Film, _other: Film, folder: Path, rng: np.random.Generator) -> Path:
    """Shrinks the pictures by up to five times and enlarges them to their former size."""
    h, w = film[0].shape[:2]
    scale = float(rng.uniform(0.2, 0.5))
    how = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4]))
    small = (_resized(rgb, round(w * scale), round(h * scale)) for rgb in film[::2])
    return _written([_resized(rgb, w, h, how) for rgb in small], folder / "clip.mp4")


VERSIONS: Mapping[str, Version] = {
    "packets lost": packets_lost,
    "zeros in the file": zeros,
    "joined": joined,
    "blended": blended,
    "interlaced": interlaced,
    "enlarged": enlarged,
}


def _resized(rgb: Rgb, width: int, height: int, how: int = cv2.INTER_AREA) -> Rgb:
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=how), np.uint8)


def _written(pictures: Sequence[Rgb] | Rgb, path: Path) -> Path:
    with av.open(path, "w") as container:
        stream = container.add_stream(
            "libx264", rate=RATE, options={"crf": "20", "preset": "veryfast"}
        )
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.time_base, stream.gop_size = "yuv420p", Fraction(1, RATE), GOP
        for rgb in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode(None))
    return path
