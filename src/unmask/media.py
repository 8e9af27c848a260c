"""Photos and videos: open, probe, and frames with exact times. The only file that knows the decoders.

A file is judged by its content, never by its name, and its header's word on length and number of frames is not taken:
the packets are counted. Decoders see one open file and nothing else, neither another file nor the network.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import re
import stat
import time
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unmask.errors import BrokenMedia, MediaError, MediaNotFound, MediaTooLarge, UnsupportedMedia, UsageError, printable
from unmask.types import Frame, Kind, MediaFacts, Rgb

if TYPE_CHECKING:
    from av import Packet, VideoFrame, VideoStream
    from av.container import InputContainer
    from PIL.ImageFile import ImageFile

_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts"
_CODECS = ("h264", "hevc", "vp8", "vp9", "libdav1d", "mpeg4", "mpeg2video", "mjpeg", "prores")
_PHOTO = re.compile(
    rb"(?P<jpeg>\xff\xd8\xff)|(?P<png>\x89PNG\r\n\x1a\n)|(?P<gif>GIF8[79]a)|(?P<webp>RIFF.{4}WEBP)"
    rb"|.{4}ftyp(?:(?P<avif>avi[fs])|(?P<heic>hei[cxms]|mif1))",
    re.DOTALL,
)
_VIDEO = re.compile(rb"(?P<mp4>.{4}(?:ftyp|moov|mdat|wide|free|skip))|\x1aE\xdf\xa3|RIFF.{4}AVI ", re.DOTALL)
_EXPORT = "export it as JPEG, PNG, WebP or HEIC (photo), or as H.264 in MP4 (video)"
_AGAIN = "download or export it again"
_CUT = "cut out the part that matters"
_SMALLEST_SIDE = 32
"""px; no face that can be judged fits into less."""
_MOST_SCANS = 200
"""of a JPEG; a progressive photo has about 10, and each costs a pass over all pixels however few bytes it takes."""
_MOST_READ_ERRORS = 100
"""of a container, before the rest of it counts as lost."""
_SEEK_FRAMES = 12
"""Decoding this many frames costs about as much as a seek."""
_SLACK = 1e-6
"""s; a frame counts as at or after a time that is this much later, so that a rounded time finds its frame."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one file may cost. Past a bound `MediaTooLarge` is raised, before the cost where the header tells.

    Attributes:
        pixels: of one picture; an 8K frame has 33 million, most phone photos have 12 to 50 million.
        frames: of a clip; four hours at 60 per second are 864,000. Each costs 9 bytes of memory.
        seconds: from a clip's first frame to its last one.
        bytes: of the file; an hour of 4K from a phone is about 20 GB.
        wall_seconds: that opening a file, or the wait for one frame, may last, lest one that decodes nothing hang.
    """

    pixels: int = 64_000_000
    frames: int = 1_000_000
    seconds: float = 4 * 3600.0
    bytes: int = 32 * 2**30
    wall_seconds: float = 300.0


class _Pose(NamedTuple):
    """How a stored picture becomes upright: mirrored left to right first, then turned clockwise."""

    mirrored: bool = False
    quarter_turns: int = 0

    def apply(self, rgb: Rgb) -> Rgb:
        return np.ascontiguousarray(np.rot90(rgb[:, ::-1] if self.mirrored else rgb, -self.quarter_turns))

    def size(self, width: int, height: int) -> tuple[int, int]:
        return (height, width) if self.quarter_turns % 2 else (width, height)


_EXIF_POSES = dict(
    enumerate([_Pose(m, q) for m, q in ((0, 0), (1, 0), (0, 2), (1, 2), (1, 3), (0, 1), (1, 1), (0, 3))], 1)
)


@dataclass(frozen=True, slots=True)
class _Index:
    """Presentation times of all pictures, in ticks of ``tick`` s from ``first``, and which of them are key frames."""

    first: int
    tick: Fraction
    ticks: NDArray[np.int64]
    keys: NDArray[np.bool_]

    def seconds(self, ticks: Any) -> Any:
        return ticks * self.tick.numerator / self.tick.denominator


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A photo or video that was opened and found readable; a photo is a clip of one frame at time 0.

    Attributes:
        facts: what the file is.
    """

    facts: MediaFacts
    _bounds: Bounds
    _identity: tuple[int, ...]
    _pose: _Pose
    _index: _Index

    def times(self, every: float, at_most: int) -> list[float]:
        """Evenly spaced presentation times of real frames over the whole clip; see `times_between`."""
        return self.times_between(0.0, self.facts.duration, every, at_most)

    def times_between(self, start: float, end: float, every: float, at_most: int) -> list[float]:
        """Evenly spaced presentation times of real frames within a stretch of the clip.

        The stretch is cut into equal parts, and each gives the frame shown at its middle, or a key frame within a
        quarter of a part from there, because a key frame decodes without its neighbours. A picture that is held for
        longer than ``every`` counts as ``every``: a second look at it tells nothing.

        Args:
            start, end: of the stretch, seconds, both included.
            every: the wished spacing, seconds, above 0; wider where ``at_most`` times would not suffice.
            at_most: how many times, at least 1.

        Returns:
            Sorted seconds, none twice; empty if no frame begins within the stretch.

        Raises:
            UsageError: ``every`` or ``at_most`` out of range.
        """
        if not (every > 0 and at_most >= 1):
            raise UsageError(f"every must be above 0 and at_most at least 1, not {every} and {at_most}")
        shown = self._index.seconds(self._index.ticks)
        inside = (shown >= start - _SLACK) & (shown <= end + _SLACK)
        shown, keys = shown[inside], np.flatnonzero(self._index.keys[inside])
        if not shown.size:
            return []
        held = np.minimum(np.diff(shown, append=max(end, shown[-1])), every)
        clock = np.cumsum(held) - held
        part = (clock[-1] + held[-1]) / (
            parts := min(at_most, max(1, math.ceil((clock[-1] + held[-1]) / every - 1e-9)))
        )
        chosen = np.searchsorted(clock, (np.arange(parts) + 0.5) * part, "right") - 1
        after = np.searchsorted(keys, chosen).clip(0, keys.size - 1)
        for near in (keys[after], keys[(after - 1).clip(0)]) if keys.size else ():
            chosen = np.where(np.abs(clock[near] - clock[chosen]) <= part / 4, near, chosen)
        return [float(t) for t in shown[np.unique(chosen)]]

    def frames(self, times: Sequence[float]) -> Iterator[Frame]:
        """The first frame that decodes at or after each of ``times``, in order of time, none twice.

        Decodes as it is consumed and keeps one frame at a time. Damaged frames are passed over.

        Args:
            times: seconds; those after the last frame give nothing.

        Yields:
            Upright frames of ``facts.width`` x ``facts.height`` px with their own exact presentation times.

        Raises:
            MediaError: the file is gone, or has changed since it was opened, or is a photo that cannot be decoded;
                `MediaTooLarge` when one frame takes longer than the bound.
        """
        wanted = np.unique(np.searchsorted(self._index.seconds(self._index.ticks), np.asarray(times, float) - _SLACK))
        targets = self._index.ticks[wanted[wanted < self._index.ticks.size]].tolist()
        with _opened(self.facts.path, self._bounds) as source:
            if source.identity != self._identity:
                raise BrokenMedia(source.path, "it changed while it was being read", "wait until it is complete")
            if self.facts.kind is Kind.VIDEO:
                yield from self._video_frames(source, targets)
            elif targets:
                yield Frame(0.0, self._pose.apply(_photo_rgb(source, self.facts.container)))

    def _video_frames(self, source: _Source, targets: list[int]) -> Iterator[Frame]:
        pending, first = deque(targets), self._index.first
        stored = self._pose.size(self.facts.width, self.facts.height)
        with _video(source, self._bounds) as video:
            while pending:
                start, end = self._run(pending)
                for picture in video.pictures(start, {first + t for t in pending}, first + end):
                    ticks = (picture.pts or 0) - first
                    if ticks < pending[0]:
                        continue
                    while pending and pending[0] <= ticks:
                        pending.popleft()
                    yield Frame(self._index.seconds(ticks), self._pose.apply(video.rgb(picture, *stored)))
                    source.wait_again()
                    if not pending or pending[0] > end:
                        break
                else:
                    return

    def _run(self, targets: Sequence[int]) -> tuple[int | None, int]:
        """The key frame to decode from, None for the beginning, and the last target before a seek saves decoding."""
        keys = np.flatnonzero(self._index.keys)
        at = np.searchsorted(self._index.ticks, targets)
        origin = np.append(0, keys)[np.searchsorted(keys, at, "right")]
        far = np.flatnonzero(origin[1:] - at[:-1] > _SEEK_FRAMES)
        start = None if origin[0] == 0 else self._index.first + int(self._index.ticks[origin[0]])
        return start, targets[far[0] if far.size else -1]


