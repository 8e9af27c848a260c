"""Cases: what people decide about a check, from opening to decision; see `course` for the order.

A decision has grounds; one that restricts the file names the rule behind it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy import case as when
from sqlalchemy.orm import Session

from unmask import words
from unmask.errors import printable
from unmask.messages import Message
from unmask.service.domain import notices, webhooks
from unmask.service.domain.course import WAITING, CaseAct, CaseState, enter, reviewers
from unmask.service.domain.naming import matching
from unmask.service.domain.notices import Decided
from unmask.service.people import audit
from unmask.service.people.actor import Actor, system
from unmask.service.problems import Problem, not_found
from unmask.service.store.database import now
from unmask.service.store.tables import Account, CaseEvent, CaseFile, Check

LONGEST = 10_000
"""Maximum characters of a text that a person writes on a case."""


class Decision(StrEnum):
    """The decision on the file: nothing, a label, removal, or the end of a restriction."""

    KEEP = "keep"
    LABEL = "label"
    TAKE_DOWN = "take down"
    RESTORE = "restore"


RESTRICTIONS = frozenset({Decision.LABEL, Decision.TAKE_DOWN})
"""Decisions that need a rule behind them, and can be taken back."""

TOLD = {
    "opened": "case.opened", "decision": "case.decided", "correction": "case.corrected",
    "appeal": "case.appealed", "reopened": "case.reopened",
}  # fmt: skip
"""Events that webhooks are told of, by the kind of case event."""


@dataclass(frozen=True, slots=True)
class CaseQuery:
    """Filter for the cases of a queue; None for any.

    Attributes:
        states: of the cases.
        verdict: of the check.
        decision: the latest.
        assigned: account the case is assigned to; empty for unassigned cases.
        check: its id.
        outcome: of the check: its verdict, ``no face`` or ``not judged``.
        words: only cases of files that match them, see `naming`.
    """

    states: Sequence[CaseState] = WAITING
    verdict: str | None = None
    decision: Decision | None = None
    assigned: str | None = None
    check: str | None = None
    outcome: str | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class CasesPage:
    """Cases and their checks in queue order, and the next page's cursor, None at the end."""

    cases: tuple[tuple[CaseFile, Check], ...]
    next: str | None


def open_for(session: Session, actor: Actor, check: Check) -> CaseFile:
    """Returns the case of a check, opening one if there is none.

    Raises:
        Problem: 409, the check is not done.
    """
    found = session.scalar(
        select(CaseFile).where(CaseFile.check == check.id, CaseFile.tenant == actor.tenant)
    )
    if found is not None:
        return found
    if check.state != "done":
        raise Problem(
            409, "Not judged", "the check has no result yet; open the case when it has one"
        )
    opened = CaseFile(tenant=check.tenant, check=check.id)
    session.add(opened)
    session.flush()
    _note(session, actor, opened, "opened", "")
    audit.record(session, actor, "case.opened", opened.id, check=check.id, verdict=check.verdict)
    return opened


def get(session: Session, actor: Actor, case: str) -> tuple[CaseFile, Check]:
    """Returns a case of the actor's organisation, and its check.

    Raises:
        Problem: 404, there is none with this id.
    """
    return _found(session, actor, case, lock=False)


def events(session: Session, actor: Actor, case: str) -> list[CaseEvent]:
    """Returns the events of a case, in order.

    ``kind`` is opened, note, assigned, decision, correction, appeal, reopened or notice.

    Raises:
        Problem: 404, there is none with this id.
    """
    get(session, actor, case)
    return list(
        session.scalars(select(CaseEvent).where(CaseEvent.case == case).order_by(CaseEvent.number))
    )


def of_same_file(session: Session, check: Check) -> list[tuple[Check, CaseFile | None]]:
    """Returns the other checks of a file, the newest first, each with its case if it has one."""
    query = (
        select(Check, CaseFile)
        .outerjoin(CaseFile, CaseFile.check == Check.id)
        .order_by(Check.id.desc())
    )
    same = query.where(
        Check.tenant == check.tenant, Check.sha256 == check.sha256, Check.id != check.id
    )
    return [(row[0], row[1]) for row in session.execute(same)]


def waiting(session: Session, tenant: str) -> int:
    """Counts an organisation's cases that wait for a decision."""
    count = select(func.count()).where(CaseFile.tenant == tenant, CaseFile.state.in_(WAITING))
    return session.scalar(count) or 0


