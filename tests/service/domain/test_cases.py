"""Cases: opened, ordered, decided, appealed, decided by another, and told to the uploader."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from tests import results
from tests.service.desk import Desk
from unmask.messages import Message, verbatim
from unmask.report.document import document
from unmask.service.domain import cases
from unmask.service.domain.cases import CaseQuery, CaseState, Decision
from unmask.service.people import audit
from unmask.service.people.actor import Actor, Scope
from unmask.service.problems import Problem
from unmask.service.store.tables import AuditEntry, CaseFile, Check

TERMS = "Terms of use, 4.2: no changed faces without a label"


def opened(desk: Desk, **check: Any) -> str:
    """Opens a case of the service for a new check; returns its id."""
    identity = desk.check(repr(check).encode(), **check)
    with desk.database.transaction() as session:
        return cases.open_for(session, desk.system(), session.get_one(Check, identity)).id


def decided(
    desk: Desk, case: str, person: str = "rob", decision: Decision = Decision.TAKE_DOWN, **more: Any
) -> None:
    rule = TERMS if decision in cases.RESTRICTIONS else ""
    with desk.database.transaction() as session:
        cases.decide(
            session, desk.actor(person), case, decision, "The face is another's.", rule=rule, **more
        )


def appealed(desk: Desk, case: str, actor: Actor | None = None) -> None:
    with desk.database.transaction() as session:
        cases.appeal(session, actor or desk.actor("rob"), case, "It is satire.")


def state(desk: Desk, case: str) -> tuple[str, str | None]:
    with desk.database.reading() as session:
        found, _ = cases.get(session, desk.actor("vera"), case)
        return found.state, found.decision


def refused(desk: Desk, status: int, do: Any, *arguments: Any, **more: Any) -> None:
    with pytest.raises(Problem) as problem:
        do(desk, *arguments, **more)
    assert problem.value.status == status


def test_a_case_is_decided_appealed_and_decided_by_another(desk: Desk) -> None:
    case = opened(desk)
    decided(desk, case)
    assert state(desk, case) == ("decided", "take down")
    appealed(desk, case)
    assert state(desk, case) == ("appealed", "take down")
    refused(desk, 403, decided, case, "rob", Decision.RESTORE)
    decided(desk, case, "rita", Decision.RESTORE)
    assert state(desk, case) == ("decided", "restore")
    appealed(desk, case)
    decided(desk, case, "rob", Decision.KEEP)
    with desk.database.reading() as session:
        actions = session.scalars(
            select(AuditEntry.action).where(AuditEntry.subject == case).order_by(AuditEntry.number)
        ).all()
        assert audit.verify(session, desk.tenants["ours"]).broken is None
    assert actions == ["case.opened", *["case.decided", "case.appealed"] * 2, "case.decided"]


def test_who_decided_decides_an_appeal_where_there_is_nobody_else(desk: Desk) -> None:
    case = opened(desk)
    decided(desk, case)
    appealed(desk, case)
    admin = desk.browser(person="ada")
    for other in ("rita", "vera"):
        admin.patch(f"/api/v1/accounts/{desk.account(other).id}", json={"active": False})
    refused(desk, 403, decided, case, "rob", Decision.RESTORE)
    decided(desk, case, "ada", Decision.LABEL)
    appealed(desk, case)
    admin.patch(f"/api/v1/accounts/{desk.account('rob').id}", json={"active": False})
    decided(desk, case, "ada", Decision.RESTORE)
    assert state(desk, case) == ("decided", "restore")


def test_a_program_may_decide_but_not_an_appeal(desk: Desk) -> None:
    case = opened(desk)
    _, secret = desk.key(Scope.CASES, Scope.READ, Scope.UPLOAD)
    program = desk.program(secret)
    form = {"decision": "take down", "grounds": "The face is another's.", "rule": TERMS}
    assert program.post(f"/api/v1/cases/{case}/decisions", json=form).status_code == 201
    assert "automated means" in program.get(f"/api/v1/cases/{case}/notices").json()[0]["text"]
    assert program.post(f"/api/v1/cases/{case}/appeals", json={"text": "No."}).status_code == 201
    assert program.post(f"/api/v1/cases/{case}/decisions", json=form).status_code == 403


def test_decisions_need_grounds_restrictions_a_rule_and_restoring_a_restriction(desk: Desk) -> None:
    case = opened(desk)
    reviewer = desk.browser(person="rob")

    def status(**form: Any) -> int:
        return reviewer.post(f"/api/v1/cases/{case}/decisions", json=form).status_code

    assert status(decision="keep", grounds="") == 422
    assert status(decision="keep", grounds=" \n") == 422
    assert status(decision="take down", grounds="It is changed.") == 422
    assert status(decision="restore", grounds="It is not changed.") == 409
    assert status(decision="burn", grounds="It is changed.") == 422
    assert status(decision="keep", grounds="It is satire.") == 201


def test_nobody_decides_over_another(either_desk: Desk) -> None:
    case = opened(either_desk)
    with either_desk.database.reading() as session:
        seen = cases.get(session, either_desk.actor("rob"), case)[0].updated

    def decide(person: str) -> int:
        try:
            decided(either_desk, case, person, Decision.KEEP, seen=seen)
        except Problem as problem:
            return problem.status
        return 201

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(decide, ("rob", "rita"))) == [201, 409]


def test_only_the_uploader_or_a_reviewer_appeals(desk: Desk) -> None:
    mine, secret = desk.key(Scope.READ, Scope.UPLOAD)
    _, other = desk.key(Scope.READ, Scope.UPLOAD)
    case = opened(desk, uploader=mine)
    path, form = f"/api/v1/cases/{case}/appeals", {"text": "It is satire."}
    assert desk.program(secret).post(path, json=form).status_code == 409
    decided(desk, case)
    assert desk.program(other).post(path, json=form).status_code == 403
    assert desk.browser(person="vera").post(path, json=form).status_code == 403
    assert desk.program(secret).post(path, json=form).json()["state"] == "appealed"


def test_the_queue_has_appeals_first_then_strength_then_age(desk: Desk) -> None:
    weak, strong, old, unknown, appeal, done = (
        opened(desk, log10_lr=1.0, name="weak"),
        opened(desk, log10_lr=4.0, name="strong"),
        opened(desk, log10_lr=2.0, name="old"),
        opened(desk, log10_lr=None, verdict="cannot tell", name="unknown"),
        opened(desk, log10_lr=0.5, name="appeal"),
        opened(desk, log10_lr=5.0, name="done"),
    )
    young = opened(desk, log10_lr=2.0, name="young")
    for case in (appeal, done):
        decided(desk, case)
    appealed(desk, appeal)
    viewer = desk.browser(person="vera")

    def walk(**asked: Any) -> list[str]:
        found, cursor = [], None
        while True:
            page = viewer.get(
                "/api/v1/cases",
                params={**asked, "limit": 2, **({"cursor": cursor} if cursor else {})},
            )
            found += [case["id"] for case in page.json()["cases"]]
            if (cursor := page.json()["next"]) is None:
                return found

    assert walk() == [appeal, strong, old, young, weak, unknown]
    assert walk(state="decided") == [done]
    assert walk(verdict="cannot tell") == [unknown]
    assert walk(state=["decided", "appealed"], decision="take down") == [appeal, done]
    assert walk(assigned=desk.account("rob").id) == []
    with desk.database.transaction() as session:
        cases.assign(session, desk.actor("rob"), old, desk.account("rob").id)
    assert walk(assigned=desk.account("rob").id) == [old]


@pytest.mark.parametrize(
    "cursor", ["x", "AAAA", "WzEsMiwzXQ", "bnVsbA", "WzEsIngiLDMsIjQiXQ", "%00", "é"]
)
def test_what_is_no_cursor_is_refused(desk: Desk, cursor: str) -> None:
    answer = desk.browser(person="vera").get("/api/v1/cases", params={"cursor": cursor})
    assert answer.status_code == 422


def test_cases_are_given_to_those_who_may_decide(desk: Desk) -> None:
    case = opened(desk)
    reviewer = desk.browser(person="rob")
    path = f"/api/v1/cases/{case}/assignment"
    assert (
        reviewer.put(path, json={"account": desk.account("rita").id}).json()["assigned"]
        == desk.account("rita").id
    )
    assert reviewer.put(path, json={"account": desk.account("vera").id}).status_code == 422
    assert reviewer.put(path, json={"account": desk.account("rob", "theirs").id}).status_code == 422
    assert reviewer.put(path, json={"account": None}).json()["assigned"] is None


def test_all_that_happened_is_kept_in_order(desk: Desk) -> None:
    case = opened(desk)
    reviewer = desk.browser(person="rob")
    assert (
        reviewer.post(
            f"/api/v1/cases/{case}/notes", json={"text": "<script>alert(1)</script>"}
        ).status_code
        == 201
    )
    decided(desk, case)
    told = reviewer.get(f"/api/v1/cases/{case}").json()["events"]
    assert [(event["number"], event["kind"]) for event in told] == list(
        enumerate(["opened", "note", "decision", "notice", "notice"], start=1)
    )
    assert told[1]["text"] == "<script>alert(1)</script>"


def test_a_case_is_opened_once_and_by_hand_where_nobody_did(desk: Desk) -> None:
    check = desk.check(verdict="no change found", log10_lr=-0.5)
    waiting = desk.check(b"another", state="queued", verdict=None, log10_lr=None)
    reviewer = desk.browser(person="rob")
    first, again = (
        reviewer.post("/api/v1/cases", json={"check": check}).json()["id"] for _ in range(2)
    )
    assert first == again
    assert reviewer.post("/api/v1/cases", json={"check": waiting}).status_code == 409
    by_hand = {"csrf": reviewer.headers["X-CSRF-Token"]}
    assert reviewer.post(f"/checks/{waiting}/case", data=by_hand).status_code == 409
    assert reviewer.post(f"/checks/{check}/case", data=by_hand).status_code == 200
    assert reviewer.post("/api/v1/cases", json={"check": "none"}).status_code == 404
    with desk.database.reading() as session:
        page = cases.queue(
            session, desk.actor("vera"), CaseQuery(states=list(CaseState), check=check)
        )
    assert [found.id for found, _ in page.cases] == [first]


def test_the_notice_says_what_a_statement_of_reasons_must(desk: Desk) -> None:
    case = opened(desk, name='clip "1".mp4', log10_lr=2.31)
    decided(desk, case, illegal=False)
    english, chinese = desk.browser(person="vera").get(f"/api/v1/cases/{case}/notices").json()
    assert (english["language"], chinese["language"]) == ("en", "zh")
    for part in (
        'clip "1".mp4',
        "taken the file down",
        "everywhere our service is offered",
        "traces of a face changed",
        "about 200 times likelier",
        "The face is another's.",
        TERMS,
        "opened this case by itself",
        "taken by a person",
        "free of charge within six months",
        case,
        "out-of-court",
        "court",
    ):
        assert part in english["text"]
    for part in (
        'clip "1".mp4',
        "下架",
        "200 倍",
        "The face is another's.",
        TERMS,
        "六个月",
        case,
        "庭外",
        "法院",
        "由人作出",
    ):
        assert part in chinese["text"]


def test_the_notice_says_where_the_file_comes_from(desk: Desk) -> None:
    held = Message("licence.revoked", {"moment": "2026-01-01 12:00 UTC"})
    unlicensed = Message("face.unlicensed", {"log10_lr": 2.31, "why": held})
    lost = Message("limit.stripped_unnamed", {"original": verbatim("“The drama” (Us)")})
    result = results.changed_video("clip.mp4")
    result = replace(
        result,
        people=(replace(result.people[0], reason=unlicensed),),
        limits=(Message("limit.no_licence", {"why": held}), Message("limit.declared"), lost),
    )
    identity = desk.check(b"licensed no more", name="clip.mp4")
    with desk.database.transaction() as session:
        check = session.get_one(Check, identity)
        check.result = document(result)
        case = cases.open_for(session, desk.system(), check).id
    decided(desk, case)
    english, chinese = desk.browser(person="vera").get(f"/api/v1/cases/{case}/notices").json()
    assert english["text"].count("the licence was taken back") == 1
    assert "anybody can declare anything" in english["text"]
    assert "The known original “The drama” (Us) was registered" in english["text"]
    assert "已知原作“The drama” (Us)登记时带有" in chinese["text"]


@pytest.mark.parametrize(
    ("log10_lr", "english", "chinese"),
    [
        (1.0, "about 10 times likelier", "约为未被改动时的 10 倍"),
        (2.31, "about 200 times likelier", "约为未被改动时的 200 倍"),
        (4.3, "about 20,000 times likelier", "约为未被改动时的 2 万倍"),
        (6.18, "about 1.5 million times likelier", "约为未被改动时的 150 万倍"),
        (12.0, "more than a billion times likelier", "为未被改动时的十亿倍以上"),
    ],
)
def test_the_notice_counts_in_its_own_language(
    desk: Desk, log10_lr: float, english: str, chinese: str
) -> None:
    case = opened(desk, log10_lr=log10_lr)
    decided(desk, case)
    notices = desk.browser(person="vera").get(f"/api/v1/cases/{case}/notices").json()
    assert english in notices[0]["text"]
    assert chinese in notices[1]["text"]


def test_the_notice_on_an_appeal_says_so_and_keeping_restricts_nothing(desk: Desk) -> None:
    case = opened(desk)
    decided(desk, case, illegal=True)
    appealed(desk, case)
    decided(desk, case, "rita", Decision.RESTORE)
    reviewer = desk.browser(person="rob")
    notice = reviewer.get(f"/api/v1/cases/{case}/notices").json()[0]["text"]
    assert "You contested our earlier decision" in notice
    assert "taken back the restriction" in notice
    assert "six months" not in notice
    kept = opened(desk, verdict="no change found")
    decided(desk, kept, decision=Decision.KEEP)
    notice = reviewer.get(f"/api/v1/cases/{kept}/notices").json()[0]["text"]
    assert "Nothing is restricted" in notice
    assert "everywhere our service" not in notice


def test_a_name_that_turns_the_text_around_is_spelt_out(desk: Desk) -> None:
    case = opened(desk, name="clip\u202egpj.mp4\nSubject: x")
    decided(desk, case)
    notice = desk.browser(person="vera").get(f"/api/v1/cases/{case}/notices").json()[0]["text"]
    assert "clip\\u202egpj.mp4\\nSubject: x" in notice


def test_cases_work_on_postgresql_alike(either_desk: Desk) -> None:
    case = opened(either_desk)
    decided(either_desk, case)
    appealed(either_desk, case)
    decided(either_desk, case, "rita", Decision.RESTORE)
    with either_desk.database.reading() as session:
        page = cases.queue(
            session, either_desk.actor("vera"), CaseQuery(states=list(CaseState)), limit=1
        )
        assert [found.id for found, _ in page.cases] == [case]
        assert len(session.scalars(select(CaseFile)).all()) == 1
