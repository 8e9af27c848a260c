"""The course of a case: its states, the acts that change them, and who may do each act.

Nothing else changes a state.

    open ─────decide────> decided ──appeal──> appealed ──decide──> decided
    reopened ─decide────> decided ──correct─> decided
                          decided ──reopen──> reopened             appealed ──reopen──> appealed

A contested decision is reviewed by a person, and by another one than decided it (Regulation (EU)
2022/2065, the Digital Services Act, article 20 (6)). A correction needs another person, too, and a
case reopened by a new finding needs a person: otherwise whoever decided, or a program, could decide
the same case again in another way. While an appeal waits, a new finding is noted and the appeal
goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from unmask.messages import Message
from unmask.service.people.actor import SCOPES, Actor, Role, Scope
from unmask.service.problems import Problem
from unmask.service.store.tables import Account, CaseEvent, CaseFile, Check


class CaseState(StrEnum):
    """State of a case."""

    OPEN = "open"
    DECIDED = "decided"
    APPEALED = "appealed"
    REOPENED = "reopened"


class CaseAct(StrEnum):
    """An act on a case."""

    DECIDE = "decide"
    CORRECT = "correct"
    APPEAL = "appeal"
    REOPEN = "reopen"


class By(StrEnum):
    """Actor of an act.

    This is anybody who decides cases, a person who does, the uploader or anybody who decides cases,
    or Unmask itself.
    """

    REVIEWER = "reviewer or program"
    PERSON = "person"
    UPLOADER = "uploader or reviewer"
    SERVICE = "service"


class Apart(StrEnum):
    """Earlier deciders who may not do an act, as long as somebody else may do it."""

    NOBODY = "nobody"
    LATEST = "who decided last"
    ALL = "whoever decided in this case"


@dataclass(frozen=True, slots=True)
class Transition:
    """Target state of an act, who may do it, and who may not."""

    to: CaseState
    by: By
    apart: Apart = Apart.NOBODY


COURSE: dict[tuple[CaseState, CaseAct], Transition] = {
    (CaseState.OPEN, CaseAct.DECIDE): Transition(CaseState.DECIDED, By.REVIEWER),
    (CaseState.REOPENED, CaseAct.DECIDE): Transition(CaseState.DECIDED, By.PERSON),
    (CaseState.APPEALED, CaseAct.DECIDE): Transition(CaseState.DECIDED, By.PERSON, Apart.LATEST),
    (CaseState.DECIDED, CaseAct.CORRECT): Transition(CaseState.DECIDED, By.PERSON, Apart.ALL),
    (CaseState.DECIDED, CaseAct.APPEAL): Transition(CaseState.APPEALED, By.UPLOADER),
    (CaseState.DECIDED, CaseAct.REOPEN): Transition(CaseState.REOPENED, By.SERVICE),
    (CaseState.APPEALED, CaseAct.REOPEN): Transition(CaseState.APPEALED, By.SERVICE),
    (CaseState.OPEN, CaseAct.REOPEN): Transition(CaseState.OPEN, By.SERVICE),
    (CaseState.REOPENED, CaseAct.REOPEN): Transition(CaseState.REOPENED, By.SERVICE),
}
"""All transitions there are; any other is refused."""

WAITING = tuple(state for state in CaseState if (state, CaseAct.DECIDE) in COURSE)
"""States in which somebody has to decide."""

DECISIONS = ("decision", "correction")
"""Kinds of case events that are decisions."""


def enter(session: Session, actor: Actor, case: CaseFile, check: Check, act: CaseAct) -> None:
    """Moves a case, whose row is locked, to the state that an act leads to.

    Raises:
        Problem: 409, it cannot be done in this state; 403, not by this actor.
    """
    step = COURSE.get((CaseState(case.state), act))
    if step is None:
        why = Message("refusal.decided") if act is CaseAct.DECIDE else Message("refusal.undecided")
        raise Problem(409, "Not in this state", why)
    _check_by(step.by, actor, check)
    _check_apart(session, step.apart, actor, case)
    case.state = step.to


def reviewers(tenant: str) -> tuple[ColumnElement[bool], ...]:
    """Returns conditions for the accounts that may decide cases."""
    roles = [role for role in Role if Scope.CASES in SCOPES[role]]
    return Account.tenant == tenant, Account.active.is_(True), Account.role.in_(roles)


def _check_by(by: By, actor: Actor, check: Check) -> None:
    decides = Scope.CASES in actor.scopes
    brought = Scope.UPLOAD in actor.scopes and check.uploader == actor.id
    if by is By.PERSON and decides and actor.kind != "account":
        raise Problem(403, "Not allowed", Message("refusal.person_decides"))
    may = {
        By.REVIEWER: decides,
        By.PERSON: decides,
        By.UPLOADER: decides or brought,
        By.SERVICE: actor.kind == "system",
    }
    if not may[by]:
        raise Problem(403, "Not allowed", Message("refusal.not_this_act"))


def _check_apart(session: Session, apart: Apart, actor: Actor, case: CaseFile) -> None:
    if apart is Apart.NOBODY:
        return
    told = select(CaseEvent.actor).where(CaseEvent.case == case.id, CaseEvent.kind.in_(DECISIONS))
    before = session.scalars(told.order_by(CaseEvent.number.desc())).all()
    excluded = {
        one.removeprefix("account:") for one in (before[:1] if apart is Apart.LATEST else before)
    }
    others = select(func.count()).where(Account.id.not_in(excluded), *reviewers(case.tenant))
    if actor.id in excluded and session.scalar(others):
        raise Problem(403, "Second reviewer", Message("refusal.second_reviewer"))
