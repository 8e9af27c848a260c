"""The tests themselves: those that share something stay in one process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import clips
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


@pytest.mark.parametrize("codec", clips.QUIET)
def test_whoever_encodes_a_clip_keeps_its_priority(tmp_path: Path, codec: str) -> None:
    """SVT-AV1 makes the thread of root a real-time one, which leaves others no core."""
    before = os.sched_getscheduler(0), os.nice(0)
    clips.write_video(tmp_path / "clip.mkv", [clips.numbered(0)] * 3, codec=codec)
    assert (os.sched_getscheduler(0), os.nice(0)) == before
