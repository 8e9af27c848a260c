"""Videos for `unmask.media`: demuxed and decoded by PyAV."""

from __future__ import annotations

import itertools
import math
import zlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unmask.errors import BrokenMedia, MediaError, MediaTooLarge, UnsupportedMedia
from unmask.media import asf
from unmask.media.damage import LEAST_ZEROS, Arrivals, Inspection
from unmask.media.encoder import Encoder
from unmask.media.fields import has_comb
from unmask.media.mp4 import boxes, claimed_seconds
from unmask.media.numbering import Numbering
from unmask.media.recognition import HEAD, recognised
from unmask.media.source import AGAIN, CUT, EXPORT, Pose, Source, words
from unmask.media.times import FrameIndex
from unmask.messages import Message
from unmask.threads import threads
from unmask.types import Kind, MediaFacts, Packets, Rgb

if TYPE_CHECKING:
    from av import Packet, VideoFrame, VideoStream
    from av.container import InputContainer

_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mxf,dv,asf,flv"
_CODECS = (
    *(
        "h264",
        "hevc",
        "vp8",
        "vp9",
        "libdav1d",
        "mpeg4",
        "mpeg2video",
        "mpeg1video",
        "mjpeg",
        "prores",
        "dnxhd",
        "dvvideo",
    ),
    *("wmv1", "wmv2", "wmv3", "vc1", "msmpeg4v2", "msmpeg4", "flv", "vp6", "vp6f"),
)
_UNDERSTOOD = frozenset(
    ("mp4", "sequence", "mkv", "avi", "mpegts", "mpeg", "mxf", "dv", "asf", "flv")
)
"""Formats, as they are recognised, of which only a damaged file cannot be opened."""
_COUNTED = frozenset(("avi", "mpeg"))
"""Containers that give times to some pictures or none; pictures are counted from the first."""
_UNANNOUNCED = frozenset(("mpegts", "mpeg", "dv"))
"""Containers without a header that would say how long they are."""
_MISSING_SECONDS, _MISSING_SHARE = 0.5, 0.05
"""Missing seconds, and share of the announced length, from which on a film counts as cut off.

Both must be reached: sound often continues after the pictures.
"""
_LOOKS = 8
"""Key frames, spread over a clip, at which its pictures' size is read."""
_UNSTATED = 2
"""Colour matrix of a stream that states none (ITU-T H.273, table 4)."""
_GEN_PTS = 1
"""AVFMT_FLAG_GENPTS, which PyAV sets.

It holds packets back, without a bound, until a missing time can be guessed.
"""
_NONE = np.zeros(0, np.intp)
_ENCRYPTED = (Message("media.encrypted"), Message("way.unprotected"))
_MOST_READ_ERRORS = 100
"""Read errors of a container before the rest of it counts as lost."""
MOST_REORDERED = 32
"""Most pictures between a picture's place in the file and its place in time.

H.264 and HEVC need up to 16.
"""


@contextmanager
def opened_video(source: Source) -> Iterator[Video]:
    """Opens the file's main picture stream, ready to decode.

    FFmpeg's log stays off, which is PyAV's default.
    """
    import av
    from av.stream import Discard, Disposition

    allowed = {
        "protocol_whitelist": "none",
        "format_whitelist": _CONTAINERS,
        "codec_whitelist": ",".join(_CODECS),
    }
    limits = {"max_pixels": str(source.bounds.pixels)}
    source.seek(0)
    try:
        container = av.open(
            source, "r", options=allowed | limits, metadata_errors="replace", buffer_size=1 << 17
        )
    except (av.FFmpegError, ValueError) as error:
        source.check()
        raise _unreadable(source, error) from error
    with container:
        container.flags &= ~_GEN_PTS
        stream = container.streams.best("video")
        if not isinstance(stream, av.VideoStream) or stream.disposition & Disposition.attached_pic:
            raise UnsupportedMedia(
                source.path, Message("media.no_picture"), Message("way.with_picture")
            )
        context = stream.codec_context
        if "enc_key_id" in stream.metadata:
            raise UnsupportedMedia(source.path, *_ENCRYPTED)
        if context is None or context.name not in _CODECS:
            name = context.codec.canonical_name if context else "unknown or encrypted"
            raise UnsupportedMedia(source.path, Message("media.codec", {"codec": name}), EXPORT)
        for other in container.streams:
            if other is not stream:
                other.discard = Discard.all
        context.options, context.thread_count, context.thread_type = limits, threads(), "AUTO"
        yield Video(source, container, stream)


