"""Metrics for Prometheus.

Figures that all machines share are counted in the database on each request for them; answers are
counted in this process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unmask.service.store.database import now
from unmask.service.store.service import Service
from unmask.service.store.tables import CaseFile, Check, Delivery, LiveCheck, Registration, Take

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the histogram of answer times, s."""


class Metrics:
    """All metrics of one HTTP process.

    Args:
        service: in whose database checks, cases and messages are counted.
    """

    def __init__(self, service: Service) -> None:
        from prometheus_client import CollectorRegistry, Histogram

        self._registry = CollectorRegistry()
        self._registry.register(_Counted(service))
        self._answers = Histogram(
            "unmask_http_seconds",
            "Time until an answer was sent, by route.",
            ("method", "route", "status"),
            buckets=BUCKETS,
            registry=self._registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one request; ``route`` is the template, never the path, which contains ids."""
        self._answers.labels(method, route, str(status)).observe(seconds)

    def text(self) -> bytes:
        """Returns all metrics in the text format that Prometheus reads."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry)


class _Counted:
    """Collector of the figures of the database and the disk."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        with self._service.database.reading() as session:
            yield from _kept(session)
            yield from _judging(session)
            yield from _others(session)
            yield from _messages(session)
        room = self._service.storage.room
        yield _gauge(
            "unmask_disk_free_bytes", "Room on this machine for files that arrive, bytes.", room
        )


def _gauge(name: str, about: str, value: float) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, about, value=value)


def _counts(name: str, about: str, labels: Sequence[str], rows: Iterable[Sequence[Any]]) -> Metric:
    """Builds a gauge per combination of labels; each row ends with its count."""
    from prometheus_client.core import GaugeMetricFamily

    found = GaugeMetricFamily(name, about, labels=labels)
    for *values, count in rows:
        found.add_metric([value or "none" for value in values], count)
    return found


def _kept(session: Session) -> Iterator[Metric]:
    """Counts checks, takes, cases and live checks by their results."""
    checks = select(Check.state, Check.verdict, func.count()).group_by(Check.state, Check.verdict)
    takes = select(Take.state, func.count()).group_by(Take.state)
    cases = select(CaseFile.state, func.count()).group_by(CaseFile.state)
    lives = select(LiveCheck.way, LiveCheck.result, func.count()).group_by(
        LiveCheck.way, LiveCheck.result
    )
    for name, about, labels, query in (
        ("unmask_checks", "Checks, by state and verdict.", ("state", "verdict"), checks),
        ("unmask_takes", "Takes kept, by state.", ("state",), takes),
        ("unmask_cases", "Cases, by state.", ("state",), cases),
        ("unmask_live_checks", "Live checks kept, by way and result.", ("way", "result"), lives),
    ):
        yield _counts(name, about, labels, session.execute(query))


def _judging(session: Session) -> Iterator[Metric]:
    """Measures the queue, the time of judging, and the deaths of judges and workers."""
    from prometheus_client.core import CounterMetricFamily, SummaryMetricFamily

    waiting = select(func.count(), func.min(Check.queued)).where(Check.state == "queued")
    queued, oldest = session.execute(waiting).one()
    yield _gauge("unmask_queue_depth", "Checks that wait for a judge.", queued)
    yield _gauge(
        "unmask_queue_age_seconds",
        "How long the oldest of them has waited, s.",
        _age(session, oldest),
    )
    took = select(func.count(), func.sum(Check.finished - Check.begun), func.sum(Check.attempts))
    ended = took.where(Check.finished.is_not(None), Check.begun.is_not(None))
    count, seconds, begun = session.execute(ended).one()
    judged = SummaryMetricFamily(
        "unmask_judge_seconds", "Time from a check's taking to its end, s."
    )
    judged.add_metric((), count, float(seconds or 0.0))
    attempts = CounterMetricFamily("unmask_attempts", "Times that a judging was begun.")
    attempts.add_metric((), float(begun or 0))
    yield from (judged, attempts)
    judges, workers = session.execute(select(func.sum(Check.deaths), func.sum(Check.lapses))).one()
    yield _gauge(
        "unmask_judge_deaths", "Judges that died of the checks kept here.", float(judges or 0)
    )
    yield _gauge(
        "unmask_worker_deaths",
        "Workers that fell silent over the checks kept here.",
        float(workers or 0),
    )


def _others(session: Session) -> Iterator[Metric]:
    """Measures the queues of registrations and takes, which checks go before."""
    depths, ages = list[tuple[str, int]](), list[tuple[str, float]]()
    for name, kind in (("registration", Registration), ("take", Take)):
        waiting = select(func.count(), func.min(kind.queued)).where(kind.state == "queued")
        depth, oldest = session.execute(waiting).one()
        depths.append((name, depth))
        ages.append((name, _age(session, oldest)))
    about = "Registrations of originals, and takes, that wait for a judge."
    yield _counts("unmask_others_depth", about, ("kind",), depths)
    about = "How long the oldest of each kind has waited, s."
    yield _counts("unmask_others_age_seconds", about, ("kind",), ages)


def _messages(session: Session) -> Iterator[Metric]:
    """Counts messages to webhooks that still have to be sent."""
    waiting = select(func.count(), func.min(Delivery.queued)).where(Delivery.finished.is_(None))
    count, oldest = session.execute(waiting).one()
    failed = session.scalar(select(func.count()).where(Delivery.state == "failed")) or 0
    yield _gauge(
        "unmask_deliveries_waiting",
        "Messages to webhooks that were neither taken nor given up.",
        count,
    )
    yield _gauge(
        "unmask_delivery_age_seconds",
        "How long the oldest of them has waited, s.",
        _age(session, oldest),
    )
    yield _gauge(
        "unmask_deliveries_failed", "Messages that were given up in the last 30 days.", failed
    )


def _age(session: Session, since: float | None) -> float:
    return 0.0 if since is None else max(0.0, now(session) - since)
