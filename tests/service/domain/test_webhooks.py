"""Messages to webhooks: signed, retried, many at once, and to public addresses only.

The operator may allow private addresses.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from tests.service.api.test_checks import judged, program
from tests.service.desk import Desk
from tests.service.domain.test_takes import answered
from tests.service.listener import Listener, listener
from tests.service.tree import PATIENCE, until
from unmask.service.domain import deliveries as sending
from unmask.service.domain import live, webhooks
from unmask.service.domain.live import ChallengeKind
from unmask.service.people import accounts
from unmask.service.people.actor import Scope
from unmask.service.store import jobs
from unmask.service.store.service import Service
from unmask.service.store.tables import Delivery

pytestmark = pytest.mark.slow

HOOK = "/hook"


@pytest.fixture
def web() -> Iterator[Listener]:
    with listener() as made:
        made.answers[HOOK] = (204, {}, b"")
        yield made


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def open_desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """Yields a service whose operator allows private addresses."""
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


def deliver(desk: Desk) -> bool:
    """Sends the message that has waited longest; False if none is due."""
    job = jobs.claim(desk.database, Delivery, 60.0)
    if job is not None:
        sending.send(desk.service, job)
    return job is not None


def due_at_once(desk: Desk) -> None:
    with desk.database.transaction() as session:
        session.execute(update(Delivery).values(lease_until=0.0))


def deliveries(desk: Desk) -> list[tuple[str, int, str | None]]:
    with desk.database.reading() as session:
        return [
            (one.state, one.attempts, one.answer)
            for one in session.scalars(select(Delivery).order_by(Delivery.id))
        ]


def test_a_result_is_told_once_and_signed(open_desk: Desk, web: Listener) -> None:
    secret = hook(open_desk, web.url + HOOK)["secret"]
    about = check(open_desk)
    assert deliver(open_desk)
    assert not deliver(open_desk)
    ((method, path, headers, body),) = web.requests
    assert (method, path) == ("POST", HOOK)
    told = json.loads(body)
    assert (told["type"], told["data"]["id"], told["data"]["verdict"]) == (
        "check.done",
        about,
        "changed",
    )
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert deliveries(open_desk) == [("done", 1, "answered 204")]


def test_who_does_not_answer_well_is_asked_again_later(open_desk: Desk, web: Listener) -> None:
    hook(open_desk, web.url + HOOK)
    check(open_desk)
    web.answers[HOOK] = (500, {}, b"")
    assert deliver(open_desk)
    assert not deliver(open_desk)
    assert deliveries(open_desk) == [("queued", 1, "answered 500")]
    due_at_once(open_desk)
    web.answers[HOOK] = (200, {}, b"")
    assert deliver(open_desk)
    assert deliveries(open_desk) == [("done", 2, "answered 200")]
    assert web.requests[0][2]["webhook-id"] == web.requests[1][2]["webhook-id"]


def test_a_message_is_given_up_in_the_end(open_desk: Desk, web: Listener) -> None:
    hook(open_desk, f"{web.url}/none")
    check(open_desk)
    for _attempt in range(len(sending.WAITS) + 1):
        assert deliver(open_desk)
        due_at_once(open_desk)
    assert not deliver(open_desk)
    assert deliveries(open_desk) == [("failed", len(sending.WAITS) + 1, "answered 404")]


def test_a_redirect_is_not_followed(open_desk: Desk, web: Listener) -> None:
    web.answers[HOOK] = (302, {"Location": "/there"}, b"")
    hook(open_desk, web.url + HOOK)
    check(open_desk)
    deliver(open_desk)
    assert [path for _, path, _, _ in web.requests] == [HOOK]
    assert deliveries(open_desk) == [("queued", 1, "answered 302")]


def test_private_addresses_are_not_told(desk: Desk, web: Listener) -> None:
    hook(desk, web.url + HOOK)
    check(desk)
    deliver(desk)
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


class Hanging:
    """Receivers of which some hang until they are told to answer.

    Attributes:
        sent: ids of the webhooks to which messages were sent.

    Args:
        hang: ids of webhooks that hang.
    """

    def __init__(self, *hang: str) -> None:
        self._hang, self._answer = frozenset(hang), Event()
        self.sent: list[str] = []

    def __call__(self, service: Service, job: Delivery) -> None:
        self.sent.append(job.webhook)
        if job.webhook in self._hang:
            assert self._answer.wait(PATIENCE)
        with jobs.held(service.database, job) as (session, row):
            assert row is not None
            jobs.end(session, row, "done")

    def answer(self) -> None:
        self._answer.set()


def organisation(desk: Desk, name: str) -> str:
    with desk.database.transaction() as session:
        desk.tenants[name] = accounts.organisation(session, name).id
    return name


def webhooks_of(desk: Desk, tenant: str, count: int) -> list[str]:
    """Adds webhooks of an organisation; returns their ids."""
    with desk.database.transaction() as session:
        actor = desk.system(tenant)
        return [
            webhooks.add(session, actor, f"https://example.org/{number}", ["check.done"]).id
            for number in range(count)
        ]


def queue(desk: Desk, webhook: str, count: int, tenant: str = "ours") -> None:
    with desk.database.transaction() as session:
        for _ in range(count):
            values = {
                "tenant": desk.tenants[tenant],
                "webhook": webhook,
                "event": "check.done",
                "payload": {},
            }
            session.add(Delivery(**values))


def send_until(post: sending.Post, true: Callable[[], bool]) -> None:
    def step() -> bool:
        post.hand_out()
        return true()

    until(step)


@pytest.mark.parametrize("hanging", [1, 12])
def test_organisations_whose_receivers_hang_hold_up_nobody_else(
    open_desk: Desk, hanging: int
) -> None:
    slow = {
        webhook: tenant
        for tenant in (organisation(open_desk, f"slow {number}") for number in range(hanging))
        for webhook in webhooks_of(open_desk, tenant, 8)
    }
    (quick,) = webhooks_of(open_desk, "ours", 1)
    for one, tenant in slow.items():
        queue(open_desk, one, 4, tenant)
    queue(open_desk, quick, 20)
    receivers = Hanging(*slow)
    post = sending.Post(open_desk.service, receivers)
    send_until(post, lambda: receivers.sent.count(quick) == 20)
    held = Counter(one for one in receivers.sent if one != quick)
    of_tenant = Counter(slow[one] for one in held.elements())
    assert held.total() < sending.AT_ONCE
    assert max(held.values()) == sending.TO_WEBHOOK
    assert max(of_tenant.values()) <= 1 + sending.SHARE * sending.AT_ONCE / (1 + sending.SHARE)
    assert len(of_tenant) == hanging
    receivers.answer()
    send_until(post, lambda: len(receivers.sent) == 20 + 32 * hanging)
    post.close()
    assert {state for state, _, _ in deliveries(open_desk)} == {"done"}


def test_a_message_sent_again_has_its_first_id_and_time_and_a_new_signature(
    open_desk: Desk, web: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard Webhooks: the attempt's timestamp is renewed, the event's is not, nor is the id."""
    made = hook(open_desk, web.url + HOOK)
    check(open_desk)
    deliver(open_desk)
    log = f"/api/v1/webhooks/{made['id']}/deliveries"
    admin = program(open_desk, Scope.ADMIN)
    (first,) = admin.get(log).json()["items"]
    later = open_desk.database.now() + 3600
    monkeypatch.setattr(open_desk.database, "now", lambda: later)
    assert admin.post(f"{log}/{first['id']}/replays").json()["created"] == first["created"]
    assert deliver(open_desk)
    (_, _, one, told), (_, _, two, again) = web.requests
    assert (one["webhook-id"], told) == (two["webhook-id"], again)
    assert int(two["webhook-timestamp"]) == int(later) > int(one["webhook-timestamp"])
    signature = sending.sign(made["secret"], one["webhook-id"], int(later), again)
    assert two["webhook-signature"] == signature


