"""The data folder, which has faces and accounts in it, so that only the service may read it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

UMASK = 0o077

log = logging.getLogger(__name__)


def keep_private() -> None:
    """Makes all that this process and its children write from now on unreadable for others."""
    os.umask(UMASK)


def private(folder: Path) -> Path:
    """Returns the folder, made if missing, into which nobody but the service's user can look.

    This holds whatever the rights of the files in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        folder.chmod(0o700)
    except PermissionError:
        log.warning("the data folder belongs to another user, who decides who can read it")
    return folder
