"""Facts that a file states about its recording, in every format.

The place is never read; only its presence is reported.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import unmask
from tests import clips
from unmask import limits
from unmask.media import open_media
from unmask.media import recorded as recorded_of
from unmask.messages import Message
from unmask.report import html
from unmask.report.document import dumps
from unmask.types import Recorded

GREY = np.full((64, 64, 3), 128, np.uint8)
LATITUDE = (12.0, 34.0, 56.78)


def recorded(path: Path) -> Recorded:
    return recorded_of(open_media(path).facts)


def exif(make: str = "Canon", model: str = "Canon EOS R5") -> Image.Exif:
    """Returns EXIF of a camera that tells everything, including names and numbers of its owner."""
    tags = Image.Exif()
    tags[0x010F], tags[0x0110], tags[0x0131], tags[0x0132] = (
        make,
        model,
        "Darkroom 5.1",
        "2024:05:02 09:00:00",
    )
    tags[0x013B] = "Jane Witness"
    parts = {
        0x8769: {
            0x9003: "2024:05:01 12:00:00",
            0x9011: "+02:00",
            0x9010: "+02:00",
            0xA431: "012345678",
            0xA430: "Jane Witness",
        },
        0x8825: {1: "N", 2: LATITUDE, 3: "E", 4: (7.0, 8.0, 9.1)},
    }
    for tag, part in parts.items():
        tags.get_ifd(tag).update(part)
        tags[tag] = tags.get_ifd(tag)  # Pillow's writer of TIFF looks for it
    return tags


SAID = Recorded(
    "Canon EOS R5",
    "Darkroom 5.1",
    "2024-05-01T12:00:00+02:00",
    "2024-05-02T09:00:00+02:00",
    located=True,
)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_photo_tells_camera_times_and_software(tmp_path: Path, format: str) -> None:  # noqa: A002
    assert recorded(clips.write_photo(tmp_path / "photo", GREY, format, exif=exif())) == SAID


def test_the_maker_is_named_once(tmp_path: Path) -> None:
    photo = clips.write_photo(tmp_path / "a.jpg", GREY, "JPEG", exif=exif("Leica", "M11"))
    assert recorded(photo).camera == "Leica M11"


def test_a_photo_without_metadata_says_nothing(tmp_path: Path) -> None:
    assert recorded(clips.write_photo(tmp_path / "plain.bmp", GREY, "BMP")) == Recorded()


def test_a_phones_video_tells_camera_time_and_that_it_knows_the_place(tmp_path: Path) -> None:
    metadata = {
        "com.apple.quicktime.make": "Apple",
        "com.apple.quicktime.model": "iPhone 15",
        "com.apple.quicktime.software": "17.4",
        "com.apple.quicktime.creationdate": "2024-05-01T12:00:00+02:00",
        "com.apple.quicktime.location.ISO6709": "+12.3456+065.4321/",
    }
    path = clips.write_video(
        tmp_path / "clip.mov",
        [GREY] * 5,
        metadata=metadata,
        container_options={"movflags": "use_metadata_tags"},
    )
    assert recorded(path) == Recorded(
        "Apple iPhone 15", "17.4", "2024-05-01T12:00:00+02:00", located=True
    )


def test_a_video_of_a_program_tells_the_program(tmp_path: Path) -> None:
    said = recorded(clips.write_video(tmp_path / "clip.mkv", [GREY] * 5))
    assert said.software.startswith("Lavf")
    assert (said.camera, said.taken, said.located) == ("", "", False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("two\nlines\x07 \u202eand a mark", "two lines and a mark"),
        ("x" * 5000, "x" * 100),
        ("   ", ""),
    ],
)
def test_texts_of_strangers_come_on_one_short_line(tmp_path: Path, text: str, said: str) -> None:
    path = clips.write_video(tmp_path / "clip.mkv", [GREY] * 5, metadata={"make": text})
    assert recorded(path).camera == said


@pytest.mark.parametrize(
    "taken", ["", "yesterday", "0000:00:00 00:00:00", "2024:13:01 12:00:00", "2024:05:01"]
)
def test_a_time_that_is_none_is_not_said(tmp_path: Path, taken: str) -> None:
    tags = Image.Exif()
    tags[0x8769] = {0x9003: taken}
    assert recorded(clips.write_photo(tmp_path / "a.jpg", GREY, "JPEG", exif=tags)).taken == ""


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_hostile_metadata_cost_nothing_but_themselves(
    tmp_path_factory: pytest.TempPathFactory, garbage: bytes
) -> None:
    path = tmp_path_factory.mktemp("hostile") / "a.jpg"
    header = b"Exif\0\0MM\0*" + struct.pack(">I", 8) + garbage
    said = recorded(clips.write_photo(path, GREY, "JPEG", exif=header))
    assert all(len(text) <= 100 and text.isprintable() for text in (said.camera, said.software))


def test_neither_the_place_nor_its_owner_travels_with_an_answer(tmp_path: Path) -> None:
    path = clips.write_photo(tmp_path / "photo.jpg", GREY, "JPEG", exif=exif())
    result = unmask.check(path)
    assert result.custody is not None
    assert result.custody.recorded == SAID
    document = json.loads(dumps(result))
    assert document["custody"]["recorded"]["taken"] == "2024-05-01T12:00:00+02:00"
    page = html.page(result)
    assert "Canon EOS R5" in page
    assert "Stated in the file; not read" in page
    assert "it may have been edited" in page
    for text in (page, json.dumps(document)):
        assert not any(secret in text for secret in ("56.78", "Jane", "012345678"))


@pytest.mark.parametrize(
    ("taken", "saved", "code"),
    [
        ("2024-05-01T12:00:00", "2024-05-01T12:00:30", None),
        ("2024-05-01T12:00:00", "2024-05-01T11:00:00", None),
        ("2024-05-01T12:00:00", "2024-05-03T12:00:00", "limit.saved"),
        ("2024-05-01T12:00:00+02:00", "2024-05-01T10:00:10+00:00", None),
        ("2024-05-01T12:00:00", "2024-05-03T12:00:00+00:00", None),
        ("", "2024-05-03T12:00:00", None),
    ],
)
def test_a_file_saved_after_its_recording_may_have_been_edited(
    taken: str, saved: str, code: str | None
) -> None:
    said = [limit.code for limit in limits.of_recording(Recorded(taken=taken, saved=saved))]
    assert said == [code] * (code is not None)


def test_the_program_that_saved_it_is_named() -> None:
    (limit,) = limits.of_recording(
        Recorded("", "Darkroom", "2024-05-01T12:00:00", "2024-05-02T12:00:00")
    )
    when = {"taken": "2024-05-01 12:00:00", "saved": "2024-05-02 12:00:00"}
    assert limit == Message("limit.saved_with", {**when, "software": "Darkroom"})
