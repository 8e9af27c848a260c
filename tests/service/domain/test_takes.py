"""Whether a check's video is one unbroken take: asked over HTTP, judged in a confined process.

The footage is simulated: a camera over a painted place, with a stretch that is cut out or not.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import jsonschema
import numpy as np
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from tests import results
from tests.report.test_html import assert_self_contained
from tests.service.desk import Desk
from tests.service.processes.test_worker import Seer
from tests.support import takes as made
from unmask.messages import verbatim
from unmask.report import images
from unmask.report.document import Document, document
from unmask.report.take import TakeDocument, schema
from unmask.service.api.metrics import Metrics
from unmask.service.confined.judging import JudgeAnswer, Registered, TakeAnswered
from unmask.service.confined.tasks import RegisterTask, TakeTask, Task
from unmask.service.domain import backup, cases, quotas, retention, takes
from unmask.service.domain.quotas import Quotas
from unmask.service.domain.retention import DAY
from unmask.service.people.actor import Scope
from unmask.service.processes.turns import REST
from unmask.service.processes.worker import WORKERS, Worker
from unmask.service.settings import ServiceSettings
from unmask.service.store import jobs, storage
from unmask.service.store.service import Service
from unmask.service.store.tables import AuditEntry, Check, Registration, Take
from unmask.takes.result import TakeResult

CLIP = b"a clip"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Returns eight seconds of a film, nothing cut out, with sound."""
    return film(tmp_path_factory.mktemp("whole"), (0, 8))


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Returns eight seconds of a film with a second missing after 4 s."""
    return film(tmp_path_factory.mktemp("cut"), (0, 4), (5, 9))


def film(folder: Path, *stretches: tuple[float, float]) -> bytes:
    pictures = map(made.filmed, made.times(*stretches))
    return made.write(folder / "film.mp4", pictures, made.heard(*stretches)).read_bytes()


def program(desk: Desk, tenant: str = "ours", *scopes: Scope) -> TestClient:
    return desk.program(desk.key(*(scopes or (Scope.READ, Scope.UPLOAD)), tenant=tenant)[1])


def address(check: str, what: str = "") -> str:
    return f"/api/v1/checks/{check}/take{what}"


def judged(desk: Desk) -> bool:
    """Judges what waits in a real confined process; False if nothing waits."""
    with closing(Worker(desk.service, lambda: False)) as worker:
        return worker.once()


def answered(desk: Desk, check: str, error: str | None = None) -> None:
    """Asks and answers without a judge: `error`, or that no break was found."""
    desk.browser(person="rob").post(address(check))
    mine = select(Check.sha256).where(Check.id == check).scalar_subquery()
    job = jobs.claim(desk.database, Take, 60, Take.sha256 == mine)
    assert job
    result = TakeDocument.of(TakeResult.failed("clip.mp4", verbatim(error or "")))
    pages = {}
    if error is None:
        plain = result.plain() | {"answer": "no break found", "error": None}
        result, pages = (
            TakeDocument.model_validate(plain),
            {"en": b"<p>page", "zh": "<p>页".encode()},
        )
    assert takes.conclude(desk.service, job, TakeAnswered(result, pages))


def rows(desk: Desk) -> list[Take]:
    with desk.database.reading() as session:
        return list(session.scalars(select(Take)))


def audited(desk: Desk, action: str) -> list[dict[str, Any]]:
    with desk.database.reading() as session:
        wanted = select(AuditEntry.detail).where(AuditEntry.action == action)
        return list(session.scalars(wanted))


@pytest.mark.slow
def test_a_cut_is_found_and_shown_on_a_page_in_each_language(desk: Desk, cut: bytes) -> None:
    check, client = desk.check(cut, name="<b>interview</b>.mp4"), program(desk)
    asked = client.post(address(check))
    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    assert asked.headers["Location"] == address(check)
    assert client.get(address(check, "/result")).json()["title"] == "Not done"
    assert judged(desk)
    shown = client.get(address(check)).json()
    assert (shown["state"], shown["answer"], shown["error"]) == ("done", "broken", None)
    result = client.get(address(check, "/result")).json()
    jsonschema.validate(result, schema())
    assert {one["kind"] for one in result["findings"]} >= {"jump cut"}
    assert all(abs(one["start"] - 4) < 0.1 for one in result["findings"] if one["breaks"])
    assert result["power"], "cuts were tried"
    assert {result["path"], result["parts"][0]["path"]} == {"<b>interview</b>.mp4"}
    assert result["sha256"] == rows(desk)[0].sha256
    for language, title in (("en", "One unbroken take?"), ("zh", "是否一次连续拍摄？")):
        page = client.get(address(check, "/report"), params={"language": language})
        assert page.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        found = assert_self_contained(page.text)
        assert f'<html lang="{language}">' in page.text
        assert title in found.text
        assert "0:04.000" in found.text
        assert sum(tag == "img" for tag, _ in found.tags) >= 2
    assert audited(desk, "take.asked") == [{"check": check}]
    assert audited(desk, "take.done") == [{"answer": "broken"}]


@pytest.mark.slow
def test_of_an_uncut_film_no_break_is_found(desk: Desk, whole: bytes) -> None:
    check, client = desk.check(whole), program(desk)
    client.post(address(check))
    assert judged(desk)
    result = client.get(address(check, "/result")).json()
    assert (result["answer"], result["findings"], result["error"]) == ("no break found", [], None)


@pytest.mark.slow
def test_what_cannot_be_judged_says_why_and_may_be_asked_again(
    tmp_path: Path, whole: bytes
) -> None:
    desk = Desk(tmp_path / "service", {"take_seconds": 5})
    photo = images.jpeg(np.full((64, 64, 3), 90, np.uint8))
    client = program(desk)
    for content, reason in (
        (whole, "over the bound of 5 s"),
        (photo, "no moving picture"),
        (b"a letter", ""),
    ):
        check = desk.check(content)
        assert client.post(address(check)).status_code == 202
        assert judged(desk)
        shown = client.get(address(check)).json()
        assert (shown["state"], shown["answer"]) == ("done", None)
        assert shown["error"].startswith("clip.mp4: ")
        assert reason in shown["error"]
        jsonschema.validate(client.get(address(check, "/result")).json(), schema())
        assert client.get(address(check, "/report")).status_code == 404
        assert client.post(address(check)).status_code == 202, "another attempt"
        assert judged(desk)
    desk.close()


def test_it_is_asked_once_per_file(desk: Desk) -> None:
    first, second = desk.check(CLIP), desk.check(CLIP, configuration="another")
    client = program(desk)
    assert client.get(address(first)).status_code == 404, "nobody has asked"
    headers = {"Idempotency-Key": "1"}
    assert client.post(address(first), headers=headers).status_code == 202
    assert client.post(address(second)).status_code == 200
    answered(desk, first)
    again = client.post(address(second))
    assert (again.status_code, again.json()["answer"]) == (200, "no break found")
    repeated = client.post(address(first), headers=headers)
    assert (repeated.status_code, repeated.json()["state"]) == (202, "queued"), "as the first time"
    assert len(rows(desk)) == 1
    with desk.database.transaction() as session:
        session.execute(update(Take).values(version="0.0"))
    assert client.post(address(first)).status_code == 202, "another version may answer otherwise"
    assert client.get(address(first, "/report")).status_code == 409


def test_an_old_workers_answer_is_replaced_after_the_update(
    either_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new version is asked, and a worker of the old one answers: a rolling update."""
    desk, client = either_desk, program(either_desk)
    check, new = desk.check(CLIP), takes.VERSION
    assert client.post(address(check)).status_code == 202
    with monkeypatch.context() as old:
        old.setattr(takes, "VERSION", "0.0")
        answered(desk, check)
    assert rows(desk)[0].version == "0.0"
    assert client.get(address(check)).json()["answer"] == "no break found"
    assert client.post(address(check)).status_code == 202
    answered(desk, check)
    assert rows(desk)[0].version == new
    assert client.post(address(check)).status_code == 200, "it stands"


