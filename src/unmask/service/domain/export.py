"""Export of a case: one ZIP with all that its decisions rest on, for a court or another body.

case.json         the case, its decisions with their grounds, notes, appeals and notices
custody.json      the file: name, size, sha256, who brought it and when, legal hold, deletion
result.json       the result, as `unmask check --json` prints it
report.html       the result as a page, while the file is kept
take.json         whether it is one unbroken take, if anybody asked, as `unmask take --json` prints
take.*.html       the same as a page, in each language
media.*           the file itself, while it is kept
audit.jsonl       the audit log's entries on the case, the check and the file, see `audit.export`
audit-anchor.txt  where the audit log stood, see `audit.Anchor`
files.sha256      digests of all these, as ``sha256sum -c files.sha256`` reads them
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import time
from collections.abc import Iterable, Iterator
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from sqlalchemy.orm import Session

from unmask.service.domain import cases, takes
from unmask.service.people import accounts, audit
from unmask.service.people.actor import Actor
from unmask.service.store import storage
from unmask.service.store.database import now
from unmask.service.store.service import Service
from unmask.service.store.tables import Base, CaseFile, Check, Media
from unmask.words import codes

CASE = ("id", "check", "state", "decision", "assigned", "created", "updated")
EVENT = (
    "number", "kind", "actor", "actor_name", "text", "decision", "rule", "illegal", "language",
    "created",
)  # fmt: skip
MEDIA = ("sha256", "bytes", "stored", "hold", "deleted")
"""Columns that are exported of each table."""


class _Outgoing(io.RawIOBase):
    """A file of which each written byte is taken at once; it cannot go back."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._waiting += content
        return len(content)

    def taken(self) -> bytes:
        """Returns what was written since the last call."""
        content = bytes(self._waiting)
        self._waiting.clear()
        return content


def case_file(service: Service, actor: Actor, case: str) -> Iterator[bytes]:
    """Records the export of a case and returns its ZIP, piece by piece.

    It has no more than a few pieces of the media in memory.

    Raises:
        Problem: 404, there is no such case.
    """
    with service.database.transaction() as session:
        found, check = cases.get(session, actor, case)
        audit.record(session, actor, "case.exported", found.id)
        texts = _texts(session, actor, found, check)
        moment = now(session)
    key = check.tenant, check.sha256
    answered = codes() if "take.json" in texts else ()
    objects = {
        "report.html": storage.report(*key, check.id),
        **{f"take.{code}.html": storage.take(*key, code) for code in answered},
        f"media{_ending(check.name)}": storage.media(*key),
    }
    kept = {
        name: service.storage.chunks(stored)
        for name, stored in objects.items()
        if service.storage.exists(stored)
    }
    parts = {name: [text.encode()] for name, text in texts.items()} | kept
    return _zipped(parts.items(), time.gmtime(moment)[:6])


def _texts(session: Session, actor: Actor, case: CaseFile, check: Check) -> dict[str, str]:
    media = session.get_one(Media, (check.tenant, check.sha256))
    told = _columns(case, CASE) | {
        "events": [_columns(event, EVENT) for event in cases.events(session, actor, case.id)]
    }
    custody = _columns(media, MEDIA) | {
        "name": check.name,
        "uploader": check.uploader,
        "uploader_name": accounts.name_of(session, check.tenant, check.uploader),
        "brought": check.created,
        "judged": check.finished,
        "configuration": check.configuration,
    }
    entries = audit.about(session, actor.tenant, case.id, check.id, check.sha256)
    texts = {
        "case.json": _json(told),
        "custody.json": _json(custody),
        "audit.jsonl": "".join(entries),
        "audit-anchor.txt": f"{audit.newest(session, actor.tenant)}\n",
    }
    take = takes.of(session, check)
    results = {"result.json": check.result, "take.json": take and take.result}
    return texts | {name: _json(result) for name, result in results.items() if result}


def _zipped(
    parts: Iterable[tuple[str, Iterable[bytes]]], moment: tuple[int, ...]
) -> Iterator[bytes]:
    outgoing, sums = _Outgoing(), ""
    with ZipFile(outgoing, "w") as archive:
        for name, chunks in parts:
            digest = hashlib.sha256()
            with archive.open(_entry(name, moment), "w", force_zip64=True) as file:
                for chunk in chunks:
                    digest.update(chunk)
                    file.write(chunk)
                    yield outgoing.taken()
            sums += f"{digest.hexdigest()}  {name}\n"
        archive.writestr(_entry("files.sha256", moment), sums)
    yield outgoing.taken()


def _entry(name: str, moment: tuple[int, ...]) -> ZipInfo:
    year, month, day, hour, minute, second = moment
    entry = ZipInfo(name, (year, month, day, hour, minute, second))
    entry.compress_type = ZIP_STORED if name.startswith("media") else ZIP_DEFLATED
    return entry


def _ending(name: str) -> str:
    """Returns the ending of a stranger's file name, if it is harmless."""
    found = re.search(r"\.[A-Za-z0-9]{1,8}$", name)
    return found[0].lower() if found else ""


def _columns(row: Base, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
