"""The API of checks: what it takes, what it answers, and what it refuses."""

from __future__ import annotations

import hashlib
import json

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from tests.service.desk import Desk
from unmask.messages import verbatim
from unmask.report.document import Document
from unmask.service.app import create_app
from unmask.service.confined.judging import JudgeAnswer
from unmask.service.domain import checks
from unmask.service.people.actor import Scope
from unmask.service.store import jobs, storage
from unmask.service.store.tables import CaseFile, Check, Media
from unmask.types import CheckResult, Verdict

CONTENT = b"as many bytes as a clip"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
RESULT = Document.of(
    CheckResult("clip.mp4", SHA256, Verdict.CHANGED, verbatim("A face was changed."), 2.5, ())
)


def program(desk: Desk, *scopes: Scope, tenant: str = "ours") -> TestClient:
    _, secret = desk.key(*(scopes or (Scope.READ, Scope.UPLOAD)), tenant=tenant, per_minute=100_000)
    return desk.program(secret, create_app(desk.service))


@pytest.fixture
def client(desk: Desk) -> TestClient:
    return program(desk)


def judged(desk: Desk, result: Document = RESULT) -> Check:
    """Judges the queued check as a worker would, and returns it."""
    job = jobs.claim(desk.database, Check, 60.0)
    assert job is not None
    assert checks.conclude(desk.service, job, JudgeAnswer(result, b"<p>report</p>"))
    return job


def test_a_file_is_taken_as_body_and_as_form(client: TestClient) -> None:
    body = client.post("/api/v1/checks?name=clip.mp4", content=CONTENT)
    assert (body.status_code, body.json()["state"], body.json()["sha256"]) == (
        201,
        "queued",
        SHA256,
    )
    assert body.headers["Location"] == f"/api/v1/checks/{body.json()['id']}"
    form = client.post(
        "/api/v1/checks", files={"file": ("other name.mp4", CONTENT)}, data={"sha256": SHA256}
    )
    assert (form.status_code, form.json()["id"]) == (200, body.json()["id"])


def test_the_same_file_is_queued_once_per_tenant_and_configuration(
    desk: Desk, client: TestClient
) -> None:
    first = client.post("/api/v1/checks", content=CONTENT).json()["id"]
    assert client.post("/api/v1/checks", content=CONTENT).json()["id"] == first
    options = {"options": json.dumps({"prior": 0.01})}
    assert client.post("/api/v1/checks", content=CONTENT, params=options).json()["id"] != first
    theirs = program(desk, tenant="theirs").post("/api/v1/checks", content=CONTENT)
    assert theirs.status_code == 201


@pytest.mark.parametrize(("outcome", "opened"), [("cannot tell", 1), ("no face", 0)])
def test_a_picture_of_nobody_opens_no_case(
    desk: Desk, client: TestClient, outcome: str, opened: int
) -> None:
    check = client.post("/api/v1/checks", content=CONTENT).json()["id"]
    judged(
        desk,
        Document.model_validate(
            {**RESULT.plain(), "verdict": "cannot tell", "outcome": outcome, "log10_lr": None}
        ),
    )
    shown = client.get(f"/api/v1/checks/{check}").json()
    assert (shown["verdict"], shown["outcome"]) == ("cannot tell", outcome)
    with desk.database.reading() as session:
        assert len(session.scalars(select(CaseFile)).all()) == opened


def test_a_file_that_was_deleted_is_judged_again(desk: Desk, client: TestClient) -> None:
    check = client.post("/api/v1/checks", content=CONTENT).json()["id"]
    judged(desk)
    with desk.database.transaction() as session:
        tenant = desk.tenants["ours"]
        session.get_one(Media, (tenant, SHA256)).deleted = 1.0
        desk.service.storage.delete_all(storage.folder(tenant, SHA256))
    assert client.get(f"/api/v1/checks/{check}/report").status_code == 410
    assert client.get(f"/api/v1/checks/{check}/media").status_code == 410
    again = client.post("/api/v1/checks", content=CONTENT)
    assert (again.json()["id"], again.json()["state"]) == (check, "queued")
    judged(desk)
    assert client.get(f"/api/v1/checks/{check}/report").status_code == 200
    assert client.get(f"/api/v1/checks/{check}/media").content == CONTENT


def test_an_announced_sha256_that_is_wrong_is_refused(desk: Desk, client: TestClient) -> None:
    answer = client.post("/api/v1/checks", content=CONTENT, params={"sha256": "0" * 64})
    assert (answer.status_code, answer.json()["title"]) == (422, "Wrong digest")
    assert client.get("/api/v1/checks").json()["items"] == []
    assert list(desk.service.storage.listed("incoming")) == []