def test_what_cannot_be_written_down_is_said_and_sent_again(desk: Desk) -> None:
    queue(desk, hook(desk, "https://example.org/one")["id"], 1)

    def away(*_: object) -> None:
        raise OperationalError("the database is away", None, Exception())

    post = sending.Post(desk.service, away)
    assert post.hand_out()
    post.close()
    with pytest.raises(OperationalError):
        post.hand_out()
    due_at_once(desk)
    assert jobs.claim(desk.database, Delivery, 60.0) is not None


def test_the_log_shows_how_each_message_fared_and_sends_it_again(
    open_desk: Desk, web: Listener
) -> None:
    desk, admin = open_desk, program(open_desk, Scope.ADMIN)
    made = hook(desk, f"{web.url}/none")
    for content in (b"one", b"two"):
        check(desk, content)
    log, failed = f"/api/v1/webhooks/{made['id']}/deliveries", len(sending.WAITS) + 1
    for _ in range(2 * failed):
        assert deliver(desk)
        due_at_once(desk)
    page = admin.get(log, params={"limit": 1}).json()
    (first,) = page["items"]
    assert (first["state"], first["attempts"], first["answer"]) == (
        "failed",
        failed,
        "answered 404",
    )
    assert first["payload"]["data"]["name"] == "file"
    (second,) = admin.get(log, params={"before": page["next"]}).json()["items"]
    web.answers["/none"] = (200, {}, b"")
    again = admin.post(f"{log}/{first['id']}/replays")
    assert (again.status_code, again.json()["state"], again.json()["attempts"]) == (
        202,
        "queued",
        0,
    )
    assert admin.post(f"{log}/{first['id']}/replays").status_code == 409
    assert admin.post(f"/api/v1/webhooks/{made['id']}/replays").json() == {"count": 1}
    assert deliver(desk)
    assert deliver(desk)
    assert {one["id"]: one["state"] for one in admin.get(log).json()["items"]} == {
        first["id"]: "done",
        second["id"]: "done",
    }
    assert {headers["webhook-id"] for _, _, headers, _ in web.requests[-2:]} == {
        first["id"],
        second["id"],
    }
    stranger = program(desk, Scope.ADMIN, tenant="theirs")
    assert stranger.get(log).status_code == 404
    assert stranger.post(f"{log}/{first['id']}/replays").status_code == 404
    with desk.database.transaction() as session:
        sending.drop_old(session, time.time() + sending.KEPT + 60)
    assert admin.get(log).json() == {"items": [], "next": None}


