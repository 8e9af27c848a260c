"""The course of a case: every act in every state, by every role and kind of key.

No other way leads to a state.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests.service.desk import Desk
from unmask.service.domain import cases
from unmask.service.domain.cases import Decision
from unmask.service.domain.course import COURSE, CaseAct, CaseState
from unmask.service.people.actor import Actor, Role, Scope
from unmask.service.problems import Problem
from unmask.service.store.tables import Account, Check

PEOPLE = ("vera", "rob", "rita", "ada")
"""A viewer, two reviewers, an admin."""

KEYS: dict[str, tuple[Scope, ...]] = {
    "reading key": (Scope.READ,),
    "uploader": (Scope.READ, Scope.UPLOAD),
    "other uploader": (Scope.READ, Scope.UPLOAD),
    "deciding key": (Scope.READ, Scope.CASES),
    "admin key": (Scope.ADMIN,),
    "whole key": tuple(Scope),
}

DECIDING = {"rob", "rita", "ada", "deciding key", "whole key"}
PERSONS = {"rob", "rita", "ada"}

MAY: dict[tuple[str, CaseAct], set[str]] = {
    ("open", CaseAct.DECIDE): DECIDING,
    ("decided", CaseAct.CORRECT): PERSONS - {"rob"},
    ("decided", CaseAct.APPEAL): DECIDING | {"uploader"},
    ("appealed", CaseAct.DECIDE): PERSONS - {"rob"},
    ("restored", CaseAct.CORRECT): PERSONS - {"rob", "rita"},
    ("restored", CaseAct.APPEAL): DECIDING | {"uploader"},
    ("corrected", CaseAct.CORRECT): PERSONS - {"rob", "rita"},
    ("corrected", CaseAct.APPEAL): DECIDING | {"uploader"},
    ("reopened", CaseAct.DECIDE): PERSONS,
}
"""Actors allowed to do an act in a state; all others are refused.

