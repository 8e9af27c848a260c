"""Segments of an HLS playlist (RFC 8216) in the same folder as the segments.

Recorders of live broadcasts write one. While it is being recorded, it names what is finished. Only
whole files in its own folder are opened, never an address.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from unmask.errors import BrokenMedia, UnsupportedMedia
from unmask.media.prefixed import Segment
from unmask.media.source import Bounds, open_source
from unmask.messages import Message

_MOST_BYTES = 64 << 20
_NEEDED = ("#EXT-X-BYTERANGE:", "#EXT-X-STREAM-INF:")
"""Beginnings of lines that refer to pieces of a file, and to playlists."""
_MAP = "#EXT-X-MAP:"
_INIT = re.compile(r'#EXT-X-MAP:URI="([^"]+)"\s*')
"""Line of the initialization segment that all segments need in front; a piece of one is refused."""
_FIRST = re.compile(r"#EXT-X-MEDIA-SEQUENCE:\s*(\d{1,18})\b")


class Listed(NamedTuple):
    """A playlist as it is now.

    Attributes:
        files: paths of the files that it names, in order; each a `Segment` if it needs another.
        first: number of the first of them in the recording; a recorder may leave out old ones.
        ended: whether it says that nothing more comes.
    """

    files: list[str]
    first: int
    ended: bool


def segments(path: str) -> list[str]:
    """Returns the paths of the files that a playlist names, in order; raises as `listed` does."""
    return listed(path).files


def listed(path: str) -> Listed:
    """Reads a playlist.

    Raises:
        MediaNotFound: it cannot be opened.
        UnsupportedMedia: it is no playlist of whole, open files in its own folder.
        BrokenMedia: it names none.
        MediaTooLarge: it passes 64 MiB.
    """
    with open_source(path, Bounds(bytes=_MOST_BYTES)) as source:
        lines = source.read(_MOST_BYTES).decode("utf-8", "replace").splitlines()
        source.check()
    if not lines or not lines[0].lstrip("\ufeff").startswith("#EXTM3U"):
        raise UnsupportedMedia(path, Message("playlist.none"), Message("way.a_film"))
    if any(
        line.startswith(_NEEDED) or (line.startswith("#EXT-X-KEY:") and "METHOD=NONE" not in line)
        for line in lines
    ):
        raise UnsupportedMedia(path, Message("playlist.parts"), Message("way.segments"))
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    maps = list(dict.fromkeys(line.strip() for line in lines if line.startswith(_MAP)))
    inits = [told[1] for line in maps if (told := _INIT.fullmatch(line))]
    if len(maps) > 1 or len(inits) < len(maps):
        raise UnsupportedMedia(path, Message("playlist.parts"), Message("way.segments"))
    if stray := [name for name in inits + names if name != os.path.basename(name) or "\\" in name]:  # noqa: PTH119 no URL is a Path
        raise UnsupportedMedia(
            path, Message("playlist.elsewhere", {"name": stray[0]}), Message("way.segments")
        )
    if not names:
        raise BrokenMedia(path, Message("playlist.empty"), Message("way.segments"))
    files = [str(Path(path).parent / name) for name in names]
    init = str(Path(path).parent / inits[0]) if inits else ""
    return Listed(
        [Segment(file, init) for file in files] if init else files,
        next((int(told[1]) for line in lines if (told := _FIRST.match(line))), 0),
        any(line.startswith("#EXT-X-ENDLIST") for line in lines),
    )
