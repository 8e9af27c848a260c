"""The driver of a scan: lists the source, gives its files to workers, writes their results.

It can be killed at any time.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmask.errors import UsageError, printable
from unmask.fleet import configuration, local, query, snapshot
from unmask.fleet.carried import carry
from unmask.fleet.durable import replacing
from unmask.fleet.judge import FileJudge
from unmask.fleet.ledger import Ledger, ScanCounts
from unmask.fleet.rows import looks_of
from unmask.fleet.source import Listing, listing
from unmask.fleet.tables import SCRATCH, Tables
from unmask.fleet.worker import Worker
from unmask.originals import grouping
from unmask.originals.matching import Looks
from unmask.pipeline import Settings

if TYPE_CHECKING:
    from unmask.fleet.judge import Maker

FILE_SECONDS = 1800.0
"""Most time that one file may take, s."""


class Scanned:
    """Result of a scan: its counts, and the parts of the source left out or not listed."""

    def __init__(self, counts: ScanCounts, listed: Listing) -> None:
        self.counts, self.left_out, self.unreadable = counts, listed.left_out, listed.unreadable


def scan(
    source: str,
    out: Path,
    settings: Settings = Settings(),
    workers: int | None = None,
    tell: Callable[[ScanCounts], None] = lambda _counts: None,
    seconds: float = FILE_SECONDS,
    maker: Maker = FileJudge,
    ray: str | None = None,
) -> Scanned:
    """Judges every content of a source that has no result yet under this configuration.

    Args:
        source: a folder, or ``s3://bucket/prefix``.
        out: folder of the tables, made if missing, else empty or of earlier scans; several sources
            may share one.
        settings: settings of each check.
        workers: number of workers; one if None, or one per core of the cluster.
        tell: receives the progress.
        seconds: most time for one file.
        maker: makes what judges.
        ray: address of a Ray cluster whose machines judge; None for this machine alone.

    Raises:
        UsageError: no such source; other things lie in ``out``, or another scan writes there; a
            setting that cannot be used.
        OriginalsError, LicenceError, WeightsError: what every check needs cannot be read.
        StorageAway: the bucket does not answer.
        UnmaskError: workers do not start.
    """
    with _alone(out):
        facts = configuration.configuration(settings)
        name = configuration.digest(facts)
        tables = Tables(out, name)
        tables.tidy()
        _describe(out, name, facts)
        carry(out, name, tables)
        scratch = _emptied(out / SCRATCH)
        found = listing(source, scratch)
        ledger = Ledger(source, found, tables, out / "tries" / f"{name}.jsonl", tell)
        tell(ledger.counts)
        try:
            if ray is None:
                settings = snapshot.here(settings, scratch, facts["originals"])
                make = partial(Worker, source, settings, maker)
                local.run(ledger, make, scratch, workers or 1, seconds)
            else:
                from unmask.fleet import cluster

                here = partial(snapshot.here, settings, known=facts["originals"])
                work = cluster.Work(source, here, maker)
                cluster.run(ledger, work, ray, workers, seconds)
        finally:
            ledger.close()
        if tables.grouped() != tables.sketched():
            group(out, tables)
        return Scanned(ledger.counts, found)


def group(out: Path, tables: Tables) -> None:
    """Writes which contents judged so far are near-duplicates; those without one are left out."""
    sketches = (
        "SELECT DISTINCT ON (sha256) sha256, times, frame, hashes, places, aspect "
        "FROM sketches ORDER BY sha256, day"
    )
    names: list[str] = []
    of = tables.sketched()

    def looks() -> Iterator[Looks]:
        for row in opened.stream(sketches):
            names.append(row["sha256"])
            yield looks_of(row)

    with query.open_results(out) as opened:
        leaders = grouping.groups(looks())
    many = {leader for number, leader in enumerate(leaders) if leader != number}
    tables.replace_groups(
        [
            {"sha256": names[n], "group": names[leader]}
            for n, leader in enumerate(leaders)
            if leader in many
        ],
        of,
    )


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Locks a folder against other scans; the lock of a driver that was killed is free again."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not (out / "lock").exists() and any(out.iterdir()):
            raise UsageError(
                f"{printable(str(out))}: other things lie there; name a new or empty folder, "
                f"or that of a scan"
            )
        file = (out / "lock").open("a")
        (out / "tries").mkdir(exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"{printable(str(out))}: {reason}; name a folder that you may write to"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"{printable(str(out))}: another scan writes there; wait for it, or end it"
            ) from None
        yield


def _describe(out: Path, name: str, facts: dict[str, Any]) -> None:
    """Writes a configuration's values to a file, for people."""
    with replacing(out / "configurations" / f"{name}.json") as file:
        file.write(f"{json.dumps(facts, indent=2, sort_keys=True)}\n".encode())


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
