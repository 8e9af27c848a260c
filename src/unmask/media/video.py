"""Videos for `unmask.media`: demuxed and decoded by PyAV. The only file that imports it."""

from __future__ import annotations

import itertools
import math
import re
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unmask.errors import BrokenMedia, MediaError, MediaTooLarge, UnsupportedMedia
from unmask.media.damage import LEAST_ZEROS, Arrivals, Inspection
from unmask.media.fields import has_comb
from unmask.media.mp4 import boxes, claimed_seconds
from unmask.media.source import AGAIN, CUT, EXPORT, Pose, Source, words
from unmask.media.times import Index
from unmask.messages import Message
from unmask.types import Kind, MediaFacts, Rgb

if TYPE_CHECKING:
    from av import Packet, VideoFrame, VideoStream
    from av.container import InputContainer

_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts"
_CODECS = ("h264", "hevc", "vp8", "vp9", "libdav1d", "mpeg4", "mpeg2video", "mjpeg", "prores")
_VIDEO = re.compile(rb"(?P<mp4>.{4}(?:ftyp|moov|mdat|wide|free|skip))|\x1aE\xdf\xa3|RIFF.{4}AVI ", re.DOTALL)
_UNSTATED = 2
"""The colour matrix of a stream that states none (ITU-T H.273, table 4)."""
_GEN_PTS = 1
"""AVFMT_FLAG_GENPTS, which PyAV sets: hold packets back, without a bound, until a missing time can be guessed."""
_NONE = np.zeros(0, np.intp)
_ENCRYPTED = (Message("media.encrypted"), Message("way.unprotected"))
_MOST_READ_ERRORS = 100
"""of a container, before the rest of it counts as lost."""
_MOST_REORDERED = 32
"""pictures between a picture's place in the file and its place in time; H.264 and HEVC need up to 16."""


@contextmanager
def opened_video(source: Source) -> Iterator[Video]:
    """The file's main picture stream, ready to decode. FFmpeg's log stays off, which is PyAV's default."""
    import av
    from av.stream import Discard, Disposition

    allowed = {"protocol_whitelist": "none", "format_whitelist": _CONTAINERS, "codec_whitelist": ",".join(_CODECS)}
    limits = {"max_pixels": str(source.bounds.pixels)}
    source.seek(0)
    try:
        container = av.open(source, "r", options=allowed | limits, metadata_errors="replace", buffer_size=1 << 17)
    except (av.FFmpegError, ValueError) as error:
        source.check()
        raise _unreadable(source, error) from error
    with container:
        container.flags &= ~_GEN_PTS
        stream = container.streams.best("video")
        if not isinstance(stream, av.VideoStream) or stream.disposition & Disposition.attached_pic:
            raise UnsupportedMedia(source.path, Message("media.no_picture"), Message("way.with_picture"))
        context = stream.codec_context
        if "enc_key_id" in stream.metadata:
            raise UnsupportedMedia(source.path, *_ENCRYPTED)
        if context is None or context.name not in _CODECS:
            name = context.codec.canonical_name if context else "unknown or encrypted"
            raise UnsupportedMedia(source.path, Message("media.codec", {"codec": name}), EXPORT)
        for other in container.streams:
            if other is not stream:
                other.discard = Discard.all
        context.options, context.thread_count, context.thread_type = limits, 2, "AUTO"
        yield Video(source, container, stream)


