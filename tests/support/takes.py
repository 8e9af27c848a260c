"""Takes for tests and benchmarks, and cuts in them.

A camera moves over a painted place in which a person walks, with sound. All is made from a seed,
and simulated. Pictures are rgb uint8 ``(180, 320, 3)`` at 25 a second, sound is mono at 16,000.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from tests.clips import QUIET
from tests.support.films import Rgb, scenery

FPS, RATE = 25, 16_000
SIZE = (320, 180)


def filmed(t: float, seed: int = 0, sway: float = 1.0) -> Rgb:
    """Returns the picture at ``t`` seconds, with a person who walks.

    ``sway`` 0 puts the camera on a stand.
    """
    rng = np.random.default_rng((seed, 41))
    reach, speed, phase = rng.uniform(10, 22, 2), rng.uniform(0.2, 0.37, 2), rng.uniform(0, 6, 2)
    x, y = sway * reach * np.sin(2 * np.pi * speed * t / 2.3 + phase) + sway * np.array(
        [np.sin(7.3 * t), np.cos(9.1 * t)]
    )
    walks = (
        160 + 110 * np.sin(0.61 * t + phase[0]) + 9 * np.sin(3.7 * t),
        105 + 4 * np.abs(np.sin(4.4 * t)),
    )
    matrix = np.float32([[0.5, 0, -55 + x], [0, 0.5, -40 + y]])
    page = cv2.warpAffine(
        scenery(seed), matrix, SIZE, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT
    )
    across, down = (int(v) for v in (walks[0] + x, walks[1] + y))
    cv2.ellipse(page, (across, down + 40), (20, 42), 0, 0, 360, (60, 50, 120), -1, cv2.LINE_AA)
    cv2.circle(page, (across, down - 12), 12, (205, 170, 150), -1, cv2.LINE_AA)
    arm = (across + int(26 * np.sin(3.1 * t)), down + 30 + int(12 * np.cos(2.3 * t)))
    cv2.line(page, (across, down + 12), arm, (200, 190, 90), 6, cv2.LINE_AA)
    grain = np.random.default_rng((seed, round(t * 1000))).normal(0, 2, (SIZE[1], SIZE[0], 1))
    return np.clip(page + grain, 0, 255).astype(np.uint8)


def times(*stretches: tuple[float, float]) -> list[float]:
    """Returns picture times of a take's stretches, ``(start, end)`` s, one after another."""
    return [start + i / FPS for start, end in stretches for i in range(round((end - start) * FPS))]


def heard(*stretches: tuple[float, float], seed: int = 0, hum: float = 0.05) -> NDArray[np.float32]:
    """Returns the sound of the same stretches: a hum of 120 Hz, and a murmuring room."""
    parts = []
    for start, end in stretches:
        t = np.arange(round(start * RATE), round(end * RATE))
        noise = np.random.default_rng((seed, 5)).normal(0, 0.01, int(t[-1]) + 1)[t]
        murmur = 0.02 * np.sin(2 * np.pi * 313 * t / RATE) * np.sin(2 * np.pi * 1.7 * t / RATE) ** 2
        parts.append(hum * np.sin(2 * np.pi * 119.7 * t / RATE) + noise + murmur)
    return np.concatenate(parts).astype(np.float32)


def write(
    path: Path,
    pictures: Iterable[Rgb],
    sound: NDArray[np.float32] | None = None,
    *,
    codec: str = "libx264",
    gop: int = 50,
    options: dict[str, str] | None = None,
    pts: Sequence[int] | None = None,
) -> Path:
    """Encodes a film; ``pts`` are ticks of a thousandth of a second."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(
            codec, rate=FPS, options=QUIET.get(codec, {}) | {"crf": "23"} | (options or {})
        )
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = *SIZE, "yuv420p", gop
        stream.max_b_frames, stream.thread_count = 0, 1
        tick = Fraction(1, 1000) if pts else Fraction(1, FPS)
        stream.time_base = stream.codec_context.time_base = tick
        track = out.add_stream("aac", rate=RATE, layout="mono") if sound is not None else None
        for number, rgb in enumerate(pictures):
            picture = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
            picture.pts, picture.time_base = (pts[number] if pts else number), tick
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
        if track is not None and sound is not None:
            _mux_sound(out, track, sound)
    return path


def _mux_sound(out: Any, track: Any, sound: NDArray[np.float32]) -> None:
    for start in range(0, sound.size, 1024):
        frame = av.AudioFrame.from_ndarray(
            sound[None, start : start + 1024], format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        out.mux(track.encode(frame))
    out.mux(track.encode(None))


def remuxed(path: Path, *parts: tuple[Path, float, float]) -> Path:
    """Joins parts of files, each ``(file, start, end)`` in seconds, without encoding them again.

    A part begins at the first key frame at or after its start. Sound is cut at the packet.
    """
    tracks: dict[str, Any] = {}
    at = 0.0
    with av.open(str(path), "w") as out:
        for file, start, end in parts:
            with av.open(str(file)) as whole:
                for kind in ("video", "audio"):
                    if (stream := whole.streams.best(kind)) and kind not in tracks:  # type: ignore[arg-type]
                        tracks[kind] = out.add_stream_from_template(stream)
                at += _copied(whole, out, tracks, start, end, at)
    return path


def _copied(
    whole: Any, out: Any, tracks: dict[str, Any], start: float, end: float, at: float
) -> float:
    """Copies the packets of a part to ``at`` seconds; returns its length, s."""
    packets = [packet for packet in whole.demux() if packet.size and packet.pts is not None]
    pictures = [packet for packet in packets if packet.stream.type == "video"]
    begin = next(
        p.pts * p.time_base
        for p in pictures
        if p.is_keyframe and p.pts * p.time_base >= start - 1e-6
    )
    last = begin
    for packet in packets:
        time = packet.pts * packet.time_base
        if begin <= time < end - 1e-6:
            moved = round((Fraction(at).limit_denominator(1000) - begin) / packet.time_base)
            packet.pts += moved
            packet.dts = None if packet.dts is None else packet.dts + moved
            if packet.stream.type == "video":
                last = max(last, time + Fraction(1, FPS))
            packet.stream = tracks[packet.stream.type]
            out.mux(packet)
    return float(last - begin)


def segmented(folder: Path, pictures: Iterable[Rgb]) -> Path:
    """Encodes a film as a live recorder does: a playlist of fragmented MP4, a second a segment."""
    playlist = folder / "index.m3u8"
    options = {
        "hls_segment_type": "fmp4",
        "hls_time": "1",
        "hls_list_size": "0",
        "hls_fmp4_init_filename": "init.mp4",
        "hls_segment_filename": str(folder / "%03d.m4s"),
    }
    with av.open(str(playlist), "w", format="hls", options=options) as out:
        stream: Any = out.add_stream("libx264", rate=FPS, options=QUIET["libx264"])
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = *SIZE, "yuv420p", FPS
        stream.max_b_frames = 0
        for number, rgb in enumerate(pictures):
            picture = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, FPS)
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return playlist
