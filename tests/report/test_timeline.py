"""The layout of a timeline: everything inside the picture, gaps left open, round ticks."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import results
from tests.report import strategies
from unmask.report.timeline import Axes, chart, groups, runs, window
from unmask.types import Span, TimedLR


def points(*times: float) -> tuple[TimedLR, ...]:
    return tuple(TimedLR(time, 1.0) for time in times)


def test_a_pause_of_more_than_three_steps_is_a_gap() -> None:
    found = runs(points(0, 1, 2, 3, 9, 10))
    assert [[point.time for point in run] for run in found] == [[0, 1, 2, 3], [9, 10]]


def test_a_stretch_that_was_read_more_densely_is_no_reason_for_gaps_in_the_rest() -> None:
    sparse, dense = [t / 2 for t in range(20)], [3 + t / 10 for t in range(20)]
    assert len(runs(points(*sorted({*sparse, *dense})))) == 1


def test_gaps_break_the_line_and_are_shaded_at_both_ends() -> None:
    person = replace(
        results.person(), timeline=points(5, 6, 7, 8, 14, 15), first_seen=5, last_seen=15
    )
    found = chart(person, 30.0, {}, 720, 240)
    assert found.line.count("M") == 2
    assert [gap.x for gap in found.gaps] == [found.axes.x(start) for start in (0, 8, 15)]


def test_many_points_are_grouped_without_losing_an_extreme() -> None:
    many = results.long_video(2000).people[0].timeline
    found = [group for part in groups(many) for group in part]
    assert len(found) <= 45
    assert max(group.high for group in found) == max(point.log10_lr for point in many)
    assert min(group.low for group in found) == min(point.log10_lr for point in many)


def test_every_reading_is_a_mark() -> None:
    person = results.long_video(500).people[0]
    found = chart(person, 3600.0, {}, 720, 240)
    assert (found.marks_changed + found.marks_unchanged).count("M") == len(person.timeline)
    assert found.dense


def test_a_short_appearance_in_a_long_clip_is_shown_close() -> None:
    person = replace(
        results.person(), timeline=points(100, 101, 102), first_seen=100, last_seen=102
    )
    assert window(person, 3600.0) == (99.5, 102.5)
    assert window(person, 102.0) == (99.5, 102.0)
    assert window(results.person(), 15.0) == (0, 15.0)


def test_thresholds_come_from_the_rules_of_the_check() -> None:
    rules = {"rules": {"changed": 1.0, "no_change": 0.0}}
    found = chart(results.person(), 15.0, rules, 720, 240)
    assert [(line.rule, line.label) for line in found.thresholds] == [("changed", "+1.0")]
    assert found.thresholds[0].at < found.axes.y(0)
    assert chart(results.person(), 15.0, {}, 720, 240).thresholds == ()


@pytest.mark.parametrize(
    ("end", "labels"),
    [
        (0.4, ["0:00.0", "0:00.1", "0:00.2"]),
        (15, ["0:00", "0:02", "0:04"]),
        (7200, ["0:00", "15:00", "30:00"]),
    ],
)
def test_times_are_round(end: float, labels: list[str]) -> None:
    ticks = Axes(0, end, 2, 760, 240).x_ticks()
    assert [tick.label for tick in ticks][:3] == labels
    assert len(ticks) <= 10


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.builds(TimedLR, strategies.seconds, st.floats(-300, 300)), min_size=1, max_size=30),
    st.lists(st.tuples(strategies.seconds, strategies.seconds).map(sorted), max_size=3),
    strategies.seconds,
)
def test_everything_lies_inside_the_picture(
    timeline: list[TimedLR], spans: list[list[float]], duration: float
) -> None:
    person = replace(
        results.person(), timeline=tuple(timeline), spans=tuple(Span(*span) for span in spans)
    )
    found = chart(person, duration, {}, 350, 220)
    for x, y in re.findall(
        r"([\d.]+) ([\d.-]+)", found.line + found.marks_changed + found.marks_unchanged
    ):
        assert found.axes.left <= float(x) <= found.axes.right
        assert found.axes.top <= float(y) <= found.axes.bottom
    for stretch in (*found.spans, *found.gaps):
        assert found.axes.left <= stretch.x
        assert stretch.x + stretch.width <= found.axes.right + 2.1
    assert 1 <= len(found.axes.y_ticks()) <= 7
    assert len(found.axes.x_ticks()) <= 6