def open_media(path: str | os.PathLike[str], bounds: Bounds = Bounds()) -> Clip:
    """Opens a photo (JPEG, PNG, WebP, HEIC, AVIF) or a video (MP4, MOV, MKV, WebM, AVI, MPEG-TS), told by its content.

    Reads the whole file twice, for its sha256 and for the time of every frame, and decodes a video's first frame.

    Args:
        path: of a regular file.
        bounds: what the file may cost; they hold for the clip's frames as well.

    Raises:
        MediaNotFound: the path does not lead to a readable regular file.
        UnsupportedMedia: neither a photo nor a video that is understood, or too small, or encrypted.
        BrokenMedia: it cannot be decoded.
        MediaTooLarge: it passes a bound.
    """
    with _opened(os.fspath(path), bounds) as source:
        digest = hashlib.sha256()
        while chunk := source.read(1 << 20):
            digest.update(chunk)
        source.check()
        kind = _PHOTO.match(source.head(64))
        opened = _open_photo if kind and kind.lastgroup else _open_video
        facts, pose, index = opened(source, bounds, digest.hexdigest())
        source.check()
        return Clip(facts, bounds, source.identity, pose, index)


class _Source:
    """One open regular file. Past its deadline, or on a failing disk, it reads as ended, and `check` tells why."""

    def __init__(self, path: str, file: io.BufferedReader, bounds: Bounds) -> None:
        info = os.fstat(file.fileno())
        self.path, self.size = path, info.st_size
        self.identity = (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)
        self._file, self._allowed, self._failure = file, bounds.wall_seconds, ""
        self.wait_again()

    def wait_again(self) -> None:
        self._deadline = time.monotonic() + self._allowed

    def check(self) -> None:
        if self._failure:
            raise BrokenMedia(self.path, f"reading failed: {self._failure}", "copy it to another disk")
        if time.monotonic() > self._deadline:
            raise MediaTooLarge(self.path, f"decoding took over {self._allowed:g} s", _CUT)

    def head(self, size: int) -> bytes:
        self.seek(0)
        return self.read(size)

    def read(self, size: int = -1) -> bytes:
        try:
            return b"" if self._failure or time.monotonic() > self._deadline else self._file.read(size)
        except OSError as error:
            self._failure = error.strerror or str(error)
            return b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(min(max(offset + (0, self._file.tell(), self.size)[whence], 0), self.size))

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def _opened(path: str, bounds: Bounds) -> Iterator[_Source]:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116  before opening, which would wait for a pipe's writer
            raise MediaNotFound(path, "not a file", "give a photo or a video, not a folder, pipe or device")
        file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0)))  # noqa: SIM115
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise MediaNotFound(path, reason, "check the path and that you may read it") from error
    with file:
        source = _Source(path, file, bounds)
        if source.size > bounds.bytes:
            raise MediaTooLarge(path, f"{source.size:,} bytes, over the bound of {bounds.bytes:,}", _CUT)
        if not source.size:
            raise BrokenMedia(path, "the file is empty", _AGAIN)
        yield source


