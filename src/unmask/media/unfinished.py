"""A recording that goes on: its files as they are finished, or one file as it grows."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from unmask.errors import BrokenMedia, MediaError, MediaNotFound, UnsupportedMedia
from unmask.media.mp4 import boxes
from unmask.media.playlist import Listed, listed
from unmask.media.recognition import HEAD, recognised
from unmask.media.source import Bounds, open_source
from unmask.messages import Message

_EVERY_S = 0.5
"""Seconds between two looks at a recording."""
_GROWN = 1.5
"""Growth after which a file is worth reading again from its start."""


def arriving(path: str, patience: float) -> Iterator[str]:
    """Yields the files of a recording, in order, each once it is finished.

    A playlist tells what is finished, and when it has ended. In a folder without one, the order is
    that of the names, with their numbers by value; a file is finished when the next one is there.
    It also ends when nothing was added for a while.

    Args:
        path: a playlist, or a folder.
        patience: seconds without anything new after which the recording has ended.

    Raises:
        MediaError: nothing came, the playlist is none that can be followed, it started over, or
            files left it before they were seen in it.
    """
    folder = Path(path)
    if not folder.is_dir():
        return _in_playlist(path, patience)
    playlists = sorted(folder.glob("*.m3u8"))
    if len(playlists) > 1:
        raise UnsupportedMedia(path, Message("playlist.several"), Message("way.one_playlist"))
    return _in_playlist(str(playlists[0]), patience) if playlists else _in_folder(folder, patience)


def _in_playlist(path: str, patience: float) -> Iterator[str]:
    before: Listed | None = None
    suspected, latest = False, time.monotonic()
    while True:
        missing: MediaError | None = None
        restarted = False
        try:
            now = listed(path)
        except (MediaNotFound, BrokenMedia) as error:  # it has not begun, or is being written
            missing = error
        else:
            restarted = before is not None and _restarted(before, now)
            if restarted and suspected:  # twice in a row: it was not just being written
                raise BrokenMedia(path, Message("playlist.restarted"), Message("way.follow_anew"))
            if not restarted:
                if new := _unread(path, before, now):
                    yield from new
                    latest = time.monotonic()
                before = now
                if now.ended:
                    return
        suspected = restarted
        if not restarted and time.monotonic() - latest > patience:
            if missing and before is None:
                raise missing
            return
        time.sleep(_EVERY_S)


def _restarted(before: Listed, now: Listed) -> bool:
    """Tells whether a playlist no longer continues what it was before."""
    kept = before.files[max(0, now.first - before.first) :]
    return now.first < before.first or now.files[: len(kept)] != kept


def _unread(path: str, before: Listed | None, now: Listed) -> list[str]:
    """Returns the files that were not in a playlist before.

    Raises:
        BrokenMedia: others came and went between the two looks at it.
    """
    if before is None:
        return now.files
    following = before.first + len(before.files)
    if now.first > following:
        missed = Message("playlist.missed", {"first": following, "last": now.first - 1})
        raise BrokenMedia(path, missed, Message("way.keep_segments"))
    return now.files[following - now.first :]


def _in_folder(folder: Path, patience: float) -> Iterator[str]:
    given: set[Path] = set()
    before: dict[Path, int] = {}
    latest = time.monotonic()
    while True:
        sizes = _sizes(folder)
        if sizes != before:
            before, latest = sizes, time.monotonic()
        ended = time.monotonic() - latest > patience
        for path in list(sizes)[: None if ended else -1]:
            if path not in given:
                given.add(path)
                yield str(path)
        if ended and given:
            return
        if ended:
            raise MediaNotFound(
                str(folder), Message("media.no_media_in_folder"), Message("way.name_files")
            )
        time.sleep(_EVERY_S)


def _sizes(folder: Path) -> dict[Path, int]:
    """Returns the sizes of the files of a folder that are not hidden, in order of their names."""
    sizes = {}
    for path in sorted(folder.iterdir(), key=lambda path: _by_number(path.name)):
        with suppress(FileNotFoundError):  # deleted meanwhile
            if path.name[0] != "." and path.is_file():
                sizes[path] = path.stat().st_size
    return sizes


def _by_number(name: str) -> list[tuple[int, int | str]]:
    """Returns a key by which 9 comes before 10."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]


def growing(path: str, patience: float) -> Iterator[bool]:
    """Yields False each time a file has grown by half, and True when it grows no more.

    Raises:
        UnsupportedMedia: it is an MP4, whose index comes last: until then it cannot be read.
    """
    read, size, latest = 0, -1, time.monotonic()
    while True:
        now = Path(path).stat().st_size if Path(path).is_file() else 0
        if now != size:
            size, latest = now, time.monotonic()
        if time.monotonic() - latest > patience:
            yield True
            return
        if size > _GROWN * read:
            _refuse_without_index(path)
            read = size
            yield False
            size = -1  # reading it took its time
        time.sleep(_EVERY_S)


def _refuse_without_index(path: str) -> None:
    with open_source(path, Bounds(bytes=2**40)) as source:
        if recognised(source.head(HEAD)) != "mp4":
            return
        there = boxes(source, 0, source.size)
    if b"mdat" in there and b"moov" not in there:
        raise UnsupportedMedia(path, Message("media.index_last"), Message("way.record"))
