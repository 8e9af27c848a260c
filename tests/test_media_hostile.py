"""Hostile photos and videos: each ends in one clear line of the right class.

It reaches no other file and no network.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from tests import clips
from unmask.errors import BrokenMedia, MediaError, MediaNotFound, MediaTooLarge, UnsupportedMedia
from unmask.media import Bounds, open_media, photo
from unmask.messages import Message

TEN = [clips.numbered(i) for i in range(10)]


def refusal(path: Path | str, kind: type[MediaError], bounds: Bounds | None = None) -> str:
    """Returns the one line that refuses ``path`` with exactly ``kind``."""
    with pytest.raises(MediaError) as caught:
        list(open_media(path, bounds or Bounds()).frames([0.0]))
    error, line = caught.value, str(caught.value)
    assert type(error) is kind, line
    assert error.path == str(path)
    assert error.reason
    assert error.way_out
    assert line.isprintable()
    return line


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# Paths that lead to no file


def test_what_is_no_file_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    file = written(tmp_path / "file", b"x")
    assert "no such file" in refusal(tmp_path / "missing.mp4", MediaNotFound)
    assert "no such file" in refusal(tmp_path / "dangling", MediaNotFound)
    assert "symbolic links" in refusal(tmp_path / "loop", MediaNotFound)
    for other in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        assert "not a file" in refusal(other, MediaNotFound)
    refusal(file / "below", MediaNotFound)
    refusal("", MediaNotFound)
    refusal("nul\0byte.mp4", MediaNotFound)
    refusal("line\nbreak.mp4", MediaNotFound)
    refusal("x" * 5000, MediaNotFound)


def test_a_file_without_permission_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything, so the operating system's refusal is simulated."""
    path = clips.write_photo(tmp_path / "photo.png", TEN[1], "PNG")

    def refuse(path: str, flags: int, mode: int = 0) -> int:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "open", refuse)
    assert "permission denied" in refusal(path, MediaNotFound)


def test_a_failing_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unmask.media import source as _source

    path = clips.write_video(tmp_path / "clip.mp4", TEN)

    class Failing:
        def __init__(self, file: Any) -> None:
            self.file, self.left = file, 5000

        def read(self, size: int) -> bytes:
            self.left -= size
            if self.left < 0:
                raise OSError(5, "Input/output error")
            return bytes(self.file.read(min(size, 1000)))

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

    plain = _source.Source.__init__

    def fails(source: Any, path: str, file: Any, *more: Any) -> None:
        plain(source, path, Failing(file), *more)

    monkeypatch.setattr(_source.Source, "__init__", fails)
    assert "Input/output error" in refusal(path, BrokenMedia)


# Content that is no media, or not all of it


def test_empty_and_foreign_content(tmp_path: Path) -> None:
    assert "empty" in refusal(written(tmp_path / "empty.mp4", b""), BrokenMedia)
    foreign = {
        "text.mp4": b"Just some words.\n" * 100,
        "page.mp4": b"<!DOCTYPE html><html><body>404</body></html>",
        "paper.jpg": b"%PDF-1.7\n" + bytes(1000),
        "zeros.mp4": bytes(100_000),
        "one.mp4": b"\0",
        "song.mp4": b"ID3\4\0\0\0\0\0\0" + bytes(1000),
        "archive.mp4": b"PK\3\4" + bytes(1000),
        "program.mp4": b"\x7fELF" + bytes(1000),
    }
    for name, data in foreign.items():
        assert "neither a photo nor a video" in refusal(
            written(tmp_path / name, data), UnsupportedMedia
        )
    known = {
        "H26X": b"\0\0\0\1\x67\x42\0\x0a",
        "PSD": b"8BPS\0\1",
        "RAW": b"II*\0\x10\0\0\0CR\2\0",
        "JPEGXL": b"\xff\x0a",
    }
    for name, head in known.items():
        line = refusal(written(tmp_path / "known", head + bytes(200)), UnsupportedMedia)
        assert f"a {name} file, which is not understood" in line


