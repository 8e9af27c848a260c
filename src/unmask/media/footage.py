"""Hours of opened footage: its packets, its pictures in small and its sound.

Each is read as it is consumed. Memory grows by 31 bytes a picture and 24 a key frame, and keeps no
picture: 50 MB for 18 hours at 25 a second.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.errors import UnsupportedMedia
from unmask.media import photo, sound, video
from unmask.media.clip import Clip
from unmask.media.damage import stretches
from unmask.media.mp4 import boxes
from unmask.media.recognition import HEAD, recognised
from unmask.media.source import Bounds, Pose, Source, open_source
from unmask.media.times import FrameIndex
from unmask.messages import Message
from unmask.types import SOUND_RATE, Damage, Frame, MediaFacts, Packets, Small, Sound

HOURS = Bounds(frames=6_000_000, seconds=26 * 3600.0, bytes=2**40, check_seconds=7 * 86400.0)
"""Bounds of footage: a day at 60 pictures a second."""
SMALL = (160, 90)
"""Width and height of pictures in small, px."""
_BEFORE_S = 0.5
"""Lead, s, with which decoding begins before a stretch of sound, so that decoders have settled."""
_BACK_S = 1.0
"""Backward step of the times at a key frame, s, that counts as starting over.

Pictures are reordered by less.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """A film that was opened and found readable.

    Attributes:
        facts: about the file, up to where its times start over.
        packets: all of the file.
        restart: number of the packet at which its times start over; from there on no picture can be
            identified by its time. Mostly None.
    """

    facts: MediaFacts
    packets: Packets
    restart: int | None
    _bounds: Bounds
    _identity: tuple[int, ...]
    _pose: Pose
    _index: FrameIndex
    _damaged: NDArray[np.bool_]

    def key_times(self) -> NDArray[np.float64]:
        """Returns the time at which each key frame is shown, s."""
        return self._index.seconds()[self._index.keys]

    def shown(self) -> NDArray[np.float64]:
        """Returns the time at which each picture is shown, s, rising."""
        return self._index.seconds()

    def damage(self) -> tuple[Damage, ...]:
        """Returns stretches of damaged pictures, as far as known.

        Damage is known from the packets, and from the pictures decoded until now.
        """
        return stretches(self._damaged, self._index, self.facts.duration)

    def damaged(self) -> list[int]:
        """Returns the numbers of the damaged pictures that are known until now."""
        return [int(number) for number in np.flatnonzero(self._damaged)]

    def note_damaged(self, numbers: Sequence[int]) -> None:
        """Notes pictures that an earlier reading of the same file found damaged."""
        self._damaged[list(numbers)] = True

    def pictures(self, start: float = 0.0, end: float = math.inf) -> Iterator[Small]:
        """Yields every intact picture from ``start`` to ``end``, seconds, both included.

        Pictures are decoded as they are consumed.

        Raises:
            MediaError: the file is gone, or waiting for one picture takes longer than the bound.
        """
        numbers = np.flatnonzero(
            (self._index.seconds() >= start - 1e-6) & (self._index.seconds() <= end + 1e-6)
        )
        return self._decoded(numbers) if numbers.size else iter(())

    def key_pictures(self, apart: float, start: float = 0.0) -> Iterator[Small]:
        """Yields key frames from ``start`` s on, at least ``apart`` seconds from each other."""
        seconds, last = self._index.seconds(), -math.inf
        with (
            open_source(self.facts.path, self._bounds) as source,
            video.opened_video(source) as stream,
        ):
            for number in np.flatnonzero(self._index.keys & ~self._damaged).tolist():
                if seconds[number] - last < apart or seconds[number] < start - 1e-6:
                    continue
                source.wait_again()
                found = next(
                    stream.pictures(self._index, self._damaged, number, np.array([number])), None
                )
                if found is not None:
                    last = float(seconds[number])
                    yield Small(last, stream.grey(found[1], *SMALL), follows=False, key=True)

    def sound(self, progress: Callable[[float], None] = lambda _done: None) -> Iterator[Sound]:
        """Yields the sound in stretches of a few seconds, none if its format is not supported.

        ``progress`` receives the share that was read, 0 to 1.
        """
        with open_source(self.facts.path, self._bounds) as source:
            first = float(self._index.ticks[0] * self._index.tick)
            for part in sound.read(source, first):
                progress(
                    min(1.0, max(0.0, part.time / self.facts.duration))
                    if self.facts.duration
                    else 1.0
                )
                yield part

    def sound_between(self, start: float, end: float) -> NDArray[np.float32]:
        """Returns the sound of a stretch, s: mono, 16,000 samples a second, 0 where there is none.

        It is empty if there is none at all.
        """
        whole = np.zeros(round((end - start) * SOUND_RATE), np.float32)
        heard = False
        with open_source(self.facts.path, self._bounds) as source:
            first = float(self._index.ticks[0] * self._index.tick)
            for part in sound.read(source, first, start - _BEFORE_S):
                if part.time >= end:
                    break
                at = round((part.time - start) * SOUND_RATE)
                inside = part.samples[max(0, -at) : whole.size - at]
                whole[max(0, at) : max(0, at) + inside.size] = inside
                heard |= inside.size > 0
        return whole if heard else whole[:0]

    def frames(self, times: Sequence[float], longest_px: int | None = None) -> Iterator[Frame]:
        """Yields pictures in colour, upright, as `Clip.frames` gives them.

        Raises:
            MediaError: the file is gone, or has changed since it was opened.
        """
        woven = np.zeros_like(self._damaged)
        clip = Clip(
            self.facts, self._bounds, self._identity, self._pose, self._index, self._damaged, woven
        )
        return clip.frames(times, longest_px)

    def as_stored(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turns an upright picture as it lies in the file, and as `pictures` gives it."""
        return self._pose.undone(picture)

    def _decoded(self, numbers: NDArray[np.intp]) -> Iterator[Small]:
        start, last = int(self._index.key_before(numbers[:1])[0]), int(numbers[-1])
        seconds, before = self._index.seconds(), -1
        with (
            open_source(self.facts.path, self._bounds) as source,
            video.opened_video(source) as stream,
        ):
            for number, picture in stream.pictures(self._index, self._damaged, start):
                source.wait_again()
                if number > last or number <= before:
                    return
                if number >= numbers[0]:
                    small, key = stream.grey(picture, *SMALL), bool(self._index.keys[number])
                    yield Small(float(seconds[number]), small, number == before + 1, key)
                before = number
                if number == last:
                    return


def open_footage(path: str | os.PathLike[str], bounds: Bounds = HOURS) -> Footage:
    """Opens a video of up to a day.

    Reads the whole file twice, and decodes its first picture and some key frames.

    Raises:
        MediaNotFound: the path does not lead to a readable regular file.
        UnsupportedMedia: it is no video of a supported format.
        BrokenMedia: it cannot be decoded.
        MediaTooLarge: it passes a bound.
    """
    with open_source(os.fspath(path), bounds) as source:
        sha256 = _sha256(source)
        kind = recognised(source.head(HEAD))
        if kind in photo.PLUGINS or (
            kind == "sequence" and b"moov" not in boxes(source, 0, source.size)
        ):
            raise UnsupportedMedia(source.path, Message("media.no_picture"), Message("way.a_film"))
        packets = video.packets(source)
        restart = _restart(packets)
        facts, pose, index, damaged = video.probe(
            source, sha256, packets if restart is None else packets.before(restart)
        )
        return Footage(facts, packets, restart, bounds, source.identity, pose, index, damaged)


def _restart(packets: Packets) -> int | None:
    """Finds the first key frame from which on times lie before earlier ones."""
    latest = np.maximum.accumulate(packets.ticks)
    back = packets.keys[1:] & ((latest[:-1] - packets.ticks[1:]) * float(packets.tick) > _BACK_S)
    found = np.flatnonzero(back)
    return int(found[0]) + 1 if found.size else None


def _sha256(source: Source) -> str:
    digest = hashlib.sha256()
    source.seek(source.start)
    while chunk := source.read(1 << 20):
        source.wait_again()
        digest.update(chunk)
    source.check()
    return digest.hexdigest()