def test_the_answer_before_is_not_shown_while_it_is_judged_again(desk: Desk) -> None:
    check, client = desk.check(CLIP), program(desk)
    with desk.database.transaction() as session:
        case = cases.open_for(session, desk.system(), session.get_one(Check, check)).id
    for error in (None, "no footage"):
        answered(desk, check, error)
        with desk.database.transaction() as session:
            session.execute(update(Take).values(version="0.0"))
        asked = client.post(address(check)).json()
        assert asked == client.get(address(check)).json()
        shown = asked["state"], asked["finished"], asked["answer"], asked["error"]
        assert shown == ("queued", None, None, None)
        assert client.get(address(check, "/result")).status_code == 409
        export = desk.browser(person="vera").get(f"/api/v1/cases/{case}/export").content
        with ZipFile(io.BytesIO(export)) as archive:
            assert not [name for name in archive.namelist() if name.startswith("take")]


def test_a_photo_is_refused_at_once(desk: Desk) -> None:
    found = results.clean_photo()
    check = desk.check(b"a photo", result=document(found))
    refused = program(desk).post(address(check))
    assert (refused.status_code, refused.json()["title"]) == (422, "No video")
    rob = desk.browser(person="rob")
    assert f"/checks/{check}/take" not in rob.get(f"/checks/{check}").text
    assert rows(desk) == []