def test_a_video_without_its_end_says_so(tmp_path: Path) -> None:
    data = clips.write_video(tmp_path / "clip.mp4", TEN).read_bytes()
    for size in (40, 200, data.index(b"moov") - 4):
        line = refusal(written(tmp_path / "cut.mp4", data[:size]), BrokenMedia)
        assert "the end of the file is missing" in line
        assert "download or export it again" in line


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_what_is_left_of_a_video_is_read(tmp_path: Path, suffix: str) -> None:
    whole = clips.write_video(
        tmp_path / f"clip.{suffix}",
        (clips.textured(i) for i in range(50)),
        gop=10,
        container_options={"movflags": "faststart"} if suffix == "mp4" else {},
    )
    full = open_media(whole)
    clip = open_media(
        written(tmp_path / "cut", whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    )
    assert 0.2 < clip.facts.duration < 1.8
    got = list(clip.frames(clip.times(0.04, 100)))
    assert len(got) >= clip.facts.frames - 2
    expected = dict(zip(full.times(0.04, 100), full.frames(full.times(0.04, 100)), strict=True))
    assert all(np.array_equal(frame.rgb, expected[frame.time].rgb) for frame in got[:-1])


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_a_damaged_stretch_is_passed_over(tmp_path: Path, suffix: str) -> None:
    whole = clips.write_video(
        tmp_path / f"clip.{suffix}", (clips.textured(i) for i in range(60)), gop=10
    )
    clip = open_media(whole)
    expected = {frame.time: frame.rgb for frame in clip.frames(clip.times(0.04, 100))}
    data = bytearray(whole.read_bytes())
    end = data.find(b"moov") if suffix == "mp4" else len(data)
    data[end * 4 // 10 : end * 5 // 10] = np.random.default_rng(1).bytes(
        end * 5 // 10 - end * 4 // 10
    )
    damaged = open_media(written(tmp_path / "damaged", bytes(data)))
    got = list(damaged.frames(list(expected)))
    times = [frame.time for frame in got]
    assert times == sorted(set(times))
    assert times[0] == 0.0
    assert times[-1] == max(expected)
    assert 30 <= len(got) < 60
    same = [np.array_equal(frame.rgb, expected.get(frame.time)) for frame in got]
    assert sum(same) >= 30
    assert same[0]
    assert same[-1]


def test_pictures_that_are_noise_are_broken(tmp_path: Path) -> None:
    def noise(kind: bytes, content: bytes) -> tuple[bytes, bytes]:
        return kind, bytes(len(content)) if kind == b"mdat" else content

    data = clips.edit_boxes(clips.write_video(tmp_path / "clip.mp4", TEN).read_bytes(), noise)
    assert "can be decoded" in refusal(written(tmp_path / "noise.mp4", data), BrokenMedia)


def test_videos_without_pictures(tmp_path: Path) -> None:
    for suffix in ("m4a", "mkv"):
        assert "no moving picture" in refusal(
            clips.write_audio(tmp_path / f"sound.{suffix}"), UnsupportedMedia
        )
    for suffix in ("mp4", "mkv"):
        path = tmp_path / f"none.{suffix}"
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream("libx264", rate=25, options=clips.QUIET["libx264"])
            stream.width = stream.height = 64
            stream.pix_fmt = "yuv420p"
            container.start_encoding()
        with pytest.raises(MediaError):
            open_media(path)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "AVIF", "TIFF", "BMP"])