def _check_size(path: str, width: int, height: int, bounds: Bounds) -> None:
    if width * height > bounds.pixels:
        reason = f"{width} x {height} px, over the bound of {bounds.pixels:,} pixels"
        raise MediaTooLarge(path, reason, "scale it down")
    if min(width, height) < _SMALLEST_SIDE:
        raise UnsupportedMedia(path, f"{width} x {height} px are too small to hold a face", "find a larger version")


# Photos


def _photo(source: _Source, kind: str) -> ImageFile:
    """The photo, its header read and its pixels not yet; by its own plugin, past Pillow's global state."""
    from pi_heif import HeifImageFile
    from PIL import AvifImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    data = source.head(-1)
    if data.count(b"\xff\xda") > _MOST_SCANS and kind == "jpeg":
        raise UnsupportedMedia(source.path, f"a JPEG of over {_MOST_SCANS} scans", "save it as a plain JPEG")
    photo: ImageFile = {
        "avif": AvifImagePlugin.AvifImageFile,
        "gif": GifImagePlugin.GifImageFile,
        "heic": HeifImageFile,
        "jpeg": JpegImagePlugin.JpegImageFile,
        "png": PngImagePlugin.PngImageFile,
        "webp": WebPImagePlugin.WebPImageFile,
    }[kind](io.BytesIO(data))
    return photo


