"""The tests themselves: those that share something stay in one process."""

from __future__ import annotations

import os

import pytest

from tests.conftest import GIVING_WAY, SIDE_BY_SIDE


@pytest.fixture(scope="module")
def shared() -> object:
    return object()


@pytest.mark.xdist_group("alone")
def test_a_group_is_sent_to_one_worker(request: pytest.FixtureRequest) -> None:
    """Pytest-xdist knows a group by what stands behind the name; pytest 9.2 loses it."""
    if not SIDE_BY_SIDE:
        pytest.skip("all tests run in this process")
    assert request.node.nodeid.endswith("@alone")


def test_the_group_of_a_shared_fixture_is_where_it_is_made(
    shared: object, request: pytest.FixtureRequest
) -> None:
    (group,) = (mark.args[0] for mark in request.node.iter_markers("xdist_group"))
    assert group == "tests/test_side_by_side.py"


def test_whoever_needs_no_real_time_gives_way() -> None:
    if not SIDE_BY_SIDE:
        pytest.skip("all tests run in this process")
    assert os.nice(0) >= GIVING_WAY