def test_a_truncated_photo_is_broken(tmp_path: Path, format: str) -> None:  # noqa: A002
    data = clips.write_photo(tmp_path / "photo", clips.textured(3, 200, 200), format).read_bytes()
    for size in (20, len(data) // 3, len(data) * 2 // 3):
        line = refusal(written(tmp_path / "cut", data[:size]), BrokenMedia)
        assert f"a {format} that cannot be decoded" in line


def test_encrypted_pictures_are_told(tmp_path: Path) -> None:
    """Common encryption (ISO/IEC 23001-7): the sample entry becomes `encv` and says what it was."""

    def encrypt(kind: bytes, content: bytes) -> tuple[bytes, bytes]:
        if kind != b"stsd":
            return kind, content
        size, tag = struct.unpack(">I4s", content[8:16])
        tenc = clips.box(b"tenc", struct.pack(">IBBBB16s", 0, 0, 0, 1, 8, bytes(range(16))))
        schm = clips.box(b"schm", struct.pack(">I4sI", 0, b"cenc", 0x10000))
        sinf = clips.box(b"sinf", clips.box(b"frma", tag) + schm + clips.box(b"schi", tenc))
        return kind, content[:8] + clips.box(b"encv", content[16 : 8 + size] + sinf)

    data = clips.write_video(tmp_path / "clip.mp4", TEN).read_bytes()
    encrypted = written(tmp_path / "encrypted.mp4", clips.edit_boxes(data, encrypt))
    assert "its pictures are encrypted" in refusal(encrypted, UnsupportedMedia)
    bare = written(tmp_path / "bare.mp4", data.replace(b"avc1", b"encv"))
    assert "unknown or encrypted" in refusal(bare, UnsupportedMedia)


def test_an_unknown_codec_is_told(tmp_path: Path) -> None:
    path = clips.write_video(tmp_path / "clip.mkv", TEN, codec="ffv1")
    assert "ffv1" in refusal(path, UnsupportedMedia)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_animated_images_are_told_the_way_out(tmp_path: Path, format: str) -> None:  # noqa: A002
    more = [Image.fromarray(picture) for picture in TEN[2:5]]
    path = clips.write_photo(tmp_path / "photo", TEN[1], format, save_all=True, append_images=more)
    line = refusal(path, UnsupportedMedia)
    assert "animated image with 4 frames" in line
    assert ("magick IN" if format == "WEBP" else "ffmpeg -i IN") in line, (
        "FFmpeg decodes no animated WebP"
    )


def test_pictures_too_small_for_a_face(tmp_path: Path) -> None:
    dot = np.zeros((1, 1, 3), np.uint8)
    assert "too small" in refusal(
        clips.write_photo(tmp_path / "photo.png", dot, "PNG"), UnsupportedMedia
    )
    assert "too small" in refusal(
        clips.write_video(tmp_path / "clip.mp4", [TEN[0][:2, :2]] * 2), UnsupportedMedia
    )
    assert "too small" in refusal(
        clips.write_video(tmp_path / "clip.webm", [TEN[0][:1, :1]] * 2, codec="libvpx-vp9"),
        UnsupportedMedia,
    )


# Bounds


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def giant(folder: Path, kind: str) -> Path:
    """Writes a file of a few hundred bytes whose header announces 16,000 x 16,000 px."""
    small = clips.textured(1, 96, 64)
    if kind == "png":
        header = struct.pack(">IIBBBBB", 16_000, 16_000, 8, 2, 0, 0, 0)
        data = (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", header)
            + chunk(b"IDAT", b"")
            + chunk(b"IEND", b"")
        )
    elif kind == "jpeg":
        data = clips.write_photo(folder / "small", small, "JPEG", progressive=True).read_bytes()
        at = data.index(b"\xff\xc2") + 5
        data = data[:at] + struct.pack(">HH", 16_000, 16_000) + data[at + 4 :]
    elif kind == "webp":
        data = bytearray(clips.write_photo(folder / "small", small, "WEBP").read_bytes())
        data[26:30] = struct.pack("<HH", 16_000, 16_000)
    elif kind == "gif":
        data = bytearray(clips.write_photo(folder / "small", small, "GIF").read_bytes())
        data[6:10] = struct.pack("<HH", 16_000, 16_000)
    else:
        make = clips.write_heic if kind == "heic" else clips.write_photo
        path = make(folder / "small.heic", small, *([] if kind == "heic" else ["AVIF"]))
        data = path.read_bytes()
        at = data.index(b"ispe") + 8
        data = data[:at] + struct.pack(">II", 16_000, 16_000) + data[at + 8 :]
    return written(folder / f"large.{kind}", bytes(data))


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "heic", "avif"])
def test_what_takes_too_much_memory_is_refused_by_the_header(tmp_path: Path, kind: str) -> None:
    line = refusal(giant(tmp_path, kind), MediaTooLarge)
    if kind == "webp":
        assert "more pixels than memory should hold" in line, "its decoder says so itself"
    else:
        assert "16000 x 16000 px, which takes more than 1,610,612,736 bytes of memory" in line


def test_giant_videos_are_refused(tmp_path: Path) -> None:
    """The container's claim does not count; a picture that claims to be giant is not decoded."""
    path = clips.write_video(tmp_path / "clip.avi", TEN, codec="mjpeg", pix_fmt="yuvj420p")
    data = path.read_bytes()
    announced, at = bytearray(data), data.index(b"strf") + 12
    announced[at : at + 8] = struct.pack("<ii", 30_000, 30_000)
    picture = bytearray(data)
    at = -1
    while (at := data.find(b"\xff\xc0", at + 1)) >= 0:
        picture[at + 5 : at + 9] = struct.pack(">HH", 30_000, 30_000)
    assert open_media(written(tmp_path / "announced.avi", bytes(announced))).facts.width == 64
    assert "can be decoded" in refusal(
        written(tmp_path / "picture.avi", bytes(picture)), BrokenMedia
    )
    refusal(clips.write_video(tmp_path / "clip.mp4", TEN), MediaTooLarge, Bounds(pixels=64 * 63))


