"""Takes: asking whether a check's video is one unbroken take, and recording the answer.

The question is about the file, so all checks of it share one. Its row and its pages are deleted
with the file.
"""

from __future__ import annotations

from importlib.metadata import version

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from unmask.messages import Message
from unmask.service.confined.judging import TakeAnswered
from unmask.service.domain import checks, quotas, webhooks
from unmask.service.people import audit
from unmask.service.people.actor import Actor, system
from unmask.service.problems import Problem, not_found
from unmask.service.store import storage
from unmask.service.store.database import now
from unmask.service.store.jobs import end, held
from unmask.service.store.service import Service
from unmask.service.store.tables import Check, Media, Take
from unmask.types import Kind
from unmask.words import codes, english

VERSION = version("unmask")
"""Version of this process, also after another was installed in its place."""


def ask(session: Session, actor: Actor, check: str) -> tuple[Take, bool]:
    """Queues the question for the file of a check, unless its answer `stands`.

    Returns:
        The take, and whether it was queued now.

    Raises:
        Problem: 404, no such check; 410, its media has been deleted; 422, it is a photo; 429, the
            quotas of the organisation.
    """
    found = checks.find(session, actor, check)
    if ((found.result or {}).get("media") or {}).get("kind") == Kind.PHOTO:
        raise Problem(422, "No video", Message("refusal.no_video"))
    key = {"tenant": found.tenant, "sha256": found.sha256}
    media = session.scalars(select(Media).filter_by(**key).with_for_update()).one()
    if media.deleted is not None:
        raise checks.deleted()
    take = session.scalar(select(Take).filter_by(**key).with_for_update())
    if take is not None and stands(take):
        return take, False
    if take is None:
        quotas.admit_take(session, actor.tenant)
        take = Take(**key)
        session.add(take)
    else:
        quotas.admit_again(session, actor.tenant)
    _queue(take, found.name, now(session))
    audit.record(session, actor, "take.asked", take.sha256, check=found.id)
    return take, True


def stands(take: Take) -> bool:
    """Tells whether asking again gives nothing new: it waits, or this version has answered it."""
    return take.finished is None or (take.answer is not None and take.version == VERSION)


def of(session: Session, check: Check) -> Take | None:
    """Returns the take of a check's file; None where nobody has asked."""
    return session.scalar(select(Take).filter_by(tenant=check.tenant, sha256=check.sha256))


def find(session: Session, actor: Actor, check: str) -> Take:
    """Returns the take of the file of a tenant's check.

    Raises:
        Problem: 404, no such check, or nobody has asked; 410, its media has been deleted.
    """
    found = checks.find(session, actor, check)
    if session.get_one(Media, (found.tenant, found.sha256)).deleted is not None:
        raise checks.deleted()
    take = of(session, found)
    if take is None:
        raise not_found("take")
    return take


def conclude(service: Service, job: Take, answer: TakeAnswered, state: str = "done") -> bool:
    """Writes an answer and its pages; False if the job was lost to another worker.

    Args:
        answer: the judge's answer, or why there is none.
        state: ``done``, or ``failed`` where no attempt came to an end.
    """
    with held(service.database, job) as (session, take):
        if take is None:
            return False
        key = take.tenant, take.sha256
        service.storage.delete(*(storage.take(*key, code) for code in codes()))
        for code, page in answer.pages.items():
            service.storage.put(storage.take(*key, code), page)
        take.result, take.version = answer.result.plain(), VERSION
        end(session, take, state)
        audit.record(session, system(take.tenant), f"take.{state}", take.sha256, answer=take.answer)
        webhooks.announce(session, take.tenant, f"take.{state}", webhooks.about_take(take))
        return True


def page(service: Service, take: Take, language: str) -> bytes:
    """Reads the page on an answer in a language; in English where it was not made in that one.

    Raises:
        FileNotFoundError: there is no page.
    """
    key, first = (take.tenant, take.sha256), storage.take(take.tenant, take.sha256, language)
    shown = first if service.storage.exists(first) else storage.take(*key, english().code)
    return service.storage.read(shown)


def forget(session: Session, media: Media) -> None:
    """Deletes the answer on a file whose media is deleted."""
    session.execute(delete(Take).filter_by(tenant=media.tenant, sha256=media.sha256))


def _queue(take: Take, name: str, moment: float) -> None:
    """Queues a take, new or finished, as the last one and with all its attempts."""
    take.name, take.version, take.created, take.result = name, VERSION, moment, None
    take.state, take.progress, take.finished, take.lease_until = "queued", 0.0, None, 0.0
    take.attempts = take.lapses = take.deaths = 0
