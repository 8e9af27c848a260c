"""Security headers, allowed hosts, and logs without personal data."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import uuid
from io import StringIO
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.api.test_tenants import FORM
from tests.service.desk import ORIGIN, PASSWORD, Desk
from unmask.service.api.protection import HEADERS
from unmask.service.app import create_app
from unmask.service.people.actor import Scope
from unmask.service.processes.logs import JsonLines


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/whoami", "/api/v1/nowhere", "/nowhere"])
def test_every_answer_binds_the_browser(desk: Desk, path: str) -> None:
    answer = desk.browser().get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "Strict-Transport-Security" not in answer.headers
    assert "Server" not in answer.headers
    assert uuid.UUID(answer.headers["X-Request-ID"]).version == 7


def test_an_answer_to_an_error_of_ours_binds_it_too_and_can_be_found_in_the_log(
    desk: Desk, written: StringIO
) -> None:
    app = create_app(desk.service)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("private holiday.mp4")

    answer = desk.browser(app).get("/broken")
    assert answer.status_code == 500
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "holiday" not in answer.text + written.getvalue()
    entries = [json.loads(line) for line in written.getvalue().splitlines()]
    assert {entry["request"] for entry in entries} == {answer.headers["X-Request-ID"]}
    assert any(entry.get("error") == "RuntimeError" for entry in entries)


def test_no_inline_script_or_style_may_run() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_report_is_a_sandbox_of_its_own(desk: Desk) -> None:
    check = desk.check(result={"error": None})
    _, secret = desk.key(Scope.READ)
    answer = desk.program(secret).get(f"/api/v1/checks/{check}/report")
    policy = answer.headers["Content-Security-Policy"]
    assert answer.status_code == 200
    assert policy.startswith("sandbox;")
    for forbidden in ("allow-scripts", "allow-same-origin", "script-src"):
        assert forbidden not in policy


def test_https_is_kept_for_a_year(tmp_path: Path) -> None:
    public = Desk(tmp_path, {"public_url": "https://unmask.example"})
    answer = public.browser().get("/healthz")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    public.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("localhost", True),
        ("LOCALHOST:8000", True),
        ("127.0.0.1:8000", True),
        ("[::1]:8000", True),
        ("unmask.example", True),
        ("desk.example:443", True),
        ("evil.example", False),
        ("unmask.example.evil.example", False),
        ("unmask.example@evil.example", False),
        ("", False),
        ("[::1", False),
        ("127.0.0.2", False),
    ],
)
def test_only_the_services_own_names_may_be_asked(tmp_path: Path, host: str, good: bool) -> None:
    desk = Desk(tmp_path, {"public_url": "https://unmask.example", "hosts": ("Desk.example",)})
    browser = desk.browser()
    answer = browser.get("/api/v1/whoami", headers={"Host": host})
    assert answer.status_code == (401 if good else 421)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert browser.get("/healthz", headers={"Host": host}).status_code == 200
    desk.close()


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.text(min_size=1, max_size=40))
def test_no_file_name_breaks_out_of_a_header(desk: Desk, name: str) -> None:
    check = desk.check(
        name.encode("utf-8", "replace"),
        name=name.encode("utf-8", "replace").decode().replace("\x00", ""),
    )
    _, secret = desk.key(Scope.READ)
    answer = desk.program(secret).get(f"/api/v1/checks/{check}/media")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
    assert answer.headers["Content-Disposition"].isascii()
    assert not set(answer.headers["Content-Disposition"]) & set('\r\n"<>\\')


def test_what_was_typed_is_not_sent_back(desk: Desk) -> None:
    form = {"email": ["<script>"], "password": {"x": PASSWORD}}
    answer = desk.browser().post("/api/v1/session", json=form, headers={"Origin": ORIGIN})
    assert answer.status_code == 422
    assert PASSWORD not in answer.text
    assert "script" not in answer.text


def test_a_body_without_end_is_refused(desk: Desk) -> None:
    body = b'{"email": "' + b"x" * (1 << 20) + b'"}'
    headers = {"Origin": ORIGIN, "Content-Type": "application/json"}
    assert desk.browser().post("/api/v1/session", content=body, headers=headers).status_code == 413
    endless = (b"x" * 1000 for _ in range(1 << 10))
    assert (
        desk.browser().post("/api/v1/session", content=endless, headers=headers).status_code == 413
    )


@pytest.fixture
def written() -> StringIO:
    """Yields what the service's logs would write to stderr."""
    stream, root = StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    level = logging.getLogger("unmask").level
    logging.getLogger("unmask").setLevel(logging.INFO)
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)
    logging.getLogger("unmask").setLevel(level)


def test_logs_name_the_route_and_nobody(desk: Desk, written: StringIO) -> None:
    check = desk.check(name="private holiday.mp4")
    browser = desk.browser(person="ada")
    browser.get(f"/api/v1/checks/{check}", params={"q": "private"})
    browser.get("/private/holiday.mp4")
    browser.post(
        "/api/v1/session",
        json={"email": "who@private.example", "password": "private private private"},
    )
    text = written.getvalue()
    entries = [json.loads(line) for line in text.splitlines()]
    shown = next(entry for entry in entries if entry.get("route") == "/api/v1/checks/{check}")
    assert (shown["method"], shown["status"], shown["tenant"]) == ("GET", 200, desk.tenants["ours"])
    assert shown["actor"] == f"account:{desk.account('ada').id}"
    for personal in ("private", "holiday", "ada@", "Ada", "testclient", check, PASSWORD):
        assert personal not in text