def test_an_idempotency_key_makes_it_happen_once(client: TestClient) -> None:
    headers = {"Idempotency-Key": "7"}
    first, second = (
        client.post("/api/v1/checks", content=CONTENT, headers=headers) for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert client.post("/api/v1/checks", content=b"other", headers=headers).status_code == 422


def test_the_result_and_the_report_are_there_when_it_is_done(
    desk: Desk, client: TestClient
) -> None:
    check = client.post("/api/v1/checks", content=CONTENT).json()["id"]
    early = client.get(f"/api/v1/checks/{check}/result")
    assert (early.status_code, early.json()["title"], early.headers["Retry-After"]) == (
        409,
        "Not done",
        "1",
    )
    judged(desk)
    assert client.get(f"/api/v1/checks/{check}").json()["verdict"] == "changed"
    assert client.get(f"/api/v1/checks/{check}/result").json() == RESULT.plain()
    report = client.get(f"/api/v1/checks/{check}/report")
    assert report.text == "<p>report</p>"
    assert "sandbox" in report.headers["Content-Security-Policy"]
    assert "script-src" not in report.headers["Content-Security-Policy"]


def test_the_list_goes_on_from_page_to_page(client: TestClient) -> None:
    made = [
        client.post("/api/v1/checks", content=bytes([number])).json()["id"] for number in range(5)
    ]
    found, before = [], None
    while True:
        page = client.get(
            "/api/v1/checks", params={"limit": 2, **({"before": before} if before else {})}
        ).json()
        found += [one["id"] for one in page["items"]]
        if (before := page["next"]) is None:
            break
    assert sorted(found) == sorted(made)
    assert found == sorted(found, reverse=True)


def test_checks_are_found_by_name_and_digest(client: TestClient) -> None:
    for number, name in enumerate(("Interview of 3 May.mp4", "interview_b.mp4", "100%.jpg")):
        client.post("/api/v1/checks", content=bytes([number]), params={"name": name})

    def names(**wanted: str) -> set[str]:
        return {one["name"] for one in client.get("/api/v1/checks", params=wanted).json()["items"]}

    assert names(q="INTERVIEW may") == {"Interview of 3 May.mp4"}
    assert names(q="100%") == {"100%.jpg"}
    assert names(q="_b") == {"interview_b.mp4"}
    assert names(q=hashlib.sha256(bytes([2])).hexdigest()[:12]) == {"100%.jpg"}
    assert names(verdict="changed") == set()
    assert len(names(state="queued")) == 3


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-1", 206, CONTENT[:2]),
        ("bytes=3-", 206, CONTENT[3:]),
        ("bytes=-4", 206, CONTENT[-4:]),
        ("bytes=0-999", 200, CONTENT),
        ("bytes=99-", 416, None),
        (f"bytes=0-{'9' * 5000}", 200, CONTENT),
        (f"bytes={'9' * 5000}-", 416, None),
        (f"bytes=-{'9' * 5000}", 200, CONTENT),
        (f"bytes={'0' * 5000}1-2", 206, CONTENT[1:3]),
        ("bytes=5-2", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=0-1,3-4", 200, CONTENT),
        ("lines=1-2", 200, CONTENT),
        ("bytes=a-b", 200, CONTENT),
    ],
)
def test_players_ask_for_parts(
    client: TestClient, asked: str, status: int, content: bytes | None
) -> None:
    check = client.post("/api/v1/checks?name=clip.mp4", content=CONTENT).json()["id"]
    answer = client.get(f"/api/v1/checks/{check}/media", headers={"Range": asked})
    assert answer.status_code == status
    if content is not None:
        assert (answer.content, answer.headers["Content-Type"]) == (content, "video/mp4")


def test_another_organisations_check_is_not_there(desk: Desk, client: TestClient) -> None:
    check = client.post("/api/v1/checks", content=CONTENT).json()["id"]
    judged(desk)
    stranger = program(desk, tenant="theirs")
    for what in ("", "/result", "/report", "/media", "/pictures/1.jpg"):
        assert stranger.get(f"/api/v1/checks/{check}{what}").status_code == 404
    assert stranger.get("/api/v1/checks").json()["items"] == []
    assert client.get(f"/api/v1/checks/{check}").status_code == 200


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\films\\clip.mp4", "clip.mp4"),
        ("<script>alert(1)</script>", "script>"),
        ("a\0b\nc.mp4", "a\\x00b\\nc.mp4"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("/", "file"),
        ("x" * 1000, "x" * 200),
    ],
)
def test_a_name_never_becomes_a_path(client: TestClient, name: str, shown: str) -> None:
    answer = client.post("/api/v1/checks", content=CONTENT, params={"name": name})
    assert answer.json()["name"] == shown


def test_a_key_may_only_do_what_its_scopes_say(desk: Desk) -> None:
    reader, writer = program(desk, Scope.READ), program(desk, Scope.UPLOAD)
    assert reader.post("/api/v1/checks", content=CONTENT).status_code == 403
    assert writer.post("/api/v1/checks", content=CONTENT).status_code == 201
    assert writer.get("/api/v1/checks").status_code == 403
    assert desk.browser(create_app(desk.service)).get("/api/v1/checks").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/api/v1/checks/none", {}, 422),
        ("GET", "/api/v1/checks/0123", {}, 404),
        ("GET", "/api/v1/checks?limit=0", {}, 422),
        ("GET", "/api/v1/nothing", {}, 404),
        ("PUT", "/api/v1/checks", {}, 405),
        ("POST", "/api/v1/checks", {}, 400),
        ("POST", "/api/v1/checks?options=%7B", {"content": CONTENT}, 422),
        ("POST", "/api/v1/checks?options=%7B%22lines%22:[%22x%22]%7D", {"content": CONTENT}, 422),
        ("POST", "/api/v1/checks", {"files": {"other": ("a", CONTENT)}}, 422),
        ("POST", "/api/v1/checks", {"json": {"url": "https://example.org/clip.mp4"}}, 403),
        ("POST", "/api/v1/checks", {"json": {}}, 422),
        ("POST", "/api/v1/checks", {"json": {"url": "x" * 300_000}}, 413),
    ],
)
def test_every_error_is_a_problem_document(
    client: TestClient, method: str, path: str, more: dict[str, object], status: int
) -> None:
    answer = client.request(method, path, **more)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.status_code == answer.json()["status"] == status
    assert answer.json()["detail"]