class Video:
    """The picture stream of an open container; times are its own, in ticks of its time base."""

    def __init__(self, source: Source, container: InputContainer, stream: VideoStream) -> None:
        from av.video.reformatter import VideoReformatter

        self.source, self.container, self.stream = source, container, stream
        self._scaler, self._greyer = VideoReformatter(), VideoReformatter()
        self._timed = container.format.name != "avi"  # whose pictures have no times, but are counted from the first

    def index(self) -> tuple[Index, NDArray[np.bool_], dict[str, Any]]:
        """Of all pictures, without decoding; which of them came broken, bool ``(n,)``; and the facts that follow from it."""
        bounds, path = self.source.bounds, self.source.path
        times, keys, broken, size = array("q"), array("b"), array("b"), 0
        arrivals, zeros = Arrivals(), self._leaves_no_zeros()
        newest, tail = -math.inf, 0
        for when, packet, whole in self._packets():
            if when is None or not packet.size or packet.is_discard:
                continue
            if packet.has_sidedata("encryption_info"):
                raise UnsupportedMedia(path, *_ENCRYPTED)
            if len(times) == bounds.frames:
                raise MediaTooLarge(path, Message("media.many_frames", {"bound": bounds.frames}), CUT)
            times.append(when)
            keys.append(packet.is_keyframe)
            holed = zeros and LEAST_ZEROS in bytes(packet)
            broken.append(arrivals.damaged(when, packet.is_keyframe, whole and not holed))
            size += packet.size
            if when >= newest:
                newest, tail = when, packet.duration or 0
        if not times:
            raise BrokenMedia(path, Message("media.no_frame"), AGAIN)
        tick = self.stream.time_base or Fraction(1, 1000)
        if (duration := float((max(times) - min(times) + tail) * tick)) > bounds.seconds:
            reason = Message("media.long", {"seconds": duration, "most_seconds": bounds.seconds})
            raise MediaTooLarge(path, reason, CUT)
        index = Index.of(tick, np.frombuffer(times, np.int64), np.frombuffer(keys, np.bool_) & self._timed)
        moved = np.abs(np.argsort(times, kind="stable") - np.arange(len(times)))
        if moved.max() > _MOST_REORDERED or index.ticks.size < 0.9 * len(times):
            raise BrokenMedia(path, Message("media.out_of_order"), Message("way.reencode"))
        gaps = index.gaps()
        duration += 0.0 if tail else float(np.median(gaps)) * float(tick)
        damaged = np.isin(index.ticks, np.frombuffer(times, np.int64)[np.frombuffer(broken, np.bool_)])
        return (
            index,
            damaged,
            {
                "duration": duration,
                "frames": len(times),
                "frame_rate": len(times) / duration if duration else None,
                "variable_frame_rate": int(gaps.max() - gaps.min()) * tick > max(tick, Fraction(1, 1000)),
                "bit_rate": round(size * 8 / duration) if duration else None,
            },
        )

    def pictures(
        self, index: Index, damaged: NDArray[np.bool_], start: int = 0, wanted: NDArray[np.intp] = _NONE
    ) -> Iterator[tuple[int, VideoFrame]]:
        """Intact pictures with their numbers, in order, from the one numbered ``start``, the first or a key frame, on.

        Pictures that are not ``wanted`` and that no other one needs may be missing, if any is wanted. A key frame that
        alone is wanted comes as soon as it is read. Damage that decoding shows is noted in ``damaged``.
        """
        context, targets = self.stream.codec_context, set(index.ticks[wanted].tolist())
        may_skip = bool(targets) and self._knows_unreferenced()
        sent, turns, inspection = itertools.count(start), itertools.count(start), Inspection(damaged)
        for when, packet, _ in self._packets_from(int(index.ticks[start])) if start else self._packets():
            if may_skip:
                context.skip_frame = "DEFAULT" if when in targets else "NONREF"
            if packet.size and when is not None:
                inspection.send(when if self._timed else next(sent))
            for picture, turn in zip(self._decoded(packet, targets == {when}, inspection), turns, strict=False):
                place = picture.pts if self._timed and picture.pts is not None else turn
                number = turn if place is turn else index.number_of(place)
                if 0 <= number < index.ticks.size:
                    yield from inspection.take(number, place, picture)
        yield from inspection.rest()

    def _decoded(self, packet: Packet[VideoStream], alone: bool, inspection: Inspection) -> list[VideoFrame]:
        """The pictures that come out for a packet; all that are inside if it is a key frame that ``alone`` is wanted."""
        import av

        context = self.stream.codec_context
        last = alone and packet.is_keyframe
        pictures: list[VideoFrame] = []
        for given in (packet, None) if last else (packet,):
            try:
                pictures += context.decode(given)
            except av.EOFError:
                continue
            except av.FFmpegError:
                inspection.fail()
        if last:
            context.flush_buffers()
        return pictures

    def rgb(self, picture: VideoFrame, width: int, height: int) -> Rgb:
        """Scaled, and converted by the colour matrix and range that the stream states.

        One that states no matrix is BT.709 from 720 lines on, as players assume, and BT.601 below.
        """
        from av.video.reformatter import Colorspace

        unstated_hd = picture.colorspace == _UNSTATED and min(picture.width, picture.height) >= 720
        matrix = Colorspace.ITU709 if unstated_hd else None
        scaled = self._scaler.reformat(picture, width, height, "rgb24", src_colorspace=matrix, threads=2)
        return np.asarray(scaled.to_ndarray(), np.uint8)

    def is_woven(self, picture: VideoFrame) -> bool:
        """Whether it is interlaced, and its half-pictures differ."""
        return has_comb(np.asarray(self._greyer.reformat(picture, format="gray").to_ndarray(), np.uint8))

    def any_picture(self) -> VideoFrame | None:
        """The first picture that comes out of the decoder, damaged or not."""
        inspection = Inspection(np.zeros(0, np.bool_))
        decoded = (self._decoded(packet, False, inspection) for _, packet, _ in self._packets())
        return next(itertools.chain.from_iterable(decoded), None)

    def _packets(self) -> Iterator[tuple[int | None, Packet[VideoStream], bool]]:
        """From the present position to the end, past read errors; the last one is empty and flushes the decoder.

        Each with its time and whether it is whole, and nothing before it was lost.
        """
        import av

        whole = True
        for _ in range(_MOST_READ_ERRORS):
            with suppress(av.FFmpegError):
                for packet in self.container.demux(self.stream):
                    self.source.check()
                    timed = self._timed and packet.pts is not None
                    yield packet.pts if timed else packet.dts, packet, whole and not packet.is_corrupt
                    whole = True
                break
            whole = False
        self.source.check()

    def _packets_from(self, start: int) -> Iterator[tuple[int | None, Packet[VideoStream], bool]]:
        """From the key frame at ``start``: by a seek, or by reading from the beginning where the seek overshoots."""
        import av

        for offset in (start, min(0, start)):
            with suppress(av.FFmpegError):
                self.container.seek(offset, stream=self.stream)
            found = False
            for when, packet, whole in self._packets():
                found = found or (packet.is_keyframe and when == start)
                if found:
                    yield when, packet, whole
                elif packet.is_keyframe and when is not None and when > start:
                    break
            if found:
                return

    def _leaves_no_zeros(self) -> bool:
        """Whether no picture of the stream holds a run of zeros: its coder never leaves one, and nothing is stuffed with them.

        H.264 and HEVC forbid even three (ITU-T H.264, 7.4.1.1), but may stuff a byte stream between pictures (annex B).
        """
        context = self.stream.codec_context
        framed = (context.extradata or b"")[:1] == b"\1"
        return context.name in ("vp8", "vp9", "libdav1d") or (context.name in ("h264", "hevc") and framed)

    def _knows_unreferenced(self) -> bool:
        """Whether the stream tells reliably which pictures no other one refers to.

        H.264 does (ITU-T H.264, 7.4.1, nal_ref_idc). HEVC does only if there is one temporal sub-layer, because a
        higher one may refer to them (ITU-T H.265, 3.136); hvcC counts the layers (ISO/IEC 14496-15, 8.3.3.1).
        """
        context = self.stream.codec_context
        header = context.extradata or b""
        one_layer = len(header) > 21 and header[0] == 1 and header[21] >> 3 & 7 == 1
        return self._timed and (context.name == "h264" or (context.name == "hevc" and one_layer))


