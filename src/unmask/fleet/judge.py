"""Work of a confined process of a fleet: judges one file after the other.

Heavy imports come late.
"""

from __future__ import annotations

import errno
import time
from contextlib import suppress
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
from unmask.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from unmask.fleet.tables import Rows
    from unmask.pipeline import Settings

    Maker = Callable[[Settings], "FileJudge"]
    """Makes a judge, in the process that judges."""

WRONGLY_SET_UP = (UsageError, LicenceError, OriginalsError, WeightsError, ImportError)
"""Errors that no file is to blame for: with these, every other file would fail as well."""

MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EROFS)
"""Errors of a machine that has run out of something."""


class Unreadable(Exception):
    """A file cannot be read now; a later scan may succeed. Its text is the reason, on one line."""

    def __init__(self, error: Exception) -> None:
        why = str(error.reason) if isinstance(error, MediaError) else inputs.words(error)
        super().__init__(printable(why))


class FileJudge:
    """Judges files.

    Args:
        settings: settings of each check.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def judge(self, path: Path, sha256: str) -> Rows:
        """Returns all rows of a file that nobody else writes to.

        Args:
            path: path of the file.
            sha256: sha256 of its content, hexadecimal.

        Raises:
            Unreadable: it cannot be read, or this machine lacks something, such as room on its
                disk.
            UsageError, LicenceError, OriginalsError, WeightsError, ImportError: no file can be
                judged in this way.
        """
        import cv2

        from unmask import pipeline
        from unmask.fleet import rows
        from unmask.media import open_media
        from unmask.originals.grouping import Sketcher
        from unmask.report.document import Document

        cv2.setNumThreads(1)
        begun, looks = time.monotonic(), None
        try:
            clip = open_media(path)
            sketcher = Sketcher(clip)
            result = pipeline.check(clip, self._settings, see=sketcher.see)
            with suppress(Exception):  # what was judged stays judged, only compared with no others
                looks = sketcher.sketch()
        except WRONGLY_SET_UP:
            raise
        except Exception as error:
            if _passes(error):
                raise Unreadable(error) from None
            result = inputs.failed(str(path), error, Message("way.debug"))
        return rows.of_document(sha256, Document.of(result), looks, time.monotonic() - begun)


def _passes(error: Exception) -> bool:
    """Tells whether an error is temporary, not one of the content."""
    if isinstance(error, MediaError):
        return isinstance(error, MediaNotFound) or error.reason.code == "media.unreadable"
    return isinstance(error, OSError) and error.errno in MACHINE
