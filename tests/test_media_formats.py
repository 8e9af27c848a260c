"""Files in every format: recognised by content; what is not seen of a file is named as a limit."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from tests import clips
from unmask.errors import BrokenMedia, MediaTooLarge, UnsupportedMedia
from unmask.media import Bounds, open_media, recognise
from unmask.messages import Message
from unmask.types import Kind
from unmask.words import english

SMALL, DV, DNX = (96, 64), (720, 576), (320, 256)
VIDEOS: list[tuple[str, str, str, str, tuple[int, int], dict[str, Any]]] = [
    ("mxf", "mpeg2video", "mpeg2video", "yuv422p", SMALL, {"b_frames": 2}),
    ("mxf", "dnxhd", "dnxhd", "yuv422p", DNX, {"options": {"profile": "dnxhr_sq"}}),
    ("mxf", "libx264", "h264", "yuv422p10le", SMALL, {"gop": 1}),
    ("mpg", "mpeg2video", "mpeg2video", "yuv420p", SMALL, {"b_frames": 2}),
    ("mpg", "mpeg1video", "mpeg1video", "yuv420p", SMALL, {"b_frames": 2}),
    ("mpg", "libx264", "h264", "yuv420p", SMALL, {"b_frames": 2}),
    ("vob", "mpeg2video", "mpeg2video", "yuv420p", SMALL, {"b_frames": 2, "with_audio": False}),
    ("dv", "dvvideo", "dvvideo", "yuv420p", DV, {}),
    ("avi", "dvvideo", "dvvideo", "yuv420p", DV, {}),
    ("mov", "dnxhd", "dnxhd", "yuv422p", DNX, {"options": {"profile": "dnxhr_sq"}}),
    ("wmv", "wmv2", "wmv2", "yuv420p", SMALL, {}),
    ("wmv", "wmv1", "wmv1", "yuv420p", SMALL, {}),
    ("asf", "msmpeg4", "msmpeg4v3", "yuv420p", SMALL, {}),
    ("asf", "msmpeg4v2", "msmpeg4v2", "yuv420p", SMALL, {}),
    ("flv", "flv", "flv1", "yuv420p", SMALL, {}),
    ("flv", "libx264", "h264", "yuv420p", SMALL, {"b_frames": 2}),
]
FORMATS = {"mpg": "mpeg", "vob": "mpeg", "wmv": "asf", "mov": "mp4"}
"""Names of formats by the usual suffix, where the two differ."""

PACKET = b"G\1\0\x10" + bytes(184)
"""A packet of an MPEG transport stream."""


def said(path: Path, bounds: Bounds = Bounds()) -> list[str]:
    """Returns the codes of the limits of a file."""
    return [limit.code for limit in open_media(path, bounds).facts.limits]


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# Formats


@pytest.mark.parametrize(("suffix", "encoder", "codec", "pixels", "size", "options"), VIDEOS)
def test_every_format_gives_every_frame_with_its_time(
    tmp_path: Path,
    suffix: str,
    encoder: str,
    codec: str,
    pixels: str,
    size: tuple[int, int],
    options: dict[str, Any],
) -> None:
    frames = (clips.numbered(i, *size) for i in range(30))
    named = clips.write_video(
        tmp_path / f"clip.{suffix}", frames, codec=encoder, pix_fmt=pixels, **options
    )
    path = named.rename(tmp_path / "without an ending")
    assert recognise(path) == FORMATS.get(suffix, suffix)
    clip = open_media(path)
    assert (clip.facts.codec, clip.facts.frames, clip.facts.limits) == (codec, 30, ())
    assert clip.facts.duration == pytest.approx(1.2, abs=0.01)
    got = list(clip.frames(clip.times(0.04, 100)))
    assert [clips.number_of(frame.rgb) for frame in got] == list(range(30))
    assert [frame.time for frame in got] == pytest.approx([i / 25 for i in range(30)], abs=0.002)
    assert [clips.number_of(frame.rgb) for frame in clip.frames([0.8, 1.0])] == [20, 25]


def test_only_media_are_recognised(tmp_path: Path) -> None:
    no_media = {
        "a.ts": b"import { G } from './G';\nexport const G = 1;\n" * 400,
        "b.mts": b"G" * 187 + b"\n" + b"G" * 9000,
        "c.txt": b"BMW is a make of cars.\n" * 10,
        "song.m4a": clips.write_audio(tmp_path / "song.m4a").read_bytes(),
        "paper.pdf": b"%PDF-1.7\n" + bytes(1000),
        "archive.zip": b"PK\3\4" + bytes(1000),
        "zeros.mp4": bytes(10_000),
    }
    for name, data in no_media.items():
        assert recognise(written(tmp_path / name, data)) is None, name
    media = {
        "mp4": clips.box(b"ftyp", b"isom\0\0\0\0isomavc1"),
        "raw": clips.box(b"ftyp", b"crx \0\0\0\0crx isom"),
        "sequence": clips.box(b"ftyp", b"msf1\0\0\0\0hevciso8"),
        "mpegts": PACKET * 6,
        "theora": b"OggS\0\2" + bytes(22) + b"\x80theora",
        "realmedia": b".RMF" + bytes(20),
    }
    for kind, data in media.items():
        assert recognise(written(tmp_path / "x", data)) == kind
    m2ts = b"".join(bytes([0, 0, 0, i]) + PACKET for i in range(6))
    assert recognise(written(tmp_path / "x", m2ts)) == "mpegts"
    assert recognise(written(tmp_path / "x", bytes(100) + PACKET * 6)) == "mpegts", (
        "begun within a packet"
    )


@pytest.mark.parametrize("brands", [b"mif1avifmif1miaf", b"avifmif1miaf"])
def test_avif_by_any_brand(tmp_path: Path, brands: bytes) -> None:
    data = clips.write_photo(
        tmp_path / "photo.avif", clips.numbered(77, 96, 64), "AVIF"
    ).read_bytes()
    size = int.from_bytes(data[:4])
    said_ = (brands[:4] + bytes(4) + brands[4:]).ljust(size - 8, b" ")
    path = written(tmp_path / "photo", data[:8] + said_ + data[size:])
    clip = open_media(path)
    assert clip.facts.container == "avif"
    assert [clips.number_of(frame.rgb) for frame in clip.frames([0.0])] == [77]


@pytest.mark.parametrize("brands", [b"mif1heic", b"msf1mif1heicmsf1hevc", b"heicmif1heicmsf1hevc"])
def test_heic_by_any_brand(tmp_path: Path, brands: bytes) -> None:
    clip = open_media(
        clips.write_heic(tmp_path / "photo", clips.numbered(77, 96, 64), brands=brands)
    )
    assert (clip.facts.kind, clip.facts.container) == (Kind.PHOTO, "heic")
    assert [clips.number_of(frame.rgb) for frame in clip.frames([0.0])] == [77]


@pytest.mark.parametrize("crop", [(100, 60), (101, 61), (200, 160)])
@pytest.mark.parametrize("turns", [0, 1])
def test_a_heic_with_a_crop_box_is_read(tmp_path: Path, crop: tuple[int, int], turns: int) -> None:
    """A box larger than the picture crops nothing, whatever the header then says of the size."""
    path = clips.write_heic(
        tmp_path / "photo", clips.textured(3, 128, 96), crop=crop, quarter_turns=turns
    )
    clip = open_media(path)
    (frame,) = clip.frames([0.0])
    width, height = (min(crop[0], 128), min(crop[1], 96))[:: -1 if turns else 1]
    assert frame.rgb.shape == (clip.facts.height, clip.facts.width, 3) == (height, width, 3)


def test_image_sequences_are_films(tmp_path: Path) -> None:
    pictures = [clips.numbered(i, 96, 64) for i in range(10)]
    film = clips.write_video(tmp_path / "film.mp4", pictures, codec="libx265").read_bytes()
    size = int.from_bytes(film[:4])
    heics = written(
        tmp_path / "burst.heics", film[:8] + b"msf1\0\0\0\0hevciso8mp41"[: size - 8] + film[size:]
    )
    first, *more = map(Image.fromarray, pictures)
    avif = clips.write_photo(
        tmp_path / "moving.avif", first, "AVIF", save_all=True, append_images=more, duration=40
    )
    for path in (heics, avif):
        clip = open_media(path)
        assert (clip.facts.kind, clip.facts.frames, clip.facts.limits) == (Kind.VIDEO, 10, ())
        assert [clips.number_of(frame.rgb) for frame in clip.frames(clip.times(0.04, 100))] == list(
            range(10)
        )


def test_a_raw_file_is_not_judged_by_its_preview(tmp_path: Path) -> None:
    for tags in ({254: 1}, {50706: b"\1\4\0\0"}):
        path = clips.write_photo(
            tmp_path / "photo.dng", clips.textured(1, 160, 120), "TIFF", tiffinfo=tags
        )
        with pytest.raises(
            UnsupportedMedia, match="a RAW file, which is not understood; export it as JPEG"
        ):
            open_media(path)


# Large photos, and photos without their last bytes


def quarters(width: int, height: int) -> Image.Image:
    """Draws red, green, blue and white quarters."""
    picture = Image.new("RGB", (width, height), "red")
    picture.paste("green", (width // 2, 0, width, height))
    picture.paste("blue", (0, height // 2, width, height))
    picture.paste("white", (width // 2, height // 2, width, height))
    return picture


def test_a_jpeg_of_seventy_megapixels_is_decoded_at_half_its_size(tmp_path: Path) -> None:
    path = clips.write_photo(tmp_path / "large.jpg", quarters(8800, 8000), "JPEG", orientation=6)
    clip = open_media(path)
    assert (clip.facts.width, clip.facts.height) == (4000, 4400)
    assert clip.facts.limits == (
        Message("limit.scaled", {"size": "8800 x 8000", "to": "4400 x 4000"}),
    )
    (frame,) = clip.frames([0.0])
    assert frame.rgb.shape == (4400, 4000, 3)
    assert np.abs(frame.rgb[1000, 3000].astype(int) - (255, 0, 0)).max() < 5, (
        "turned: red is at the top right"
    )


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "BMP", "WEBP", "HEIC"])
def test_photos_beyond_the_bound_come_scaled(tmp_path: Path, format: str) -> None:  # noqa: A002
    bounds, picture = Bounds(pixels=150 * 100), quarters(301, 201)
    path = tmp_path / "photo"
    if format == "HEIC":
        clips.write_heic(path, np.asarray(picture.resize((300, 200))))
    else:
        clips.write_photo(path, picture, format)
    path.write_bytes(path.read_bytes())
    clip = open_media(
        path,
        Bounds(pixels=150 * 100)
        if path.stat().st_size <= 8 * bounds.pixels
        else Bounds(pixels=40_000),
    )
    (frame,) = clip.frames([0.0])
    assert said(path, clip._bounds) == ["limit.scaled"]
    assert frame.rgb.shape == (clip.facts.height, clip.facts.width, 3)
    assert frame.rgb.shape[0] * frame.rgb.shape[1] <= clip._bounds.pixels


def test_the_bound_of_memory_binds(tmp_path: Path) -> None:
    path = clips.write_photo(tmp_path / "photo.png", quarters(301, 201), "PNG")
    open_media(path, Bounds(pixels=10_000, memory=301 * 201 * 12))
    with pytest.raises(
        MediaTooLarge, match="301 x 201 px, which takes more than 726,000 bytes of memory"
    ):
        open_media(path, Bounds(pixels=10_000, memory=726_000))


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}]
)
@pytest.mark.parametrize("lost", [1, 2, 40, "much of the last scan"])
def test_a_jpeg_without_its_last_bytes_is_judged_with_a_warning(
    tmp_path: Path, options: Any, lost: int | str
) -> None:
    """Only rows that exist are returned.

    A progressive JPEG loses the end of its last scan, which holds the finest detail.
    """
    whole = clips.write_photo(
        tmp_path / "whole.jpg", clips.textured(3, 240, 200), "JPEG", quality=90, **options
    )
    (expected,) = open_media(whole).frames([0.0])
    data = whole.read_bytes()
    missing = lost if isinstance(lost, int) else (len(data) - data.rindex(b"\xff\xda")) * 3 // 10
    cut = written(tmp_path / "cut.jpg", data[:-missing])
    clip = open_media(cut)
    (frame,) = clip.frames([0.0])
    height = clip.facts.height
    assert frame.rgb.shape == (height, 240, 3)
    assert height >= (175 if isinstance(lost, int) else 110)
    error = np.abs(frame.rgb.astype(int) - expected.rgb[:height]).max()
    assert error <= (24 if "progressive" in options else 0)
    (limit,) = clip.facts.limits
    assert limit.code == "limit.cut_photo"
    assert limit.values["lost"] == round(100 * (1 - height / 200))


def test_most_of_a_jpeg_must_be_there(tmp_path: Path) -> None:
    for progressive, why in ((False, "most of the picture"), (True, "truncated")):
        picture = clips.textured(3, 240, 200)
        data = clips.write_photo(
            tmp_path / "whole.jpg", picture, "JPEG", progressive=progressive
        ).read_bytes()
        with pytest.raises(BrokenMedia, match=why):
            list(open_media(written(tmp_path / "cut.jpg", data[: len(data) // 3])).frames([0.0]))


# Parts of a file that cannot be seen


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov", "flv", "avi", "wmv"])
def test_a_film_that_was_cut_off_says_so(tmp_path: Path, suffix: str) -> None:
    frames = (clips.textured(i, 160, 120) for i in range(100))
    codec = {"avi": "mpeg4", "wmv": "wmv2"}.get(suffix, "libx264")
    start = {"movflags": "faststart"} if suffix in ("mp4", "mov") else {}
    whole = clips.write_video(
        tmp_path / f"clip.{suffix}", frames, codec=codec, container_options=start
    )
    assert said(whole) == []
    data = whole.read_bytes()
    clip = open_media(written(tmp_path / "cut", data[: len(data) * 47 // 100]))
    assert 1.2 < clip.facts.duration < 2.4
    (limit,) = clip.facts.limits
    assert limit.code == "limit.cut_off"
    assert limit.values["end"] == pytest.approx(4.0, abs=0.1)
    assert limit.values["time"] == pytest.approx(clip.facts.duration)
    assert re.match(
        r"The file announces a length of 0:04\.\d, but its pictures end at 0:0[12]\.\d",
        english().say(limit),
    )


def test_other_films_in_a_file_are_named(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as out:
        streams: list[Any] = [
            out.add_stream("libx264", rate=25, options=clips.QUIET["libx264"]) for _ in range(3)
        ]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for i in range(10):
            for number, stream in enumerate(streams):
                picture = av.VideoFrame.from_ndarray(
                    clips.numbered(100 * number + i), format="rgb24"
                )
                picture.pts, picture.time_base = i, Fraction(1, 25)
                out.mux(stream.encode(picture))
        for stream in streams:
            out.mux(stream.encode(None))
    clip = open_media(path)
    assert clip.facts.limits == (Message("limit.films", {"count": 2}),)
    assert [clips.number_of(frame.rgb) for frame in clip.frames([0.2])] == [5]


@pytest.mark.parametrize("trailer", [b"", b"MotionPhoto_Data"])
def test_the_film_of_a_motion_photo_is_named(tmp_path: Path, trailer: bytes) -> None:
    film = clips.write_video(
        tmp_path / "film.mp4", [clips.numbered(i) for i in range(10)]
    ).read_bytes()
    jpeg = clips.write_photo(tmp_path / "photo.jpg", clips.textured(1, 96, 64), "JPEG").read_bytes()
    path = written(tmp_path / "motion.jpg", jpeg + trailer + film)
    assert said(path) == ["limit.film"]
    heic = clips.write_heic(
        tmp_path / "motion.heic", clips.textured(1, 96, 64), after=clips.box(b"mpvd", film)
    )
    assert said(heic) == ["limit.film"]
    assert said(tmp_path / "photo.jpg") == []


def test_further_pages_are_named(tmp_path: Path) -> None:
    pages = [Image.fromarray(clips.numbered(i, 96, 64)) for i in range(3)]
    path = clips.write_photo(
        tmp_path / "pages.tiff", pages[0], "TIFF", save_all=True, append_images=pages[1:]
    )
    assert said(path) == ["limit.pictures"]
    assert [clips.number_of(frame.rgb) for frame in open_media(path).frames([0.0])] == [0]


def test_the_way_out_of_an_animation_works(tmp_path: Path) -> None:
    """Runs the printed command's filter and pixel format on an animation with odd sides."""
    first, *more = (Image.fromarray(clips.numbered(i, 97, 65)) for i in range(5))
    path = clips.write_photo(
        tmp_path / "moving.gif", first, "GIF", save_all=True, append_images=more
    )
    with pytest.raises(UnsupportedMedia) as refused:
        open_media(path)
    line = re.search(r'ffmpeg -i IN -vf "(\w+)=(\S+)" -pix_fmt (\w+) OUT.mp4', str(refused.value))
    assert line is not None
    with av.open(str(path)) as moving:
        graph = av.filter.Graph()
        graph.link_nodes(
            graph.add_buffer(template=moving.streams.video[0]),
            graph.add(line[1], line[2]),
            graph.add("buffersink"),
        ).configure()
        frames = []
        for frame in moving.decode(video=0):
            graph.push(frame)
            frames.append(graph.pull().reformat(format="rgb24").to_ndarray())
    film = clips.write_video(tmp_path / "film.mp4", frames, pix_fmt=line[3])
    clip = open_media(film)
    assert (clip.facts.width, clip.facts.height) == (98, 66)
    assert [clips.number_of(f.rgb) for f in clip.frames(clip.times(0.01, 100))] == list(range(5))
