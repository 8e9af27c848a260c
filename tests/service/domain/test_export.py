"""Export of a case: a ZIP that can be checked without Unmask, in little memory."""

from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import select

from tests.service.desk import Desk
from unmask.service.domain import cases, export, retention
from unmask.service.domain.cases import Decision
from unmask.service.people import audit
from unmask.service.people.actor import Scope
from unmask.service.store import storage
from unmask.service.store.tables import AuditEntry, Check

pytestmark = pytest.mark.slow

CLIP = b"a clip that shows somebody"


@pytest.fixture
def decided(desk: Desk) -> str:
    """Returns a decided case."""
    check = desk.check(CLIP, name="../../clip of her.MP4")
    with desk.database.transaction() as session:
        opened = cases.open_for(session, desk.system(), session.get_one(Check, check))
        rob = desk.actor("rob")
        cases.note(session, rob, opened.id, "They wrote to us.")
        rule = "4.2 Other people's faces"
        cases.decide(session, rob, opened.id, Decision.TAKE_DOWN, "Without her consent.", rule)
    return opened.id


def exported(desk: Desk, case: str, person: str = "rita") -> dict[str, bytes]:
    answer = desk.browser(person=person).get(f"/api/v1/cases/{case}/export")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == f'attachment; filename="case-{case}.zip"'
    with ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_all_that_a_decision_rests_on_is_in_it(desk: Desk, decided: str) -> None:
    files = exported(desk, decided)
    assert sorted(files) == [
        "audit-anchor.txt", "audit.jsonl", "case.json", "custody.json", "files.sha256",
        "media.mp4", "report.html", "result.json",
    ]  # fmt: skip
    assert files["media.mp4"] == CLIP
    case, custody = json.loads(files["case.json"]), json.loads(files["custody.json"])
    assert [event["kind"] for event in case["events"]][:3] == ["opened", "note", "decision"]
    assert case["events"][2]["text"] == "Without her consent."
    assert {event["language"] for event in case["events"] if event["kind"] == "notice"} == {
        "en",
        "zh",
    }
    assert custody["sha256"] == hashlib.sha256(CLIP).hexdigest()
    assert (custody["bytes"], custody["deleted"]) == (len(CLIP), None)
    result = desk.browser(person="rob").get(f"/api/v1/checks/{case['check']}/result").json()
    assert json.loads(files["result.json"]) == result


def test_its_digests_and_audit_entries_hold(desk: Desk, decided: str) -> None:
    files = exported(desk, decided)
    lines = files.pop("files.sha256").decode().splitlines()
    assert {name: digest for digest, name in (line.split("  ") for line in lines)} == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items()
    }
    entries = []
    for line in files["audit.jsonl"].decode().splitlines():
        text, digest = line.removeprefix('{"entry":').removesuffix('"}').split(',"hash":"')
        assert hashlib.sha256(text.encode()).hexdigest() == digest
        entries.append(json.loads(text))
    acts = [entry["action"] for entry in entries]
    assert acts == ["case.opened", "case.noted", "case.decided", "case.exported"]
    assert entries[-1]["actor_name"] == "Rita"
    anchor = audit.Anchor.parse(files["audit-anchor.txt"].decode())
    with desk.database.reading() as session:
        assert audit.verify(session, desk.tenants["ours"], anchor).broken is None
        newest = session.scalars(select(AuditEntry).where(AuditEntry.number == anchor.number))
        assert anchor.hash in {entry.hash for entry in newest}


def test_deleted_media_are_left_out(desk: Desk, decided: str) -> None:
    with desk.database.reading() as session:
        _, check = cases.get(session, desk.actor("ada"), decided)
    retention.delete(desk.service, desk.actor("ada"), check.id, desk.database.now())
    files = exported(desk, decided, "vera")
    assert "media.mp4" not in files
    assert "report.html" not in files
    assert json.loads(files["custody.json"])["deleted"] is not None
    assert "media.deleted" in files["audit.jsonl"].decode()


def test_only_readers_of_the_organisation_get_it(desk: Desk, decided: str) -> None:
    address = f"/api/v1/cases/{decided}/export"
    assert desk.browser().get(address).status_code == 401
    assert desk.browser(person="ada", tenant="theirs").get(address).status_code == 404
    _, secret = desk.key(Scope.UPLOAD)
    assert desk.program(secret).get(address).status_code == 403
    _, secret = desk.key(Scope.READ)
    assert desk.program(secret).get(address).status_code == 200
    page: Any = desk.browser(person="rob").get(f"/cases/{decided}").text
    assert f'href="{address}"' in page


def test_large_media_pass_in_pieces(desk: Desk, decided: str) -> None:
    size = 64 << 20
    with desk.database.reading() as session:
        _, check = cases.get(session, desk.actor("rob"), decided)
    with desk.service.storage.scratch() as path:
        with path.open("wb") as file:
            file.truncate(size)
        desk.service.storage.take(storage.media(check.tenant, check.sha256), path)
    tracemalloc.start()
    sent = sum(len(piece) for piece in export.case_file(desk.service, desk.actor("rob"), decided))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sent > size
    assert peak < 16 << 20
