"""Files by their content: the sha256 by which a licence names them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from unmask.errors import LicenceError
from unmask.messages import Message


def sha256(path: Path) -> str:
    """Returns the sha256 of a file, hexadecimal.

    Raises:
        LicenceError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        why = Message("licence.unreadable", {"error": (error.strerror or "").lower()})
        raise LicenceError(str(path), why, Message("licence.way.path")) from error


def sha256s(paths: Iterable[Path]) -> tuple[str, ...]:
    """Returns the sha256 of each file, including those in folders.

    Raises:
        LicenceError: a file or folder cannot be read, or a folder is empty.
    """
    digests: list[str] = []
    for path in paths:
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        if not files:
            raise LicenceError(
                str(path), Message("licence.empty_folder"), Message("licence.way.portraits")
            )
        digests += map(sha256, files)
    return tuple(digests)