class Video:
    """Picture stream of an open container; times are its own, in ticks of its time base."""

    def __init__(self, source: Source, container: InputContainer, stream: VideoStream) -> None:
        from av.video.reformatter import VideoReformatter

        self.source, self.container, self.stream = source, container, stream
        self._scaler, self._greyer = VideoReformatter(), VideoReformatter()
        self._timed = container.format.name not in _COUNTED
        aspect = float(stream.sample_aspect_ratio or 1)
        self._aspect = aspect if 1 / 4 <= aspect <= 4 else 1.0

    def packets(self) -> Packets:
        """Reads all pictures as they lie in the file, without decoding."""
        bounds, path, context = self.source.bounds, self.source.path, self.stream.codec_context
        times, keys, broken, sizes, crcs = (
            array("q"),
            array("b"),
            array("b"),
            array("i"),
            array("I"),
        )
        arrivals, zeros = Arrivals(), self._leaves_no_zeros()
        header, begun = context.extradata or b"", []
        encoder, numbering = Encoder(context.name, header), Numbering(context.name, header)
        newest, tail = -math.inf, 0
        for when, packet, whole in self._packets():
            if when is None or not packet.size or packet.is_discard:
                continue
            if packet.has_sidedata("encryption_info"):
                raise UnsupportedMedia(path, *_ENCRYPTED)
            if len(times) == bounds.frames:
                raise MediaTooLarge(
                    path, Message("media.many_frames", {"bound": bounds.frames}), CUT
                )
            data = bytes(packet)
            holed = zeros and LEAST_ZEROS in data
            other = _new_header(packet)
            if packet.is_keyframe and encoder.began_anew(data, other):
                begun.append(len(times))
            numbering.add(len(times), data, packet.is_keyframe, other)
            times.append(when)
            keys.append(packet.is_keyframe)
            broken.append(arrivals.damaged(when, packet.is_keyframe, whole and not holed))
            sizes.append(len(data))
            crcs.append(zlib.crc32(data))
            if when >= newest:
                newest, tail = when, packet.duration or 0
        if not times:
            raise BrokenMedia(path, Message("media.no_frame"), AGAIN)
        return Packets(
            self.stream.time_base or Fraction(1, 1000),
            np.frombuffer(times, np.int64),
            np.frombuffer(keys, np.bool_) & self._timed,
            np.frombuffer(broken, np.bool_),
            np.frombuffer(sizes, np.int32),
            np.frombuffer(crcs, np.uint32),
            tail,
            tuple(begun),
            numbering.numbers(),
        )

    def index(self, packets: Packets) -> tuple[FrameIndex, NDArray[np.bool_], dict[str, Any]]:
        """Builds the index of the pictures in order of time.

        The other values are which of them came broken, bool ``(n,)``, and the facts that follow
        from the index.
        """
        bounds, path, times, tick = (
            self.source.bounds,
            self.source.path,
            packets.ticks,
            packets.tick,
        )
        if (
            duration := float((int(times.max() - times.min()) + packets.tail) * tick)
        ) > bounds.seconds:
            reason = Message("media.long", {"seconds": duration, "most_seconds": bounds.seconds})
            raise MediaTooLarge(path, reason, CUT)
        index = FrameIndex.of(tick, times, packets.keys)
        moved = np.abs(np.argsort(times, kind="stable") - np.arange(times.size))
        if moved.max() > MOST_REORDERED or index.ticks.size < 0.9 * times.size:
            raise BrokenMedia(path, Message("media.out_of_order"), Message("way.reencode"))
        gaps = index.gaps()
        duration += 0.0 if packets.tail else float(np.median(gaps)) * float(tick)
        return (
            index,
            np.isin(index.ticks, times[packets.broken]),
            {
                "duration": duration,
                "frames": times.size,
                "frame_rate": times.size / duration if duration else None,
                "variable_frame_rate": int(gaps.max() - gaps.min()) * tick
                > max(tick, Fraction(1, 1000)),
                "bit_rate": round(int(packets.sizes.sum(dtype=np.int64)) * 8 / duration)
                if duration
                else None,
            },
        )

    def pictures(
        self,
        index: FrameIndex,
        damaged: NDArray[np.bool_],
        start: int = 0,
        wanted: NDArray[np.intp] = _NONE,
    ) -> Iterator[tuple[int, VideoFrame]]:
        """Yields intact pictures with their numbers, in order.

        The first is the one numbered ``start``, the first of the clip or a key frame. If any are
        ``wanted``, others that no picture needs may be missing. A key frame that alone is wanted
        comes as soon as it is read. Damage that decoding shows is noted in ``damaged``.
        """
        context, targets = self.stream.codec_context, set(index.ticks[wanted].tolist())
        may_skip = bool(targets) and self._knows_unreferenced()
        sent, turns, inspection = (
            itertools.count(start),
            itertools.count(start),
            Inspection(damaged),
        )
        alone = False
        for when, packet, _ in (
            self._packets_from(int(index.ticks[start])) if start else self._packets()
        ):
            if alone and packet.size and not packet.is_keyframe:
                # The decoder has dropped what this refers to, and FFmpeg's for VP9 would crash.
                continue
            alone = packet.is_keyframe and targets == {when}
            if may_skip:
                context.skip_frame = "DEFAULT" if when in targets else "NONREF"
            if packet.size and when is not None:
                inspection.send(when if self._timed else next(sent))
            for picture, turn in zip(self._decoded(packet, alone, inspection), turns, strict=False):
                place = picture.pts if self._timed and picture.pts is not None else turn
                number = turn if place is turn else index.number_of(place)
                if 0 <= number < index.ticks.size:
                    yield from inspection.take(number, place, picture)
        yield from inspection.rest()

    def _decoded(
        self, packet: Packet[VideoStream], alone: bool, inspection: Inspection
    ) -> list[VideoFrame]:
        """Decodes a packet; all that is inside the decoder if a key frame is wanted ``alone``."""
        import av

        context = self.stream.codec_context
        pictures: list[VideoFrame] = []
        for given in (packet, None) if alone else (packet,):
            try:
                pictures += context.decode(given)
            except av.EOFError:
                continue
            except av.FFmpegError:
                inspection.fail()
        if alone:
            context.flush_buffers()
        return pictures

    def others(self) -> int:
        """Counts the other films that the file holds, without still pictures."""
        from av.stream import Disposition

        still = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails
        films = (
            s
            for s in self.container.streams.video
            if s is not self.stream and not s.disposition & still
        )
        return sum(film.frames != 1 for film in films)

    def announced(self) -> float | None:
        """Returns the seconds of pictures that the stream's header claims, or else the container's.

        It is None if neither claims any.
        """
        name = self.container.format.name
        if name in _UNANNOUNCED:
            return None
        # FFmpeg shortens the length of an AVI that is cut off, and forgets that of an ASF.
        if name == "avi" and self.stream.average_rate:
            return self.stream.frames / float(self.stream.average_rate)
        if name == "asf":
            return asf.claimed_seconds(self.source)
        if self.stream.duration and self.stream.time_base:
            return float(self.stream.duration * self.stream.time_base)
        return self.container.duration / 1e6 if self.container.duration else None

    def sizes(self, index: FrameIndex, damaged: NDArray[np.bool_]) -> list[tuple[int, int]]:
        """Returns the sizes of the pictures, as in `square`, at some key frames.

        Streams change them where recordings are joined.
        """
        keys = np.flatnonzero(index.keys & ~damaged)
        places = np.unique(
            np.linspace(0, keys.size - 1, min(keys.size, _LOOKS)).round().astype(int)
        )
        firsts = (
            next(self.pictures(index, damaged, int(key), np.array([key])), None)
            for key in keys[places]
        )
        return list(dict.fromkeys(self.square(first[1]) for first in firsts if first))

    def square(self, picture: VideoFrame) -> tuple[int, int]:
        """Returns width and height of a picture, not turned yet, once its pixels are square."""
        return round(picture.width * max(self._aspect, 1)), round(
            picture.height / min(self._aspect, 1)
        )

    def rgb(self, picture: VideoFrame, width: int, height: int) -> Rgb:
        """Scales a picture and converts it by the colour matrix and range that the stream states.

        It is put on black where its shape is another. A stream that states no matrix is BT.709 from
        720 lines on, as players assume, and BT.601 below.
        """
        own = self.square(picture)
        scale = min(width / own[0], height / own[1])
        inner = max(1, round(own[0] * scale)), max(1, round(own[1] * scale))
        if width - inner[0] <= 1 and height - inner[1] <= 1:
            return self._scaled(picture, width, height)
        page = np.zeros((height, width, 3), np.uint8)
        left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
        page[top : top + inner[1], left : left + inner[0]] = self._scaled(picture, *inner)
        return page

    def _scaled(self, picture: VideoFrame, width: int, height: int) -> Rgb:
        from av.video.reformatter import Colorspace

        unstated_hd = picture.colorspace == _UNSTATED and min(picture.width, picture.height) >= 720
        matrix = Colorspace.ITU709 if unstated_hd else None
        scaled = self._scaler.reformat(
            picture, width, height, "rgb24", src_colorspace=matrix, threads=threads()
        )
        return np.asarray(scaled.to_ndarray(), np.uint8)

    def grey(self, picture: VideoFrame, width: int, height: int) -> NDArray[np.uint8]:
        """Returns grey levels, uint8 ``(height, width)``, stretched to that shape, not turned."""
        small = self._greyer.reformat(
            picture, width, height, "gray", interpolation="AREA", threads=1
        )
        return np.ascontiguousarray(small.to_ndarray(), np.uint8)

    def is_woven(self, picture: VideoFrame) -> bool:
        """Tells whether a picture is interlaced, and its fields differ."""
        return has_comb(
            np.asarray(self._greyer.reformat(picture, format="gray").to_ndarray(), np.uint8)
        )

    def any_picture(self) -> VideoFrame | None:
        """Returns the first picture that comes out of the decoder, damaged or not."""
        inspection = Inspection(np.zeros(0, np.bool_))
        decoded = (self._decoded(packet, False, inspection) for _, packet, _ in self._packets())
        return next(itertools.chain.from_iterable(decoded), None)

    def _packets(self) -> Iterator[tuple[int | None, Packet[VideoStream], bool]]:
        """Yields packets from the present position to the end, past read errors.

        Each comes with its time, and whether it is whole and nothing before it was lost. The last
        packet is empty and flushes the decoder.
        """
        import av

        whole, following = True, 0
        for _ in range(_MOST_READ_ERRORS):
            with suppress(av.FFmpegError):
                for packet in self.container.demux(self.stream):
                    self.source.check()
                    when = packet.pts if self._timed and packet.pts is not None else packet.dts
                    if when is None and packet.size and not self._timed:
                        when = following
                    following = (when or 0) + (packet.duration or 0)
                    yield when, packet, whole and not packet.is_corrupt
                    whole = True
                break
            whole = False
        self.source.check()

    def _packets_from(self, start: int) -> Iterator[tuple[int | None, Packet[VideoStream], bool]]:
        """Yields packets from the key frame at ``start`` on.

        It seeks there, or reads from the beginning where the seek overshoots.
        """
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
        """Tells whether no picture of the stream holds a run of zeros.

        Its coder never leaves one, and nothing is stuffed with them. H.264 and HEVC forbid even
        three (ITU-T H.264, 7.4.1.1), but may stuff a byte stream between pictures (annex B).
        """
        context = self.stream.codec_context
        framed = (context.extradata or b"")[:1] == b"\1"
        return context.name in ("vp8", "vp9", "libdav1d") or (
            context.name in ("h264", "hevc") and framed
        )

    def _knows_unreferenced(self) -> bool:
        """Tells whether the stream marks reliably which pictures no other one refers to.

        H.264 does (ITU-T H.264, 7.4.1, nal_ref_idc). HEVC does only if there is one temporal
        sub-layer, because a higher one may refer to them (ITU-T H.265, 3.136); hvcC counts the
        layers (ISO/IEC 14496-15, 8.3.3.1).
        """
        context = self.stream.codec_context
        header = context.extradata or b""
        one_layer = len(header) > 21 and header[0] == 1 and header[21] >> 3 & 7 == 1
        return self._timed and (context.name == "h264" or (context.name == "hevc" and one_layer))