def note(session: Session, actor: Actor, case: str, text: str) -> CaseEvent:
    """Adds a note for the other reviewers.

    Raises:
        Problem: 404, no such case; 422, no text.
    """
    found, _ = _found(session, actor, case)
    event = _note(session, actor, found, "note", _worded(text))
    audit.record(session, actor, "case.noted", found.id)
    return event


def assign(session: Session, actor: Actor, case: str, account: str | None) -> CaseFile:
    """Assigns a case to a reviewer, or to nobody.

    Raises:
        Problem: 404, no such case; 422, the account is none that may decide.
    """
    found, _ = _found(session, actor, case)
    name = ""
    if account is not None:
        person = session.scalar(
            select(Account).where(Account.id == account, *reviewers(actor.tenant))
        )
        if person is None:
            raise Problem(422, "No reviewer", Message("refusal.no_reviewer"))
        name = person.name
    found.assigned = account
    _note(session, actor, found, "assigned", name)
    audit.record(session, actor, "case.assigned", found.id, to=account)
    return found


def decide(
    session: Session,
    actor: Actor,
    case: str,
    decision: Decision,
    grounds: str,
    rule: str = "",
    illegal: bool = False,
    seen: float | None = None,
    correcting: bool = False,
) -> CaseFile:
    """Decides a case, or corrects its decision, and writes the notices to the uploader.

    Args:
        session: a transaction.
        actor: who decides.
        case: which.
        decision: what becomes of the file.
        grounds: the facts and why, as the uploader will read them.
        rule: the law, or the clause of the terms of use, that the file breaks; needed for a
            restriction.
        illegal: whether the rule is a law.
        seen: ``updated`` of the case as the actor saw it; None to decide whatever happened
            meanwhile.
        correcting: whether to correct a wrong decision that nobody contests.

    Raises:
        Problem: 404, no such case; 422, no grounds or no rule; 409, it cannot be decided or
            corrected in its state, there is nothing to restore, or the case has changed since; 403,
            somebody else has to decide.
    """
    found, check = _found(session, actor, case)
    grounds, rule = _worded(grounds), printable(rule.strip())
    if decision in RESTRICTIONS and not rule:
        raise Problem(422, "No rule", Message("refusal.no_rule"))
    if decision is Decision.RESTORE and found.decision not in RESTRICTIONS:
        raise Problem(409, "Nothing to restore", Message("refusal.nothing_restricted"))
    if seen is not None and found.updated != seen:
        raise Problem(409, "Case has changed", Message("refusal.case_changed"))
    appealed = found.state == CaseState.APPEALED
    enter(session, actor, found, check, CaseAct.CORRECT if correcting else CaseAct.DECIDE)
    found.decision = decision
    kind, action = ("correction", "case.corrected") if correcting else ("decision", "case.decided")
    event = _note(
        session, actor, found, kind, grounds, decision=decision, rule=rule, illegal=illegal
    )
    audit.record(
        session,
        actor,
        action,
        found.id,
        decision=decision,
        rule=rule,
        illegal=illegal,
        on_appeal=appealed,
    )
    _notify(
        session,
        actor,
        found,
        check,
        Decided(decision, grounds, rule, illegal, appealed, event.created),
    )
    return found


def appeal(session: Session, actor: Actor, case: str, text: str) -> CaseFile:
    """Contests a decision, for the uploader or for a reviewer on their behalf.

    Raises:
        Problem: 404, no such case; 403, somebody else's; 409, nothing is decided; 422, no text.
    """
    found, check = _found(session, actor, case)
    enter(session, actor, found, check, CaseAct.APPEAL)
    _note(session, actor, found, "appeal", _worded(text))
    audit.record(session, actor, "case.appealed", found.id)
    return found


def reopen(session: Session, check: Check, before: str | None) -> CaseFile | None:
    """Reopens the case of a check that was judged again with another outcome than ``before``.

    Returns:
        The case, None if there is none.
    """
    actor = system(check.tenant)
    case = session.scalar(select(CaseFile).where(CaseFile.check == check.id).with_for_update())
    if case is not None and check.outcome != before:
        enter(session, actor, case, check, CaseAct.REOPEN)
        _note(session, actor, case, "reopened", "")
        audit.record(session, actor, "case.reopened", case.id, before=before, outcome=check.outcome)
    return case


