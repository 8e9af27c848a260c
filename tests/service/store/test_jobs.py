"""Each job is done once, whichever worker stops responding, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.service.desk import Desk
from unmask.service.api.metrics import Metrics
from unmask.service.people.actor import Scope
from unmask.service.store import jobs
from unmask.service.store.tables import Check, Delivery

LEASE = 60.0


def queued(desk: Desk, number: int) -> str:
    return desk.check(
        f"clip {number}".encode(), state="queued", verdict=None, log10_lr=None, finished=None
    )


def claim(desk: Desk, lease: float = LEASE) -> Check | None:
    return jobs.claim(desk.database, Check, lease)


def test_the_oldest_comes_first_and_each_only_once(either_desk: Desk) -> None:
    checks = [queued(either_desk, number) for number in range(3)]
    claimed = [claim(either_desk) for _ in range(4)]
    assert [one and one.id for one in claimed] == [*checks, None]


def test_many_at_once_never_take_the_same(either_desk: Desk) -> None:
    checks = {queued(either_desk, number) for number in range(12)}

    def take_all() -> list[str]:
        found = []
        while (job := claim(either_desk)) is not None:
            found.append(job.id)
        return found

    with ThreadPoolExecutor(4) as pool:
        taken = [job for some in (pool.submit(take_all) for _ in range(4)) for job in some.result()]
    assert sorted(taken) == sorted(checks)


def test_who_fell_silent_loses_the_job_and_can_write_nothing(either_desk: Desk) -> None:
    queued(either_desk, 1)
    silent = claim(either_desk, lease=0.0)
    second = claim(either_desk)
    assert silent is not None
    assert second is not None
    assert (second.id, second.attempts) == (silent.id, 2)
    assert not jobs.renew(either_desk.database, silent, LEASE, 0.5)
    with jobs.held(either_desk.database, silent) as (_, row):
        assert row is None
    with jobs.held(either_desk.database, second) as (session, row):
        assert row is not None
        jobs.end(session, row, "done")
    assert claim(either_desk) is None
    assert not jobs.renew(either_desk.database, second, LEASE, 0.5)


def test_a_renewed_lease_holds(either_desk: Desk) -> None:
    queued(either_desk, 1)
    job = claim(either_desk, lease=0.0)
    assert job is not None
    assert jobs.renew(either_desk.database, job, LEASE, 0.5)
    assert claim(either_desk) is None


def test_a_job_that_was_put_back_can_be_taken_again(either_desk: Desk) -> None:
    queued(either_desk, 1)
    job = claim(either_desk)
    assert job is not None
    with jobs.held(either_desk.database, job) as (session, row):
        assert row is not None
        jobs.put_back(session, row)
    job = claim(either_desk)
    assert job is not None
    assert job.attempts == 2
    with jobs.held(either_desk.database, job) as (session, row):
        assert row is not None
        jobs.put_back(session, row, wait=LEASE)
    assert claim(either_desk) is None


def age(desk: Desk, name: str) -> float:
    """Returns the s of a metric that has no labels."""
    return float(Metrics(desk.service).text().decode().split(f"\n{name} ")[1].split()[0])


def test_a_check_judged_again_joins_the_end_of_the_queue_and_its_waiting_begins_then(
    either_desk: Desk,
) -> None:
    old = either_desk.check(b"brought long ago", created=1.0)
    waiting = queued(either_desk, 1)
    client = either_desk.program(either_desk.key(Scope.UPLOAD, Scope.READ)[1])
    asked = client.post(f"/api/v1/checks/{old}/judgements").json()
    assert (asked["id"], asked["state"], asked["created"]) == (old, "queued", 1.0)
    assert client.get(f"/api/v1/checks/{waiting}").json()["place"] == 1
    assert client.get(f"/api/v1/checks/{old}").json()["place"] == 2
    assert age(either_desk, "unmask_queue_age_seconds") < 600
    assert [one.id for one in (claim(either_desk), claim(either_desk)) if one] == [waiting, old]


def test_a_message_sent_again_has_waited_only_since(either_desk: Desk) -> None:
    admin = either_desk.browser(person="ada")
    hook = {"url": "https://hooks.example.org", "events": ["check.done"]}
    made = admin.post("/api/v1/webhooks", json=hook).json()["id"]
    values = {"tenant": either_desk.tenants["ours"], "webhook": made, "event": "check.done"}
    with either_desk.database.transaction() as session:
        ended = {"state": "failed", "created": 1.0, "finished": 2.0}
        session.add(Delivery(payload={}, **values, **ended))
    assert admin.post(f"/api/v1/webhooks/{made}/replays").json() == {"count": 1}
    assert age(either_desk, "unmask_deliveries_waiting") == 1
    assert age(either_desk, "unmask_delivery_age_seconds") < 600
