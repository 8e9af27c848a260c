"""Maker of small real photos and videos for tests, with the encoders of PyAV and Pillow.

Every picture is drawn, none is downloaded. A numbered picture (`numbered`) carries its own number
in black and white cells that are large enough to survive any codec. So a test can tell which frame
it was given.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Rgb = NDArray[np.uint8]

os.environ.setdefault("SVT_LOG", "1")  # errors only, instead of a page of settings per clip

QUIET = {
    "libx264": {"preset": "ultrafast", "threads": "1"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=none:frame-threads=1"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "13", "svtav1-params": "lp=1"},
}
"""Options per encoder: fast, on one thread, without a banner on stderr."""

_CELLS = (4, 4)


def numbered(number: int, width: int = 64, height: int = 64) -> Rgb:
    """Draws picture ``number``, 0 to 65535: 4 x 4 cells, black or white by its bits."""
    bits = np.array([(number >> i) & 1 for i in range(16)], np.uint8).reshape(_CELLS) * 200 + 28
    rows, columns = np.arange(height) * 4 // height, np.arange(width) * 4 // width
    return np.repeat(bits[rows][:, columns, None], 3, axis=2)


def number_of(rgb: Rgb) -> int:
    """Reads the number of a picture from `numbered`, after any codec."""
    h, w = rgb.shape[:2]
    centres = rgb[h // 8 :: h // 4, w // 8 :: w // 4].mean(axis=2)[:4, :4]
    return int(((centres > 128).ravel() << np.arange(16)).sum())


def textured(number: int, width: int = 64, height: int = 64) -> Rgb:
    """Draws a detailed picture that drifts by a pixel or two with each number.

    It reveals when a decoder used a wrong reference picture.
    """
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin((x + number * a) / b) + np.cos((y - number * c) / d) for a, b, c, d in _WAVES]
    return (np.stack(waves, axis=2) * 50 + 128).astype(np.uint8)


_WAVES = ((1, 3.1, 2, 4.3), (2, 5.7, 1, 2.9), (1, 2.3, 1, 7.1))


def write_video(
    path: Path,
    frames: Iterable[Rgb],
    *,
    codec: str = "libx264",
    fps: int = 25,
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    rotation: int = 0,
    hflip: bool = False,
    sample_aspect: Fraction | None = None,
    gop: int = 12,
    b_frames: int = 0,
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    container: str | None = None,
    with_audio: bool = False,
    colorspace: int | None = None,
    color_range: int | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Encodes ``frames`` (rgb uint8 of one size) into a video file.

    The container follows from the file's suffix.

    Args:
        codec: name of an FFmpeg encoder, see `QUIET`.
        pts: presentation time of each frame in ``time_base``; None means one tick of ``1 / fps``
            each.
        rotation: degrees counter-clockwise by which a player is told to turn the stored picture.
        hflip: tell the player to mirror the picture, after turning it.
        sample_aspect: width over height of one stored pixel.
        gop, b_frames: largest distance of key frames; largest number of B-frames in a row.
        container: name of the FFmpeg muxer, if the suffix does not determine it.
        colorspace, color_range: as PyAV numbers them; the frames are converted to them and the
            stream is labelled with them.
        metadata: metadata of the container.

    Returns:
        ``path``.
    """
    frames = iter(frames)
    first = next(frames)
    tick = time_base or Fraction(1, fps)
    with (
        _same_priority(),
        av.open(str(path), "w", format=container, container_options=container_options or {}) as out,
    ):
        out.metadata.update(metadata or {})
        stream: Any = out.add_stream(
            codec, rate=fps, options=QUIET.get(codec, {}) | (options or {})
        )
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt, stream.time_base, stream.codec_context.time_base = pix_fmt, tick, tick
        stream.gop_size, stream.max_b_frames, stream.thread_count = gop, b_frames, 1
        if sample_aspect is not None:
            stream.codec_context.sample_aspect_ratio = sample_aspect
        if colorspace is not None:
            stream.codec_context.colorspace = colorspace
        if color_range is not None:
            stream.codec_context.color_range = color_range
        if rotation or hflip:
            stream.set_display_rotation(rotation, hflip=hflip)
        sound = out.add_stream("aac", rate=8000) if with_audio else None
        count = 0
        for count, rgb in enumerate([first, *frames]):
            picture = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
                format=pix_fmt, dst_colorspace=colorspace, dst_color_range=color_range
            )
            picture.pts, picture.time_base = (pts[count] if pts else count), tick
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
        if sound is not None:
            _mux_silence(out, sound, seconds=(count + 1) / fps)
    return path


@contextmanager
def _same_priority() -> Iterator[None]:
    """Takes back the real-time priority that SVT-AV1 gives to the thread of root.

    With it, a test process would keep all others from their core, from its first AV1 clip on.
    """
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


