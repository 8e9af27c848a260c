"""The data folder, which has faces and accounts in it, so that only the service may read it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from unmask.errors import UsageError, printable

UMASK = 0o077

log = logging.getLogger(__name__)


def keep_private() -> None:
    """Makes all that this process and its children write from now on unreadable for others."""
    os.umask(UMASK)


def private(folder: Path) -> Path:
    """Returns the folder, made if missing, into which nobody but the service's user can look.

    This holds whatever the rights of the files in it.

    Raises:
        UsageError: it cannot be made, or not be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, (error.strerror or str(error)).lower()) from error
    try:
        folder.chmod(0o700)
    except PermissionError:
        log.warning("%s belongs to another user, who decides who can read it", folder)
    except OSError as error:
        raise _unwritable(folder, (error.strerror or str(error)).lower()) from error
    effective = os.access in os.supports_effective_ids
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=effective):
        raise _unwritable(folder, f"user {os.geteuid()} cannot write to it")
    return folder


def _unwritable(folder: Path, reason: str) -> UsageError:
    return UsageError(
        f"{printable(str(folder))}: {reason}; give the folder to the user that this service runs "
        "as, or name another with --data or UNMASK_DATA"
    )