def test_an_exception_is_logged_by_kind_and_place_not_by_what_it_quotes(written: StringIO) -> None:
    try:
        Path("/nowhere/private holiday.mp4").read_bytes()
    except OSError:
        logging.getLogger("unmask.service").exception("storage failed")
        logging.getLogger("somebody.else").exception("reading %s failed", "private holiday.mp4")
    own, foreign = (json.loads(line) for line in written.getvalue().splitlines())
    assert own["error"] == "FileNotFoundError"
    assert "test_protection.py" in own["at"][0]
    assert foreign["message"] == "reading %s failed"
    assert "holiday" not in written.getvalue()


def test_a_process_that_dies_quotes_nothing(tmp_path: Path) -> None:
    program = (
        "from unmask.service.processes.logs import configure; configure(); "
        "open('/nowhere/private holiday.mp4')"
    )
    died = subprocess.run(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, check=False
    )
    assert died.returncode == 1
    (line,) = died.stderr.splitlines()
    assert json.loads(line)["error"] == "FileNotFoundError"
    assert "holiday" not in line


def test_probes_tell_whether_it_lives_and_can_work(desk: Desk) -> None:
    browser = desk.browser()
    assert browser.get("/healthz").json() == {"status": "ok"}
    assert browser.get("/readyz").json() == {"status": "ok"}
    (desk.data / "unmask.sqlite").rename(desk.data / "moved")
    desk.database.close()
    assert browser.get("/healthz").status_code == 200
    assert browser.get("/readyz").status_code == 503


def test_figures_are_for_who_has_the_operators_token(tmp_path: Path, desk: Desk) -> None:
    _, secret = desk.key(*Scope)
    assert desk.program(secret).get("/metrics").status_code == 404
    open_to_one = Desk(tmp_path / "metrics", {"metrics_token": "a token of the operator"})
    browser = open_to_one.browser()
    assert browser.get("/metrics").status_code == 401
    assert browser.get("/metrics", headers={"Authorization": "Bearer another"}).status_code == 401
    open_to_one.check()
    open_to_one.check(b"another", state="queued", verdict=None, finished=None, created=1.0)
    open_to_one.check(b"a third", begun=1.0, finished=3.5, deaths=2, lapses=1)
    browser.get("/api/v1/checks/0/result")
    text = browser.get("/metrics", headers={"Authorization": "Bearer a token of the operator"}).text
    for line in (
        'unmask_checks{state="done",verdict="changed"} 2.0',
        'unmask_checks{state="queued",verdict="none"} 1.0',
        "unmask_queue_depth 1.0",
        "unmask_judge_deaths 2.0",
        "unmask_worker_deaths 1.0",
        "unmask_deliveries_waiting 0.0",
        "unmask_deliveries_failed 0.0",
        "unmask_judge_seconds_sum 2.5",
        "unmask_judge_seconds_count 1.0",
        'unmask_http_seconds_count{method="GET",route="/api/v1/checks/{check}/result",'
        'status="401"} 1.0',
    ):
        assert line in text
    assert float(text.split("\nunmask_queue_age_seconds ")[1].split()[0]) > 1e9
    assert float(text.split("\nunmask_disk_free_bytes ")[1].split()[0]) > 0
    assert "ours.example" not in text
    open_to_one.close()


ODD = ("a\x00b", "\ud800", "\u202e\u2028\ufeff", "𝕏" * 90, "' OR 1=1 --")


@pytest.mark.slow
def test_odd_text_is_refused_or_kept_as_it_is(either_desk: Desk) -> None:
    check = either_desk.check()
    admin = either_desk.browser(person="ada")
    case = admin.post("/api/v1/cases", json={"check": check}).json()["id"]

    def attempts(text: str) -> list[httpx.Response]:
        words = json.dumps(text)
        posts = {
            "/api/v1/session": f'{{"email": {words}, "password": {words}}}',
            "/api/v1/accounts": (
                f'{{"email": {words}, "name": {words}, "role": "viewer", "password": {words}}}'
            ),
            "/api/v1/keys": f'{{"name": {words}, "scopes": ["checks:read"]}}',
            f"/api/v1/cases/{case}/notes": f'{{"text": {words}}}',
            f"/api/v1/cases/{case}/decisions": (
                f'{{"decision": "label", "grounds": {words}, "rule": {words}}}'
            ),
            f"/api/v1/cases/{case}/appeals": f'{{"text": {words}}}',
            "/api/v1/cases": f'{{"check": {words}}}',
            "/sign-in": urlencode({"email": text, "password": text}, errors="surrogatepass"),
            f"/cases/{case}/note": urlencode({"text": text}, errors="surrogatepass"),
        }
        kinds = {path: "application/json" if path.startswith("/api") else FORM for path in posts}
        sent = [
            admin.post(path, content=body, headers={"Content-Type": kinds[path]})
            for path, body in posts.items()
        ]
        escaped = quote(text, errors="surrogatepass")
        asked = (
            "cases?verdict=",
            "cases?cursor=",
            "cases?assigned=",
            "cases/",
            "audit?subject=",
            "checks?q=",
        )
        return sent + [admin.get(f"/api/v1/{path}{escaped}") for path in asked]

    for text in ODD:
        for answer in attempts(text):
            assert answer.status_code < 500, (text, answer.request.url, answer.text)
    told = admin.get(f"/api/v1/cases/{case}").json()["events"]
    assert "' OR 1=1 --" in [event["text"] for event in told]