def test_each_bound_binds(tmp_path: Path) -> None:
    path = clips.write_video(tmp_path / "clip.mp4", TEN)
    assert "over 5 frames" in refusal(path, MediaTooLarge, Bounds(frames=5))
    assert "over the bound of 0 s" in refusal(path, MediaTooLarge, Bounds(seconds=0.3))
    assert "bytes" in refusal(path, MediaTooLarge, Bounds(bytes=100))
    assert "took over 0 s" in refusal(path, MediaTooLarge, Bounds(wall_seconds=0))
    photo = clips.write_photo(tmp_path / "photo.png", clips.textured(1, 256, 256), "PNG")
    photo.write_bytes(photo.read_bytes() + bytes(10**6))
    assert "a photo of" in refusal(photo, MediaTooLarge, Bounds(pixels=256 * 256))
    open_media(path, Bounds(frames=10, seconds=0.4, pixels=64 * 64))


def test_the_wait_for_a_frame_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unmask.media import source as _source

    path = clips.write_video(tmp_path / "clip.mp4", (clips.numbered(i) for i in range(60)))
    clip = open_media(path)
    clock = iter(range(10**9))
    monkeypatch.setattr(_source.time, "monotonic", lambda: next(clock) * 100.0)
    with pytest.raises(MediaTooLarge, match="took over"):
        list(clip.frames([2.3]))


def test_a_jpeg_of_endless_scans_is_refused(tmp_path: Path) -> None:
    data = clips.write_photo(tmp_path / "photo.jpg", TEN[1], "JPEG", progressive=True).read_bytes()
    at = data.rindex(b"\xff\xda")
    bomb = data[:at] + data[at:-2] * (photo.MOST_SCANS + 1) + data[-2:]
    assert "scans" in refusal(written(tmp_path / "bomb.jpg", bomb), UnsupportedMedia)


# Lies


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("claim", [3600.0, 0.1])
def test_a_clip_that_lies_about_its_length(tmp_path: Path, suffix: str, claim: float) -> None:
    data = clips.write_video(
        tmp_path / f"clip.{suffix}", (clips.numbered(i) for i in range(30))
    ).read_bytes()
    if suffix == "mp4":
        at, lie = data.index(b"mvhd") + 20, struct.pack(">I", int(claim * 1000))
    else:
        at, lie = data.index(b"\x44\x89\x88") + 3, struct.pack(">d", claim * 1000)
    clip = open_media(written(tmp_path / "lie", data[:at] + lie + data[at + len(lie) :]))
    assert clip.facts.declared_duration == pytest.approx(claim)
    assert clip.facts.duration == pytest.approx(1.2)
    assert clip.facts.frames == 30
    assert len(list(clip.frames(clip.times(0.04, 100)))) == 30


def test_a_clock_that_runs_back_hides_nothing(tmp_path: Path) -> None:
    """Two recordings joined by their bytes: the second one's times repeat the first one's."""
    one = clips.write_video(tmp_path / "1.ts", (clips.numbered(i) for i in range(40))).read_bytes()
    two = clips.write_video(
        tmp_path / "2.ts", (clips.numbered(i) for i in range(40, 80))
    ).read_bytes()
    assert "out of order" in refusal(written(tmp_path / "joined.ts", one + two), BrokenMedia)