def test_another_organisation_sees_and_asks_nothing(desk: Desk) -> None:
    check, theirs = desk.check(CLIP), desk.check(CLIP, tenant="theirs")
    answered(desk, check)
    stranger = program(desk, "theirs")
    for what in ("", "/result", "/report"):
        assert stranger.get(address(check, what)).status_code == 404
        assert stranger.get(address(theirs, what)).status_code == 404
    assert stranger.post(address(check)).status_code == 404
    reader = program(desk, "ours", Scope.READ)
    assert reader.post(address(check)).status_code == 403
    assert reader.get(address(check, "/report")).text == "<p>page"
    assert reader.get(address(check, "/report?language=zh")).text == "<p>页"
    assert reader.get(address(check, "/report?language=eo")).text == "<p>page"
    assert reader.get(address(check, "/report?language=../en")).status_code == 422


def test_it_goes_with_the_file(either_desk: Desk) -> None:
    desk, now = either_desk, 1e9
    due, held, asked = (
        desk.check(content, stored=now - 31 * DAY) for content in (b"due", b"held", b"asked")
    )
    for check in (due, held, asked):
        answered(desk, check)
    admin = desk.browser(person="ada")
    admin.put(f"/api/v1/checks/{held}/media/hold", json={"reason": "court order 12/34"})
    assert retention.run(desk.service, now) == 2
    (left,) = rows(desk)
    names = [one.name for one in desk.service.storage.listed(left.tenant)]
    assert storage.take(left.tenant, left.sha256, "zh") in names
    assert all(name.startswith(storage.folder(left.tenant, left.sha256)) for name in names)
    assert admin.get(address(held)).json()["answer"] == "no break found"
    for what in ("", "/result", "/report"):
        assert admin.get(address(due, what)).status_code == 410
    assert admin.post(address(due)).status_code == 410
    admin.delete(f"/api/v1/checks/{held}/media/hold")
    assert admin.delete(f"/api/v1/checks/{held}/media").status_code == 204
    assert rows(desk) == []
    assert not list(desk.service.storage.listed(left.tenant))


def test_a_file_is_deleted_though_the_question_waits(either_desk: Desk) -> None:
    desk = either_desk
    by_hand, due = desk.check(CLIP), desk.check(b"due")
    admin = desk.browser(person="ada")
    for check in (by_hand, due):
        assert admin.post(address(check)).status_code == 202
    assert admin.delete(f"/api/v1/checks/{by_hand}/media").status_code == 204
    assert admin.get(address(by_hand)).status_code == 410
    assert retention.run(desk.service, 1e9) == 1
    assert rows(desk) == []
    assert not Worker(desk.service, lambda: False, Seer).once(), "nothing is left to judge"


def test_a_file_is_not_deleted_while_the_question_is_judged(either_desk: Desk) -> None:
    desk = either_desk
    check = desk.check(CLIP)
    admin = desk.browser(person="ada")
    admin.post(address(check))
    job = jobs.claim(desk.database, Take, 60)
    assert job
    assert admin.delete(f"/api/v1/checks/{check}/media").status_code == 409
    assert retention.run(desk.service, 1e9) == 0
    failed = TakeAnswered(TakeDocument.of(TakeResult.failed("clip.mp4", verbatim("unread"))))
    assert takes.conclude(desk.service, job, failed)
    assert retention.run(desk.service, 1e9 + retention.PERIOD) == 1