def queue(
    session: Session,
    actor: Actor,
    wanted: CaseQuery = CaseQuery(),
    cursor: str | None = None,
    limit: int = 50,
) -> CasesPage:
    """Lists cases in queue order: appeals first, then the strongest evidence, then the oldest.

    Args:
        session: to read with.
        actor: whose organisation's cases.
        wanted: the filter.
        cursor: ``next`` of the page before; None for the first.
        limit: maximum number of cases.

    Raises:
        Problem: 422, not a cursor.
    """
    key = tuple_(*_order())
    query = (
        select(CaseFile, Check, *_order())
        .join(Check, Check.id == CaseFile.check)
        .where(
            CaseFile.tenant == actor.tenant, CaseFile.state.in_(wanted.states), *_filters(wanted)
        )
        .order_by(*_order())
        .limit(limit + 1)
    )
    if cursor is not None:
        query = query.where(key > tuple_(*_places(cursor)))
    rows = session.execute(query).all()
    more = _cursor(rows[limit - 1][2:]) if len(rows) > limit else None
    return CasesPage(tuple((row[0], row[1]) for row in rows[:limit]), more)


# ---------------------------------------------------------------- the order of the queue


def _order() -> tuple[Any, ...]:
    rank = when(
        (CaseFile.state == CaseState.APPEALED, 0), (CaseFile.state.in_(WAITING), 1), else_=2
    )
    return rank, -func.coalesce(Check.log10_lr, 0.0), CaseFile.created, CaseFile.id


def _filters(wanted: CaseQuery) -> list[ColumnElement[bool]]:
    pairs = (
        (Check.verdict, wanted.verdict),
        (CaseFile.decision, wanted.decision),
        (func.coalesce(CaseFile.assigned, ""), wanted.assigned),
        (CaseFile.check, wanted.check),
        (
            func.coalesce(Check.result["outcome"].as_string(), Check.verdict, "not judged"),
            wanted.outcome,
        ),
    )
    conditions = [column == value for column, value in pairs if value is not None]
    return [*conditions, *matching(wanted.words)]


def _cursor(places: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(places)).encode()).decode().rstrip("=")


def _places(cursor: str) -> tuple[int, float, float, str]:
    try:
        rank, strength, created, case = json.loads(
            base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        )
        return min(max(int(rank), 0), 9), float(strength), float(created), printable(str(case))
    except (ValueError, TypeError, OverflowError):
        raise Problem(
            422, "No cursor", "take the cursor from `next` of the page before, as it is"
        ) from None


# ---------------------------------------------------------------- writing


def _found(session: Session, actor: Actor, case: str, lock: bool = True) -> tuple[CaseFile, Check]:
    query = select(CaseFile, Check).join(Check, Check.id == CaseFile.check)
    query = query.where(CaseFile.id == case, CaseFile.tenant == actor.tenant)
    row = session.execute(query.with_for_update(of=CaseFile) if lock else query).first()
    if row is None:
        raise not_found("case")
    return row[0], row[1]


def _note(
    session: Session, actor: Actor, case: CaseFile, kind: str, text: str, **more: Any
) -> CaseEvent:
    number = session.scalar(select(func.count()).where(CaseEvent.case == case.id)) or 0
    case.updated = now(session)
    event = CaseEvent(
        tenant=case.tenant,
        case=case.id,
        number=number + 1,
        kind=kind,
        actor=f"{actor.kind}:{actor.id}",
        actor_name=actor.name,
        text=text,
        created=case.updated,
        **more,
    )
    session.add(event)
    session.flush()
    if kind in TOLD:
        about = {"id": case.id, "check": case.check, "state": case.state, "decision": case.decision}
        webhooks.announce(session, case.tenant, TOLD[kind], about)
    return event


def _notify(session: Session, actor: Actor, case: CaseFile, check: Check, decided: Decided) -> None:
    opener = session.scalar(
        select(CaseEvent).where(CaseEvent.case == case.id, CaseEvent.kind == "opened")
    )
    by_itself = opener is None or opener.actor.startswith("system:")
    for language in words.codes():
        text = notices.write(
            language, case, check, decided, by_itself, by_person=actor.kind == "account"
        )
        _note(session, actor, case, "notice", text, language=language)


def _worded(text: str) -> str:
    text = text.strip()
    if not text or len(text) > LONGEST or "\x00" in text:
        raise Problem(422, "No text", Message("refusal.say_why", {"fewest": 1, "most": LONGEST}))
    return text
