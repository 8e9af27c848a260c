"""Cases: footage of one camera, cut or uncut, encoded as cameras and editors do.

Everything follows from the seed. Seeds from `FOR_CHOOSING` on are for choosing thresholds, lower
ones for measuring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.takes.cameras import CAMERAS, SIZE, filmed
from tests.support.films import Rgb

FOR_CHOOSING = 1_000_000
RATE = 16_000
CODECS: dict[str, dict[str, str]] = {
    "libx264": {"preset": "veryfast", "threads": "1"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=error:pools=none:frame-threads=1"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "threads": "1"},
    "mpeg4": {"b": "1000k", "threads": "1"},
    "mjpeg": {"qmin": "4", "qmax": "4", "threads": "1"},
}
ENDS = {
    "libx264": ("mp4", "mkv", "ts"),
    "libx265": ("mp4", "mkv"),
    "libvpx-vp9": ("webm",),
    "mpeg4": ("mp4", "avi"),
}
SOUNDS = ("hum", "room", "mute")
EVENTS = ("nothing", "flash", "light", "fast pan", "shaken", "passes")


@dataclass(frozen=True)
class Piece:
    """A stretch from ``start`` to ``end``, s, of what a seed films.

    Within ``blend`` s it dissolves from the piece before.
    """

    seed: int
    start: float
    end: float
    blend: float = 0.0


Edit = Callable[[np.random.Generator, int, float], list[Piece]]
"""Function that makes pieces from a random generator, the take's seed and a picture's length, s."""


def _dropped(count: int, least: float = 5.0) -> Edit:
    def edit(rng: np.random.Generator, seed: int, step: float) -> list[Piece]:
        pieces, at = [], 0.0
        for _ in range(3):
            end = at + least * rng.uniform(1, 1.4)
            pieces.append(Piece(seed, at, end))
            at = end + count * step
        return pieces

    return edit


def _uncut(_rng: np.random.Generator, seed: int, _step: float) -> list[Piece]:
    return [Piece(seed, 0, 40)]


def _repeated(rng: np.random.Generator, seed: int, _step: float) -> list[Piece]:
    first, length, apart = rng.uniform(4, 5), rng.uniform(1, 3), rng.uniform(0, 4)
    again = first + length + apart
    return [
        Piece(seed, 0, again),
        Piece(seed, first, first + length),
        Piece(seed, again, again + 5),
    ]


def _reordered(rng: np.random.Generator, seed: int, _step: float) -> list[Piece]:
    a, b, c = np.cumsum(rng.uniform(3, 6, 3)).tolist()
    return [Piece(seed, 0, a), Piece(seed, b, c), Piece(seed, a, b), Piece(seed, c, c + 4)]


def _scenes(rng: np.random.Generator, seed: int, _step: float) -> list[Piece]:
    return [Piece(seed + 100 * k, 0, rng.uniform(4, 7)) for k in range(4)]


def _dissolved(rng: np.random.Generator, seed: int, _step: float) -> list[Piece]:
    return [
        Piece(seed + 100 * k, 0, rng.uniform(5, 7), rng.uniform(0.4, 1.2) if k else 0.0)
        for k in range(3)
    ]


EDITS: dict[str, Edit] = {
    "uncut": _uncut,
    "drop 5": _dropped(5),
    "drop 12": _dropped(12),
    "drop 30": _dropped(30),
    "repeat": _repeated,
    "re-order": _reordered,
    "scene cut": _scenes,
    "dissolve": _dissolved,
    "joined": _dropped(30),
    "long": _dropped(30, least=45.0),
}
"""All edits.