def packets(source: Source) -> Packets:
    """Reads all pictures of the file as they lie in it."""
    with opened_video(source) as video:
        context = video.stream.codec_context
        if context.width and context.height:  # otherwise unknown as yet
            source.bounds.check_size(source.path, context.width, context.height)
        return video.packets()


def probe(
    source: Source, sha256: str, packets: Packets
) -> tuple[MediaFacts, Pose, FrameIndex, NDArray[np.bool_]]:
    """Returns facts, pose, index and known damage of a video.

    Decodes up to the first intact picture, and some key frames.
    """
    claimed, head = claimed_seconds(source), source.head(64)
    with opened_video(source) as video:
        index, damaged, counted = video.index(packets)
        _, picture = next(video.pictures(index, damaged), (0, None))
    if picture is None:
        with opened_video(source) as video:
            picture = video.any_picture()
    if picture is None:
        raise BrokenMedia(source.path, Message("media.undecodable"), AGAIN)
    pose = _pose(picture)
    with opened_video(source) as video:
        sizes = list(dict.fromkeys([video.square(picture), *video.sizes(index, damaged)]))
        width, height = pose.size(*max(sizes, key=math.prod))
        source.bounds.check_size(source.path, width, height)
        announced = video.announced()
        facts = MediaFacts(
            path=source.path,
            kind=Kind.VIDEO,
            sha256=sha256,
            size_bytes=source.size - source.start,
            container=_container_name(video.container.format.name, head),
            codec=video.stream.codec_context.codec.canonical_name,
            width=width,
            height=height,
            rotation=pose.turn,
            declared_duration=announced if claimed is None else claimed,
            limits=tuple(_unseen(counted["duration"], announced, len(sizes), video.others())),
            **counted,
        )
    return facts, pose, index, damaged


