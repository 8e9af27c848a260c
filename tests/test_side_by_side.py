"""The tests themselves: those that share something stay in one process."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def shared() -> object:
    return object()


@pytest.mark.xdist_group("alone")
def test_a_group_is_sent_to_one_worker(request: pytest.FixtureRequest) -> None:
    """Pytest-xdist knows a group by what stands behind the name; pytest 9.2 loses it."""
    if not hasattr(request.config, "workerinput"):
        pytest.skip("all tests run in this process")
    assert request.node.nodeid.endswith("@alone")


def test_the_group_of_a_shared_fixture_is_where_it_is_made(
    shared: object, request: pytest.FixtureRequest
) -> None:
    (group,) = (mark.args[0] for mark in request.node.iter_markers("xdist_group"))
    assert group == "tests/test_side_by_side.py"
