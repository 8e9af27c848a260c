"""The running service, over HTTP, with processes that are killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import jsonschema
import pytest
from sqlalchemy import select

from tests import postgresql
from tests.s3 import bucket, s3_server  # noqa: F401 - fixtures
from tests.service.tree import PATIENCE, Tree, clip, nobody, tree, until
from tests.support import takes
from unmask.client import Client, ServiceError
from unmask.report.document import schema
from unmask.service.settings import ServiceSettings
from unmask.service.store.database import Database
from unmask.service.store.tables import AuditEntry

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("real time")]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    with tree(tmp_path_factory.mktemp("service") / "data", workers="1", lease="3") as made:
        yield made


def test_a_file_is_judged_and_its_result_and_report_can_be_had(
    running: Tree, tmp_path: Path
) -> None:
    path = clip(tmp_path / "interview.mp4")
    with running.client() as client:
        check = client.wait(client.upload(path, options={"prior": 0.01}), timeout=PATIENCE)
        assert (check.state, check.name, check.error) == ("done", "interview.mp4", None)
        result = client.result(check.id)
        jsonschema.validate(result.plain(), schema())
        assert result.path == "interview.mp4"
        assert result.sha256 == check.sha256
        assert result.verdict == check.verdict
        assert result.prior == 0.01
        assert "interview.mp4" in client.report(check.id)
        assert [one.id for one in client.checks("interview")] == [check.id]


def test_the_same_file_is_not_judged_again(running: Tree, tmp_path: Path) -> None:
    path = nobody(tmp_path / "twice.mp4")
    with running.client() as client:
        first = client.wait(client.upload(path), timeout=PATIENCE)
        again = client.upload(path, name="another name.mp4")
        other = client.upload(path, options={"every": 0.25})
    assert again.id == first.id
    assert other.id != first.id


def test_what_is_no_media_ends_with_a_reason(running: Tree, tmp_path: Path) -> None:
    path = tmp_path / "letter.mp4"
    path.write_bytes(b"Dear editor, " * 100)
    with running.client() as client:
        check = client.wait(client.upload(path), timeout=PATIENCE)
        assert (check.state, check.verdict) == ("done", None)
        assert check.error is not None
        assert check.error.startswith("letter.mp4: ")
        with pytest.raises(ServiceError) as refused:
            client.report(check.id)
    assert refused.value.status == 404


def test_a_worker_killed_in_mid_judging_costs_nothing(running: Tree, tmp_path: Path) -> None:
    path = clip(tmp_path / "killed.mp4", seconds=4, seed=2)
    with running.client() as client:
        check = client.upload(path)
        until(lambda: client.get(check.id).progress > 0)
        judges = running.processes("judge")
        assert running.kill("worker")
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in judges))
        assert client.wait(check, timeout=PATIENCE).state == "done"
    assert _audited(running, check.id) == ["check.created", "check.done"]


def test_a_worker_killed_in_mid_take_costs_nothing(running: Tree, tmp_path: Path) -> None:
    path = tmp_path / "take.mp4"
    takes.write(path, map(takes.filmed, takes.times((0, 5), (7, 12))))
    killed: list[int] = []

    def kill(done: float) -> None:
        if done > 0 and not killed:
            killed.extend(running.kill("worker"))

    with running.client() as client:
        check = client.wait(client.upload(path), timeout=PATIENCE)
        result = client.take(check.id, timeout=PATIENCE, every=0.05, progress=kill)
        page = client.take_report(check.id, "zh")
    assert killed
    assert (result.answer, result.path, result.sha256) == ("broken", "take.mp4", check.sha256)
    assert '<html lang="zh">' in page
    assert _audited(running, check.sha256) == ["take.asked", "take.done"]


def test_a_file_that_kills_its_judge_is_given_up(running: Tree, tmp_path: Path) -> None:
    with running.client() as client, running.killing("judge"):
        check = client.upload(clip(tmp_path / "poison.mp4", seconds=4, seed=3))
        ended = client.wait(check, timeout=PATIENCE)
        assert ended.state == "failed"
        assert ended.error is not None
        assert "was begun 3 times and never came to an end (it was ended by SIGKILL)" in ended.error
        jsonschema.validate(client.result(check.id).plain(), schema())


def test_the_http_process_killed_during_uploads_costs_nothing(
    running: Tree, tmp_path: Path
) -> None:
    files = [nobody(tmp_path / f"{seed}.mp4", seed) for seed in range(10, 16)]
    with ThreadPoolExecutor(3) as pool:
        sending = [pool.submit(_send, running, path) for path in files]
        running.kill("http")
        checks = [one.result() for one in sending]
    with running.client() as client:
        assert {client.wait(check, timeout=PATIENCE).state for check in checks} == {"done"}
    assert len(set(checks)) == len(files)


def test_all_children_die_with_the_supervisor(tmp_path: Path) -> None:
    with tree(tmp_path / "data", workers="1", live_readers="1") as made:
        until(lambda: made.processes("judge"))
        family = [
            pid for role in ("http", "worker", "courier", "judge") for pid in made.processes(role)
        ]
        assert len(family) >= 4
        made.stop(signal.SIGKILL)
        until(lambda: not any(_lives(pid) for pid in family))


def test_it_stops_when_told_to(tmp_path: Path) -> None:
    with tree(tmp_path / "data", workers="1", live_readers="1") as made:
        assert httpx.get(f"{made.url}/healthz", timeout=PATIENCE).is_success
        family = [pid for role in ("http", "worker", "courier") for pid in made.processes(role)]
        assert made.stop() == 0
        assert not any(_lives(pid) for pid in family)


def test_on_postgresql_a_restart_of_the_database_costs_nothing(tmp_path: Path) -> None:
    with (
        postgresql.server() as server,
        tree(tmp_path / "data", workers="1", database=server.url) as made,
        made.client() as client,
    ):
        check = client.upload(clip(tmp_path / "clip.mp4", seconds=4))
        until(lambda: client.get(check.id).progress > 0)
        server.stop()
        answer = httpx.get(
            f"{made.url}/api/v1/checks",
            headers={"Authorization": f"Bearer {made.key}"},
            timeout=PATIENCE,
        )
        assert (answer.status_code, answer.json()["title"]) == (503, "Out of order")
        server.start()
        ended = client.wait(check, timeout=PATIENCE)
        assert (ended.state, ended.error) == ("done", None)
        assert not list(made.data.glob("*.sqlite"))


def test_two_machines_share_a_database_and_a_bucket(tmp_path: Path, bucket: str) -> None:  # noqa: F811 - the fixture
    with postgresql.server() as server:
        shared = {"database": server.url, "storage": bucket}
        with (
            tree(tmp_path / "front", workers="0", **shared) as front,
            tree(tmp_path / "back", workers="1", **shared),
        ):
            with front.client() as client:
                check = client.wait(client.upload(nobody(tmp_path / "clip.mp4")), timeout=PATIENCE)
                assert (check.state, check.error) == ("done", None)
                assert "clip.mp4" in client.report(check.id)
            assert not front.processes("judge")
            assert not list(tmp_path.glob("*/media"))


def _send(running: Tree, path: Path) -> str:
    with Client(running.url, running.key) as client:
        return client.upload(path).id


def _audited(running: Tree, subject: str) -> list[str]:
    database = Database(ServiceSettings(data=running.data))
    with database.reading() as session:
        found = session.scalars(
            select(AuditEntry.action).filter_by(subject=subject).order_by(AuditEntry.number)
        ).all()
    database.close()
    return list(found)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
