"""Common base of photos and videos in `unmask.media`: an open file and the bounds on its cost."""

from __future__ import annotations

import io
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from unmask.errors import BrokenMedia, MediaNotFound, MediaTooLarge, UnsupportedMedia, printable
from unmask.media.prefixed import Prefixed, Segment
from unmask.messages import Message, verbatim
from unmask.types import Rgb

AGAIN = Message("way.again")
CUT = Message("way.cut")
SCALE = Message("way.scale")
EXPORT = Message("way.export")

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)

SMALLEST_SIDE = 32
"""Shortest side of a picture, px; no face that can be judged fits into less."""
_MOST_INIT = 4 << 20
"""Most bytes of an initialization segment; it holds no pictures."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds on the cost of one file.

    Past a bound `MediaTooLarge` is raised; before the cost arises if the header tells.

    Attributes:
        pixels: of one picture; an 8K frame has 33 million, most phone photos have 12 to 50 million.
            A photo that has more is made smaller.
        memory: bytes that decoding a photo may take; enough for 134 million pixels, and for any
            JPEG of one scan.
        frames: of a clip; four hours at 60 per second are 864,000. Each costs 9 bytes of memory.
        seconds: from a clip's first frame to its last one.
        bytes: of the file; an hour of 4K from a phone is about 20 GB.
        wall_seconds: that opening a file, or the wait for one frame, may last, so that a file that
            decodes nothing does not hang.
        check_seconds: that reading a clip's frames may last in all, the work on them included.
    """

    pixels: int = 64_000_000
    memory: int = 3 * 2**29
    frames: int = 1_000_000
    seconds: float = 4 * 3600.0
    bytes: int = 32 * 2**30
    wall_seconds: float = 300.0
    check_seconds: float = 4 * 3600.0

    def check_size(self, path: str, width: int, height: int) -> None:
        """Raises `MediaTooLarge` or, where no face fits in, `UnsupportedMedia`."""
        if width * height > self.pixels:
            reason = Message(
                "media.many_pixels", {"size": f"{width} x {height}", "bound": self.pixels}
            )
            raise MediaTooLarge(path, reason, SCALE)
        if min(width, height) < SMALLEST_SIDE:
            reason = Message("media.few_pixels", {"size": f"{width} x {height}"})
            raise UnsupportedMedia(path, reason, Message("way.larger"))


class Pose(NamedTuple):
    """Transform that turns a stored picture upright.

    It is mirrored left to right first, then turned clockwise by ``turn`` degrees.
    """

    mirrored: bool = False
    turn: int = 0

    def apply(self, rgb: Rgb) -> Rgb:
        return np.ascontiguousarray(
            np.rot90(rgb[:, ::-1] if self.mirrored else rgb, -self.turn // 90)
        )

    def undone(self, rgb: Rgb) -> Rgb:
        """Returns the stored picture of an upright one."""
        stored = np.rot90(rgb, self.turn // 90)
        return np.ascontiguousarray(stored[:, ::-1] if self.mirrored else stored)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Returns width and height of the upright picture; the way back is the same."""
        return (height, width) if self.turn % 180 else (width, height)


class Source:
    """One open regular file.

    Past its deadline, or on a failing disk, it reads as ended, and `check` tells why. It raises
    nothing while a decoder reads, because a decoder's callback that raises leaves its exception to
    whichever decoder is called next.

    Args:
        path: as the caller gave it.
        file: open for reading.
        bounds: on its cost.
        init: bytes that are read in front of those of the file.
    """

    def __init__(
        self, path: str, file: io.BufferedReader, bounds: Bounds, init: bytes = b""
    ) -> None:
        info = os.fstat(file.fileno())
        self.path, self.bounds, self.start = path, bounds, len(init)
        self.size = len(init) + info.st_size
        self.identity = (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)
        self._file, self._failure = Prefixed(init, file) if init else file, ""
        self.wait_again()

    def wait_again(self) -> None:
        self._deadline = time.monotonic() + self.bounds.wall_seconds

    def check(self) -> None:
        if self._failure:
            reason = Message("media.unreadable", {"error": self._failure})
            raise BrokenMedia(self.path, reason, Message("way.copy"))
        if time.monotonic() > self._deadline:
            raise MediaTooLarge(
                self.path, Message("media.slow", {"bound": self.bounds.wall_seconds}), CUT
            )

    def head(self, size: int) -> bytes:
        self.seek(0)
        return self.read(size)

    def read(self, size: int = -1) -> bytes:
        try:
            return (
                b"" if self._failure or time.monotonic() > self._deadline else self._file.read(size)
            )
        except OSError as error:
            self._failure = words(error)
            return b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(
            min(max(offset + (0, self._file.tell(), self.size)[whence], 0), self.size)
        )

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def open_source(path: str, bounds: Bounds) -> Iterator[Source]:
    """Opens a regular file for reading, and nothing else.

    A folder is refused, and so is a pipe, which would wait for its writer. A `Segment` is opened
    with its initialization segment in front.
    """
    init = b""
    if isinstance(path, Segment):
        with open_source(path.init, Bounds(bytes=_MOST_INIT)) as source:
            init = source.read()
            source.check()
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116  a Path would normalise what the caller gave
            raise MediaNotFound(path, Message("media.not_a_file"), Message("way.a_file"))
        file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115
    except (OSError, ValueError) as error:
        if _ADDRESS.match(path):
            raise MediaNotFound(path, Message("media.address"), Message("way.save")) from error
        raise MediaNotFound(
            path, verbatim(words(error).lower()), Message("way.check_path")
        ) from error
    with file:
        source = Source(path, file, bounds, init)
        if source.size > bounds.bytes:
            reason = Message("media.many_bytes", {"size": source.size, "bound": bounds.bytes})
            raise MediaTooLarge(path, reason, CUT)
        if not source.size:
            raise BrokenMedia(path, Message("media.empty"), AGAIN)
        yield source


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def words(error: Exception) -> str:
    """Returns the message of a library's exception on one short line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return printable(" ".join(text.split()))[:100]
