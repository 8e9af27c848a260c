"""The most urgent jobs go first, and a kind that waits gets a tenth of a worker's time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise

import pytest

from unmask.service.processes.turns import SHORTEST, Turns

LONGEST = 600.0


class Endless:
    """Queues that never empty, and a clock that only jobs move.

    Args:
        took: s that a job of each kind takes; a kind without any has no jobs.
    """

    def __init__(self, **took: float) -> None:
        self.took, self.now, self.spent = took, 0.0, defaultdict[str, float](float)
        self.done: list[str] = []

    def kind(self, name: str) -> Callable[[], bool]:
        def job() -> bool:
            if name not in self.took:
                return False
            self.now += self.took[name]
            self.spent[name] += self.took[name]
            self.done.append(name)
            return True

        return job

    def turns(self) -> Turns:
        kinds = [self.kind(name) for name in ("check", "registration", "take")]
        return Turns(kinds, LONGEST, lambda: self.now)


def test_each_kind_gets_a_tenth_of_the_time_however_long_its_jobs_are() -> None:
    queues = Endless(check=5.0, registration=100.0, take=LONGEST)
    turns = queues.turns()
    while queues.now < 1000 * LONGEST:
        assert turns.once()
    shares = {name: spent / queues.now for name, spent in queues.spent.items()}
    assert shares == {
        "check": pytest.approx(0.8, abs=0.03),
        "registration": pytest.approx(0.1, abs=0.02),
        "take": pytest.approx(0.1, abs=0.02),
    }


def test_workers_that_start_together_do_not_leave_the_checks_together() -> None:
    def first(_worker: int) -> float:
        queues = Endless(check=5.0, take=LONGEST)
        turns = queues.turns()
        while "take" not in queues.done:
            assert turns.once()
        return queues.now - LONGEST

    starts = sorted(map(first, range(20)))
    assert starts[-1] <= 9 * LONGEST + 5.0
    assert starts[-1] - starts[0] > LONGEST


def test_others_go_at_once_where_no_check_waits() -> None:
    queues = Endless(registration=1.0, take=1.0)
    turns = queues.turns()
    assert turns.once()
    assert queues.done == ["registration"]
    del queues.took["registration"]
    assert turns.once()
    assert queues.done == ["registration", "take"]
    del queues.took["take"]
    assert not turns.once()


def test_a_job_that_cannot_be_begun_holds_up_no_check() -> None:
    queues, tried = Endless(check=5.0), list[float]()

    def broken() -> bool:
        tried.append(queues.now)
        raise OSError("no room on this disk")

    turns = Turns([queues.kind("check"), broken], LONGEST, lambda: queues.now)
    while len(tried) < 3:
        try:
            turns.once()
        except OSError:
            queues.now += 0.1
    assert all(later - earlier >= SHORTEST for earlier, later in pairwise(tried))
    assert queues.spent["check"] > 2 * SHORTEST - 10