def test_cases_takes_and_live_checks_are_told_of(open_desk: Desk, web: Listener) -> None:
    events = [one for one in webhooks.EVENTS if not one.startswith("check.")]
    hook(open_desk, web.url + HOOK, events=events)
    about = check(open_desk)
    case = open_desk.browser(person="rob").get("/api/v1/cases").json()["cases"][0]["id"]
    decision = {"decision": "keep", "grounds": "It is a parody."}
    decided = open_desk.browser(person="rob").post(f"/api/v1/cases/{case}/decisions", json=decision)
    assert decided.status_code == 201, decided.text
    with open_desk.database.transaction() as session:
        row, _ = live.make(
            session, open_desk.actor("ada"), "their customer 7", [ChallengeKind.LIGHT], None, 1.0
        )
        live.conclude(session, row.id, live.SUSPICIOUS, 2.0)
    answered(open_desk, about)
    while deliver(open_desk):
        pass
    told = {json.loads(body)["type"]: json.loads(body)["data"] for *_, body in web.requests}
    assert told == {
        "case.opened": {"id": case, "check": about, "state": "open", "decision": None},
        "case.decided": {"id": case, "check": about, "state": "decided", "decision": "keep"},
        "take.done": {
            "name": "file",
            "sha256": hashlib.sha256(b"a clip").hexdigest(),
            "state": "done",
            "answer": "no break found",
        },
        "live.done": {"id": row.id, "way": None, "result": "inconclusive", "advice": "suspicious"},
    }
