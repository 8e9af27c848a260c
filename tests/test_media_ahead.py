"""A generator that works ahead gives the same, one step early, and leaves no thread behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator

import pytest

from unmask.media import ahead


class Steps:
    """Generator that counts its steps and may fail at the last."""

    def __init__(self, fails: bool = False) -> None:
        self.taken, self.closed, self._fails = 0, False, fails

    def run(self) -> Generator[int]:
        try:
            for step in range(5):
                self.taken += 1
                yield step
            if self._fails:
                raise ValueError("the last step")
        finally:
            self.closed = True


@pytest.fixture(params=["1", "2"])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("UNMASK_THREADS", request.param)
    return str(request.param)


@pytest.mark.usefixtures("threads")
def test_it_gives_what_the_generator_gives() -> None:
    steps = Steps()
    assert list(ahead(steps.run())) == [0, 1, 2, 3, 4]
    assert steps.closed


def test_it_is_one_step_ahead_and_never_two(threads: str) -> None:
    steps, early = Steps(), int(threads) - 1
    for step in ahead(steps.run()):
        wanted, until = min(step + 1 + early, 5), time.monotonic() + 60
        while steps.taken < wanted and time.monotonic() < until:
            time.sleep(0.001)
        assert steps.taken == wanted


@pytest.mark.usefixtures("threads")
def test_an_error_comes_in_its_turn() -> None:
    given = ahead(Steps(fails=True).run())
    assert [next(given) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="the last step"):
        next(given)


@pytest.mark.usefixtures("threads")
def test_whoever_stops_early_leaves_nothing_open() -> None:
    steps = Steps()
    given = ahead(steps.run())
    assert next(given) == 0
    given.close()
    assert steps.closed
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]