def _unseen(duration: float, announced: float | None, sizes: int, others: int) -> Iterator[Message]:
    """Yields what the pictures of a film do not show, or not as they were."""
    if announced is not None and announced - duration > max(
        _MISSING_SECONDS, _MISSING_SHARE * announced
    ):
        yield Message("limit.cut_off", {"time": duration, "end": announced})
    if sizes > 1:
        yield Message("limit.sizes", {"sizes": sizes})
    if others:
        yield Message("limit.films", {"count": others})


def _new_header(packet: Packet[VideoStream]) -> bytes:
    """Returns the header by which a packet replaces the one given to the decoder; mostly empty."""
    return (
        bytes(packet.get_sidedata("new_extradata")) if packet.has_sidedata("new_extradata") else b""
    )


def _pose(picture: VideoFrame) -> Pose:
    """Reads the pose from the display matrix, fixed point, 3 x 3 by rows.

    It tells where the x axis goes, and whether it mirrors.
    """
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
    kind = recognised(source.head(HEAD))
    if kind is None:
        return UnsupportedMedia(source.path, Message("media.unknown"), EXPORT)
    if kind not in _UNDERSTOOD:
        return UnsupportedMedia(
            source.path, Message("media.not_understood", {"format": kind.upper()}), EXPORT
        )
    if kind == "mp4" and b"moov" not in boxes(source, 0, source.size):
        return BrokenMedia(source.path, Message("media.cut_off"), AGAIN)
    return BrokenMedia(source.path, Message("media.broken_video", {"error": words(error)}), AGAIN)


def codecs() -> dict[str, bool]:
    """Tells whether this installation's FFmpeg can decode each allowed codec."""
    import av

    return {name: name in av.codecs_available for name in _CODECS}
