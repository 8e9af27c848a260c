"""Input files of a command: named files as they are, and the photos and videos in named folders.

A file in a folder is a photo or a video if its content is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from unmask.errors import MediaError, MediaNotFound, UnmaskError, UsageError, printable, unjudged
from unmask.messages import Message, verbatim

if TYPE_CHECKING:
    from unmask.types import CheckResult

PHOTOS = (
    "jpg",
    "jpeg",
    "jpe",
    "jfif",
    "png",
    "webp",
    "heic",
    "heif",
    "hif",
    "avif",
    "gif",
    "tif",
    "tiff",
    "bmp",
)
VIDEOS = (
    *("mp4", "m4v", "mov", "mkv", "webm", "avi", "3gp", "3g2", "ts", "mts", "m2ts"),
    *("mxf", "mpg", "mpeg", "vob", "dv", "wmv", "asf", "flv"),
)
SUFFIXES = frozenset(f".{suffix}" for suffix in PHOTOS + VIDEOS)
"""File name endings of photos and videos."""
SHARED = frozenset((".ts", ".mts", ".dv"))
"""Endings that other kinds of file share, such as TypeScript's."""


@dataclass(slots=True)
class Inputs:
    """Input of a command.

    Attributes:
        files: each as it was named, or as found in a folder; and the errors of folders that cannot
            be read.
        others, hidden, links: how many files in folders are not media, how many entries are hidden,
            and how many folders are only linked.
    """

    files: list[str | MediaError] = field(default_factory=list)
    others: int = 0
    hidden: int = 0
    links: int = 0

    @property
    def left_out(self) -> list[Message]:
        """Parts of the folders that are left out, a clause each."""
        clauses = (
            Message("inputs.others", {"count": self.others}),
            Message("inputs.hidden", {"count": self.hidden}),
            Message("inputs.links", {"count": self.links}),
        )
        return [clause for clause in clauses if clause.values["count"]]


def named(media: Iterable[str]) -> Inputs:
    """Finds every input file: as it was named, or in a named folder.

    Raises:
        UsageError: standard input was named.
    """
    inputs = Inputs()
    for name in media:
        if name == "-":
            raise UsageError(
                "standard input is not supported: save it to a file and name that (a file '-' "
                "is ./-)"
            )
        if os.path.isdir(name):  # noqa: PTH112 a Path would raise on a long name
            _search(name, inputs)
        else:
            inputs.files.append(name)
    return inputs


def _search(folder: str, inputs: Inputs) -> None:
    before = len(inputs.files)

    def unreadable(error: OSError) -> None:
        inputs.files.append(
            MediaNotFound(error.filename, verbatim(words(error)), Message("way.check_folder"))
        )

    for here, below, names in os.walk(folder, onerror=unreadable):
        shown = sorted(name for name in names if not name.startswith("."))
        inputs.hidden += sum(name.startswith(".") for name in (*below, *names))
        below[:] = sorted(name for name in below if not name.startswith("."))
        inputs.links += sum(Path(here, name).is_symlink() for name in below)
        media = [str(path) for path in (Path(here, name) for name in shown) if _is_media(path)]
        inputs.files += media
        inputs.others += len(shown) - len(media)
    if len(inputs.files) == before:
        inputs.files.append(
            MediaNotFound(folder, Message("media.no_media_in_folder"), Message("way.name_files"))
        )


def _is_media(path: Path) -> bool:
    """Tells whether a file is to be checked.

    It is if its content is a photo or video, if it could not be read, or if its name has the ending
    of one.
    """
    from unmask.media import recognise

    suffix = path.suffix.lower()
    if suffix in SUFFIXES - SHARED:
        return True
    try:
        return recognise(path) is not None
    except MediaError:
        return path.is_file() and path.stat().st_size > 0


def failed(path: str, error: Exception, way_out: Message = Message("way.debug")) -> CheckResult:
    """Builds the result for a file that cannot be judged.

    Args:
        path: path of the file as shown to the user.
        error: what was raised.
        way_out: a clause for errors that Unmask does not raise on purpose.
    """
    from unmask.types import CheckResult

    return CheckResult.failed(path, why(path, error, way_out))


def why(path: str, error: Exception, way_out: Message) -> Message:
    """Describes an error in a file.

    ``way_out`` is a clause for errors that Unmask does not raise on purpose.
    """
    if isinstance(error, MemoryError):
        return unjudged(path, Message("error.memory"), Message("way.scale"))
    if isinstance(error, MediaError):
        return unjudged(path, error.reason, error.way_out)
    if isinstance(error, UnmaskError):
        return Message("error.other", {"path": printable(path), "text": str(error)})
    unexpected = Message("error.unexpected", {"kind": type(error).__name__, "text": words(error)})
    return unjudged(path, unexpected, way_out)


def words(error: Exception) -> str:
    """Returns an exception's text on one short line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return printable(" ".join(text.split()))[:200]