def test_a_take_claimed_while_its_file_is_deleted_leaves_nothing(
    either_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker claims the take after the deletion has looked whether one is judged."""
    desk, claimed = either_desk, list[Take]()
    check = desk.check(CLIP)
    desk.browser(person="rob").post(address(check))
    erase = retention.erase

    def claim_first(service: Service, session: Session, *how: Any) -> None:
        row = session.scalars(select(Take)).one()
        row.state, row.lease, row.lease_until = "running", "a token", 2e9
        session.flush()
        claimed.append(row)
        erase(service, session, *how)

    monkeypatch.setattr(retention, "erase", claim_first)
    admin = desk.browser(person="ada")
    assert admin.delete(f"/api/v1/checks/{check}/media").status_code == 204
    late = TakeAnswered(
        TakeDocument.of(TakeResult.failed("clip.mp4", verbatim("late"))), {"en": b"<p>page"}
    )
    assert not takes.conclude(desk.service, claimed[0], late)
    assert not jobs.renew(desk.database, claimed[0], 60, 0.5), "its judge is called off"
    assert not list(desk.service.storage.listed(desk.tenants["ours"]))


def test_it_counts_as_a_check_in_quotas(desk: Desk) -> None:
    first, second = desk.check(CLIP, created=1.0), desk.check(b"another", created=1.0)
    rob = desk.browser(person="rob")

    def bound(**most: int) -> None:
        with desk.database.transaction() as session:
            quotas.set_for(session, desk.system(), Quotas(**most))

    bound(waiting=1)
    assert rob.post(address(first)).status_code == 202
    assert rob.post(address(second)).json()["title"] == "Quota"
    assert rob.post("/api/v1/checks", content=b"a third").status_code == 429
    answered(desk, first)
    with desk.database.transaction() as session:
        session.execute(update(Take).values(created=desk.database.now() - DAY + 3600))
    bound(daily=1)
    full = rob.post(address(second))
    assert (full.status_code, rob.post(address(first)).status_code) == (429, 200)
    assert 3500 < int(full.headers["Retry-After"]) <= 3600


def test_one_whose_workers_keep_dying_is_given_up(desk: Desk) -> None:
    check = desk.check(CLIP)
    client = program(desk)
    client.post(address(check))
    for _ in range(WORKERS * desk.service.settings.attempts):
        assert jobs.claim(desk.database, Take, 0.0)  # and no word from that worker again
    assert Worker(desk.service, lambda: False, Seer).once()
    shown = client.get(address(check)).json()
    assert shown["state"] == "failed"
    assert "was begun 15 times and never came to an end" in shown["error"]
    assert audited(desk, "take.failed") == [{"answer": None}]
    assert client.post(address(check)).status_code == 202


def test_checks_go_first(desk: Desk) -> None:
    client = program(desk)
    client.post(address(desk.check(CLIP)))
    later = client.post("/api/v1/checks", content=CLIP).json()["id"]
    assert Worker(desk.service, lambda: False, Seer, clock=lambda: 0.0).once()
    assert client.get(f"/api/v1/checks/{later}").json()["state"] == "done"
    assert rows(desk)[0].state == "queued"


def test_takes_and_registrations_are_served_though_checks_never_end(either_desk: Desk) -> None:
    desk, clock = either_desk, [0.0]
    stranger = program(desk, "theirs")
    stranger.post(address(desk.check(CLIP, tenant="theirs")))
    desk.check(b"a film", tenant="theirs")
    with desk.database.transaction() as session:
        film = {"sha256": hashlib.sha256(b"a film").hexdigest(), "name": "film.mp4"}
        whose = {"title": "Film", "owner": "They", "uploader": "nobody"}
        session.add(Registration(tenant=desk.tenants["theirs"], **film, **whose))

    class Unhurried(Seer):
        """Needs a minute for a file, whatever it is asked about it."""

        def judge(self, task: Task, tick: Callable[[float], bool]) -> Any:
            clock[0] += 60.0
            assert tick(0.5)
            if isinstance(task, RegisterTask):
                return Registered("no footage")
            if isinstance(task, TakeTask):
                failed = TakeResult.failed(task.name, verbatim("no footage"))
                return TakeAnswered(TakeDocument.of(failed))
            return JudgeAnswer(Document.of(results.clean_photo()))

    worker = Worker(desk.service, lambda: False, Unhurried, lambda: clock[0])
    longest = REST * desk.service.settings.judge_seconds
    number = 0
    while waits(desk, Take) or waits(desk, Registration):
        desk.check(b"clip %d" % number, state="queued", result=None, finished=None)
        number += 1
        assert worker.once()
        assert clock[0] <= longest + 3 * 60.0
    assert waits(desk, Check) == 2, "one for each turn of another"


def waits(desk: Desk, kind: type[Check] | type[Registration] | type[Take]) -> int:
    with desk.database.reading() as session:
        waiting = select(func.count()).select_from(kind).where(kind.state == "queued")
        return session.scalars(waiting).one()


def test_the_figures_say_how_long_it_has_waited(either_desk: Desk) -> None:
    desk, client = either_desk, program(either_desk)

    def figures() -> str:
        return Metrics(desk.service).text().decode()

    assert 'unmask_others_age_seconds{kind="take"} 0.0' in figures()
    first, second = desk.check(CLIP), desk.check(b"another")
    for check in (first, second):
        client.post(address(check))
    with desk.database.transaction() as session:
        session.execute(update(Take).values(created=desk.database.now() - DAY))
    text = figures()
    assert 'unmask_others_depth{kind="take"} 2.0' in text
    assert 'unmask_others_depth{kind="registration"} 0.0' in text
    assert "unmask_queue_age_seconds 0.0" in text, "no check waits"
    waited = text.split('unmask_others_age_seconds{kind="take"} ')[1].split()[0]
    assert float(waited) == pytest.approx(DAY, abs=60)
    for check in (first, second):
        answered(desk, check, error="no footage")
    assert 'unmask_others_depth{kind="take"} 0.0' in figures()
    assert client.post(address(first)).status_code == 202
    again = figures().split('unmask_others_age_seconds{kind="take"} ')[1].split()[0]
    assert float(again) < 60, "since it was asked again"


def test_a_worker_that_lost_it_writes_nothing(desk: Desk) -> None:
    desk.browser(person="rob").post(address(desk.check(CLIP)))
    late = jobs.claim(desk.database, Take, 0.0)
    assert late
    assert jobs.claim(desk.database, Take, 60)
    failed = TakeAnswered(TakeDocument.of(TakeResult.failed("clip.mp4", verbatim("late"))))
    assert not takes.conclude(desk.service, late, failed)
    assert rows(desk)[0].result is None


def test_the_export_of_a_case_has_it(desk: Desk) -> None:
    check = desk.check(CLIP)
    answered(desk, check)
    with desk.database.transaction() as session:
        case = cases.open_for(session, desk.system(), session.get_one(Check, check)).id
    answer = desk.browser(person="vera").get(f"/api/v1/cases/{case}/export")
    with ZipFile(io.BytesIO(answer.content)) as archive:
        assert {"take.json", "take.en.html", "take.zh.html"} <= set(archive.namelist())
        assert json.loads(archive.read("take.json"))["answer"] == "no break found"
        assert archive.read("take.en.html") == b"<p>page"
        assert "take.asked" in archive.read("audit.jsonl").decode()


@pytest.mark.slow
def test_a_backup_keeps_it_unless_its_file_is_lost(desk: Desk, tmp_path: Path) -> None:
    for content in (b"kept", b"lost"):
        answered(desk, desk.check(content, stored=time.time()))
    kept, lost = rows(desk)
    desk.service.storage.delete(storage.media(lost.tenant, lost.sha256))
    backup.save(desk.service, tmp_path / "copy")
    restored = Service.opened(ServiceSettings(data=tmp_path / "restored"))
    backup.restore(restored, tmp_path / "copy")
    with restored.database.reading() as session:
        assert [(one.id, one.result) for one in session.scalars(select(Take))] == [
            (kept.id, kept.result)
        ]
    assert takes.page(restored, kept, "en") == b"<p>page"
    restored.database.close()