@contextmanager
def _photo_errors(path: str, kind: str) -> Iterator[None]:
    """Whatever a decoder raises on hostile bytes means that the photo is broken."""
    from PIL.Image import DecompressionBombError

    try:
        yield
    except MediaError:
        raise
    except (DecompressionBombError, MemoryError) as error:
        raise MediaTooLarge(path, "more pixels than memory should hold", "scale it down") from error
    except Exception as error:
        raise BrokenMedia(path, f"a {kind.upper()} that cannot be decoded ({_words(error)})", _AGAIN) from error


def _open_photo(source: _Source, bounds: Bounds, sha256: str) -> tuple[MediaFacts, _Pose, _Index]:
    match = _PHOTO.match(source.head(64))
    kind = match.lastgroup if match and match.lastgroup else ""
    if source.size > 8 * bounds.pixels:
        raise MediaTooLarge(source.path, f"a photo of {source.size:,} bytes", "scale it down")
    with _photo_errors(source.path, kind):
        photo = _photo(source, kind)
        _check_size(source.path, *photo.size, bounds)
        count = getattr(photo, "n_frames", 1)
        if count > 1 and kind != "heic":
            raise UnsupportedMedia(
                source.path,
                f"an animated image with {count} frames",
                "convert it: ffmpeg -i IN -pix_fmt yuv420p OUT.mp4",
            )
        pose = _EXIF_POSES.get(photo.getexif().get(0x0112, 1), _Pose())
        width, height = pose.size(*photo.size)
    facts = MediaFacts(
        source.path, Kind.PHOTO, sha256, source.size, kind, kind, width, height, rotation=90 * pose.quarter_turns
    )
    return facts, pose, _Index(0, Fraction(1), np.zeros(1, np.int64), np.ones(1, np.bool_))


