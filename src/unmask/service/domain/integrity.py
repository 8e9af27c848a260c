"""Integrity of media: the bytes that are judged are those that were uploaded.

Otherwise an answer could stand under another file's sha256.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from unmask.service.people import audit
from unmask.service.people.actor import system
from unmask.service.store import storage
from unmask.service.store.service import Service
from unmask.service.store.tables import Check, Registration, Take

FileJob = TypeVar("FileJob", Check, Registration, Take)
"""A job on one file."""

log = logging.getLogger(__name__)


class Altered(Exception):
    """A stored file is not the one that was uploaded; ``found`` is its sha256."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__("the stored file is not the one that was uploaded")


class Touched(Exception):
    """A stored file is the one that was uploaded, but may have been another while it was read."""


@contextmanager
def unaltered(path: Path, sha256: str) -> Iterator[None]:
    """Guards the reading of a file whose content has this sha256.

    Raises:
        Altered: it has another sha256, before or after.
        Touched: its sha256 is still the same, but somebody wrote to it meanwhile, or changed its
            owner, rights or links.
    """
    before = _state(path)
    _insist(path, sha256)
    yield
    if _state(path) != before:
        _insist(path, sha256)
        raise Touched("the stored file was touched while it was judged")


def set_aside(service: Service, job: FileJob, altered: Altered) -> None:
    """Logs that a file was altered, and moves the altered bytes aside for an investigation.

    They are kept until the file's retention ends. The same file sent again takes its old place.
    """
    log.critical(
        "a stored file is not the one that was uploaded",
        extra={"job": job.id, "hash": altered.found},
    )
    with suppress(FileNotFoundError):  # another worker did it
        service.storage.move(
            storage.media(job.tenant, job.sha256), storage.altered(job.tenant, job.sha256)
        )
    with service.database.transaction() as session:
        audit.record(session, system(job.tenant), "media.altered", job.sha256, found=altered.found)


def is_set_aside(service: Service, job: FileJob) -> bool:
    """Tells whether a job's file was altered, and has not been sent again."""
    names = [
        one.name.rpartition("/")[2]
        for one in service.storage.listed(storage.folder(job.tenant, job.sha256))
    ]
    return "media" not in names and any(name.startswith("altered-") for name in names)


def _insist(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise Altered(found)


def _state(path: Path) -> tuple[int, ...]:
    """Returns values that differ after any change of the content or of the file at the path.

    Nobody can set ``st_ctime`` (POSIX).
    """
    stat = path.stat()
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
