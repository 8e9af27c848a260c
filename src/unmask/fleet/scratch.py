"""Folder for temporary files of a process that may be killed: the next such process deletes it.

A folder belongs to the process that holds its lock. The kernel releases the lock when the process
ends, however that happens.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

PREFIX = "unmask-fleet-"


class Scratch:
    """A folder of this process alone; what dead processes left beside it is deleted first.

    Attributes:
        path: the folder.
    """

    def __init__(self) -> None:
        sweep()
        self.path, self._lock = _new()

    def drop(self) -> None:
        """Deletes the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def sweep() -> None:
    """Deletes the folders of processes that are dead; other users' are left alone."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            lock = _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def _new() -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX))
        with suppress(FileNotFoundError):  # swept before it was locked
            return path, _lock(path, fcntl.LOCK_EX)


def _lock(folder: Path, how: int) -> int:
    """Locks a folder and returns the descriptor that holds the lock.

    Raises:
        FileNotFoundError: it is gone.
        OSError: it is another user's, or no folder, or locked by another process.
    """
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, how)
        if not os.path.samestat(folder.stat(), os.fstat(lock)):
            raise FileNotFoundError(folder)
    except OSError:
        os.close(lock)
        raise
    return lock
