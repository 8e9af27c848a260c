"""Figures for Prometheus. What all machines share is counted in the database when it is asked for; requests, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from unmask.service.store.database import Database, now
from unmask.service.store.tables import CaseFile, Check, LiveCheck

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)
"""s; upper bounds of the histogram of answer times."""


class Metrics:
    """All figures of one HTTP process.

    Args:
        database: where checks and cases are counted.
    """

    def __init__(self, database: Database) -> None:
        from prometheus_client import CollectorRegistry, Histogram

        self._registry = CollectorRegistry()
        self._registry.register(_Counted(database))
        self._answers = Histogram(
            "unmask_http_seconds",
            "Time until an answer was sent, by route.",
            ("method", "route", "status"),
            buckets=BUCKETS,
            registry=self._registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Notes one request; ``route`` is the template, never the path, which has ids in it."""
        self._answers.labels(method, route, str(status)).observe(seconds)

    def text(self) -> bytes:
        """Everything in the text format that Prometheus reads."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry)


class _Counted:
    """What the database knows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily

        checks = GaugeMetricFamily("unmask_checks", "Checks, by state and verdict.", labels=("state", "verdict"))
        cases = GaugeMetricFamily("unmask_cases", "Cases, by state.", labels=("state",))
        depth = GaugeMetricFamily("unmask_queue_depth", "Checks that wait for a judge.")
        age = GaugeMetricFamily("unmask_queue_age_seconds", "How long the oldest of them has waited, s.")
        lives = GaugeMetricFamily(
            "unmask_live_checks", "Live checks kept, by way and result.", labels=("way", "result")
        )
        judged = SummaryMetricFamily("unmask_judge_seconds", "Time from a check's taking to its end, s.")
        attempts = CounterMetricFamily("unmask_attempts", "Times that a judging was begun.")
        with self._database.reading() as session:
            by_state = select(Check.state, Check.verdict, func.count()).group_by(Check.state, Check.verdict)
            for state, verdict, count in session.execute(by_state):
                checks.add_metric((state, verdict or "none"), count)
            for state, count in session.execute(select(CaseFile.state, func.count()).group_by(CaseFile.state)):
                cases.add_metric((state,), count)
            by_result = select(LiveCheck.way, LiveCheck.result, func.count()).group_by(LiveCheck.way, LiveCheck.result)
            for way, result, count in session.execute(by_result):
                lives.add_metric((way or "none", result or "none"), count)
            waiting = select(func.count(), func.min(Check.created)).where(Check.state == "queued")
            queued, oldest = session.execute(waiting).one()
            depth.add_metric((), queued)
            age.add_metric((), 0.0 if oldest is None else max(0.0, now(session) - oldest))
            took = select(func.count(), func.sum(Check.finished - Check.begun), func.sum(Check.attempts))
            ended = took.where(Check.finished.is_not(None), Check.begun.is_not(None))
            count, seconds, begun = session.execute(ended).one()
            judged.add_metric((), count, float(seconds or 0.0))
            attempts.add_metric((), float(begun or 0))
        yield from (checks, cases, depth, age, lives, judged, attempts)