def woven(frames: Sequence[Rgb]) -> list[Rgb]:
    """Interlaces pictures: even lines of one, odd lines of the next, at half the rate."""
    out = [frame.copy() for frame in frames[: len(frames) // 2 * 2 : 2]]
    for picture, later in zip(out, frames[1::2], strict=False):
        picture[1::2] = later[1::2]
    return out


def write_audio(path: Path, seconds: float = 0.5) -> Path:
    """Writes an audio file: silence, AAC."""
    with av.open(str(path), "w") as out:
        _mux_silence(out, out.add_stream("aac", rate=8000), seconds)
    return path


def _mux_silence(out: Any, stream: Any, seconds: float) -> None:
    for start in range(0, max(1, int(seconds * 8000)), 1024):
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate, silence.pts, silence.time_base = 8000, start, Fraction(1, 8000)
        out.mux(stream.encode(silence))
    out.mux(stream.encode(None))


def write_photo(
    path: Path,
    picture: Rgb | Image.Image,
    format: str,  # noqa: A002
    *,
    orientation: int = 1,
    **options: Any,
) -> Path:
    """Writes a photo with Pillow in ``format``, whatever the suffix.

    Args:
        orientation: EXIF orientation, 1 to 8.
        options: of Pillow's writer, e.g. ``quality`` or ``append_images``.

    Returns:
        ``path``.
    """
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    if orientation != 1:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    image.save(path, format=format, **options)
    return path


def write_heic(
    path: Path,
    picture: Rgb,
    *,
    quarter_turns: int = 0,
    crop: tuple[int, int] | None = None,
    brands: bytes = b"heicmif1heic",
    after: bytes = b"",
) -> Path:
    """Writes a HEIC photo: one HEVC picture in boxes written here (ISO/IEC 23008-12).

    The libheif in use has no encoder.

    Args:
        quarter_turns: counter-clockwise turns of 90 degrees that a viewer is told to make.
        crop: width and height, px, of the middle to which a viewer is told to crop it first.
        brands: the major brand and the compatible brands.
        after: boxes after the picture.

    Returns:
        ``path``.
    """
    video = write_video(path.with_suffix(".mp4"), [picture], codec="libx265")
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        hvcc, data = stream.codec_context.extradata or b"", bytes(next(container.demux(stream)))
    video.unlink()
    height, width = picture.shape[:2]
    ispe = box(b"ispe", struct.pack(">III", 0, width, height))
    clap = box(b"clap", struct.pack(">8i", crop[0], 1, crop[1], 1, 0, 1, 0, 1)) if crop else b""
    irot = box(b"irot", bytes([quarter_turns]))
    ipco = box(b"ipco", box(b"hvcC", hvcc) + ispe + clap + irot)
    properties = bytes([0x81, 2, *([0x83, 0x84] if crop else [0x83])])
    ipma = box(b"ipma", struct.pack(">IIHB", 0, 1, 1, len(properties)) + properties)
    infe = box(b"infe", struct.pack(">IHH4sB", 2 << 24, 1, 0, b"hvc1", 0))
    ftyp = box(b"ftyp", brands[:4] + bytes(4) + brands[4:])

    def meta(offset: int) -> bytes:
        iloc = struct.pack(">IHHHHHII", 0, 0x4400, 1, 1, 0, 1, offset, len(data))
        hdlr = box(b"hdlr", struct.pack(">II4s12xx", 0, 0, b"pict"))
        iinf = box(b"iinf", struct.pack(">IH", 0, 1) + infe)
        pitm = box(b"pitm", struct.pack(">IH", 0, 1))
        return box(
            b"meta",
            b"\0\0\0\0" + hdlr + pitm + box(b"iloc", iloc) + iinf + box(b"iprp", ipco + ipma),
        )

    path.write_bytes(ftyp + meta(len(ftyp + meta(0)) + 8) + box(b"mdat", data) + after)
    return path


def box(kind: bytes, content: bytes) -> bytes:
    """Returns one box of the ISO base media file format: its size, its type, its content."""
    return struct.pack(">I4s", len(content) + 8, kind) + content


def edit_boxes(data: bytes, edit: Callable[[bytes, bytes], tuple[bytes, bytes]]) -> bytes:
    """Applies ``edit(type, content) -> (type, content)`` to every box, innermost first.

    The file is an MP4 or MOV. Offsets into it are not adjusted: the media must come before any box
    whose size changes.
    """
    out, at = b"", 0
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        content = data[at + 8 : at + size]
        if kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf"):
            content = edit_boxes(content, edit)
        out += box(*edit(kind, content))
        at += size
    return out


def without_packets(whole: Path, path: Path, lost: Container[int]) -> Path:
    """Copies an MPEG-TS without the packets of 188 bytes numbered in ``lost``."""
    data = whole.read_bytes()
    path.write_bytes(
        b"".join(data[i : i + 188] for i in range(0, len(data), 188) if i // 188 not in lost)
    )
    return path


def enlarged(rgb: Rgb, by: float) -> Rgb:
    """Returns the middle of a picture, enlarged ``by`` times, at the same picture size."""
    height, width = rgb.shape[:2]
    across, down = width * (1 - 1 / by) / 2, height * (1 - 1 / by) / 2
    middle = (across, down, width - across, height - down)
    return np.asarray(
        Image.fromarray(rgb).resize((width, height), Image.Resampling.BILINEAR, box=middle)
    )