Rob decided first; rita decided on appeal or corrected him.
"""

WAYS = {
    "open": "",
    "decided": "rob decides",
    "appealed": "rob decides, uploader appeals",
    "restored": "rob decides, uploader appeals, rita restores",
    "corrected": "rob decides, rita corrects",
    "reopened": "rob decides, service reopens",
}


class Stage:
    """One case in a state, and everybody who may try something on it.

    Args:
        desk: the service.
        way: the acts by which the case came there.
    """

    def __init__(self, desk: Desk, way: str) -> None:
        self.desk, self.actors = desk, {person: desk.actor(person) for person in PEOPLE}
        ids = {name: desk.key(*scopes)[0] for name, scopes in KEYS.items()}
        tenant = desk.tenants["ours"]
        self.actors |= {
            name: Actor(tenant, "key", ids[name], name, frozenset(KEYS[name])) for name in KEYS
        }
        self.check = desk.check(uploader=ids["uploader"])
        with desk.database.transaction() as session:
            self.case = cases.open_for(
                session, desk.system(), session.get_one(Check, self.check)
            ).id
            for step in filter(None, way.split(", ")):
                self._step(session, *step.split())

    def _step(self, session: Session, who: str, what: str) -> None:
        if what == "reopens":
            self.reopen(session, "no change found")
        elif what == "appeals":
            cases.appeal(session, self.actors[who], self.case, "It is satire.")
        else:
            decision = Decision.RESTORE if what == "restores" else Decision.TAKE_DOWN
            self.decide(session, self.actors[who], decision, correcting=what == "corrects")

    def decide(self, session: Session, actor: Actor, decision: Decision, correcting: bool) -> None:
        rule = "Terms, 4.2" if decision in cases.RESTRICTIONS else ""
        cases.decide(session, actor, self.case, decision, "As seen.", rule, correcting=correcting)

    def reopen(self, session: Session, outcome: str) -> None:
        check = session.get_one(Check, self.check)
        before, check.verdict = check.outcome, outcome
        check.result = {**(check.result or {}), "outcome": outcome}
        cases.reopen(session, check, before)

    def state(self) -> str:
        with self.desk.database.reading() as session:
            return cases.get(session, self.actors["vera"], self.case)[0].state

    def tries(self, actor: Actor, act: CaseAct) -> int:
        """Tries an act and takes it back; returns 201, or the status of the refusal."""
        do: dict[CaseAct, Callable[[Session], object]] = {
            CaseAct.DECIDE: lambda session: self.decide(
                session, actor, Decision.KEEP, correcting=False
            ),
            CaseAct.CORRECT: lambda session: self.decide(
                session, actor, Decision.KEEP, correcting=True
            ),
            CaseAct.APPEAL: lambda session: cases.appeal(
                session, actor, self.case, "It is satire."
            ),
        }
        try:
            with self.desk.database.transaction() as session:
                do[act](session)
                raise Problem(201, "Done", "and taken back")
        except Problem as problem:
            return problem.status


@pytest.mark.slow
@pytest.mark.parametrize("place", WAYS)
def test_every_act_by_every_role_and_key(desk: Desk, place: str) -> None:
    stage = Stage(desk, WAYS[place])
    for act in (CaseAct.DECIDE, CaseAct.CORRECT, CaseAct.APPEAL):
        done = {name for name, actor in stage.actors.items() if stage.tries(actor, act) == 201}
        assert done == MAY.get((place, act), set()), (place, act)
        refused = {
            stage.tries(actor, act) for name, actor in stage.actors.items() if name not in done
        }
        assert refused == ({403} if (place, act) in MAY else {409})
        assert stage.tries(desk.actor("rob", "theirs"), act) == 404


@pytest.mark.parametrize(
    ("place", "then"),
    [
        ("open", "open"),
        ("decided", "reopened"),
        ("appealed", "appealed"),
        ("reopened", "reopened"),
        ("restored", "reopened"),
    ],
)
def test_only_another_outcome_reopens_and_an_appeal_goes_on(
    desk: Desk, place: str, then: str
) -> None:
    stage = Stage(desk, WAYS[place])
    before = stage.state()
    with desk.database.transaction() as session:
        check = session.get_one(Check, stage.check)
        cases.reopen(session, check, check.outcome)
    assert stage.state() == before
    with desk.database.transaction() as session:
        stage.reopen(session, "cannot tell")
    assert stage.state() == then


def test_a_restriction_stands_while_a_case_is_reopened_and_can_be_taken_back(desk: Desk) -> None:
    stage = Stage(desk, WAYS["reopened"])
    with desk.database.transaction() as session:
        stage.decide(session, stage.actors["rob"], Decision.RESTORE, correcting=False)
    assert stage.state() == "decided"


def test_where_nobody_else_is_left_the_same_person_may(desk: Desk) -> None:
    stage = Stage(desk, WAYS["decided"])
    with desk.database.transaction() as session:
        session.execute(
            update(Account).where(Account.id != desk.account("rob").id).values(active=False)
        )
    assert stage.tries(stage.actors["rob"], CaseAct.CORRECT) == 201


def test_every_state_can_be_left_and_the_table_stands_in_the_docs() -> None:
    assert {state for state, _ in COURSE} == set(CaseState)
    docs = (Path(__file__).parents[3] / "docs" / "service-security.md").read_text()
    rows = {
        f"| {state} | {act} | {to.to} | {to.by} | {to.apart} |"
        for (state, act), to in COURSE.items()
    }
    assert {row for row in docs.splitlines() if row in rows} == rows


def test_no_program_makes_or_opens_an_account(desk: Desk) -> None:
    program = desk.program(desk.key(*Scope)[1])
    path, form = (
        f"/api/v1/accounts/{desk.account('vera').id}",
        {"name": "Eve", "email": "eve@ours.example"},
    )
    new = {**form, "role": Role.REVIEWER, "password": "violet tram under nine moons"}
    assert program.post("/api/v1/accounts", json=new).status_code == 403
    assert program.patch(path, json={"role": "admin"}).status_code == 403
    assert program.patch(path, json={"password": "violet tram under nine moons"}).status_code == 403
    assert program.patch(path, json={"active": False}).status_code == 200
    assert program.patch(path, json={"active": True}).status_code == 403
    assert desk.browser(person="ada").patch(path, json={"active": True}).status_code == 200
