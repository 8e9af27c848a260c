"""Opened photo or video, and its frames with exact times.

A file is judged by its content, never by its name. Its header is not trusted on length and number
of frames: the packets are counted. Decoders see one open file and nothing else, neither another
file nor the network.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unmask.errors import BrokenMedia, MediaTooLarge, UsageError
from unmask.media import photo, video
from unmask.media.damage import stretches
from unmask.media.fields import upper_field
from unmask.media.mp4 import boxes
from unmask.media.recognition import HEAD, recognised
from unmask.media.source import AGAIN, CUT, Bounds, Pose, Source, open_source
from unmask.media.times import FrameIndex
from unmask.messages import Message
from unmask.types import Damage, Frame, Glimpse, Kind, MediaFacts, Rgb

if TYPE_CHECKING:
    from av import VideoFrame

_SEEK_FRAMES = 12
"""Frames whose decoding costs about as much as a seek."""
_GLIMPSE_PX = (96, 54)
"""Width and height of a glimpse."""
_GLIMPSE_S = 0.07
"""Least seconds between two glimpses."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A photo or video that was opened and found readable.

    A photo is a clip of one frame at time 0.

    Attributes:
        facts: about the file.
    """

    facts: MediaFacts
    _bounds: Bounds
    _identity: tuple[int, ...]
    _pose: Pose
    _index: FrameIndex
    _damaged: NDArray[np.bool_]
    _woven: NDArray[np.bool_]

    def times(self, every: float, at_most: int) -> list[float]:
        """Returns evenly spaced times of real frames over the whole clip; see `times_between`."""
        return self.times_between(0.0, self.facts.duration, every, at_most)

    def times_between(self, start: float, end: float, every: float, at_most: int) -> list[float]:
        """Returns evenly spaced presentation times of real frames within a stretch of the clip.

        The stretch is cut into equal parts, and each gives the frame shown at its middle, or a key
        frame within a quarter of a part from there, because a key frame decodes without its
        neighbours. A picture that is held for longer than ``every`` counts as ``every``: a second
        look at it tells nothing. Pictures known to be damaged give none.

        Args:
            start, end: of the stretch, seconds, both included.
            every: the desired spacing, seconds, above 0; wider where ``at_most`` times would not
                suffice.
            at_most: most times, at least 1.

        Returns:
            Sorted seconds, none twice; empty if no frame begins within the stretch.

        Raises:
            UsageError: ``every`` or ``at_most`` out of range.
        """
        if not (every > 0 and at_most >= 1):
            raise UsageError(
                f"every must be above 0 and at_most at least 1, not {every} and {at_most}"
            )
        return [
            float(time) for time in self._index.spread(start, end, every, at_most, self._damaged)
        ]

    def key_times(self) -> list[float]:
        """Returns the times at which key frames are shown, s; 0 for a photo.

        A key frame decodes without its neighbours.
        """
        return [float(time) for time in self._index.seconds()[self._index.keys]]

    def damage(self) -> tuple[Damage, ...]:
        """Returns the stretches of damaged pictures, as far as known.

        Damage is known from the packets, and from the pictures decoded until now.
        """
        return stretches(self._damaged, self._index, self.facts.duration)

    def interlaced(self) -> int:
        """Counts the pictures decoded until now that were interlaced and split into fields."""
        return int(self._woven.sum())

    def frames(
        self,
        times: Sequence[float],
        longest_px: int | None = None,
        glimpses: list[Glimpse] | None = None,
    ) -> Generator[Frame]:
        """Yields the first frame that decodes at or after each of ``times``, in order, none twice.

        Decodes as it is consumed and keeps one frame at a time. Damaged frames are skipped: from an
        error to the next intact key frame, see `damage`. Of an interlaced frame that was not scaled
        to half its lines, the upper field is given, its missing lines interpolated, see
        `interlaced`.

        Args:
            times: seconds; those after the last frame give nothing.
            longest_px: longest side, px, to which the larger frames of a video are scaled down,
                much faster than afterwards.
            glimpses: receives small copies of the intact pictures of a video that must be decoded
                on the way from the first frame on, at most 14 a second.

        Yields:
            Upright frames of ``facts.width`` x ``facts.height`` px, or smaller, with their own
            exact presentation times.

        Raises:
            MediaError: the file is gone, or has changed since it was opened, or is a photo that
                cannot be decoded; `MediaTooLarge` when one frame takes longer than the bound.
        """
        wanted = self._index.at_or_after(np.asarray(times, np.float64), self._damaged)
        with open_source(self.facts.path, self._bounds) as source:
            if source.identity != self._identity:
                raise BrokenMedia(source.path, Message("media.changed"), Message("way.wait"))
            if self.facts.kind is Kind.VIDEO:
                yield from self._video_frames(source, wanted, longest_px, glimpses)
            elif wanted.size:
                yield Frame(0.0, self._photo(source))

    def _photo(self, source: Source) -> Rgb:
        rgb = self._pose.apply(photo.decode(source, self.facts.container))
        if rgb.shape[:2] != (self.facts.height, self.facts.width):
            error = (
                f"its size is not that of its header, {self.facts.width} x {self.facts.height} px"
            )
            reason = Message(
                "media.broken_photo", {"format": self.facts.container.upper(), "error": error}
            )
            raise BrokenMedia(source.path, reason, AGAIN)
        return rgb

    def _video_frames(
        self,
        source: Source,
        wanted: NDArray[np.intp],
        longest_px: int | None,
        glimpses: list[Glimpse] | None,
    ) -> Iterator[Frame]:
        """Yields frames by number.

        Each turn of the outer loop decodes from a key frame to where a seek saves decoding.
        """
        index = self._index
        upright = self.facts.width, self.facts.height
        scale = min(1.0, longest_px / max(upright)) if longest_px else 1.0
        stored = self._pose.size(*(max(1, round(side * scale)) for side in upright))
        deadline = time.monotonic() + self._bounds.check_seconds
        shown, first = index.seconds().tolist(), int(wanted[0]) if wanted.size else 0
        with video.opened_video(source) as stream:
            while wanted.size:
                starts = index.key_before(wanted)
                far = np.flatnonzero(starts[1:] - wanted[:-1] > _SEEK_FRAMES)
                run = wanted[: far[0] + 1] if far.size else wanted
                for number, picture in stream.pictures(index, self._damaged, int(starts[0]), run):
                    if glimpses is not None and number >= first:
                        self._glimpse(stream, picture, shown[number], glimpses)
                    if number < wanted[0]:
                        continue
                    wanted = wanted[np.searchsorted(wanted, number, "right") :]
                    if picture.height < 2 * stored[1] and stream.is_woven(picture):
                        self._woven[number] = True
                    whole = upper_field(picture) if self._woven[number] else picture
                    yield Frame(shown[number], self._pose.apply(stream.rgb(whole, *stored)))
                    source.wait_again()
                    if time.monotonic() > deadline:
                        reason = Message("media.slow_check", {"bound": self._bounds.check_seconds})
                        raise MediaTooLarge(source.path, reason, CUT)
                    if not wanted.size or wanted[0] > run[-1]:
                        break
                else:
                    return

    def _glimpse(
        self, stream: video.Video, picture: VideoFrame, time: float, glimpses: list[Glimpse]
    ) -> None:
        if not glimpses or time - glimpses[-1].time >= _GLIMPSE_S:
            grey = stream.grey(picture, *self._pose.size(*_GLIMPSE_PX))
            glimpses.append(Glimpse(time, self._pose.apply(grey)))


def open_media(path: str | os.PathLike[str], bounds: Bounds = Bounds()) -> Clip:
    """Opens a photo or a video, recognised by its content.

    Photos: JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP. Videos: MP4, MOV, MKV, WebM, AVI, MPEG-TS,
    MPEG-PS, MXF, DV, WMV, FLV. Reads the whole file twice, for its sha256 and for the time of every
    frame, and decodes a video's first frame.

    Args:
        path: of a regular file.
        bounds: on the cost of the file; they hold for the clip's frames as well.

    Raises:
        MediaNotFound: the path does not lead to a readable regular file.
        UnsupportedMedia: neither a photo nor a video of a supported format, or too small, or
            encrypted.
        BrokenMedia: it cannot be decoded.
        MediaTooLarge: it passes a bound.
    """
    with open_source(os.fspath(path), bounds) as source:
        digest = hashlib.sha256()
        while chunk := source.read(1 << 20):
            digest.update(chunk)
        source.check()
        kind = recognised(source.head(HEAD))
        if kind == "sequence":
            kind = "mp4" if b"moov" in boxes(source, 0, source.size) else "heic"
        if kind not in photo.PLUGINS:
            return _clip(source, *video.probe(source, digest.hexdigest(), video.packets(source)))
        size, pose, limits = photo.probe(source, kind)
        facts = MediaFacts(
            path=source.path,
            kind=Kind.PHOTO,
            sha256=digest.hexdigest(),
            size_bytes=source.size,
            container=kind,
            codec=kind,
            width=pose.size(*size)[0],
            height=pose.size(*size)[1],
            rotation=pose.turn,
            limits=limits,
        )
        index = FrameIndex(Fraction(1), np.zeros(1, np.int64), np.ones(1, np.bool_))
        return _clip(source, facts, pose, index, np.zeros(1, np.bool_))


def recognise(path: str | os.PathLike[str]) -> str | None:
    """Returns the name of the photo or video format that a file's first bytes announce.

    The format need not be supported. It is None if the file is no media.

    Raises:
        MediaError: it is empty, or cannot be read.
    """
    with open_source(os.fspath(path), Bounds(bytes=sys.maxsize)) as source:
        head = source.head(HEAD)
        source.check()
        return recognised(head)


def _clip(
    source: Source, facts: MediaFacts, pose: Pose, index: FrameIndex, damaged: NDArray[np.bool_]
) -> Clip:
    return Clip(facts, source.bounds, source.identity, pose, index, damaged, np.zeros_like(damaged))


def decoders() -> dict[str, bool]:
    """Tells whether this installation can decode each codec of videos, and HEIC photos."""
    return {**video.codecs(), "heic": photo.decodes_heic()}
