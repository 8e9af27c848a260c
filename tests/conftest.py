"""How the tests share a machine: side by side, in random order, and the slow ones marked.

The tests that need real time run one after the other in one worker, and mostly wait; the other
workers give way to that one. Those that start a browser, a server or a process wait for it, too. So
there are two workers more than there are cores. What takes long is begun first: begun last, it
would leave the other workers without work. A long test that shares nothing joins the group of its
file for that reason.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator

import hypothesis
import pytest

SERVERS = {"chromium", "playwright", "postgresql", "s3_server"}
"""Fixtures that start a browser or a server."""

REAL_TIME = "real time"
"""Group of the tests in which a person, a camera or a lease waits only so long."""

SLOW = 10
"""Number of other tests that a slow one counts for."""

GIVING_WAY = 10
"""``nice`` value of the workers that do other tests; that of the service's judges, too."""

ONE_THREAD = ("UNMASK_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
"""Variables that leave a process one thread; libraries read them when they are loaded."""

SIDE_BY_SIDE = "PYTEST_XDIST_WORKER" in os.environ
"""Whether this process is one of several workers."""

# A deadline would measure how busy the machine is.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


def pytest_xdist_auto_num_workers() -> int:
    """Returns a worker per core, and two that use the cores while the others wait."""
    return (os.cpu_count() or 1) + 2


def pytest_configure(config: pytest.Config) -> None:
    """Leaves each of several workers one thread, as its neighbours use the other cores."""
    if config.getoption("numprocesses", None):
        for name in ONE_THREAD:
            os.environ.setdefault(name, "1")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Keeps tests that share a fixture in one worker, and marks those that start a server.

    In a worker, the largest groups come first, after the one that needs real time.
    """
    for item in items:
        if not isinstance(item, pytest.Function):
            continue
        if not item.get_closest_marker("xdist_group") and (group := _shared(item)):
            item.add_marker(pytest.mark.xdist_group(group))
        if not SERVERS.isdisjoint(item.fixturenames):
            item.add_marker(pytest.mark.slow)
    yield
    if SIDE_BY_SIDE:
        size = Counter[str]()
        for item in items:
            size[_group(item)] += SLOW if item.get_closest_marker("slow") else 1
        items.sort(key=lambda item: (_group(item) != REAL_TIME, -size[_group(item)]))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Gives way to the tests that need real time, from the first other test on."""
    if SIDE_BY_SIDE and _group(item) != REAL_TIME and (missing := GIVING_WAY - os.nice(0)) > 0:
        os.nice(missing)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names the seed of the order in which something failed."""
    seed = terminalreporter.config.getoption("randomly_seed", None)
    if seed is not None and {"failed", "error"} & terminalreporter.stats.keys():
        terminalreporter.write_line(f"the order of this run: pytest --randomly-seed={seed}")


def _group(item: pytest.Item) -> str:
    """Returns the name of the group that a test is in, or its own."""
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else item.nodeid


def _shared(item: pytest.Function) -> str | None:
    """Returns the file or folder in which the widest fixture that a test shares is made.

    None if it shares none. Fixtures of plugins are not counted, as they cost nothing to make twice.
    """
    made = [
        fixture
        for fixtures in item._fixtureinfo.name2fixturedefs.values()
        for fixture in fixtures[-1:]
        if fixture.baseid
    ]
    for fixture in made:
        if fixture.scope == "session":
            return fixture.baseid
    if any(fixture.scope == "module" for fixture in made):
        return item.nodeid.partition("::")[0]
    return None
