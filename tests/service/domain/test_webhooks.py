"""Messages about results: signed, sent again, and never to a private address unless the operator allows it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.service.api.test_checks import judged, program
from tests.service.desk import Desk
from tests.service.listener import Listener, listener
from unmask.service.domain import webhooks
from unmask.service.people.actor import Scope
from unmask.service.store.tables import Delivery

HOOK = "/hook"


@pytest.fixture
def web() -> Iterator[Listener]:
    with listener() as made:
        made.answers[HOOK] = (204, {}, b"")
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def open_desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A service whose operator allows private addresses."""
    address = request.getfixturevalue("postgresql") if request.param == "postgresql" else ""
    made = Desk(tmp_path / "service", {"webhook_private": True, "database": address})
    yield made
    made.close()


def hook(desk: Desk, url: str, **more: object) -> dict[str, str]:
    answer = program(desk, Scope.ADMIN).post("/api/v1/webhooks", json={"url": url, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


def check(desk: Desk, content: bytes = b"a clip") -> str:
    made: str = program(desk).post("/api/v1/checks", content=content).json()["id"]
    judged(desk)
    return made


def due_at_once(desk: Desk) -> None:
    with desk.database.transaction() as session:
        session.execute(update(Delivery).values(lease_until=0.0))


def deliveries(desk: Desk) -> list[tuple[str, int, str | None]]:
    with desk.database.reading() as session:
        return [
            (one.state, one.attempts, one.answer) for one in session.scalars(select(Delivery).order_by(Delivery.id))
        ]


def test_a_result_is_told_once_and_signed(open_desk: Desk, web: Listener) -> None:
    secret = hook(open_desk, web.url + HOOK)["secret"]
    about = check(open_desk)
    assert webhooks.deliver(open_desk.service)
    assert not webhooks.deliver(open_desk.service)
    ((method, path, headers, body),) = web.requests
    assert (method, path) == ("POST", HOOK)
    told = json.loads(body)
    assert (told["type"], told["data"]["id"], told["data"]["verdict"]) == ("check.done", about, "changed")
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert deliveries(open_desk) == [("done", 1, "answered 204")]


def test_who_does_not_answer_well_is_asked_again_later(open_desk: Desk, web: Listener) -> None:
    hook(open_desk, web.url + HOOK)
    check(open_desk)
    web.answers[HOOK] = (500, {}, b"")
    assert webhooks.deliver(open_desk.service)
    assert not webhooks.deliver(open_desk.service)
    assert deliveries(open_desk) == [("queued", 1, "answered 500")]
    due_at_once(open_desk)
    web.answers[HOOK] = (200, {}, b"")
    assert webhooks.deliver(open_desk.service)
    assert deliveries(open_desk) == [("done", 2, "answered 200")]
    assert web.requests[0][2]["webhook-id"] == web.requests[1][2]["webhook-id"]


def test_a_message_is_given_up_in_the_end(open_desk: Desk, web: Listener) -> None:
    hook(open_desk, f"{web.url}/none")
    check(open_desk)
    for _attempt in range(len(webhooks.WAITS) + 1):
        assert webhooks.deliver(open_desk.service)
        due_at_once(open_desk)
    assert not webhooks.deliver(open_desk.service)
    assert deliveries(open_desk) == [("failed", len(webhooks.WAITS) + 1, "answered 404")]


def test_a_redirect_is_not_followed(open_desk: Desk, web: Listener) -> None:
    web.answers[HOOK] = (302, {"Location": "/there"}, b"")
    hook(open_desk, web.url + HOOK)
    check(open_desk)
    webhooks.deliver(open_desk.service)
    assert [path for _, path, _, _ in web.requests] == [HOOK]
    assert deliveries(open_desk) == [("queued", 1, "answered 302")]


def test_private_addresses_are_not_told(desk: Desk, web: Listener) -> None:
    hook(desk, web.url + HOOK)
    check(desk)
    webhooks.deliver(desk.service)
    assert web.requests == []
    assert deliveries(desk) == [("queued", 1, "127.0.0.1 leads to a private address")]


def test_only_what_was_asked_for_is_told_to_who_still_listens(desk: Desk) -> None:
    gone = hook(desk, "https://example.org/gone")
    hook(desk, "https://example.org/failures", events=["check.failed"])
    admin = program(desk, Scope.ADMIN)
    assert admin.delete(f"/api/v1/webhooks/{gone['id']}").status_code == 204
    assert admin.delete(f"/api/v1/webhooks/{gone['id']}").status_code == 404
    check(desk)
    assert deliveries(desk) == []
    listed = admin.get("/api/v1/webhooks").json()
    assert [one["url"] for one in listed] == ["https://example.org/failures"]
    assert "secret" not in listed[0]


def test_another_organisation_neither_hears_nor_removes(desk: Desk) -> None:
    mine = hook(desk, "https://example.org/mine")
    stranger = program(desk, Scope.ADMIN, Scope.READ, Scope.UPLOAD, tenant="theirs")
    assert stranger.delete(f"/api/v1/webhooks/{mine['id']}").status_code == 404
    assert stranger.get("/api/v1/webhooks").json() == []
    stranger.post("/api/v1/checks", content=b"theirs")
    judged(desk)
    assert deliveries(desk) == []
