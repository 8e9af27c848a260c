"""Which files a command means: named ones as they are, folders with all that is in them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from unmask.errors import MediaError, MediaNotFound, UnmaskError, UsageError, printable, unjudged
from unmask.messages import Message, verbatim

if TYPE_CHECKING:
    from unmask.types import CheckResult

PHOTOS = ("jpg", "jpeg", "jpe", "jfif", "png", "webp", "heic", "heif", "hif", "avif", "gif")
VIDEOS = ("mp4", "m4v", "mov", "mkv", "webm", "avi", "3gp", "3g2", "ts", "mts", "m2ts")
SUFFIXES = frozenset(f".{suffix}" for suffix in PHOTOS + VIDEOS)
"""How the names of files end that are looked for in a folder; a file that is named itself is always tried."""


def named(media: Iterable[str]) -> list[str | MediaError]:
    """Every file that is meant: as it was named, or as found in a folder; and what is wrong with a folder.

    Raises:
        UsageError: standard input was named.
    """
    found: list[str | MediaError] = []
    for name in media:
        if name == "-":
            raise UsageError("standard input is not supported: save it to a file and name that (a file '-' is ./-)")
        found += _in_folder(name) if os.path.isdir(name) else [name]  # noqa: PTH112 a Path would raise on a long name
    return found


def _in_folder(folder: str) -> list[str | MediaError]:
    found: list[str | MediaError] = []

    def unreadable(error: OSError) -> None:
        found.append(MediaNotFound(error.filename, verbatim(words(error)), Message("way.check_folder")))

    for here, below, names in os.walk(folder, onerror=unreadable):
        below[:] = sorted(name for name in below if not name.startswith("."))
        shown = sorted(name for name in names if not name.startswith("."))
        found += [str(Path(here, name)) for name in shown if Path(name).suffix.lower() in SUFFIXES]
    return found or [MediaNotFound(folder, Message("media.no_media_in_folder"), Message("way.name_files"))]


def failed(path: str, error: Exception, way_out: Message = Message("way.debug")) -> CheckResult:
    """The answer for a file that cannot be judged.

    Args:
        path: of the file, as it is to be called.
        error: what was raised.
        way_out: a clause for errors that Unmask does not raise on purpose.
    """
    from unmask.types import CheckResult

    return CheckResult.failed(path, _why(path, error, way_out))


def _why(path: str, error: Exception, way_out: Message) -> Message:
    if isinstance(error, MemoryError):
        return unjudged(path, Message("error.memory"), Message("way.scale"))
    if isinstance(error, MediaError):
        return unjudged(path, error.reason, error.way_out)
    if isinstance(error, UnmaskError):
        return Message("error.other", {"path": printable(path), "text": str(error)})
    unexpected = Message("error.unexpected", {"kind": type(error).__name__, "text": words(error)})
    return unjudged(path, unexpected, way_out)


def words(error: Exception) -> str:
    """What an exception says, on one short line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return printable(" ".join(text.split()))[:200]
