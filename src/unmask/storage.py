"""Storage of bytes: a folder, or a bucket of any S3-compatible service, behind one interface.

An object appears whole or not at all. Access to a bucket is set as for every S3 client:
``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_REGION``, ``AWS_ENDPOINT_URL`` and so on.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from obstore import copy, delete, get, head, put
from obstore import list as listed
from obstore.exceptions import (
    BaseError,
    InvalidPathError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import LocalStore, S3Store

from unmask.errors import UsageError, printable

if TYPE_CHECKING:
    from obstore.store import S3Config

CHUNK = 1 << 20
"""Bytes that are read at once."""


RETRYING = timedelta(seconds=5)
"""Time for which a request to a bucket is retried; a longer failure is reported as an outage."""

NO_BUCKET = "<Code>NoSuchBucket</Code>"
"""Part of S3's answer where the bucket is missing, not the object."""


FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Error numbers of a disk, or of a user's quota on it, that is full."""


def full(error: OSError) -> bool:
    """Tells whether an error is one of `FULL`."""
    return error.errno in FULL


class StorageAway(OSError):
    """The storage does not answer; asking again later may help.

    The text says what failed, and names no object.
    """


@dataclass(frozen=True, slots=True)
class Object:
    """An object's size in bytes, and when it was written, s since 1970."""

    name: str
    size: int
    written: float


