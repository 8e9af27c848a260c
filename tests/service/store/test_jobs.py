"""Each job is done once, whichever worker stops responding, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.service.desk import Desk
from unmask.service.store import jobs
from unmask.service.store.tables import Check

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
