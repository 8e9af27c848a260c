"""Uploads: files that come in one piece, or in several that survive a broken connection (tus 1.0).

Each piece is an object of its own, written before the row that counts it. So it works on a bucket
and across machines, and a piece cut off by a crash simply does not exist. When all has come, the
pieces are joined, hashed and become a check.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections.abc import AsyncIterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from unmask.messages import Message
from unmask.service.domain import checks, quotas
from unmask.service.domain.checks import Received
from unmask.service.domain.tenancy import owned
from unmask.service.people.actor import Actor, system
from unmask.service.problems import Problem
from unmask.service.store import storage
from unmask.service.store.database import now
from unmask.service.store.service import Service
from unmask.service.store.tables import Check, Upload
from unmask.storage import StorageAway

HOUR = 3600.0
DAY = 24 * HOUR

RESERVE = 256 << 20
"""Bytes of this machine's disk that uploads leave free for the database and the judges."""

AHEAD = 4 << 20
"""Maximum bytes of a file in memory that wait for the disk.

So there is little left to write when its last byte comes.
"""

log = logging.getLogger(__name__)


async def receive(service: Service, body: AsyncIterable[bytes], most: int) -> Received:
    """Receives a stream: writes it to disk, hashes it on the way, and moves it into storage.

    Args:
        most: maximum bytes.

    Raises:
        Problem: 413 beyond that, 400 for an empty stream, 507 where there is no room.
    """
    digest, size, written = hashlib.sha256(), 0, 0
    check_room(service)
    with service.storage.scratch() as path:
        with path.open("wb") as file:
            async for chunk in body:
                size += len(chunk)
                if size > most:
                    raise too_large(most)
                digest.update(chunk)
                file.write(chunk)
                if size - written >= AHEAD:
                    check_room(service)
                    written = size
                    file.flush()
                    await asyncio.to_thread(os.fdatasync, file.fileno())
        if not size:
            raise Problem(400, "Empty file", Message("refusal.empty"))
        name = storage.incoming()
        await asyncio.to_thread(service.storage.take, name, path)
    return Received(name, digest.hexdigest(), size)


def no_room() -> Problem:
    """Returns the problem for a full disk: nothing was kept, but existing files can be read."""
    log.error("the disk is full: uploads are refused")
    return Problem(507, "No room", Message("refusal.no_room"), {"Retry-After": "60"})


def check_room(service: Service, size: int = 0) -> None:
    """Refuses a file of at least ``size`` bytes that would leave less than `RESERVE` free.

    Raises:
        Problem: 507.
    """
    if service.storage.room < size + RESERVE:
        raise no_room()


def check_digest(received: Received, announced: str | None) -> None:
    """Raises a `Problem`, 422, where a file is not the one whose sha256 was announced."""
    if announced is not None and announced.lower() != received.sha256:
        detail = (
            f"sha256 {announced} was announced, and {received.sha256} came; send the file again"
        )
        raise Problem(422, "Wrong digest", detail)


def too_large(most: int) -> Problem:
    return Problem(413, "Too large", Message("refusal.too_large", {"most": most}))


def begin(
    session: Session,
    service: Service,
    actor: Actor,
    length: int,
    name: str,
    sha256: str | None,
    options: dict[str, Any],
) -> Upload:
    """Announces a file of ``length`` bytes that comes in pieces.

    Raises:
        Problem: 413, too large; 400, empty; 507, there is no room; 429 or 507, the quotas of the
            organisation.
    """
    if length > service.settings.upload_bytes:
        raise too_large(service.settings.upload_bytes)
    if length < 1:
        raise Problem(400, "Empty file", "an upload needs at least one byte")
    check_room(service, length)
    quotas.admit(session, actor.tenant, length)
    upload = Upload(
        tenant=actor.tenant,
        actor=actor.id,
        name=checks.clean(name),
        length=length,
        sha256=sha256,
        options=options,
        expires=now(session) + service.settings.upload_hours * HOUR,
    )
    session.add(upload)
    session.flush()
    return upload


def find(session: Session, actor: Actor, upload: str, changing: bool = False) -> Upload:
    """Returns the tenant's upload with this id; 404 otherwise.

    ``changing`` locks it until the transaction ends.
    """
    return owned(session, Upload, actor, upload, "upload", changing)


def append(service: Service, actor: Actor, upload: str, offset: int, piece: Received) -> Upload:
    """Adds the piece that begins at byte ``offset``.

    Raises:
        Problem: 409 if another offset is expected: ask for it and go on from there.
    """
    with service.database.transaction() as session:
        row = find(session, actor, upload, changing=True)
        if row.offset != offset or offset + piece.bytes > row.length:
            service.storage.discard(piece.object)
            raise wrong_offset(row, offset)
        row.offset += piece.bytes
        row.pieces = [*row.pieces, piece.object]
        return row


def wrong_offset(upload: Upload, offset: int) -> Problem:
    return Problem(
        409,
        "Wrong offset",
        f"the upload is at byte {upload.offset:,}, not {offset:,}; go on from there",
    )


def finish(service: Service, actor: Actor, upload: Upload) -> Upload:
    """Makes a check of a complete upload. Doing it twice, even at once, does it once.

    Returns:
        The upload, with ``check`` or ``refused`` filled.

    Raises:
        StorageAway: pieces of it cannot be read now; they are kept.
    """
    try:
        received = _joined(service, upload)
    except FileNotFoundError:
        received = None  # another process joined them meanwhile
    with service.database.transaction() as session:
        row = find(session, actor, upload.id, changing=True)
        if row.check is None and row.refused is None and received is not None:
            try:
                check_digest(received, row.sha256)
                file = received, row.name, row.options, row.actor
                check, _new = checks.accept(session, service, actor, *file, announced=True)
                row.check = check.id
            except Problem as problem:
                row.refused = problem.detail
    if received is None and row.check is None and row.refused is None:
        raise StorageAway("pieces of an upload are missing")
    service.storage.discard(*row.pieces, *([received.object] if received else []))
    return row


def _joined(service: Service, upload: Upload) -> Received:
    digest, name = hashlib.sha256(), storage.incoming()
    with service.storage.scratch() as path:
        with path.open("wb") as file:
            for piece in upload.pieces:
                for chunk in service.storage.chunks(piece):
                    digest.update(chunk)
                    file.write(chunk)
        service.storage.take(name, path)
    return Received(name, digest.hexdigest(), upload.length)


def cancel(session: Session, service: Service, upload: Upload) -> None:
    """Deletes an upload and its pieces; a check already made from it stays."""
    service.storage.delete(*upload.pieces)
    session.delete(upload)


def tidy(service: Service) -> None:
    """Finishes complete uploads whose process was killed, and deletes expired ones."""
    with service.database.reading() as session:
        whole = select(Upload).where(
            Upload.offset == Upload.length, Upload.check.is_(None), Upload.refused.is_(None)
        )
        waiting, moment = session.scalars(whole).all(), now(session)
    for upload in waiting:
        finish(service, system(upload.tenant), upload)
    with service.database.transaction() as session:
        for upload in session.scalars(
            select(Upload).where(Upload.expires < moment).with_for_update(skip_locked=True)
        ):
            cancel(session, service, upload)
    oldest = moment - service.settings.upload_hours * HOUR - DAY
    service.storage.delete(
        *(one.name for one in service.storage.listed("incoming") if one.written < oldest)
    )


def made(session: Session, upload: Upload) -> Check | None:
    """Returns the check made from an upload."""
    return session.get(Check, upload.check) if upload.check else None
