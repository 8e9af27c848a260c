"""Work of every process of a fleet: brings one file here, identifies it, and judges it.

Identifying a file and judging it are two steps, so that in between the driver can say that the same
bytes were judged already. A file from a bucket is fetched once for both.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from unmask import inputs
from unmask.errors import (
    LicenceError,
    MediaError,
    MediaNotFound,
    OriginalsError,
    UsageError,
    WeightsError,
    printable,
)
from unmask.fleet.source import BUCKET, on_disk
from unmask.messages import Message
from unmask.originals.database import on_server

if TYPE_CHECKING:
    from unmask.fleet.tables import Rows
    from unmask.originals.matching import Looks
    from unmask.pipeline import Settings

WRONGLY_SET_UP = (UsageError, LicenceError, OriginalsError, WeightsError, ImportError)
"""Errors that no file is to blame for: with these, every other file would fail as well."""


MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EROFS)
"""Errors of a machine that has run out of something."""

WRITTEN_TO = "it was written to while it was read"


class Unreadable(Exception):
    """A file cannot be read now; a later scan may succeed. Its text is the reason, on one line."""


class FileWorker:
    """Holds one file at a time.

    Args:
        source: source of the files.
        settings: settings of each check.
        scratch: folder for files of a bucket.
    """

    def __init__(self, source: str, settings: Settings, scratch: Path) -> None:
        self._source, self._settings, self._scratch = source, settings, scratch
        self._holding = ExitStack()
        self._path, self._sha256 = Path(), ""

    @property
    def writable(self) -> tuple[str, ...]:
        """Folders that the work writes to: its scratch, and the index of originals in a folder."""
        index = self._settings.originals
        return (str(self._scratch),) if index is None else (str(self._scratch), index)

    @property
    def needs_network(self) -> bool:
        """True if the files are in a bucket, or the originals in a database on a server."""
        return self._source.startswith(BUCKET) or on_server(self._settings.originals or "")

    def identify(self, path: str) -> str:
        """Brings a file here in the place of the one before; returns its sha256, hexadecimal.

        Raises:
            Unreadable: it has gone, or cannot be fetched or read.
        """
        self.drop()
        try:
            self._path = self._holding.enter_context(on_disk(self._source, path, self._scratch))
            self._sha256 = _sha256(self._path)
        except OSError as error:
            self.drop()
            raise Unreadable(_why(error)) from None
        return self._sha256

    def judge(self) -> Rows:
        """Judges the file that is held; returns all its rows.

        Raises:
            Unreadable: it has gone, was written to or could not be read meanwhile, or this machine
                lacks something, such as room on its disk.
            UsageError, LicenceError, OriginalsError, WeightsError, ImportError: no file can be
                judged in this way.
        """
        import cv2

        from unmask import pipeline
        from unmask.fleet import rows
        from unmask.report.document import Document

        cv2.setNumThreads(1)
        begun = time.monotonic()
        try:
            result = pipeline.check(self._path, self._settings)
        except WRONGLY_SET_UP:
            raise
        except Exception as error:
            if _passes(error):
                raise Unreadable(_why(error)) from None
            self._unchanged()
            result = inputs.failed(str(self._path), error, Message("way.debug"))
        if result.sha256 not in {None, self._sha256}:
            raise Unreadable(WRITTEN_TO)
        looks = self._sketch() if result.error is None else None
        return rows.of_document(self._sha256, Document.of(result), looks, time.monotonic() - begun)

    def drop(self) -> None:
        """Releases the file that is held."""
        self._holding.close()
        self._holding = ExitStack()

    def _unchanged(self) -> None:
        """Checks that a failure belongs to the content that was identified.

        Raises:
            Unreadable: the file has gone, holds something else, or cannot be read.
        """
        try:
            same = _sha256(self._path) == self._sha256
        except OSError as error:
            raise Unreadable(_why(error)) from None
        if not same:
            raise Unreadable(WRITTEN_TO)

    def _sketch(self) -> Looks | None:
        from unmask.media import open_media
        from unmask.originals.grouping import sketch

        with suppress(
            Exception
        ):  # what was judged without trouble stays judged; it is only not compared with others
            return sketch(open_media(os.fspath(self._path)))
        return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _passes(error: Exception) -> bool:
    """Tells whether an error is temporary, not one of the content."""
    if isinstance(error, MediaError):
        return isinstance(error, MediaNotFound) or error.reason.code == "media.unreadable"
    return isinstance(error, OSError) and error.errno in MACHINE


def _why(error: Exception) -> str:
    return printable(str(error.reason) if isinstance(error, MediaError) else inputs.words(error))
