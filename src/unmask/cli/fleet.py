"""The commands `unmask fleet scan`, `plan` and `report`: the same check over a folder or bucket."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmask.cli.options import Models, Originals, spoken
from unmask.cli.run import complain
from unmask.errors import UnmaskError, UsageError, printable

if TYPE_CHECKING:
    from unmask.fleet.ledger import ScanCounts
    from unmask.fleet.plan import ScanPlan
    from unmask.pipeline import Settings

EXAMPLES = """\b
Examples:
  unmask fleet plan archive/ --price 0.05              how long would it take, and what would it \
cost?
  unmask fleet scan archive/ --out scan                judge every content once; run it again to \
go on
  AWS_REGION=eu-central-1 unmask fleet scan s3://media/2026 --out scan --workers 16
  unmask fleet report scan                             what came of it: scan/report.html
  duckdb -c "SELECT outcome, count(*) FROM 'scan/results/*/*/*.parquet' GROUP BY 1"

\b
Exit codes:
  0  every file has its answer, or the reason why it cannot be judged
  1  a file could not be read; the next scan tries it again
  2  wrong usage
"""

app = typer.Typer(
    help="The same check over a whole folder or bucket: every content once, resumable, with "
    "results as Parquet tables.",
    no_args_is_help=True,
    epilog=EXAMPLES,
)

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="A folder, or s3://BUCKET/PREFIX.")]
Every = Annotated[float, typer.Option(metavar="SECONDS", help="Between the frames looked at.")]
Lines = Annotated[
    list[str] | None, typer.Option(metavar="A,B", help="Ask only these lines of evidence.")
]
Licences = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", envvar="UNMASK_LICENCES", help="Licences, keys and authorities to rely on."
    ),
]
Prior = Annotated[
    float | None, typer.Option(metavar="P", help="Share of changed faces among such files.")
]


@app.command(epilog=EXAMPLES)
def scan(
    source: Source,
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="DIR", file_okay=False, help="Folder of the tables; made if missing."
        ),
    ],
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Processes that judge; one per core unless given."),
    ] = None,
    seconds: Annotated[
        float,
        typer.Option(
            "--file-seconds", min=1.0, metavar="S", help="Most time that one file may take."
        ),
    ] = 1800.0,
    every: Every = 0.5,
    lines: Lines = None,
    models: Models = None,
    originals: Originals = None,
    licences: Licences = None,
    prior: Prior = None,
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray", metavar="ADDRESS", help="Judge on this Ray cluster; 'auto' for the one here."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would take, as `plan` does.")
    ] = False,
) -> None:
    """Judge every content of a folder or bucket that has no result yet.

    Killed or interrupted at any moment, it goes on where it stopped when it is run again. With new
    weights, settings, originals or licences everything is judged anew, beside the older results.
    """
    with _complaining():
        settings = _settings(every, lines, models, originals, licences, prior)
        count = workers if ray else workers or _cores()
        if dry_run:
            _plan(source, out, settings, count or 1, 12, None)
            return
        from unmask.fleet import scan as fleet

        begun = time.monotonic()
        with _bar() as tell:
            found = fleet.scan(source, out, settings, count, tell, seconds, ray=ray)
        for clause in (*found.left_out, *found.unreadable):
            complain(str(clause))
        _say(found.counts, time.monotonic() - begun)
    raise typer.Exit(int(bool(found.counts.unreadable or found.unreadable)))


@app.command()
def plan(
    source: Source,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", file_okay=False, help="Folder of earlier scans, if any."
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, metavar="N", help="Processes that would judge.")
    ] = 1,
    sample: Annotated[
        int, typer.Option(min=0, metavar="N", help="Files that are judged for the estimate.")
    ] = 12,
    price: Annotated[
        float | None,
        typer.Option(min=0, metavar="P", help="Of an hour of one core; adds the cost."),
    ] = None,
    every: Every = 0.5,
    lines: Lines = None,
    models: Models = None,
    originals: Originals = None,
    licences: Licences = None,
    prior: Prior = None,
) -> None:
    """Say what a scan would take, from a few of its files; nothing is written."""
    with _complaining():
        _plan(
            source,
            out,
            _settings(every, lines, models, originals, licences, prior),
            workers,
            sample,
            price,
        )


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a scan.")],
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", metavar="FILE", help="Where the page goes; DIR/report.html unless given."
        ),
    ] = None,
    language: Annotated[
        str, typer.Option(metavar="CODE", envvar="UNMASK_LANGUAGE", help="Of the page: en, zh.")
    ] = "en",
) -> None:
    """Write a page on the result of a scan: verdicts, top of the queue, floods, failures, speed."""
    with _complaining():
        t = spoken(language)
        from unmask.fleet.page import page
        from unmask.fleet.summary import summary

        text, path = page(summary(folder), t), to or folder / "report.html"
        path.write_text(text, encoding="utf-8")
    typer.echo(printable(str(path)))


def _cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _settings(
    every: float,
    lines: list[str] | None,
    models: Path | None,
    originals: str | None,
    licences: Path | None,
    prior: float | None,
) -> Settings:
    from unmask.pipeline import Settings

    names = tuple(name.strip() for part in lines or () for name in part.split(",") if name.strip())
    return Settings(
        every=every, lines=names, models=models, originals=originals, licences=licences, prior=prior
    )


def _plan(
    source: str,
    out: Path | None,
    settings: Settings,
    workers: int,
    sample: int,
    price: float | None,
) -> None:
    from unmask.fleet.plan import plan as planned

    for line in _estimate(planned(source, out, settings, sample), workers, price):
        typer.echo(line)


def _estimate(found: ScanPlan, workers: int, price: float | None) -> Iterator[str]:
    for clause in found.left_out:
        complain(str(clause))
    yield f"{found.files:,} files to read, {found.bytes / 1e9:,.2f} GB; {found.done:,} done already"
    if not found.sampled:
        return
    mean, low, high = (seconds / 3600 for seconds in found.seconds)
    each = found.seconds[0] / max(1, found.files)
    yield f"{found.sampled:,} of them judged: {each:.2f} s a file on one core"
    yield f"about {mean:,.2f} core hours, 95 % interval {low:,.2f} to {high:,.2f}"
    yield f"about {mean / workers:,.2f} hours with {workers:,} workers, a core each"
    if price is not None:
        yield (
            f"about {mean * price:,.2f} at {price:g} a core hour, {low * price:,.2f} to "
            f"{high * price:,.2f}"
        )


def _say(counts: ScanCounts, seconds: float) -> None:
    done = (
        f"{counts.listed:,} files: {counts.judged:,} contents judged in {seconds:,.0f} s, "
        f"{counts.before:,} files done before"
    )
    more = (
        (counts.failed, "could not be judged"),
        (counts.poison, "of them ended their workers"),
        (counts.unreadable, "could not be read"),
        (counts.gone, "known before are no longer there"),
    )
    typer.echo("; ".join([done, *(f"{number:,} {what}" for number, what in more if number)]))


@contextmanager
def _bar() -> Iterator[Callable[[ScanCounts], None]]:
    """Shows a bar on stderr with the rate and the time left, if that is a terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _counts: None
        return
    rate = TextColumn("{task.fields[rate]}")
    with Progress(
        BarColumn(),
        MofNCompleteColumn(),
        rate,
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as bar:
        task, begun = bar.add_task("", total=None, rate=""), time.monotonic()

        def tell(counts: ScanCounts) -> None:
            passed = counts.passed - counts.before
            a_second = passed / max(1e-3, time.monotonic() - begun)
            bar.update(
                task,
                total=counts.listed - counts.before,
                completed=passed,
                rate=f"{a_second:.2f} files/s, {counts.failed} failed",
            )

        yield tell


@contextmanager
def _complaining() -> Iterator[None]:
    """Reports errors as a line on stderr, and exits with a code."""
    try:
        yield
    except ModuleNotFoundError as error:
        extra = "ray" if error.name == "ray" else "fleet"
        complain(f"this needs {error.name}: pip install 'unmask[{extra}]'")
        raise typer.Exit(1) from error
    except UsageError as error:
        complain(f"{error}; `unmask fleet --help` shows the usage")
        raise typer.Exit(2) from error
    except (UnmaskError, OSError) as error:
        complain(printable(str(error)))
        raise typer.Exit(1) from error
