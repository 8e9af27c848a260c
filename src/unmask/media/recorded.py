"""Metadata on how a file was recorded: EXIF (CIPA DC-008) of a photo, tags of a video's container.

Nobody signs them: whoever copies a file can write or remove them. Camera and moment are read.
Place, serial numbers and names of owners are not read: they would identify whoever filmed or was
filmed, and travel on with every report.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from unmask.errors import MediaError
from unmask.media import photo
from unmask.media.source import Bounds, Source, open_source
from unmask.media.video import opened_video
from unmask.types import Kind, MediaFacts, Recorded

LONGEST = 100
"""Most characters of a text."""

_MAKE, _MODEL, _SOFTWARE, _SAVED = 0x010F, 0x0110, 0x0131, 0x0132
_TAKEN, _OFFSET_SAVED, _OFFSET_TAKEN = 0x9003, 0x9010, 0x9011

_CAMERA = (
    ("com.apple.quicktime.make", "com.apple.quicktime.model"),
    ("com.android.manufacturer", "com.android.model"),
    ("make", "model"),
)
"""Keys under which phones and cameras write their make, as FFmpeg gives them, in lower case."""
_PROGRAM = ("com.apple.quicktime.software", "software", "encoder")
_MOMENT = ("com.apple.quicktime.creationdate", "creation_time", "date")
_PLACE = "location"


def recorded(facts: MediaFacts, bounds: Bounds = Bounds()) -> Recorded:
    """Reads the recording's metadata of a photo or video.

    Metadata that is damaged, missing or in an unknown form counts as not given.
    """
    with suppress(MediaError), open_source(facts.path, bounds) as source:
        return _of_photo(source, facts.container) if facts.kind is Kind.PHOTO else _of_video(source)
    return Recorded()


def _of_photo(source: Source, kind: str) -> Recorded:
    said = photo.exif(source, kind)
    return Recorded(
        camera=_camera(said.main.get(_MAKE), said.main.get(_MODEL)),
        software=_text(said.main.get(_SOFTWARE)),
        taken=_moment(said.more.get(_TAKEN), said.more.get(_OFFSET_TAKEN)),
        saved=_moment(said.main.get(_SAVED), said.more.get(_OFFSET_SAVED)),
        located=said.located,
    )


def _of_video(source: Source) -> Recorded:
    with opened_video(source) as video:
        said = {
            key.lower(): text
            for key, text in (video.stream.metadata | video.container.metadata).items()
        }
    cameras = (_camera(said.get(make), said.get(model)) for make, model in _CAMERA)
    moments = (_moment(said.get(key)) for key in _MOMENT)
    return Recorded(
        camera=next(filter(None, cameras), ""),
        software=next(filter(None, (_text(said.get(key)) for key in _PROGRAM)), ""),
        taken=next(filter(None, moments), ""),
        located=any(_PLACE in key for key in said),
    )


def _camera(make: object, model: object) -> str:
    """Joins both on one line; a model that begins with its maker's name says it once."""
    maker, name = _text(make), _text(model)
    return name if name.lower().startswith(maker.lower()) else f"{maker} {name}".strip()


def _text(value: object) -> str:
    """Returns a text on one line, and not long; texts come from strangers."""
    text = (
        value.decode(errors="replace")
        if isinstance(value, bytes)
        else value
        if isinstance(value, str)
        else ""
    )
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST]


def _moment(value: object, offset: object = "") -> str:
    """Returns ISO 8601, to the second; empty if the value has no known form.

    The known forms are EXIF's ``2024:05:01 12:00:00`` and ISO 8601.
    """
    text = _text(value).replace(" ", "T", 1)
    if text[4:5] == text[7:8] == ":":
        text = text.replace(":", "-", 2)
    for said in (text + _text(offset), text):
        with suppress(ValueError):
            return datetime.fromisoformat(said).isoformat(timespec="seconds") if "T" in said else ""
    return ""
