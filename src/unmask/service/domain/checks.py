"""Checks: accepting a file, recording its result, finding checks again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unmask.errors import encodable, printable
from unmask.messages import Message
from unmask.service.confined.judging import JudgeAnswer
from unmask.service.domain import cases, quotas, reliance, webhooks
from unmask.service.domain.naming import matching
from unmask.service.domain.tenancy import newest, owned
from unmask.service.people import audit
from unmask.service.people.actor import Actor, system
from unmask.service.problems import Problem
from unmask.service.store import storage
from unmask.service.store.database import insert_new, now
from unmask.service.store.jobs import end, held, requeue
from unmask.service.store.service import Service
from unmask.service.store.tables import Check, LicenceDocument, Media, Registration, new_id

LONGEST_NAME = 200
"""Maximum characters kept of a file's name."""


@dataclass(frozen=True, slots=True)
class Received:
    """A file that was received completely.

    It has the name of the object in storage that holds it, its sha256 (hexadecimal) and its size,
    bytes.
    """

    object: str
    sha256: str
    bytes: int


def accept(
    session: Session,
    service: Service,
    actor: Actor,
    received: Received,
    name: str,
    options: dict[str, Any],
    uploader: str,
    announced: bool = False,
) -> tuple[Check, bool]:
    """Queues the judging of a file, in one transaction with whatever else is done in ``session``.

    The same bytes under the same configuration are judged once per tenant. If the file's media was
    deleted meanwhile, or its judging never came to an end, it is judged again.

    Args:
        options: of the check, see `unmask.service.api.checks.Options`.
        uploader: id of the actor who brought it.
        announced: whether the quotas let the file in before it came.

    Returns:
        The check, and whether it is new.

    Raises:
        Problem: 429 or 507, the quotas of the organisation.
    """
    take = keep if announced else admit
    revived = take(session, service, actor, received)
    configuration = _configuration(session, actor.tenant, options)
    key = {"tenant": actor.tenant, "sha256": received.sha256, "configuration": configuration}
    values = {
        "id": new_id(),
        "name": clean(name),
        "options": options,
        "uploader": uploader,
        "created": now(session),
    }
    new = insert_new(session, Check, **key, **values)
    check = session.scalars(select(Check).filter_by(**key).with_for_update()).one()
    if new:
        audit.record(session, actor, "check.created", check.id, sha256=check.sha256)
    elif revived or check.state == "failed":
        again(session, actor, check)
    return check, new


def rejudge(session: Session, actor: Actor, check: str) -> Check:
    """Queues a check to be judged again, with the weights and known originals of today.

    Returns:
        The check, or another check of the same file that was already judged with these.

    Raises:
        Problem: 404, no such check; 410, its media has been deleted; 429, too many checks wait.
    """
    found = find(session, actor, check)
    media = session.scalars(
        select(Media).filter_by(tenant=found.tenant, sha256=found.sha256).with_for_update()
    ).one()
    if media.deleted is not None:
        raise deleted()
    configuration = _configuration(session, found.tenant, found.options)
    same = select(Check).filter_by(
        tenant=found.tenant, sha256=found.sha256, configuration=configuration
    )
    other = session.scalar(same.where(Check.id != found.id))
    if other is not None:
        return other
    if found.finished is not None:
        quotas.admit_again(session, actor.tenant)
    session.refresh(found, with_for_update=True)
    found.configuration = configuration
    again(session, actor, found)
    return found


def again(session: Session, actor: Actor, check: Check) -> None:
    """Queues a finished check anew, behind all that wait and with all its attempts.

    A check that is still waiting or being judged just goes on.

    Its result stays in the row until the next one replaces it, to be compared with it.
    """
    if check.finished is None:
        return
    requeue(session, check)
    audit.record(
        session, actor, "check.repeated", check.id, sha256=check.sha256, verdict=check.verdict
    )


def admit(
    session: Session, service: Service, actor: Actor, received: Received, check: bool = True
) -> bool:
    """Keeps a received file as `keep` does, if the quotas of the organisation allow it.

    They are looked at before the file is moved, which may copy all of it, but bind only after
    that, so that nobody else of the organisation waits for the move.

    Raises:
        Problem: as `quotas.admit`; the file is not kept then.
    """
    quotas.look(session, actor.tenant, received.bytes, check)
    moved = keep(session, service, actor, received)
    try:
        quotas.admit(session, actor.tenant, 0, check)
    except Problem:
        if moved:
            service.storage.delete(storage.media(actor.tenant, received.sha256))
        raise
    return moved