@pytest.mark.parametrize("order", [1, -1])
def test_pictures_that_change_size_are_fitted_into_the_largest(tmp_path: Path, order: int) -> None:
    """A stream may change its size with the bandwidth.

    Pictures of 96 x 64 px become 160 x 107 of 160 x 160, black above and below.
    """
    sizes = [(96, 64), (160, 160)][::order]
    parts = [
        clips.write_video(
            tmp_path / f"{i}.ts", [clips.numbered(i, *size)] * 20, pts=range(20 * i, 20 * i + 20)
        ).read_bytes()
        for i, size in enumerate(sizes, start=1)
    ]
    clip = open_media(written(tmp_path / "joined.ts", b"".join(parts)))
    got = list(clip.frames(clip.times(0.04, 100)))
    assert len(got) == 40 - sum(stretch.pictures for stretch in clip.damage()) >= 38, (
        "the join breaks a packet"
    )
    assert {frame.rgb.shape for frame in got} == {(160, 160, 3)}
    flat = 1 if order == 1 else 2
    for frame in got:
        number = 1 if frame.time < 0.79 else 2
        assert clips.number_of(frame.rgb[26:133] if number == flat else frame.rgb) == number
        assert (number == flat) == (not frame.rgb[:20].any())
    assert clip.facts.limits == (Message("limit.sizes", {"sizes": 2}),)


# A media file opens neither another file nor the network

SECRET = "secret.mp4"  # noqa: S105


def alias(secret: Path) -> Callable[[bytes, bytes], tuple[bytes, bytes]]:
    """Returns an edit that makes a movie's data reference (QTFF, 'dref') an alias to another file.

    The alias has the file's absolute path.
    """
    name, path = secret.name.encode(), str(secret).encode()
    record = (
        bytes(10) + bytes(28) + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16)
    )
    record += (
        struct.pack(">hh", 0, 0)
        + bytes(16)
        + struct.pack(">HH", 2, len(path))
        + path
        + bytes(len(path) % 2)
    )
    record += struct.pack(">HH", 0xFFFF, 0)

    def edit(kind: bytes, content: bytes) -> tuple[bytes, bytes]:
        if kind != b"dref":
            return kind, content
        return kind, struct.pack(">II", 0, 1) + clips.box(b"alis", bytes(4) + record)

    return edit


@pytest.fixture
def traps(tmp_path: Path) -> Iterator[tuple[Path, Callable[[], bool], int, Callable[[], bool]]]:
    """Yields a secret file and a TCP port, each with a function that tells if it was reached."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    secret = clips.write_video(folder / SECRET, TEN)
    libc = ctypes.CDLL(None)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    in_open = 0x20
    assert libc.inotify_add_watch(watch, os.fsencode(folder), in_open) >= 0

    def opened() -> bool:
        try:
            return bool(os.read(watch, 1 << 16))
        except BlockingIOError:
            return False

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)

        def called() -> bool:
            try:
                server.accept()[0].close()
            except TimeoutError:
                return False
            return True

        yield secret, opened, server.getsockname()[1], called
    os.close(watch)


LOOSE = {
    "allowed_extensions": "ALL",
    "extension_picky": "0",
    "protocol_whitelist": "file,http,tcp,crypto,data",
}
MENACES: dict[str, tuple[str, dict[str, Any]]] = {
    "hls file": (
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n",
        {"format": "hls"},
    ),
    "hls net": (
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n",
        {"format": "hls"},
    ),
    "concat file": ("ffconcat version 1.0\nfile '{secret}'\n", {"format": "concat"}),
    "concat net": ("ffconcat version 1.0\nfile '{url}'\n", {"format": "concat"}),
    "sdp": (
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=video {port} RTP/AVP 96\n",
        {},
    ),
    "dash": (
        '<?xml version="1.0"?><MPD type="static"><Period><BaseURL>{url}</BaseURL></Period></MPD>',
        {},
    ),
    "alias": ("", {"format": "mov"}),
}


@pytest.mark.skipif(sys.platform != "linux", reason="inotify")
@pytest.mark.parametrize("menace", MENACES)
def test_media_reach_neither_files_nor_the_network(tmp_path: Path, traps: Any, menace: str) -> None:
    secret, opened, port, called = traps
    text, loose = MENACES[menace]
    content = text.format(secret=secret, port=port, url=f"http://127.0.0.1:{port}/x.ts").encode()
    if menace == "alias":
        content = clips.edit_boxes(secret.read_bytes(), alias(secret))
    path = written(tmp_path / "menace.mp4", content)
    opened()
    with pytest.raises(MediaError):
        open_media(path)
    assert not opened()
    assert not called()
    if loose:  # and the traps do work: FFmpeg, told to trust, walks into one
        options = LOOSE | {"safe": "0", "enable_drefs": "1", "use_absolute_path": "1"}
        try:
            with av.open(str(path), options=options, timeout=1, **loose):
                pass
        except av.FFmpegError:
            pass
        assert opened() or called()