def probe(source: Source, sha256: str) -> tuple[MediaFacts, Pose, Index, NDArray[np.bool_]]:
    """What the file is, how its pictures stand, when each is shown, and which are known to be damaged.

    Decodes up to the first intact picture.
    """
    claimed, head = claimed_seconds(source), source.head(64)
    with opened_video(source) as video:
        context = video.stream.codec_context
        if context.width and context.height:  # or nobody knows yet
            source.bounds.check_size(source.path, context.width, context.height)
        if claimed is None and video.container.duration:
            claimed = video.container.duration / 1e6
        index, damaged, counted = video.index()
    with opened_video(source) as video:
        _, picture = next(video.pictures(index, damaged), (0, None))
    with opened_video(source) as video:
        picture = picture or video.any_picture()
        if picture is None:
            raise BrokenMedia(source.path, Message("media.undecodable"), AGAIN)
        pose, aspect = _pose(picture), float(video.stream.sample_aspect_ratio or 1)
        aspect = aspect if 1 / 4 <= aspect <= 4 else 1.0
        width, height = pose.size(round(picture.width * max(aspect, 1)), round(picture.height / min(aspect, 1)))
        source.bounds.check_size(source.path, width, height)
        facts = MediaFacts(
            path=source.path,
            kind=Kind.VIDEO,
            sha256=sha256,
            size_bytes=source.size,
            container=_container_name(video.container.format.name, head),
            codec=video.stream.codec_context.codec.canonical_name,
            width=width,
            height=height,
            rotation=pose.turn,
            declared_duration=claimed,
            **counted,
        )
    return facts, pose, index, damaged


def _pose(picture: VideoFrame) -> Pose:
    """From the display matrix, fixed point, 3 x 3 by rows: where it sends the x axis, and whether it mirrors."""
    matrix: Any = picture.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return Pose()
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    mirrored = a * d - b * c < 0
    angle = math.atan2(-b, -a) if mirrored else math.atan2(b, a)
    return Pose(mirrored, 90 * round(math.degrees(angle) / 90) % 360)


def _container_name(name: str, head: bytes) -> str:
    if name.startswith("mov"):
        return "mov" if head[8:12] == b"qt  " else "mp4"
    if name.startswith("matroska"):
        return "webm" if b"webm" in head else "mkv"
    return name


def _unreadable(source: Source, error: Exception) -> MediaError:
    match = _VIDEO.match(source.head(12))
    if match is None:
        return UnsupportedMedia(source.path, Message("media.unknown"), EXPORT)
    if match["mp4"] and b"moov" not in boxes(source, 0, source.size):
        return BrokenMedia(source.path, Message("media.cut_off"), AGAIN)
    return BrokenMedia(source.path, Message("media.broken_video", {"error": words(error)}), AGAIN)


def codecs() -> dict[str, bool]:
    """Whether this installation's FFmpeg can decode each codec that is let in."""
    import av

    return {name: name in av.codecs_available for name in _CODECS}
