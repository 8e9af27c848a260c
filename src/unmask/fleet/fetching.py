"""Copies of a source's files on this disk, one at a time, for those who may not see the source."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from unmask.fleet.judge import Unreadable
from unmask.fleet.source import BUCKET, prefix

CHUNK = 1 << 20
"""Bytes that are read at once."""


class Fetcher:
    """Copies one file at a time, and opens none as media.

    Args:
        source: source of the files.
        folder: folder of the copy; nobody else may write there.

    Attributes:
        path: path of the copy.
    """

    def __init__(self, source: str, folder: Path) -> None:
        self.path = folder / "file"
        self._source, self._stopped = source, Event()
        if source.startswith(BUCKET):
            from unmask.storage import Storage

            self._bucket = Storage(source, folder)

    def fetch(self, path: str) -> str:
        """Copies a file in the place of the one before; returns the copy's sha256, hexadecimal.

        Raises:
            Unreadable: it has gone, or cannot be fetched or read.
        """
        digest = hashlib.sha256()
        try:
            with self.path.open("wb") as copy:
                for chunk in self._chunks(path):
                    digest.update(chunk)
                    copy.write(chunk)
        except Exception as error:  # a client of buckets has errors of its own, even for odd names
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
