"""What every process of a fleet does, on this machine or on another: it brings one file here, says what it is, and judges it.

Telling what a file is and judging it are two steps, so that the driver can say in between that the same bytes were judged
already; a file from a bucket is fetched once for both.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from unmask import inputs
from unmask.errors import LicenceError, OriginalsError, UsageError, WeightsError, printable
from unmask.messages import Message

if TYPE_CHECKING:
    from unmask.fleet.tables import Rows
    from unmask.originals.matching import Looks
    from unmask.pipeline import Settings

WRONGLY_SET_UP = (UsageError, LicenceError, OriginalsError, WeightsError, ImportError)
"""What no file is to blame for: with these, no other file would fare better."""


class Unreadable(Exception):
    """A file cannot be read now; a later scan may fare better. Its text says why, on one line."""


class Worker:
    """Holds one file at a time.

    Args:
        source: that the files are of.
        settings: of each check.
        scratch: folder where files of a bucket are put.
    """

    def __init__(self, source: str, settings: Settings, scratch: Path) -> None:
        self._source, self._settings, self._scratch = source, settings, scratch
        self._holding = ExitStack()
        self._path, self._sha256 = Path(), ""

    def identify(self, path: str) -> str:
        """Brings a file here, in the place of the one before; its sha256, hexadecimal.

        Raises:
            Unreadable: it has gone, or cannot be fetched or read.
        """
        from unmask.fleet.source import on_disk

        self.drop()
        try:
            self._path = self._holding.enter_context(on_disk(self._source, path, self._scratch))
            with self._path.open("rb") as file:
                self._sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            self.drop()
            raise Unreadable(printable(inputs.words(error))) from None
        return self._sha256

    def judge(self) -> Rows:
        """All rows of the file that is held.

        Raises:
            Unreadable: it was written to meanwhile.
            UsageError, LicenceError, OriginalsError, WeightsError, ImportError: no file can be judged in this way.
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
            result = inputs.failed(str(self._path), error, Message("way.debug"))
        if result.sha256 not in {None, self._sha256}:
            raise Unreadable("it was written to while it was read")
        looks = self._sketch() if result.error is None else None
        return rows.of_document(self._sha256, Document.of(result), looks, time.monotonic() - begun)

    def drop(self) -> None:
        """Lets go of the file that is held."""
        self._holding.close()
        self._holding = ExitStack()

    def _sketch(self) -> Looks | None:
        from unmask.media import open_media
        from unmask.originals.grouping import sketch

        with suppress(Exception):  # what was judged without trouble stays judged; it is only not compared with others
            return sketch(open_media(os.fspath(self._path)))
        return None
