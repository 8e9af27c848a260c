"""The data folder: faces and accounts lie in it, so that it is the service's alone."""

from __future__ import annotations

import logging
import os
from pathlib import Path

UMASK = 0o077

log = logging.getLogger(__name__)


def keep_private() -> None:
    """Whatever this process and its children write from now on, others cannot read."""
    os.umask(UMASK)


def private(folder: Path) -> Path:
    """The folder, made if missing; nobody but the service's user can look into it, whatever the
    files in it allow.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        folder.chmod(0o700)
    except PermissionError:
        log.warning("the data folder belongs to another user, who decides who can read it")
    return folder
