"""Token buckets: never more than the quota in a window, whoever asks at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.desk import Desk
from unmask.service.people import rate_limits
from unmask.service.people.rate_limits import Limit
from unmask.service.problems import Problem

LIMIT = Limit("test", quota=5, window=10)


def taken(desk: Desk, name: str, now: float) -> bool:
    with desk.database.transaction() as session:
        try:
            rate_limits.take(session, name, LIMIT, now)
        except Problem:
            return False
    return True


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(waits=st.lists(st.floats(0, 12), min_size=1, max_size=20))
def test_in_no_window_more_than_twice_the_quota_and_on_average_no_more(
    desk: Desk, waits: list[float]
) -> None:
    now, name, times = 1e9, repr(waits), []
    for wait in waits:
        now += wait
        if taken(desk, name, now):
            times.append(now)
    for i, start in enumerate(times):
        inside = sum(start <= moment <= start + LIMIT.window for moment in times[i:])
        assert inside <= 2 * LIMIT.quota
    assert len(times) <= LIMIT.quota + (now - 1e9) * LIMIT.quota / LIMIT.window + 1


def test_who_comes_back_when_told_is_let_in(desk: Desk) -> None:
    assert [taken(desk, "a", 100.0) for _ in range(6)] == [True] * 5 + [False]
    with desk.database.transaction() as session, pytest.raises(Problem, match="429") as refused:
        rate_limits.take(session, "a", LIMIT, 100.0)
    wait = int(refused.value.headers["Retry-After"])
    assert not taken(desk, "a", 100.0 + wait - 1)
    assert taken(desk, "a", 100.0 + wait)


def test_machines_that_ask_at_once_share_one_bucket(either_desk: Desk) -> None:
    with ThreadPoolExecutor(8) as pool:
        let_in = list(pool.map(lambda _: taken(either_desk, "shared", 50.0), range(24)))
    assert sum(let_in) == LIMIT.quota


def test_full_buckets_are_forgotten(desk: Desk) -> None:
    taken(desk, "a", 100.0)
    with desk.database.transaction() as session:
        rate_limits.drop_full(session, 100.0 + LIMIT.window)
    assert [taken(desk, "a", 100.0) for _ in range(5)] == [True] * 5


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_customer_is_one_network(address: str, network: str) -> None:
    assert rate_limits.network(address) == network
