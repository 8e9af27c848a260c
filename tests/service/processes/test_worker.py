"""A worker during failures: an outage costs a check nothing; only deaths while judging count."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from tests.service.desk import Desk
from tests.service.site import accept
from unmask.messages import verbatim
from unmask.report.document import Document
from unmask.service.confined.judging import JudgeAnswer
from unmask.service.confined.tasks import Task
from unmask.service.domain import checks, retention
from unmask.service.domain.checks import Received
from unmask.service.people.actor import Scope
from unmask.service.processes import backoff
from unmask.service.processes.worker import SOUGHT, WORKERS, Worker
from unmask.service.settings import ServiceSettings
from unmask.service.store import jobs, storage
from unmask.service.store.tables import AuditEntry, Check
from unmask.storage import StorageAway
from unmask.types import CheckResult, Verdict

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("real time")]

CONTENT = b"a clip"


class Seer:
    """Fake judge in this process, which answers at once that the file was changed.

    The file must exist.

    Args:
        settings: not used.
    """

    alive = True

    def __init__(self, settings: ServiceSettings) -> None:
        pass

    def judge(self, task: Task, tick: Callable[[float], bool]) -> JudgeAnswer | None:
        assert Path(task.path).read_bytes() == CONTENT
        if not tick(0.5):
            return None
        result = CheckResult(
            task.name, "0" * 64, Verdict.CHANGED, verbatim("A face was changed."), 2.0, ()
        )
        return JudgeAnswer(Document.of(result), b"<!doctype html>")

    def close(self) -> None:
        pass


class Bucket:
    """A bucket of an S3 server that can be away for a while; it keeps what it has.

    Args:
        monkeypatch: sets the environment to reach it.
    """

    address = "s3://media/prefix"

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._port = 0
        self.back()
        self._url = f"http://127.0.0.1:{self._port}"
        httpx.put(f"{self._url}/media", timeout=60).raise_for_status()
        access = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
        }
        for variable, value in {"AWS_ENDPOINT_URL": self._url, **access}.items():
            monkeypatch.setenv(variable, value)

    def away(self) -> None:
        self._server.stop()

    def back(self) -> None:
        from moto.server import ThreadedMotoServer

        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self._port, verbose=False)
        self._server.start()
        _, self._port = self._server.get_host_and_port()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    made = Bucket(monkeypatch)
    yield made
    made.away()


@pytest.fixture
def remote(tmp_path: Path, bucket: Bucket) -> Iterator[Desk]:
    """Yields a service with its media in the bucket."""
    made = Desk(tmp_path / "service", {"storage": Bucket.address})
    yield made
    made.close()


def worker(desk: Desk) -> Worker:
    return Worker(desk.service, lambda: False, Seer)


def row(desk: Desk, check: str) -> Check:
    with desk.database.reading() as session:
        return session.get_one(Check, check)


def test_an_outage_of_the_storage_costs_a_waiting_check_nothing(
    remote: Desk, bucket: Bucket
) -> None:
    check = accept(remote, remote.actor("rob"), "clip.mp4", CONTENT)
    bucket.away()
    tired = worker(remote)
    for _ in range(3):
        with pytest.raises(StorageAway):
            tired.once()
    waiting = row(remote, check)
    assert (waiting.state, waiting.lapses, waiting.deaths) == ("queued", 0, 0)
    bucket.back()
    assert tired.once()
    assert (row(remote, check).state, row(remote, check).verdict) == ("done", "changed")


def test_however_often_a_check_was_put_back_it_is_not_given_up(desk: Desk) -> None:
    check = accept(desk, desk.actor("rob"), "clip.mp4", CONTENT)
    with desk.database.transaction() as session:
        session.execute(update(Check).values(attempts=1000))
    assert worker(desk).once()
    assert row(desk, check).state == "done"


def test_a_check_whose_workers_keep_dying_is_given_up(desk: Desk) -> None:
    check = accept(desk, desk.actor("rob"), "clip.mp4", CONTENT)
    for _ in range(WORKERS * desk.service.settings.attempts):
        assert row(desk, check).state != "failed"
        assert jobs.claim(desk.database, Check, 0.0)  # and no word from that worker again
    assert worker(desk).once()
    given_up = row(desk, check)
    assert given_up.state == "failed"
    assert "was begun 15 times and never came to an end" in str(given_up.error)


def test_a_result_waits_until_the_storage_is_back(
    remote: Desk, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = accept(remote, remote.actor("rob"), "clip.mp4", CONTENT)
    monkeypatch.setattr(backoff.Backoff, "wait", lambda _self: bucket.back())

    class Slow(Seer):
        """Has its answer when the storage is away."""

        def judge(self, task: Task, tick: Callable[[float], bool]) -> JudgeAnswer | None:
            answer = super().judge(task, tick)
            bucket.away()
            return answer

    assert Worker(remote.service, lambda: False, Slow).once()
    done = row(remote, check)
    assert (done.state, done.attempts) == ("done", 1)
    key = done.tenant, done.sha256, done.id
    assert remote.service.storage.read(storage.report(*key)) == b"<!doctype html>"


def test_media_that_is_missing_is_waited_for_and_nobody_else_waits(desk: Desk) -> None:
    missing = accept(desk, desk.actor("rob"), "clip.mp4", CONTENT)
    media = desk.data / "media"
    media.rename(desk.data / "not mounted")
    assert worker(desk).once()
    assert row(desk, missing).state == "queued"
    assert row(desk, missing).lease_until > time.time() + 60
    assert not worker(desk).once()
    (desk.data / "not mounted").rename(media)
    with desk.database.transaction() as session:
        session.execute(update(Check).values(lease_until=0.0))
    assert worker(desk).once()
    assert row(desk, missing).state == "done"


def test_media_that_was_exchanged_is_not_judged_and_the_file_sent_again_is(desk: Desk) -> None:
    check = accept(desk, desk.actor("rob"), "clip.mp4", CONTENT)
    key = desk.tenants["ours"], row(desk, check).sha256
    stored = desk.data / "media" / storage.media(*key)
    stored.write_bytes(b"another clip")
    assert worker(desk).once()
    refused = row(desk, check)
    assert (refused.state, refused.verdict) == ("failed", None)
    assert "is not the one that was uploaded" in str(refused.error)
    with desk.database.reading() as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "media.altered")
        ).one()
    assert (entry.subject, entry.detail) == (key[1], {"found": sha256(b"another clip").hexdigest()})
    aside = [path for path in stored.parent.iterdir() if path.name.startswith("altered-")]
    assert [path.read_bytes() for path in aside] == [b"another clip"]
    assert accept(desk, desk.actor("rob"), "clip.mp4", CONTENT) == check
    assert worker(desk).once()
    assert (row(desk, check).state, row(desk, check).verdict) == ("done", "changed")


def test_media_that_is_exchanged_while_it_is_judged_has_no_result(desk: Desk) -> None:
    check = accept(desk, desk.actor("rob"), "clip.mp4", CONTENT)

    class Watched(Seer):
        """Somebody rewrites the file with the same bytes while it judges."""

        def judge(self, task: Task, tick: Callable[[float], bool]) -> JudgeAnswer | None:
            answer = super().judge(task, tick)
            Path(task.path).write_bytes(CONTENT)
            return answer

    for attempt in range(desk.service.settings.attempts):
        assert (row(desk, check).state, row(desk, check).deaths) == ("queued", attempt)
        assert Worker(desk.service, lambda: False, Watched).once()
    assert (row(desk, check).state, row(desk, check).verdict) == ("failed", None)
    assert "touched while it was judged" in str(row(desk, check).error)
    assert desk.service.storage.exists(
        storage.media(row(desk, check).tenant, row(desk, check).sha256)
    )


def test_a_file_whose_rights_change_while_it_is_judged_is_judged_again_and_stays(
    desk: Desk,
) -> None:
    check = accept(desk, desk.actor("rob"), "clip.mp4", CONTENT)

    class Tidied(Seer):
        """An operator changes the rights of the file while it judges."""

        def judge(self, task: Task, tick: Callable[[float], bool]) -> JudgeAnswer | None:
            answer = super().judge(task, tick)
            Path(task.path).chmod(0o640)
            return answer

    assert Worker(desk.service, lambda: False, Tidied).once()
    assert row(desk, check).state == "queued"
    assert worker(desk).once()
    assert (row(desk, check).state, row(desk, check).verdict) == ("done", "changed")
    with desk.database.reading() as session:
        assert (
            session.scalar(select(AuditEntry).where(AuditEntry.action == "media.altered")) is None
        )


def test_every_check_of_a_file_that_was_exchanged_fails_and_the_file_can_be_deleted(
    desk: Desk,
) -> None:
    first = accept(desk, desk.actor("rob"), "clip.mp4", CONTENT)
    service, actor = desk.service, desk.actor("rob")
    service.storage.put("incoming/y", CONTENT)
    received = Received("incoming/y", sha256(CONTENT).hexdigest(), len(CONTENT))
    with desk.database.transaction() as session:
        second = checks.accept(
            session, service, actor, received, "clip.mp4", {"frames": 9}, actor.id
        )[0].id
    assert first != second
    (desk.data / "media" / storage.media(actor.tenant, received.sha256)).write_bytes(
        b"another clip"
    )
    assert worker(desk).once()
    assert worker(desk).once()
    for check in (first, second):
        assert row(desk, check).state == "failed"
        assert "is not the one that was uploaded" in str(row(desk, check).error)
    retention.delete(service, desk.actor("ada"), first, time.time())
    assert not list(service.storage.listed(actor.tenant))


def test_media_that_stays_missing_is_given_up(desk: Desk) -> None:
    check = accept(desk, desk.actor("rob"), "clip.mp4", CONTENT)
    (desk.data / "media" / storage.media(row(desk, check).tenant, row(desk, check).sha256)).unlink()
    with desk.database.transaction() as session:
        session.execute(update(Check).values(attempts=SOUGHT - 2))
    assert worker(desk).once()
    assert row(desk, check).state == "queued"
    with desk.database.transaction() as session:
        session.execute(update(Check).values(lease_until=0.0))
    assert worker(desk).once()
    assert row(desk, check).state == "failed"
    assert "missing from the storage" in str(row(desk, check).error)


def test_while_the_storage_is_away_uploads_are_asked_to_come_again(
    remote: Desk, bucket: Bucket
) -> None:
    _, secret = remote.key(Scope.UPLOAD, Scope.READ)
    program = remote.program(secret)
    done = accept(remote, remote.actor("rob"), "clip.mp4", CONTENT)
    begun = program.post("/api/v1/uploads", headers={"Upload-Length": "6"}).headers["Location"]
    piece = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    bucket.away()
    refused = [
        program.post("/api/v1/checks", content=b"another clip"),
        program.patch(begun, content=b"a film", headers=piece),
        program.get(f"/api/v1/checks/{done}/media"),
        program.get("/readyz"),
    ]
    assert [(answer.status_code, "Retry-After" in answer.headers) for answer in refused] == [
        (503, True)
    ] * 4
    bucket.back()
    assert program.post("/api/v1/checks", content=b"another clip").status_code == 201
    assert program.patch(begun, content=b"a film", headers=piece).status_code == 204
    assert not list(remote.service.settings.scratch.iterdir())


def test_pieces_that_cannot_be_read_now_are_kept(desk: Desk) -> None:
    _, secret = desk.key(Scope.UPLOAD)
    program = desk.program(secret)
    begun = program.post("/api/v1/uploads", headers={"Upload-Length": "6"}).headers["Location"]
    kind = {"Content-Type": "application/offset+octet-stream"}
    assert (
        program.patch(begun, content=b"a c", headers={**kind, "Upload-Offset": "0"}).status_code
        == 204
    )
    incoming = desk.data / "media" / "incoming"
    incoming.rename(desk.data / "elsewhere")
    assert (
        program.patch(begun, content=b"lip", headers={**kind, "Upload-Offset": "3"}).status_code
        == 503
    )
    for piece in (desk.data / "elsewhere").iterdir():
        piece.rename(incoming / piece.name)
    assert program.patch(begun, content=b"", headers={**kind, "Upload-Offset": "6"}).headers[
        "Unmask-Check"
    ]


def test_a_failed_check_is_judged_again_when_the_file_comes_again_or_somebody_asks(
    desk: Desk,
) -> None:
    _, secret = desk.key(Scope.UPLOAD, Scope.READ)
    program = desk.program(secret)
    check = program.post("/api/v1/checks?name=clip.mp4", content=CONTENT).json()["id"]

    def fail() -> None:
        with desk.database.transaction() as session:
            session.execute(update(Check).values(state="failed", finished=1.0, lapses=15, deaths=3))

    fail()
    assert program.post("/api/v1/checks?name=clip.mp4", content=CONTENT).json()["id"] == check
    assert (row(desk, check).state, row(desk, check).lapses, row(desk, check).deaths) == (
        "queued",
        0,
        0,
    )
    fail()
    for _ in range(2):
        asked = program.post(f"/api/v1/checks/{check}/judgements")
        assert (asked.status_code, asked.json()["id"], asked.json()["state"]) == (
            202,
            check,
            "queued",
        )
    assert worker(desk).once()
    assert row(desk, check).state == "done"
    browser = desk.browser(person="rob")
    form = {"csrf": browser.headers["X-CSRF-Token"]}
    assert (
        browser.post(f"/checks/{check}/judgement", data=form, follow_redirects=False).status_code
        == 303
    )
    assert row(desk, check).state == "queued"


def test_what_was_deleted_is_not_judged_again(desk: Desk) -> None:
    check = desk.check(state="failed")
    assert desk.browser(person="ada").delete(f"/api/v1/checks/{check}/media").status_code == 204
    _, secret = desk.key(Scope.UPLOAD)
    assert desk.program(secret).post(f"/api/v1/checks/{check}/judgements").status_code == 410
    assert row(desk, check).state == "failed"


def test_waits_grow_and_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    clock = iter(range(10_000_000))
    monkeypatch.setattr(backoff.time, "monotonic", lambda: next(clock) * backoff.LOOK)
    monkeypatch.setattr(backoff.time, "sleep", slept.append)
    waiting, lengths = backoff.Backoff(lambda: False), []
    for _ in range(9):
        slept.clear()
        waiting.wait()
        lengths.append(sum(slept))
    assert lengths[0] < 1.01
    assert 29 <= min(lengths[-2:]) <= max(lengths) <= 60.5
    waiting.reset()
    slept.clear()
    waiting.wait()
    assert sum(slept) < 1.01