Files of ``joined`` are put together without encoding them again; ``long`` files are not decoded
completely by default.
"""


@dataclass(frozen=True)
class Case:
    """One file: what is filmed, what was done to it, and how it is encoded."""

    seed: int
    edit: str
    camera: str
    event: str
    codec: str
    end: str
    fps: int
    crf: int
    sound: str
    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, seed: int, edit: str) -> Case:
        """Returns the case of a seed; cameras take turns, so each edit meets all equally."""
        rng = np.random.default_rng((seed, list(EDITS).index(edit)))
        camera = list(CAMERAS)[seed % len(CAMERAS)]
        codec = (
            "libx264"
            if edit == "joined"
            else str(rng.choice(list(CODECS), p=(0.5, 0.15, 0.15, 0.1, 0.1)))
        )
        event = EVENTS[seed // len(CAMERAS) % len(EVENTS)] if edit == "uncut" else "nothing"
        fps = int(rng.choice((15, 25, 30, 50), p=(0.15, 0.4, 0.35, 0.1)))
        pieces = [
            Piece(p.seed, *(round(t * fps) / fps for t in (p.start, p.end, p.blend)))
            for p in EDITS[edit](rng, 10_000 + seed * 1000, 1 / fps)
        ]
        end = str(rng.choice(ENDS.get(codec, ("mkv",))))
        crf, sound = int(rng.integers(19, 31)), SOUNDS[seed % len(SOUNDS)]
        return cls(seed, edit, camera, event, codec, end, fps, crf, sound, tuple(pieces))

    @property
    def breaks(self) -> list[tuple[float, float]]:
        """Returns the breaks of the take, s: start and end, which differ only for a dissolve."""
        out, at = [], 0.0
        for before, piece in zip(self.pieces, self.pieces[1:], strict=False):
            at += before.end - before.start
            out.append((at - piece.blend, at))
            at -= piece.blend
        return out

    def pictures(self) -> Iterator[Rgb]:
        """Yields all pictures, in order."""
        kept: list[tuple[Piece, float]] = []
        for piece, after in zip(self.pieces, (*self.pieces[1:], None), strict=True):
            times = piece.start + np.arange(round((piece.end - piece.start) * self.fps)) / self.fps
            blended = len(kept)
            for number, t in enumerate(
                times[: len(times) - round((after.blend if after else 0) * self.fps)].tolist()
            ):
                page = self._event(filmed(self.camera, piece.seed, t), piece.seed, t)
                if number < blended:
                    old, then = kept[number]
                    share = (number + 1) / (blended + 1)
                    page = np.round(
                        page * share + filmed(self.camera, old.seed, then) * (1 - share)
                    ).astype(np.uint8)
                yield page
            kept = [
                (piece, t)
                for t in times[
                    len(times) - round((after.blend if after else 0) * self.fps) :
                ].tolist()
            ]

    def _event(self, page: Rgb, seed: int, t: float) -> Rgb:
        """Adds an event before the camera, or to it, every eight seconds; none of it is a cut."""
        into = t % 8 - 4
        if self.event == "flash" and 0 <= into < 0.07:
            return np.clip(page * 1.6 + 30, 0, 255).astype(np.uint8)
        if self.event == "light":
            return np.clip(
                page * (1 - 0.35 * np.clip(into / 0.8, 0, 1) * (into < 3)), 0, 255
            ).astype(np.uint8)
        if self.event == "fast pan" and 0 <= into < 1:
            return np.roll(page, round(SIZE[0] * (3 * into**2 - 2 * into**3)), axis=1)
        if self.event == "shaken" and 0 <= into < 0.6:
            moved = 9 * np.sin(np.pi * into / 0.6) * np.sin(40 * into), 6 * np.sin(33 * into)
            return np.roll(page, (round(moved[1]), round(moved[0])), axis=(0, 1))
        if self.event == "passes" and 0 <= into < 0.7:
            page = page.copy()
            edge = round(-200 + 720 * into / 0.7)
            page[:, max(0, edge) : max(0, edge + 200)] = np.random.default_rng(seed).integers(
                20, 200, 3
            )
        return page

    def samples(self) -> NDArray[np.float32] | None:
        """Returns the sound of the pieces, mono at `RATE`, or None for a mute file.

        It is cut where the pictures are cut or begin to blend.
        """
        if self.sound == "mute":
            return None
        blends = [piece.blend for piece in self.pieces[1:]] + [0.0]
        pieces = [
            replace(piece, end=piece.end - blend)
            for piece, blend in zip(self.pieces, blends, strict=True)
        ]
        return np.concatenate([_heard(self.sound, piece) for piece in pieces])

    @property
    def seconds(self) -> float:
        """Length of the file, s."""
        return sum(p.end - p.start - p.blend for p in self.pieces)

    def write(self, folder: Path) -> Path:
        """Encodes the case into a folder."""
        path = folder / f"{self.seed}.{self.end}"
        if self.edit != "joined":
            return self._encode(path, self.pictures(), self.samples())
        parts = []
        for number, piece in enumerate(self.pieces):
            alone = replace(self, edit="uncut", pieces=(piece,))
            parts.append(
                self._encode(folder / f"{number}.{self.end}", alone.pictures(), alone.samples())
            )
        return _joined(path, parts, self.fps)

    def _encode(
        self, path: Path, pictures: Iterator[Rgb], samples: NDArray[np.float32] | None
    ) -> Path:
        options = CODECS[self.codec] | (
            {"crf": str(self.crf)} if self.codec.startswith("lib") else {}
        )
        with av.open(str(path), "w") as out:
            stream: Any = out.add_stream(self.codec, rate=self.fps, options=options)
            stream.width, stream.height = SIZE
            stream.pix_fmt = "yuvj420p" if self.codec == "mjpeg" else "yuv420p"
            stream.gop_size = (2, 10)[self.seed % 2] * self.fps
            stream.time_base = Fraction(1, self.fps)
            codec = "libopus" if self.end == "webm" else "aac"
            track: Any = (
                None if samples is None else out.add_stream(codec, rate=48_000, layout="mono")
            )
            for rgb in pictures:
                out.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
            out.mux(stream.encode(None))
            if samples is not None:
                _mux(out, track, samples)
        return path


def _heard(sound: str, piece: Piece) -> NDArray[np.float32]:
    """Returns a murmuring room, with or without a hum; the seed sets its pitch and loudness."""
    rng = np.random.default_rng((piece.seed, 5))
    hertz, loud = (
        rng.choice((100.0, 120.0, 150.0)) * rng.uniform(0.997, 1.003),
        rng.uniform(0.01, 0.05),
    )
    at = np.arange(round(piece.start * RATE), round(piece.end * RATE))
    t = at / RATE
    noise = np.random.default_rng((piece.seed, round(piece.start * 1000))).normal(
        0, rng.uniform(0.002, 0.01), t.size
    )
    voice = (
        np.sin(2 * np.pi * (180 * t + 3 * np.sin(2 * np.pi * 0.7 * t)))
        * np.sin(2 * np.pi * 1.7 * t) ** 2
    )
    hum = loud * np.sin(2 * np.pi * hertz * t) if sound == "hum" else 0.0
    return np.asarray(hum + noise + 0.03 * voice * (np.sin(0.9 * t) > -0.3), np.float32)


def _mux(out: Any, track: Any, samples: NDArray[np.float32]) -> None:
    resampler = av.AudioResampler(format=track.format, layout="mono", rate=48_000, frame_size=960)
    whole = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
    whole.sample_rate, whole.pts, whole.time_base = RATE, 0, Fraction(1, RATE)
    for frame in [*resampler.resample(whole), *resampler.resample(None)]:
        out.mux(track.encode(frame))
    out.mux(track.encode(None))


def _joined(path: Path, parts: list[Path], fps: int) -> Path:
    """Joins files, one after the other, by copying their packets."""
    tracks: dict[str, Any] = {}
    latest: dict[str, Fraction] = {}
    at = Fraction(0)
    with av.open(str(path), "w") as out:
        for part in parts:
            with av.open(str(part)) as whole:
                for stream in whole.streams:
                    if stream.type not in tracks:
                        tracks[stream.type] = out.add_stream_from_template(stream)
                last, packets = (
                    Fraction(0),
                    [packet for packet in whole.demux() if packet.size and packet.pts is not None],
                )
                first = min(
                    packet.pts * packet.time_base
                    for packet in packets
                    if packet.stream.type == "video"
                )
                for packet in packets:
                    time, moved = (
                        packet.pts * packet.time_base - first,
                        round((at - first) / packet.time_base),
                    )
                    if packet.stream.type == "video":
                        last = max(last, time + Fraction(1, fps))
                    packet.pts, packet.dts = packet.pts + moved, packet.dts + moved
                    if packet.dts * packet.time_base <= latest.get(packet.stream.type, -1):
                        continue  # the sound of a file lasts a little longer than its pictures
                    latest[packet.stream.type] = packet.dts * packet.time_base
                    packet.stream = tracks[packet.stream.type]
                    out.mux(packet)
                at += last
    return path
