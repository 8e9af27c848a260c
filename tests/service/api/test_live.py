"""Live checks over HTTP and the WebSocket: who may do what, once; what is refused; what is kept."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select, text
from websockets.exceptions import InvalidStatus

from tests.service.live_client import PATIENCE, Client
from tests.service.site import Site
from tests.service.tree import processes_of, until
from tests.support import live_face
from unmask.live.protocol import FRAME_BYTES
from unmask.service.api.live import PER_ADDRESS
from unmask.service.confined import live_reader, live_reading
from unmask.service.confined.conclusion import Conclusion
from unmask.service.domain import live
from unmask.service.people import rate_limits
from unmask.service.people.actor import Scope
from unmask.service.problems import Problem
from unmask.service.store.tables import AuditEntry, LiveCheck

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("real time")]

INCONCLUSIVE = {"outcome": "inconclusive", "back": None}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("live") / "service")
    yield made
    made.close()


class Backend:
    """A program that has live checks done.

    Args:
        site: the service.
        tenant: organisation of the program.
        scopes: scopes of its key.
    """

    def __init__(self, site: Site, tenant: str = "ours", *scopes: Scope) -> None:
        self._url = f"{site.url}/api/v1/live"
        self._headers = {
            "Authorization": f"Bearer {site.desk.key(*(scopes or (Scope.LIVE,)), tenant=tenant)[1]}"
        }

    def make(self, subject: str = "", **more: Any) -> httpx.Response:
        form = {"subject": subject or f"user {time.monotonic_ns()}", **more}
        return httpx.post(self._url, json=form, headers=self._headers, timeout=60)

    def result(self, check: str) -> httpx.Response:
        return httpx.get(f"{self._url}/{check}", headers=self._headers, timeout=60)


@pytest.fixture(scope="module")
def backend(site: Site) -> Backend:
    return Backend(site)


@pytest.fixture(scope="module")
def face() -> bytes:
    """Returns a frame of a face."""
    return live_face.jpeg(live_face.portrait()[0])


def ended(backend: Backend, check: str) -> dict[str, Any]:
    """Waits until a check is done; returns its view."""

    def done() -> dict[str, Any] | None:
        view: dict[str, Any] = backend.result(check).json()
        return view if view["state"] == "done" else None

    return until(done)  # type: ignore[return-value]


def audited(site: Site, check: str) -> list[tuple[str, dict[str, Any]]]:
    with site.desk.database.reading() as session:
        rows = session.scalars(
            select(AuditEntry).where(AuditEntry.subject == check).order_by(AuditEntry.number)
        )
        return [(row.action, row.detail) for row in rows]


def test_a_check_from_its_making_to_its_end(site: Site, backend: Backend, face: bytes) -> None:
    made = backend.make("their customer 7", back="https://shop.example/login").json()
    assert made["url"].startswith(f"{site.url}/live#{made['id']}.")
    assert (made["state"], made["result"], made["subject"]) == ("waiting", None, "their customer 7")
    with Client(made["url"]) as client:
        assert client.enter() == {
            "ready": ["light", "movement"],
            "back": "https://shop.example/login",
        }
        client.begin()
        assert client.hear().keys() == {"step", "of", "seconds", "frames", "quarters"}
        view = backend.result(made["id"]).json()
        assert (view["state"], view["way"], view["result"]) == ("running", "light", None)
        client.frame(face)
    view = ended(backend, made["id"])
    assert (view["result"], view["advice"]) == ("inconclusive", "connection"), "the browser left"
    (begun, _), (done, detail) = audited(site, made["id"])
    assert (begun, done) == ("live.made", "live.done")
    assert (
        detail.items() >= {"result": "inconclusive", "way": "light", "advice": "connection"}.items()
    )


def test_only_a_face_that_the_light_falls_on_is_live(backend: Backend) -> None:
    """Neither another check's frames, renumbered, nor a face without the screen's light passes."""
    made, noise = [backend.make().json() for _ in range(3)], np.random.default_rng(0)
    honest, recorded = _attended(made[0]["url"], lambda client, now: _lit(client, now, noise))
    again, unlit = iter(recorded), np.random.default_rng(1)
    with ThreadPoolExecutor() as pool:
        others = [
            pool.submit(
                _attended, made[1]["url"], lambda _client, _now: next(again, recorded[0] + b"more")
            ),
            pool.submit(_attended, made[2]["url"], lambda _client, _now: _unlit(unlit)),
        ]
        said = [honest, *(other.result()[0] for other in others)]
    assert said[0]["outcome"] in ("live", "inconclusive"), (
        "inconclusive where the machine is too busy"
    )
    assert said[1]["outcome"] != "live"
    assert said[2]["outcome"] != "live"
    for one, told in zip(made, said, strict=True):
        view = ended(backend, one["id"])
        assert (view["result"], view["advice"] or "") == (told["outcome"], told["advice"])
        assert told.keys() == {"outcome", "advice", "back"}, "nobody learns a score"
        assert not [name for name in view if "score" in name or "detail" in name]


def _abuse(client: Client, face: bytes, kind: str) -> None:
    """Sends what no page sends."""
    match kind:
        case "replayed":
            client.frame(face)
            client.frame(face + b"another", number=0)
        case "reordered":
            client.frame(face, number=3)
        case "forged":
            client.say(painted=0, time=time.monotonic())
        case "oversized":
            client.frame(face + bytes(FRAME_BYTES))
        case "malformed":
            client.send("hello")
        case "too many":
            for i in range(500):  # as many as a slow service still finds too many
                client.frame(face + i.to_bytes(2, "big"))


@pytest.mark.parametrize(
    "abuse", ["replayed", "reordered", "forged", "oversized", "malformed", "too many"]
)
def test_abuse_ends_the_check_and_is_recorded(
    site: Site, backend: Backend, face: bytes, abuse: str
) -> None:
    made = backend.make().json()
    with Client(made["url"]) as client:
        client.enter()
        client.begin()
        _abuse(client, face, abuse)
        assert client.outcome() == {**INCONCLUSIVE, "advice": "connection"}
        assert client.hear() == {}
    view = ended(backend, made["id"])
    assert (view["result"], view["advice"]) == ("inconclusive", "suspicious")
    assert audited(site, made["id"])[-1][1]["abuse"] == abuse


@pytest.mark.parametrize(
    "kind", ["text", "png", "many pixels", "many scans", "progressive", "cut off"]
)
def test_what_is_no_plain_jpeg_ends_the_check(backend: Backend, face: bytes, kind: str) -> None:
    made = backend.make().json()
    with Client(made["url"]) as client:
        client.enter()
        client.begin()
        client.frame(_unreadable(kind, face))
        assert _goes_on(client, face) == {**INCONCLUSIVE, "advice": "connection"}


def test_a_message_too_large_to_hold_ends_the_connection(site: Site, backend: Backend) -> None:
    made = backend.make().json()
    with Client(made["url"]) as client:
        client.enter()
        client.begin()
        assert "step" in client.hear()
        client.send(bytes(1 << 20))
        while said := client.hear():
            assert "outcome" not in said or said["outcome"] == "inconclusive"
    assert ended(backend, made["id"])["result"] == "inconclusive"
    assert audited(site, made["id"])[-1][1]["abuse"] == "oversized"


@pytest.mark.parametrize(
    ("sent", "abuse"), [(bytes(1 << 20), "oversized"), ("hello", "malformed"), (b"?", "malformed")]
)
def test_abuse_before_the_check_begins_uses_nothing_up_and_is_recorded(
    site: Site, backend: Backend, sent: str | bytes, abuse: str
) -> None:
    made = backend.make().json()
    with Client(made["url"]) as client:
        client.enter()
        client.send(sent)
        assert client.hear() in ({"refused": 400}, {})
    until(lambda: audited(site, made["id"])[1:] == [("live.refused", {"abuse": abuse})])
    assert backend.result(made["id"]).json()["state"] == "waiting"


def test_wrong_tickets_are_recorded_but_fill_no_log(site: Site, backend: Backend) -> None:
    made = backend.make().json()
    for _ in range(live.NOTED.quota + 2):
        with Client(made["url"][:-1]) as client:
            assert client.enter() == {"refused": 404}
    assert audited(site, made["id"])[1:] == live.NOTED.quota * [
        ("live.refused", {"abuse": "wrong ticket"})
    ]


def test_a_wrong_ticket_for_a_check_that_cannot_begin_any_more_is_not_recorded(
    site: Site, backend: Backend
) -> None:
    made = backend.make().json()
    with site.desk.database.transaction() as session:
        session.execute(
            text("UPDATE live_checks SET expires = 1 WHERE id = :id"), {"id": made["id"]}
        )
    with Client(made["url"][:-1]) as client:
        assert client.enter() == {"refused": 404}
    assert audited(site, made["id"])[1:] == []


def test_a_check_is_begun_once(backend: Backend) -> None:
    made = backend.make().json()
    with Client(made["url"]) as first, Client(made["url"]) as second:
        assert "ready" in first.enter()
        assert "ready" in second.enter()
        assert first.begin() == {"go": 15}
        assert second.begin() == {"refused": 409}
    with Client(made["url"]) as third:
        assert third.enter() == {"refused": 409}
    ended(backend, made["id"])


def test_a_check_is_begun_in_time(site: Site, backend: Backend) -> None:
    made = backend.make().json()
    with site.desk.database.transaction() as session:
        session.execute(
            text("UPDATE live_checks SET expires = 1 WHERE id = :id"), {"id": made["id"]}
        )
    with Client(made["url"]) as client:
        assert client.enter() == {"refused": 410}
    assert backend.result(made["id"]).json()["state"] == "expired"


@pytest.mark.parametrize("change", [
    lambda made, _other: made["url"][:-1],
    lambda made, _other: made["url"].rpartition(".")[0] + ".",
    lambda made, other: made["url"].replace(made["id"], other["id"]),
    lambda made, _other: made["url"].replace(made["id"], "x"),
])  # fmt: skip
def test_another_ticket_is_refused(backend: Backend, change: Any) -> None:
    with Client(change(backend.make().json(), backend.make().json())) as client:
        assert client.enter() == {"refused": 404}


@pytest.mark.parametrize(
    "first",
    ["", "[]", '{"ticket": 7}', '{"ticket": null}', '{"ticket": "\\ud800"}', "x" * 500, b"bytes"],
)
def test_what_is_no_ticket_is_refused(backend: Backend, first: str | bytes) -> None:
    with Client(backend.make().json()["url"]) as client:
        client.send(first)
        assert client.hear() in ({"refused": 400}, {"refused": 404})


@pytest.mark.parametrize(
    "begin",
    [{}, {"begin": "magic", "time": 1}, {"begin": "light"}, {"begin": "movement", "time": 1}],
)
def test_only_what_was_offered_can_be_begun(backend: Backend, begin: dict[str, Any]) -> None:
    made = backend.make(ways=["light"]).json()
    with Client(made["url"]) as client:
        assert client.enter()["ready"] == ["light"]
        client.say(**begin)
        assert client.hear() == {"refused": 400}
    assert backend.result(made["id"]).json()["state"] == "waiting", "nothing was used up"


def test_only_our_own_page_may_connect(site: Site, backend: Backend) -> None:
    url = backend.make().json()["url"]
    for more in (
        {"origin": "https://evil.example"},
        {"host": "evil.example", "origin": "http://evil.example"},
    ):
        with pytest.raises(InvalidStatus) as refused, Client(url, **more):
            pass
        assert refused.value.response.status_code == 403


def test_only_the_organisation_s_own_programs_read_the_result(site: Site, backend: Backend) -> None:
    made = backend.make().json()
    assert Backend(site, "theirs").result(made["id"]).status_code == 404
    assert Backend(site, "ours", Scope.READ, Scope.UPLOAD).result(made["id"]).status_code == 403
    assert httpx.get(f"{site.url}/api/v1/live/{made['id']}").status_code == 401
    assert backend.result(made["id"]).status_code == 200


def test_an_account_has_few_tries(backend: Backend) -> None:
    answers = [backend.make("one account").status_code for _ in range(live.PER_SUBJECT.quota + 1)]
    assert answers == [201] * live.PER_SUBJECT.quota + [429]
    assert backend.make("another account").status_code == 201


def test_a_network_has_few_connections(site: Site, backend: Backend) -> None:
    """The connection is refused before anything is said, with the code that the page words."""
    url = backend.make().json()["url"]
    with site.desk.database.transaction() as session, suppress(Problem):
        while True:
            rate_limits.take(session, "127.0.0.1", PER_ADDRESS, time.time() + PATIENCE)
    try:
        with Client(url) as client:
            assert client.hear() == {"refused": 429}
            assert client.hear() == {}
    finally:
        with site.desk.database.transaction() as session:
            rate_limits.forget(session, "127.0.0.1", PER_ADDRESS)


@pytest.mark.parametrize("bound", ["IN_ALL", "PER_NETWORK", "PER_CHECK"])
def test_only_so_many_connections_may_wait(
    site: Site, backend: Backend, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(f"unmask.service.api.live.{bound}", 2)
    url = backend.make().json()["url"]

    def refused() -> list[bool]:
        with ExitStack() as waiting:
            return [
                waiting.enter_context(Client(url)).enter() == {"refused": 429} for _ in range(3)
            ]

    until(lambda: refused() == [False, False, True])  # as soon as those of other tests have left


def test_whoever_has_begun_waits_no_more(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unmask.service.api.live.PER_NETWORK", 1)

    def one_after_the_other() -> bool:
        with Client(backend.make().json()["url"]) as first, ExitStack() as later:
            if "ready" not in first.enter():
                return False
            assert first.begin() == {"go": 15}
            return "ready" in later.enter_context(Client(backend.make().json()["url"])).enter()

    until(one_after_the_other)


def test_nobody_asks_for_ever_whether_there_is_a_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unmask.service.api.live.BEGINNINGS", 2)
    site = Site(tmp_path / "full", live_at_once=0)
    with Client(Backend(site).make().json()["url"]) as client:
        client.enter()
        assert [client.begin() for _ in range(3)] == [
            {"busy": True},
            {"busy": True},
            {"refused": 400},
        ]
    site.close()


@pytest.mark.parametrize(
    "back",
    [
        "javascript:alert(1)",
        "//evil.example",
        "data:text/html,x",
        "https://x.example/\n",
        "http://[",
    ],
)
def test_the_way_back_is_an_address_of_the_web(backend: Backend, back: str) -> None:
    assert backend.make(back=back).status_code == 422


def test_only_the_browser_that_did_the_check_learns_the_code(backend: Backend) -> None:
    made = backend.make(back="https://shop.example/back?a=1#there").json()
    with Client(made["url"]) as client:
        assert made["code"] not in json.dumps(client.enter())
        client.begin()
        client.send("over")
        assert (
            client.outcome()["back"] == f"https://shop.example/back?a=1&code={made['code']}#there"
        )


def test_movement_is_told_move_by_move(backend: Backend, face: bytes) -> None:
    with Client(backend.make().json()["url"]) as client:
        client.enter()
        client.begin("movement")
        said = client.hear()
        assert said.keys() == {"step", "of", "seconds", "frames", "move"}
        assert said["move"] in ("turn left", "turn right", "closer", "blink")


def test_a_reader_that_dies_takes_its_checks_and_no_others(backend: Backend, face: bytes) -> None:
    made = backend.make().json()
    with Client(made["url"]) as client:
        client.enter()
        client.begin()
        assert "step" in client.hear()
        killed = processes_of(os.getpid(), "unmask.service.confined.live_reader")
        for process in killed:
            os.kill(process, signal.SIGKILL)
        assert _goes_on(client, face) == {**INCONCLUSIVE, "advice": "try again"}
    with Client(backend.make().json()["url"]) as client:
        assert "ready" in client.enter()
        client.begin()
        assert "step" in client.hear()
    assert not set(killed) & set(processes_of(os.getpid(), "unmask.service.confined.live_reader"))


class TakenOver:
    """Fake launcher: its first process answers JSON nested deeper than a parser goes.

    A reader that a stranger's frame has taken over could do that. The second process is ready.
    """

    def __init__(self) -> None:
        self._said = iter(["print('[' * 60_000)", 'print(\'{"kind": "ready"}\')'])

    async def start_async(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", next(self._said), stdin=-1, stdout=-1
        )


def test_a_reader_that_says_nonsense_is_started_again() -> None:
    async def started_twice() -> None:
        reader = live_reading._Reader(TakenOver())
        with pytest.raises(live_reading.ReaderDied):
            await reader.start()
        await reader.start()

    asyncio.run(started_twice())


def test_a_reader_that_falls_silent_is_ended(
    backend: Backend, face: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_reading, "PATIENCE", 1.0)
    with Client(backend.make().json()["url"]) as client:
        client.enter()
        client.begin()
        stopped = processes_of(os.getpid(), "unmask.service.confined.live_reader")
        for process in stopped:
            os.kill(process, signal.SIGSTOP)
        said = client.attend(lambda client, _now: face + client.number.to_bytes(4))
    assert said in (
        {**INCONCLUSIVE, "advice": "try again"},
        {**INCONCLUSIVE, "advice": "connection"},
    ), "or it is too busy"
    for process in stopped:
        os.kill(process, signal.SIGKILL) if said["advice"] == "connection" else None


def test_the_reader_is_confined(backend: Backend) -> None:
    with Client(backend.make().json()["url"]) as client:
        client.enter()

        def confined() -> bool:
            status = [
                Path(f"/proc/{one}/status").read_text()
                for one in processes_of(os.getpid(), "live_reader")
            ]
            return bool(status) and all("Seccomp:\t2" in one for one in status)

        until(confined)


def test_no_more_checks_at_once_than_the_machine_can_do(tmp_path: Path, face: bytes) -> None:
    site = Site(tmp_path / "small", live_at_once=1)
    backend = Backend(site)
    with (
        Client(backend.make().json()["url"]) as first,
        Client(backend.make().json()["url"]) as second,
    ):
        first.enter()
        second.enter()
        assert first.begin() == {"go": 15}
        assert second.begin() == {"busy": True}
        first.send("over")
        while first.hear():
            pass
        assert second.begin() == {"go": 15}, "nothing was used up meanwhile"
    site.close()


def test_a_machine_without_readers_makes_none(tmp_path: Path) -> None:
    site = Site(tmp_path / "none", live_readers=0)
    assert Backend(site).make().status_code == 503
    site.close()


def test_a_check_whose_process_was_killed_is_inconclusive(site: Site, backend: Backend) -> None:
    made = backend.make().json()
    with site.desk.database.transaction() as session:
        session.execute(text("UPDATE live_checks SET begun = 1 WHERE id = :id"), {"id": made["id"]})
    view = backend.result(made["id"]).json()
    assert (view["state"], view["result"], view["advice"]) == ("done", "inconclusive", "connection")


def test_an_answer_that_was_read_never_changes(site: Site, backend: Backend) -> None:
    """A verdict that a slow process brings later changes nothing."""
    made = backend.make().json()
    with site.desk.database.transaction() as session:
        live.begin(
            session,
            session.get_one(LiveCheck, made["id"]),
            live.ChallengeKind.LIGHT,
            time.time() - live.LONGEST - 1,
        )
    read = backend.result(made["id"]).json()
    assert (read["state"], read["result"]) == ("done", "inconclusive")
    with site.desk.database.transaction() as session:
        assert (
            live.conclude(session, made["id"], Conclusion("live"), time.time()).result
            == "inconclusive"
        )
    assert backend.result(made["id"]).json() == read


def test_nothing_that_was_seen_is_kept(site: Site, backend: Backend, face: bytes) -> None:
    made = backend.make().json()
    with Client(made["url"]) as client:
        client.enter()
        client.begin()
        for i in range(3):
            client.frame(face + bytes([i]))
            time.sleep(0.1)
        client.send("over")
        while client.hear():
            pass
    ended(backend, made["id"])
    files = [path for path in site.desk.data.rglob("*") if path.is_file()]
    assert {path.name.partition("-")[0] for path in files} <= {"unmask.sqlite"}
    assert not any(face[:64] in path.read_bytes() for path in files)
    with site.desk.database.reading() as session:
        row = session.get_one(LiveCheck, made["id"])
        assert (
            len(
                json.dumps(
                    {name: getattr(row, name) for name in LiveCheck.__table__.columns.keys()}  # noqa: SIM118
                )
            )
            < 1000
        )


def test_old_ones_are_deleted(site: Site, backend: Backend) -> None:
    made = backend.make().json()
    with site.desk.database.transaction() as session:
        live.drop_old(session, 30, made["created"] + 30 * live.DAY - 1)
    assert backend.result(made["id"]).status_code == 200
    with site.desk.database.transaction() as session:
        live.drop_old(session, 0, made["created"] + 99 * live.DAY)
        live.drop_old(session, 30, made["created"] + 30 * live.DAY)
    assert backend.result(made["id"]).status_code == 404


def test_they_are_counted(site: Site, backend: Backend) -> None:
    backend.make()
    from unmask.service.api.metrics import Metrics

    found = Metrics(site.desk.service).text().decode()
    assert 'unmask_live_checks{result="none",way="none"}' in found


def few_scans(face: bytes) -> bytes:
    """Returns a coarse version of the picture: a progressive JPEG cut after its first two scans.

    Decoders accept it.
    """
    into = io.BytesIO()
    Image.open(io.BytesIO(face)).save(into, "JPEG", progressive=True)
    return b"\xff\xda".join(into.getvalue().split(b"\xff\xda")[:3]) + b"\xff\xd9"


@pytest.mark.parametrize("quality", [80, 95])
def test_the_reader_takes_plain_frames_alone(face: bytes, quality: int) -> None:
    few = few_scans(face)
    assert Image.open(io.BytesIO(few)).convert("RGB").size == (live_face.WIDTH, live_face.HEIGHT)
    with pytest.raises(ValueError, match="plain"):
        live_reader.decoded(few)
    plain = live_reader.decoded(live_face.jpeg(live_face.portrait()[0], quality))
    assert plain.shape == (live_face.HEIGHT, live_face.WIDTH, 3)


def _goes_on(client: Client, face: bytes) -> dict[str, Any]:
    """Sends frames, and nothing else, until there is an outcome."""
    while True:
        client.frame(face + client.number.to_bytes(4))
        with suppress(TimeoutError):
            if "outcome" in (said := client.hear(0.1)):
                return said
            assert said, "the connection was closed without an outcome"


def _unlit(noise: np.random.Generator) -> bytes:
    return live_face.jpeg(live_face.seen(None, live_face.Scene(), noise))


def _attended(
    url: str, seen: Callable[[Client, float], bytes]
) -> tuple[dict[str, Any], list[bytes]]:
    """Does a whole check by light; returns its outcome and the frames sent."""
    with Client(url) as client:
        client.enter()
        client.begin()
        return client.attend(seen), client.sent


def _lit(client: Client, now: float, noise: np.random.Generator) -> bytes:
    scene = live_face.Scene()
    number = sum(shown + scene.delay <= now for shown in client.shown) - 1
    return live_face.jpeg(
        live_face.seen(client.symbols[number] if number >= 0 else None, scene, noise)
    )


def _unreadable(kind: str, face: bytes) -> bytes:
    picture, into = Image.open(io.BytesIO(face)), io.BytesIO()
    match kind:
        case "text":
            return b"Dear service"
        case "png":
            picture.resize((64, 48)).save(into, "PNG")
        case "many pixels":
            Image.new("RGB", (1500, 1500)).save(into, "JPEG", quality=1)
        case "many scans":
            picture.save(into, "JPEG", progressive=True)
        case "progressive":
            return few_scans(face)
        case "cut off":
            into.write(face[: len(face) // 2])
    return into.getvalue()


def test_a_service_that_ends_leaves_no_reader_behind(tmp_path: Path) -> None:
    module = "unmask.service.confined.live_reader"
    others = processes_of(os.getpid(), module)
    site = Site(tmp_path / "ends")
    with Client(Backend(site).make().json()["url"]) as visitor:
        visitor.enter()
        assert "go" in visitor.begin()
        readers = {*processes_of(os.getpid(), module)} - {*others}
        assert readers
    site.close()
    assert not [pid for pid in readers if Path(f"/proc/{pid}").exists()]
