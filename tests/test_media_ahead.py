"""A generator that works ahead gives the same, one step early, and leaves no thread behind."""

from __future__ import annotations

import threading
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


def test_it_is_at_most_one_step_ahead(threads: str) -> None:
    steps = Steps()
    given = ahead(steps.run())
    for step in given:
        assert step + 1 <= steps.taken <= step + (2 if threads == "2" else 1)


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
