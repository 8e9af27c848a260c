"""Source of a scan: a folder, or a bucket of any S3-compatible service, and the files in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from unmask import inputs
from unmask.errors import MediaError, UsageError
from unmask.messages import Message

BUCKET = "s3://"


@dataclass(frozen=True, slots=True)
class Item:
    """One listed file: its address, its bytes, and when it was last written, s since 1970."""

    path: str
    size: int
    written: float


@dataclass(frozen=True, slots=True)
class Listing:
    """Files of a source.

    Attributes:
        items: in order of their addresses, each once.
        left_out: parts of it that are not looked at, a clause each.
        unreadable: folders and files that could not be listed, a sentence each.
    """

    items: tuple[Item, ...]
    left_out: tuple[Message, ...]
    unreadable: tuple[Message, ...]


def listing(source: str, scratch: Path) -> Listing:
    """Lists everything in a source that may be a photo or a video.

    In a folder, that is a file with such content or such a name, as for `unmask check`. Objects in
    a bucket are not opened for this. There it is an object with such a name, or with a name without
    an ending, since some buckets name objects by their hashes.

    Raises:
        UsageError: there is no such folder.
        StorageAway: the bucket does not answer.
    """
    return _bucket(source, scratch) if source.startswith(BUCKET) else _folder(source)


def _folder(source: str) -> Listing:
    if not os.path.exists(source):  # noqa: PTH110 a Path would raise on a long name
        raise UsageError(f"{source}: there is no such folder; name a folder, or s3://BUCKET/PREFIX")
    given = inputs.named([source])
    unreadable = [one.message for one in given.files if isinstance(one, MediaError)]
    items = []
    for name in sorted({os.path.abspath(one) for one in given.files if isinstance(one, str)}):  # noqa: PTH100
        try:
            found = os.stat(name)  # noqa: PTH116
        except OSError as error:
            unreadable.append(inputs.why(name, error, Message("way.check_folder")))
        else:
            items.append(Item(name, found.st_size, found.st_mtime))
    return Listing(tuple(items), tuple(given.left_out), tuple(unreadable))


def _bucket(source: str, scratch: Path) -> Listing:
    from unmask.storage import Storage

    items, others, hidden = [], 0, 0
    for one in Storage(source, scratch).listed():
        name = PurePosixPath(one.name)
        if name.name.startswith("."):
            hidden += 1
        elif name.suffix and name.suffix.lower() not in inputs.SUFFIXES:
            others += 1
        else:
            items.append(Item(prefix(source) + one.name, one.size, one.written))
    clauses = (
        Message("inputs.others", {"count": others}),
        Message("inputs.hidden", {"count": hidden}),
    )
    left_out = tuple(clause for clause in clauses if clause.values["count"])
    return Listing(tuple(sorted(items, key=lambda item: item.path)), left_out, ())


def prefix(source: str) -> str:
    """Returns the common beginning of the addresses of all files in a source."""
    whole = source if source.startswith(BUCKET) else os.path.abspath(source)  # noqa: PTH100
    return f"{whole.rstrip('/')}/"
