"""How the tests share a machine: side by side, in random order, and the slow ones marked.

Groups of many tests are begun first. So a long test that shares nothing joins the group of its
file: begun last, it would leave the other workers waiting.
"""

from __future__ import annotations

import os

import hypothesis
import pytest

SERVERS = {"chromium", "playwright", "postgresql", "s3_server"}
"""Fixtures that start a browser or a server."""

# A deadline would measure how busy the machine is.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


def pytest_configure() -> None:
    """Leaves each of several workers one thread, as its neighbours use the other cores."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ.setdefault("UNMASK_THREADS", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps tests that share a fixture in one worker, and marks those that start a server."""
    for item in items:
        if not isinstance(item, pytest.Function):
            continue
        if not item.get_closest_marker("xdist_group") and (group := _shared(item)):
            item.add_marker(pytest.mark.xdist_group(group))
        if not SERVERS.isdisjoint(item.fixturenames):
            item.add_marker(pytest.mark.slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names the seed of the order in which something failed."""
    seed = terminalreporter.config.getoption("randomly_seed", None)
    if seed is not None and {"failed", "error"} & terminalreporter.stats.keys():
        terminalreporter.write_line(f"the order of this run: pytest --randomly-seed={seed}")


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
