"""Copies of a source's files on this disk, one at a time, for those who may not see the source."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event

from unmask.fleet.judge import Unreadable
from unmask.fleet.source import BUCKET, prefix
from unmask.media import Bounds

CHUNK = 1 << 20
"""Bytes that are read at once."""


class Fetcher:
    """Copies one file at a time, and opens none as media.

    Args:
        source: source of the files.
        folder: folder of the copy; nobody else may write there.
        most: bytes of the largest file that a check opens.

    Attributes:
        path: path of the copy.
    """

    def __init__(self, source: str, folder: Path, most: int = Bounds().bytes) -> None:
        self.path, self._most = folder / "file", most
        self._source, self._stopped = source, Event()
        if source.startswith(BUCKET):
            from unmask.storage import Storage

            self._bucket = Storage(source, folder)

    def fetch(self, path: str) -> str:
        """Copies a file in the place of the one before; returns its sha256, hexadecimal.

        A file past the bound on its bytes, which no check opens, leaves only a hole of its size.
        Of a file that cannot be copied nothing stays, so that a full disk has room again.

        Raises:
            Unreadable: it has gone, or cannot be fetched or read.
        """
        digest, size = hashlib.sha256(), 0
        try:
            with self.path.open("wb") as copy:
                for chunk in self._chunks(path):
                    digest.update(chunk)
                    size += len(chunk)
                    if size <= self._most:
                        copy.write(chunk)
                    elif size - len(chunk) <= self._most:
                        copy.truncate(0)
                copy.truncate(size)
        except Exception as error:  # a client of buckets has errors of its own, even for odd names
            with suppress(OSError):
                os.truncate(self.path, 0)
            raise Unreadable(error) from None
        return digest.hexdigest()

    def stop(self) -> None:
        """Ends the fetch that runs in another thread; none succeeds from now on."""
        self._stopped.set()

    def _chunks(self, path: str) -> Iterator[bytes]:
        bucket = self._source.startswith(BUCKET)
        name = path.removeprefix(prefix(self._source))
        found = self._bucket.chunks(name) if bucket else _read(path)
        for chunk in found:
            if self._stopped.is_set():
                raise OSError("it was no longer wanted")
            yield chunk


def _read(path: str) -> Iterator[bytes]:
    """Yields the content of a regular file; anything else, such as a pipe, could last for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is no regular file")
        while chunk := file.read(CHUNK):
            yield chunk
