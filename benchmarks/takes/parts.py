"""CPU time of the parts of `unmask take` on footage of 1920 x 1080, which is made here."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from tests.support.films import Rgb, scenery
from unmask.media import open_footage
from unmask.takes import hearing, seeing

SIZE, FPS, RATE = (1920, 1080), 25, 48_000
BITS = 8_000_000
STRETCH_S = 14.0
"""Seconds of which every picture is decoded."""


def parts(folder: Path, seconds: int) -> None:
    """Prints the CPU time of each part, ms for a second of film, and of one picture.

    Args:
        folder: the film is kept here.
        seconds: length of the film, `STRETCH_S` at least.
    """
    path = folder / f"parts-{seconds}.mp4"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "unfinished.mp4", seconds)
        (folder / "unfinished.mp4").rename(path)
    cv2.setNumThreads(1)
    begun = _spent()
    film = open_footage(path)
    _say("open: sha256, packets, size of some pictures", begun, seconds, "s of film")
    begun = _spent()
    sound = list(film.sound())
    _say("sound, decoded", begun, seconds, "s of film")
    begun = _spent()
    hearing.listen(sound)
    _say("sound, listened to", begun, seconds, "s of film")
    begun = _spent()
    keys = list(film.key_pictures(1.0))
    _say("key frames", begun, seconds, "s of film")
    _say("key frames", begun, len(keys), "key frame")
    begun = _spent()
    pictures = list(film.pictures(0.0, STRETCH_S))
    _say("pictures, decoded", begun, len(pictures), "picture")
    begun = _spent()
    seeing.look(iter(pictures), [], seeing.Seen(), lambda _time: None)
    _say("pictures, looked at", begun, len(pictures), "picture")


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _say(part: str, begun: float, count: float, unit: str) -> None:
    print(f"{part}: {1000 * (_spent() - begun) / count:.1f} ms a {unit}")


def _pictures(seconds: int) -> Iterator[Rgb]:
    """Yields a hand-held view of painted scenery, with detail, grain and a passer-by."""
    rng = np.random.default_rng(0)
    wide = cv2.resize(scenery(3), (2700, 1560), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    detail = cv2.GaussianBlur(rng.normal(0, 60, wide.shape[:2]).astype(np.float32), (0, 0), 1.2)
    wide = np.clip(wide + detail[..., None], 0, 255).astype(np.uint8)
    grain = rng.normal(0, 2, (1200, 2000)).astype(np.int16)
    for t in np.arange(seconds * FPS) / FPS:
        x = 390 + 300 * np.sin(2 * np.pi * t / 17) + 6 * np.sin(7.3 * t)
        y = 240 + 180 * np.sin(2 * np.pi * t / 23) + 5 * np.cos(9.1 * t)
        page = cv2.warpAffine(wide, np.float32([[1, 0, -x], [0, 1, -y]]), SIZE)
        at = int(960 + 700 * np.sin(t / 3))
        cv2.ellipse(page, (at, 700), (60, 200), 0, 0, 360, (40, 60, 120), -1)
        down, across = int(rng.integers(100)), int(rng.integers(70))
        part = grain[down : down + SIZE[1], across : across + SIZE[0], None]
        yield np.clip(page + part, 0, 255).astype(np.uint8)


def _write(path: Path, seconds: int) -> None:
    t = np.arange(RATE * seconds) / RATE
    noise = np.random.default_rng(1).normal(0, 0.01, t.size)
    sound = (0.05 * np.sin(2 * np.pi * 119.7 * t) + noise).astype(np.float32)
    with av.open(str(path), "w") as out:
        options = {"preset": "veryfast", "maxrate": "9M", "bufsize": "9M"}
        stream: Any = out.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height = SIZE
        stream.pix_fmt, stream.gop_size, stream.bit_rate = "yuv420p", 2 * FPS, BITS
        track: Any = out.add_stream("aac", rate=RATE, layout="mono")
        for number, rgb in enumerate(_pictures(seconds)):
            picture = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, FPS)
            out.mux(stream.encode(picture))
            first = number * RATE // FPS
            part = av.AudioFrame.from_ndarray(
                sound[None, first : first + RATE // FPS], format="fltp", layout="mono"
            )
            part.sample_rate, part.pts, part.time_base = RATE, first, Fraction(1, RATE)
            out.mux(track.encode(part))
        out.mux(stream.encode(None))
        out.mux(track.encode(None))