def _photo_rgb(source: _Source, kind: str) -> Rgb:
    from PIL import Image

    with _photo_errors(source.path, kind):
        photo = _photo(source, kind)
        photo.load()
        if photo.mode.startswith("I"):  # 16 bits of grey
            grey = (np.asarray(photo).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
            return np.repeat(grey[:, :, None], 3, axis=2)
        if photo.has_transparency_data:
            on_white = Image.alpha_composite(Image.new("RGBA", photo.size, "white"), photo.convert("RGBA"))
            return np.asarray(on_white.convert("RGB"))
        return np.asarray(photo.convert("RGB"))


# Videos


@contextmanager
def _video(source: _Source, bounds: Bounds) -> Iterator[_Video]:
    """The file's main picture stream, ready to decode. FFmpeg's log stays off, which is PyAV's default."""
    import av
    from av.stream import Discard, Disposition

    allowed = {"protocol_whitelist": "none", "format_whitelist": _FORMATS, "codec_whitelist": ",".join(_CODECS)}
    limits = {"max_pixels": str(bounds.pixels)}
    source.seek(0)
    try:
        container = av.open(source, "r", options=allowed | limits, metadata_errors="replace", buffer_size=1 << 17)
    except (av.FFmpegError, ValueError) as error:
        source.check()
        raise _unreadable(source, error) from error
    with container:
        stream = container.streams.best("video")
        if not isinstance(stream, av.VideoStream) or stream.disposition & Disposition.attached_pic:
            raise UnsupportedMedia(source.path, "it holds no moving picture", "give a file with a picture in it")
        if stream.codec_tag in ("encv", "drmi") or "enc_key_id" in stream.metadata:
            raise _encrypted(source.path)
        context = stream.codec_context
        if context is None or context.name not in _CODECS:
            name = context.codec.canonical_name if context else stream.codec_tag
            raise UnsupportedMedia(source.path, f"its picture codec {name!r} is not understood", _EXPORT)
        for other in container.streams:
            if other is not stream:
                other.discard = Discard.all
        context.options, context.thread_count, context.thread_type = limits, 2, "AUTO"
        yield _Video(source, container, stream)


class _Video:
    """The picture stream of an open container; times are its own, in ticks of its time base."""

    def __init__(self, source: _Source, container: InputContainer, stream: VideoStream) -> None:
        from av.video.reformatter import VideoReformatter

        self.container, self.stream = container, stream
        self._source, self._scaler = source, VideoReformatter()

    def packets(self) -> Iterator[tuple[int | None, Packet[VideoStream]]]:
        """From the present position to the end, past read errors; the last one is empty and flushes the decoder."""
        import av

        for _ in range(_MOST_READ_ERRORS):
            with suppress(av.FFmpegError):
                for packet in self.container.demux(self.stream):
                    self._source.check()
                    yield packet.dts if packet.pts is None else packet.pts, packet
                return

    def _packets_from(self, start: int) -> Iterator[tuple[int | None, Packet[VideoStream]]]:
        """From the key frame at ``start``: by a seek, or by reading from the beginning where the seek overshoots."""
        import av

        for offset in (start, min(0, start)):
            with suppress(av.FFmpegError):
                self.container.seek(offset, stream=self.stream)
            found = False
            for when, packet in self.packets():
                found = found or (packet.is_keyframe and when == start)
                if found:
                    yield when, packet
                elif packet.is_keyframe and (when or start) > start:
                    break
            if found:
                return

    def pictures(self, start: int | None, wanted: set[int], end: int | None) -> Iterator[VideoFrame]:
        """Intact pictures in order of time, from the key frame at ``start`` on (None: from the present position).

        Pictures that are not ``wanted`` and that no other one needs may be missing, if any is wanted. A key frame at
        ``end`` comes at once, without a further packet.
        """
        import av

        context = self.stream.codec_context
        may_skip = bool(wanted) and self._knows_unreferenced()
        for when, packet in self.packets() if start is None else self._packets_from(start):
            if may_skip:
                context.skip_frame = "DEFAULT" if when in wanted else "NONREF"
            pictures: list[VideoFrame] = []
            with suppress(av.FFmpegError):
                pictures += context.decode(packet)
            if packet.is_keyframe and when is not None and when == end:
                with suppress(av.FFmpegError):
                    pictures += context.decode(None)
                context.flush_buffers()
            yield from (p for p in pictures if p.pts is not None and not p.is_corrupt)

    def _knows_unreferenced(self) -> bool:
        """Whether pictures marked as not referenced are never referenced.

        In H.264 always (ITU-T H.264, 7.4.1, nal_ref_idc). In HEVC only if there is one temporal sub-layer, because
        a higher one may refer to them (ITU-T H.265, 3.136); hvcC counts the layers (ISO/IEC 14496-15, 8.3.3.1).
        """
        context = self.stream.codec_context
        header = context.extradata or b""
        one_layer = len(header) > 21 and header[0] == 1 and header[21] >> 3 & 7 == 1
        return context.name == "h264" or (context.name == "hevc" and one_layer)

    def rgb(self, picture: VideoFrame, width: int, height: int) -> Rgb:
        """Scaled, and converted by the colour matrix and range that the stream states.

        One that states no matrix is BT.709 from 720 lines on, as players assume, and BT.601 below.
        """
        unstated_hd = picture.colorspace == 2 and min(picture.width, picture.height) >= 720
        matrix = "ITU709" if unstated_hd else None
        scaled = self._scaler.reformat(picture, width, height, "rgb24", src_colorspace=matrix, threads=2)
        return np.asarray(scaled.to_ndarray(), np.uint8)


def _open_video(source: _Source, bounds: Bounds, sha256: str) -> tuple[MediaFacts, _Pose, _Index]:
    head = source.head(64)
    with _video(source, bounds) as video:
        context = video.stream.codec_context
        if context.width and context.height:
            _check_size(source.path, context.width, context.height, bounds)
        index, count, size, duration = _index(source, video, bounds)
        declared = video.container.duration
    with _video(source, bounds) as video:
        picture = next(video.pictures(None, set(), None), None)
        source.check()
        if picture is None:
            raise BrokenMedia(source.path, "none of its pictures can be decoded", _AGAIN)
        pose, aspect = _pose(picture), video.stream.sample_aspect_ratio or Fraction(1)
        aspect = aspect if Fraction(1, 4) <= aspect <= 4 else Fraction(1)
        width, height = pose.size(round(picture.width * max(aspect, 1)), round(picture.height / min(aspect, 1)))
        _check_size(source.path, width, height, bounds)
        gaps = np.diff(index.ticks)
        jitter = int(gaps.max() - gaps.min()) * index.tick if gaps.size else Fraction(0)
        facts = MediaFacts(
            path=source.path,
            kind=Kind.VIDEO,
            sha256=sha256,
            size_bytes=source.size,
            container=_container_name(video.container.format.name, head),
            codec=video.stream.codec_context.codec.canonical_name,
            width=width,
            height=height,
            rotation=90 * pose.quarter_turns,
            duration=duration,
            declared_duration=declared / 1e6 if declared else None,
            frames=count,
            frame_rate=count / duration if duration else None,
            variable_frame_rate=jitter > max(index.tick, Fraction(1, 1000)),
            bit_rate=round(size * 8 / duration) if duration else None,
        )
    return facts, pose, index


def _index(source: _Source, video: _Video, bounds: Bounds) -> tuple[_Index, int, int, float]:
    """Of all pictures, without decoding: their index, number and bytes, and the seconds to the end of the last one."""
    times, keys, size, last = array("q"), array("b"), 0, (0, 0)
    for when, packet in video.packets():
        if when is None or not packet.size or packet.is_discard:
            continue
        if packet.has_sidedata("encryption_info"):
            raise _encrypted(source.path)
        if len(times) == bounds.frames:
            raise MediaTooLarge(source.path, f"over {bounds.frames:,} frames", _CUT)
        last = max(last, (when, packet.duration or 0)) if times else (when, packet.duration or 0)
        times.append(when)
        keys.append(packet.is_keyframe)
        size += packet.size
    source.check()
    if not times:
        raise BrokenMedia(source.path, "a video without a single picture", _AGAIN)
    first, tick = min(times), video.stream.time_base or Fraction(1, 1000)
    if (seconds := float((last[0] - first) * tick)) > bounds.seconds:
        raise MediaTooLarge(source.path, f"{seconds:,.0f} s long, over the bound of {bounds.seconds:,.0f} s", _CUT)
    ticks, where = np.unique(np.frombuffer(times, np.int64) - first, return_inverse=True)
    is_key = np.zeros(ticks.size, np.bool_)
    is_key[where[np.frombuffer(keys, np.int8) > 0]] = True
    held = last[1] or (int(np.median(np.diff(ticks))) if ticks.size > 1 else 0)
    return _Index(first, tick, ticks, is_key), len(times), size, float((int(ticks[-1]) + held) * tick)


def _pose(picture: VideoFrame) -> _Pose:
    """From the display matrix, fixed point, 3 x 3 by rows: where it sends the x axis, and whether it mirrors."""
    matrix: Any = picture.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return _Pose()
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    mirrored = a * d - b * c < 0
    angle = math.atan2(-b, -a) if mirrored else math.atan2(b, a)
    return _Pose(mirrored, round(angle / (math.pi / 2)) % 4)


def _container_name(name: str, head: bytes) -> str:
    if name.startswith("mov"):
        return "mov" if head[8:12] == b"qt  " else "mp4"
    if name.startswith("matroska"):
        return "webm" if b"webm" in head else "mkv"
    return name


# Why a file is refused


def _encrypted(path: str) -> UnsupportedMedia:
    return UnsupportedMedia(path, "its pictures are encrypted", "get a copy without copy protection")


def _unreadable(source: _Source, error: Exception) -> MediaError:
    match = _VIDEO.match(source.head(12))
    if match is None:
        return UnsupportedMedia(source.path, "neither a photo nor a video that is understood", _EXPORT)
    if match["mp4"] and b"moov" not in _boxes(source):
        return BrokenMedia(source.path, "the end of the file is missing, and its index of frames with it", _AGAIN)
    return BrokenMedia(source.path, f"a video that cannot be read ({_words(error)})", _AGAIN)


def _boxes(source: _Source) -> set[bytes]:
    """Names of the outermost boxes of an MP4 or MOV file (ISO/IEC 14496-12, 4.2)."""
    names: set[bytes] = set()
    at = 0
    while at + 8 <= source.size and len(names) < 1000:
        source.seek(at)
        header = source.read(16)
        size = int.from_bytes(header[:4], "big")
        size = int.from_bytes(header[8:16], "big") if size == 1 else size
        names.add(header[4:8])
        at = at + size if size >= 8 else source.size
    return names


def _words(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return printable(" ".join(text.split()))[:100]