def keep(session: Session, service: Service, actor: Actor, received: Received) -> bool:
    """Keeps a received file as the tenant's media, once.

    It returns whether the bytes were missing until now.
    """
    key = {"tenant": actor.tenant, "sha256": received.sha256}
    new = insert_new(session, Media, **key, bytes=received.bytes, stored=now(session))
    media = session.scalars(select(Media).filter_by(**key).with_for_update()).one()
    if not (new or media.deleted is not None or _lost(service, media)):
        service.storage.discard(received.object)
        return False
    media.deleted, media.stored, media.bytes = None, now(session), received.bytes
    session.flush()
    service.storage.move(received.object, storage.media(**key))
    return True


def _lost(service: Service, media: Media) -> bool:
    """Tells whether the bytes are gone though nobody deleted them.

    The same file sent again repairs that.
    """
    return not service.storage.exists(storage.media(media.tenant, media.sha256))


def clean(name: str) -> str:
    """Returns a file's name for display: without folders, on one line, of bounded length.

    It is never used as a path.
    """
    last = encodable(name).replace("\\", "/").rstrip("/").rpartition("/")[2]
    return printable(last)[:LONGEST_NAME] or "file"


def find(session: Session, actor: Actor, check: str) -> Check:
    """Returns the tenant's check with this id.

    Raises:
        Problem: 404, also where it is another tenant's.
    """
    return owned(session, Check, actor, check, "check")


def deleted() -> Problem:
    """Returns the problem for a file that has been deleted."""
    return Problem(410, "Deleted", Message("refusal.deleted"))


def search(
    session: Session,
    actor: Actor,
    limit: int,
    before: str | None = None,
    state: str | None = None,
    verdict: str | None = None,
    words: str = "",
    since: float | None = None,
    until: float | None = None,
) -> Sequence[Check]:
    """Lists the tenant's checks, the newest first.

    Args:
        limit: maximum number of checks.
        before: id of the last check of the page before.
        state, verdict: only checks with these.
        words: only checks that match them, see `naming`.
        since, until: only checks accepted at or after the first time and before the second, s since
            1970.
    """
    found = select(Check).where(Check.tenant == actor.tenant)
    if state:
        found = found.where(Check.state == state)
    if verdict:
        found = found.where(Check.verdict == verdict)
    if since is not None:
        found = found.where(Check.created >= since)
    if until is not None:
        found = found.where(Check.created < until)
    return newest(session, Check, found.where(*matching(words)), limit, before)


def kept(session: Session, actor: Actor, files: Sequence[str]) -> set[str]:
    """Returns those of the tenant's files, by sha256, whose media was not deleted."""
    there = Media.tenant == actor.tenant, Media.sha256.in_(files), Media.deleted.is_(None)
    return set(session.scalars(select(Media.sha256).where(*there)))


def conclude(service: Service, job: Check, answer: JudgeAnswer, state: str = "done") -> bool:
    """Writes a result and all that follows from it, in one transaction.

    It returns False if the job was lost to another worker.

    Args:
        answer: the judge's answer, or why there is none.
        state: ``done``, or ``failed`` where no attempt came to an end.
    """
    with held(service.database, job) as (session, check):
        if check is None:
            return False
        key = check.tenant, check.sha256, check.id
        for name, content in (
            (storage.report(*key), answer.page),
            (storage.pictures(*key), answer.pictures),
        ):
            if content:
                service.storage.put(name, content)
        before = check.outcome
        found = answer.result
        check.result, check.verdict, check.log10_lr = found.plain(), found.verdict, found.log10_lr
        reliance.note(session, check, found)
        end(session, check, state)
        actor = system(check.tenant)
        audit.record(session, actor, f"check.{state}", check.id, verdict=check.verdict)
        case = cases.reopen(session, check, before)
        if case is None and check.outcome in service.settings.open_cases_for:
            cases.open_for(session, actor, check)
        webhooks.announce(session, check.tenant, f"check.{state}", webhooks.about_check(check))
        return True


def _configuration(session: Session, tenant: str, options: dict[str, Any]) -> str:
    """Returns a sha256 over all that a result depends on besides the file.

    This includes the tenant's known originals and licences.
    """
    known = select(func.max(Registration.finished)).filter_by(tenant=tenant, state="done")
    whole = {
        **_software(),
        "originals": session.scalar(known),
        "options": options,
    }
    licences = session.scalar(select(func.max(LicenceDocument.updated)).filter_by(tenant=tenant))
    if licences is not None:
        whole["licences"] = licences
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


@cache
def _software() -> dict[str, Any]:
    from unmask import calibrations

    return {"unmask": version("unmask"), "weights": calibrations.digests()}