class Storage:
    """Objects by name.

    Args:
        where: ``s3://bucket/prefix``, or a folder, which is made if missing.
        scratch: folder on this machine, made if missing, where a bucket's objects are put while a
            decoder reads them.
        keys: id and secret of the access key to the bucket; None to take them from the environment.

    Every method raises `StorageAway` where the storage does not answer.
    """

    def __init__(
        self, where: str | Path, scratch: Path, keys: tuple[str, str] | None = None
    ) -> None:
        self._scratch = scratch
        self._scratch.mkdir(parents=True, exist_ok=True)
        self._folder: Path | None = None
        if isinstance(where, Path):
            self._folder = where.resolve()
            self._store: LocalStore | S3Store = LocalStore(self._folder, mkdir=True)
        else:
            plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
            given: S3Config = (
                {"access_key_id": keys[0], "secret_access_key": keys[1]} if keys else {}
            )
            self._store = S3Store.from_url(
                where,
                client_options={"allow_http": plain, "connect_timeout": "5s", "timeout": "60s"},
                retry_config={"max_retries": 3, "retry_timeout": RETRYING},
                **given,
            )

    def put(self, name: str, content: bytes) -> None:
        with _answering():
            put(self._store, name, content)

    def take(self, name: str, path: Path) -> None:
        """Stores a file of `scratch` so that it outlives a power cut.

        The file may be gone from `scratch` afterwards.
        """
        with _answering():
            if self._folder:
                stored = _made(self._folder / name)
                shutil.move(path, stored)
                with stored.open("rb") as file:
                    os.fsync(file.fileno())
            else:
                put(self._store, name, path)

    def move(self, name: str, to: str) -> None:
        """Renames an object, and replaces one of that name."""
        if self._folder:
            (self._folder / name).replace(_made(self._folder / to))
            return
        with _answering():
            copy(self._store, name, to)
        self.discard(name)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yields the content, piece by piece.

        Raises:
            FileNotFoundError: there is no object of that name.
        """
        with _answering():
            for chunk in get(self._store, name).stream(min_chunk_size=CHUNK):
                yield bytes(chunk)

    def read(self, name: str) -> bytes:
        """Returns the whole content; raises `FileNotFoundError` if there is none."""
        with _answering():
            return bytes(get(self._store, name).bytes())

    def stream(self, name: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Streams the bytes from ``start`` to ``end``, exclusive, piece by piece.

        A missing object is noticed at once, not at the first piece.

        Raises:
            FileNotFoundError: there is no object of that name.
        """
        with _answering():
            found = get(self._store, name, options={"range": (start, end)}).stream(
                min_chunk_size=CHUNK
            )

        async def pieces() -> AsyncIterator[bytes]:
            with _answering():
                async for chunk in found:
                    yield bytes(chunk)

        return pieces()

    def reach(self) -> None:
        """Does nothing where the storage answers, and has the bucket."""
        next(self.listed("readiness"), None)

    def exists(self, name: str) -> bool:
        """Tells whether an object exists; where its bucket does not, the storage is away.

        The answer to a request without a body does not tell the two apart.
        """
        try:
            with _answering():
                head(self._store, name)
        except FileNotFoundError:
            self.reach()
            return False
        return True

    def delete(self, *names: str) -> None:
        """Deletes objects; a missing one is not an error."""
        for name in names:
            with suppress(FileNotFoundError), _answering():
                delete(self._store, name)

    def discard(self, *names: str) -> None:
        """Deletes objects of `incoming` that nobody needs.

        Those that cannot be deleted now are deleted when they are days old.
        """
        with suppress(StorageAway):
            self.delete(*names)

    def delete_all(self, prefix: str) -> None:
        """Deletes every object in a folder, and the folder.

        No other method deletes a folder: a folder deleted whenever it is empty could vanish while
        another process is about to put something there.
        """
        if self._folder:
            with suppress(FileNotFoundError):
                shutil.rmtree(self._folder / prefix)
            return
        self.delete(*(one.name for one in self.listed(prefix)))

    def listed(self, prefix: str = "") -> Iterator[Object]:
        """Yields every object in a folder, or all objects.

        Raises:
            UsageError: a bucket holds an object whose name its client refuses, because of an empty
                part, as in ``a//b``, or a control character.
        """
        try:
            with _answering():
                for batch in listed(self._store, prefix.rstrip("/") or None):
                    for one in batch:
                        yield Object(one["path"], one["size"], one["last_modified"].timestamp())
        except InvalidPathError as error:
            raise UsageError(
                f"the bucket cannot be listed ({printable(str(error).splitlines()[0])}): rename "
                f"that object, or name a prefix without it"
            ) from None

    @contextmanager
    def on_disk(self, name: str) -> Iterator[Path]:
        """Provides the object as a file to read while the context lasts.

        Raises:
            FileNotFoundError: there is no object of that name.
        """
        if self._folder:
            if not (self._folder / name).is_file():
                raise FileNotFoundError("no such object")
            yield self._folder / name
            return
        with self.scratch() as path:
            with path.open("wb") as file:
                file.writelines(self.chunks(name))
            yield path

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Provides a path for a file on this machine that is deleted when the context ends."""
        number, name = tempfile.mkstemp(dir=self._scratch)
        os.close(number)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    @property
    def room(self) -> int:
        """Free bytes on this machine, where files arrive and, without a bucket, where they stay."""
        return min(
            shutil.disk_usage(place).free
            for place in (self._scratch, self._folder or self._scratch)
        )

    def drop_scratch(self, before: float) -> None:
        """Deletes files and folders of `scratch` last written to before ``before``, s since 1970.

        Killed processes leave them.
        """
        for path in self._scratch.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime >= before:
                    continue
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()


@contextmanager
def _answering() -> Iterator[None]:
    """Translates obstore's errors, which are no `OSError` and quote names and addresses."""
    try:
        yield
    except InvalidPathError:
        raise
    except (NotFoundError, BaseError) as error:
        if NO_BUCKET in str(error):
            raise StorageAway("the storage has no such bucket") from None
        if isinstance(error, NotFoundError):
            raise FileNotFoundError("no such object") from None
        if any(f"os error {number})" in str(error) for number in FULL):
            raise OSError(errno.ENOSPC, "no room left") from None
        refused = isinstance(error, PermissionDeniedError | UnauthenticatedError)
        what = "refuses access" if refused else "does not answer"
        raise StorageAway(f"the storage {what} ({type(error).__name__})") from None


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
