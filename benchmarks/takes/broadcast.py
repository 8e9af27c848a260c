"""The story's case, simulated: hours of one camera with sound, from which half a minute was taken.

Four files are made of `journey.Journey`: the broadcast; the same with 30 s taken out, once by
copying packets from key frame to key frame, and once encoded again; and the one that was encoded
again without its sound. Pictures are made in parts, each written whole or not at all, so that a run
that is stopped goes on. A part is encoded by an encoder of its own, at a constant quantiser and
with a fixed distance of key frames. So the parts, joined, are byte for byte what one encoder would
have written (`tests/takes/test_broadcast.py`), and the joins leave no trace. All sound of a file is
encoded in one go.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.takes.journey import FPS, RATE, SIZE, Journey

LOST = 30 * FPS
"""Pictures that are taken out."""
_AT = 11 / 18
"""Place of the cut, share of the broadcast."""
_FRAME = 1024
"""Samples in a packet of sound."""
_TICK = Fraction(1, 1000)
VERSIONS = ("uncut", "remuxed", "encoded again", "encoded again, mute")


@dataclass(frozen=True)
class Encoding:
    """Settings of x264: pictures from one key frame to the next, and the constant quantiser."""

    gop: int
    quantiser: int

    def write(self, path: Path, pictures: Iterable[av.VideoFrame]) -> None:
        """Encodes pictures into a file of their own."""
        options = {"preset": "ultrafast", "qp": str(self.quantiser), "threads": "1"}
        with av.open(str(path), "w", format="matroska") as out:
            stream: Any = out.add_stream("libx264", rate=FPS, options=options)
            stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
            stream.gop_size, stream.time_base = self.gop, Fraction(1, FPS)
            for number, picture in enumerate(pictures):
                picture.pts, picture.time_base, picture.pict_type = number, Fraction(1, FPS), 0
                out.mux(stream.encode(picture))
            out.mux(stream.encode(None))


CAMERA, EDITOR = Encoding(2 * FPS, 28), Encoding(10 * FPS, 31)


@dataclass(frozen=True)
class Broadcast:
    """Files of a broadcast in a folder; ``part`` pictures are encoded at a time.

    ``part`` is an even number of the encoders' groups of pictures, since x264 numbers key frames
    alternately 0 and 1.
    """

    folder: Path
    journey: Journey
    part: int = 32 * 500

    @property
    def cut(self) -> int:
        """Number of the first picture that is taken out; a key frame."""
        return round(_AT * self.journey.pictures) // CAMERA.gop * CAMERA.gop

    def path(self, version: str) -> Path:
        """Returns the path of one of `VERSIONS`."""
        return self.folder / f"{version.replace(', ', ' ').replace(' ', '-')}.mkv"

    def breaks(self, version: str) -> list[float]:
        """Returns where a version is broken, s."""
        return [] if version == "uncut" else [self._first_lost(version) / FPS]

    def seconds(self, version: str) -> float:
        """Returns the length of a version, s."""
        return (self.journey.pictures - (0 if version == "uncut" else LOST)) / FPS

    def write(self, version: str, processes: int = 1) -> Path:
        """Writes a version, unless it is there, and what it is made of."""
        if (path := self.path(version)).exists():
            return path
        if version == "uncut":
            parts = self._parts("camera", self.journey.pictures, self._filmed, processes)
            _whole(path, partial(joined, parts=parts, sound=self._heard()))
        elif version == "remuxed":
            source = self.write("uncut", processes)
            cut = Fraction(self.cut, FPS), Fraction(self.cut + LOST, FPS)
            _whole(path, partial(_remuxed, source=source, start=cut[0], end=cut[1]))
        else:
            self.write("uncut", processes)
            count = self.journey.pictures - LOST
            parts = self._parts("editor", count, self._edited, processes)
            sound = None if version.endswith("mute") else self._cut_sound()
            _whole(path, partial(joined, parts=parts, sound=sound))
        return path

    def _first_lost(self, version: str) -> int:
        """Returns the number of the first lost picture; an editor need not mind key frames."""
        return self.cut + (0 if version == "remuxed" else 17)

    def _parts(
        self, name: str, count: int, write: Callable[[int, int, Path], None], processes: int
    ) -> list[Path]:
        """Writes the parts of a film of ``count`` pictures that are not there yet."""
        (self.folder / name).mkdir(parents=True, exist_ok=True)
        firsts = range(0, count, self.part)
        paths = [self.folder / name / f"{first:08}.mkv" for first in firsts]
        jobs = [
            partial(_whole, path, partial(write, first, min(count, first + self.part)))
            for first, path in zip(firsts, paths, strict=True)
            if not path.exists()
        ]
        for number, _ in enumerate(_done(jobs, processes), start=1):
            print(f"\r{name}: part {number} of {len(jobs)}", end="", file=sys.stderr)
        return paths

    def _filmed(self, first: int, last: int, path: Path) -> None:
        pages = self.journey.between(first, last)
        CAMERA.write(path, (av.VideoFrame.from_ndarray(page, "yuv420p") for page in pages))

    def _edited(self, first: int, last: int, path: Path) -> None:
        EDITOR.write(path, self._kept(first, last))

    def _kept(self, first: int, last: int) -> Iterator[av.VideoFrame]:
        """Decodes pictures of the broadcast, numbered as they are after the cut."""
        cut = self._first_lost("encoded again")
        with av.open(str(self.path("uncut"))) as whole:
            whole.streams.video[0].thread_count = 1
            for begin, end in (
                (first, min(last, cut)),
                (max(first, cut) + LOST, last + LOST),
            ):
                if begin < end:
                    yield from _decoded(whole, begin, end)

    def _heard(self) -> Iterator[NDArray[np.float32]]:
        return (self.journey.second(number) for number in range(round(self.journey.seconds)))

    def _cut_sound(self) -> Iterator[NDArray[np.float32]]:
        """Yields the sound of the broadcast without what is lost with the pictures."""
        first = self._first_lost("encoded again") * RATE // FPS
        last, at = first + LOST * RATE // FPS, 0
        with av.open(str(self.path("uncut"))) as whole:
            for frame in whole.decode(audio=0):
                samples = frame.to_ndarray()[0]
                lost = slice(*(min(max(place - at, 0), samples.size) for place in (first, last)))
                yield np.delete(samples, lost)
                at += samples.size


def _done(jobs: list[Callable[[], None]], processes: int) -> Iterator[None]:
    if processes == 1:
        yield from (job() for job in jobs)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(_run, jobs)


def _run(job: Callable[[], None]) -> None:
    job()


def _whole(path: Path, write: Callable[[Path], None]) -> None:
    """Writes a file, whole or not at all."""
    cv2.setNumThreads(1)
    partial_ = path.with_suffix(".partial")
    write(partial_)
    partial_.replace(path)


def _decoded(whole: Any, first: int, last: int) -> Iterator[av.VideoFrame]:
    stream = whole.streams.video[0]
    whole.seek(round(Fraction(first, FPS) / stream.time_base), stream=stream)
    for frame in whole.decode(stream):
        number = round(frame.time * FPS)
        if number >= last:
            return
        if number >= first:
            yield frame


def joined(path: Path, parts: list[Path], sound: Iterator[NDArray[np.float32]] | None) -> None:
    """Joins parts by copying their packets, as one film with one sound."""
    with av.open(str(path), "w", format="matroska") as out, av.open(str(parts[0])) as first:
        pictures = out.add_stream_from_template(first.streams.video[0])
        track: Any = out.add_stream("aac", rate=RATE, layout="mono") if sound is not None else None
        if track is not None:
            track.bit_rate = 48_000
        packets = _encoded_sound(track, sound) if sound is not None else iter(())
        for number, packet in enumerate(_packets(parts)):
            packet.stream, packet.time_base = pictures, _TICK
            packet.pts = packet.dts = number * 1000 // FPS
            out.mux(packet)
            if number % FPS == 0:
                for heard in packets:
                    out.mux(heard)
                    if heard.pts * heard.time_base > number / FPS + 1:
                        break
        for heard in packets:
            out.mux(heard)


def _packets(parts: list[Path]) -> Iterator[av.Packet[Any]]:
    """Yields the packets of all parts as one encoder would have given them."""
    for number, part in enumerate(parts):
        with av.open(str(part)) as film:
            for place, packet in enumerate(p for p in film.demux(video=0) if p.size):
                yield _unsigned(packet) if number and not place else packet


def _unsigned(packet: av.Packet[Any]) -> av.Packet[Any]:
    """Removes the line in which x264 names itself, which it writes with its first picture alone."""
    data = bytes(packet)
    size = 4 + int.from_bytes(data[:4], "big")
    if data[4] & 31 != 6:
        return packet
    copy: Any = av.Packet(data[size:])
    copy.is_keyframe = True
    return copy


def _encoded_sound(track: Any, sound: Iterator[NDArray[np.float32]]) -> Iterator[Any]:
    at, left = 0, np.zeros(0, np.float32)
    for samples in sound:
        left = np.concatenate([left, samples])
        while left.size >= _FRAME:
            frame = av.AudioFrame.from_ndarray(left[None, :_FRAME], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
            at, left = at + _FRAME, left[_FRAME:]
            yield from track.encode(frame)
    yield from track.encode(None)


def _remuxed(path: Path, source: Path, start: Fraction, end: Fraction) -> None:
    """Copies the packets of a film without those from ``start`` to ``end``, s."""
    latest: dict[str, int] = {}
    with av.open(str(path), "w", format="matroska") as out, av.open(str(source)) as whole:
        tracks = {one.type: out.add_stream_from_template(one) for one in whole.streams}
        for packet in whole.demux():
            time_ = packet.pts * packet.time_base if packet.size else start
            if start <= time_ < end:
                continue
            kind = packet.stream.type
            if time_ >= end:
                packet.pts -= round((end - start) / packet.time_base)
            packet.dts = packet.pts
            if packet.dts > latest.get(kind, -1):  # a packet of sound may reach over the cut
                latest[kind] = packet.dts
                packet.stream = tracks[kind]
                out.mux(packet)
