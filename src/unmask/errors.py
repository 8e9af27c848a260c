"""Tree of everything that can go wrong with an input.

UnmaskError
├── FileError                a file cannot be used: says which, why, and the way out
│   ├── MediaError           this file cannot be judged
│   │   ├── MediaNotFound    no such path, no permission, a folder, a pipe or a device
│   │   ├── UnsupportedMedia readable, but not a photo or video that is understood
│   │   ├── BrokenMedia      claims to be media and cannot be decoded
│   │   └── MediaTooLarge    past a bound on pixels, frames, seconds or bytes
│   └── LicenceError         a licence, a key or a list of revocations cannot be used, or a licence
│                            does not cover what is asked
├── OriginalsError           an index of known originals cannot be used: says which, why, and the
│                            way out
├── WeightsError             a weight file is missing or is not the one that was released
└── UsageError               settings that contradict each other
    └── ModelError           a model that the user added cannot be used: says which file, why, and
                             the way out
"""

from __future__ import annotations

import os

from unmask.messages import Message


class UnmaskError(Exception):
    """Root of every error that Unmask raises on purpose; its text is one line in English."""


class FileError(UnmaskError):
    """A file that cannot be used.

    Args:
        path: the file, as the caller gave it.
        reason: what is wrong with it, a clause without a full stop.
        way_out: what the caller can do about it, a clause without a full stop.
    """

    def __init__(self, path: str, reason: Message, way_out: Message) -> None:
        self.path, self.reason, self.way_out = path, reason, way_out
        super().__init__(path, reason, way_out)

    @property
    def message(self) -> Message:
        """Reason and way out, after the path."""
        return unjudged(self.path, self.reason, self.way_out)

    def __str__(self) -> str:
        return str(self.message)


class MediaError(FileError):
    """A media file that cannot be judged."""


class LicenceError(FileError):
    """A licence, a key or a list of revocations that cannot be used.

    Or a licence that does not cover what is asked.
    """


class MediaNotFound(MediaError):
    """The path does not lead to a readable regular file."""


class UnsupportedMedia(MediaError):
    """The content is not a photo or a video that Unmask understands."""


class BrokenMedia(MediaError):
    """The content claims to be media, but cannot be decoded."""


class MediaTooLarge(MediaError):
    """The content passes a bound on pixels, frames, seconds or bytes."""


class OriginalsError(UnmaskError):
    """An index of known originals that cannot be opened, read or written.

    Args:
        where: the folder, or the database without its password.
        reason, way_out: a clause each, without a full stop.
    """

    def __init__(self, where: str, reason: str, way_out: str) -> None:
        super().__init__(f"{printable(where)}: {reason}; {way_out}")


class WeightsError(UnmaskError):
    """A weight file is missing, or its sha256 is not the released one."""


class UsageError(UnmaskError):
    """Settings that contradict each other or lie outside their range."""


class ModelError(UsageError):
    """A model that the user added, or its card, that cannot be used.

    Args:
        path: the file or folder.
        reason, way_out: a clause each, without a full stop.
    """

    def __init__(self, path: os.PathLike[str], reason: str, way_out: str) -> None:
        super().__init__(f"{printable(os.fspath(path))}: {reason}; {way_out}")


def unjudged(path: str, reason: Message, way_out: Message) -> Message:
    """Builds the message for a file that cannot be judged.

    ``reason`` and ``way_out`` are a clause each, without a full stop.
    """
    return Message("error.file", {"path": printable(path), "reason": reason, "way_out": way_out})


def printable(name: str) -> str:
    """Makes a file name safe for a terminal line.

    Control characters and lone surrogates are escaped.
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name
    )


def encodable(text: str) -> str:
    r"""Escapes lone surrogates, so that UTF-8 can hold the text.

    The path of a file whose name is not UTF-8 may have them.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
