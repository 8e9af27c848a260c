"""The command `unmask check`: its options, and how the answers are printed."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmask import inputs
from unmask.cli.options import (
    AsJson,
    Debug,
    LanguageCode,
    Media,
    Models,
    Originals,
    Out,
    Report,
    named,
    split,
    spoken,
)
from unmask.cli.pages import Outputs, Pages
from unmask.cli.run import Run, complain
from unmask.errors import (
    LicenceError,
    ModelError,
    OriginalsError,
    UsageError,
    WeightsError,
    printable,
)

if TYPE_CHECKING:
    from unmask.pipeline import Settings
    from unmask.types import CheckResult, Outcome
    from unmask.words import Language

EXAMPLES = """\b
Examples:
  unmask check clip.mp4                          the verdict on every person in a clip
  unmask check footage/ --report reports/        a folder, with a page to show for every file
  unmask check clip.mp4 --out clip.html --key-frames search/    one page, and frames to look for \
on the web
  unmask check clip.mp4 --from 1:05 --to 1:20    only these fifteen seconds, as closely as a short \
clip
  unmask check clip.mp4 --originals index --licences desk/      a licensed change is told from abuse
  unmask check clip.mp4 --prior 0.001            what it means where 1 face in 1,000 is changed
  unmask check *.jpg --json | jq -c '[.path, .verdict]'
  unmask check inbox/ --csv --fail-on changed,cannot-tell > inbox.csv

\b
Exit codes:
  0  done
  1  an input could not be judged, or an answer not be written
  2  wrong usage
  3  --fail-on matched, whatever else happened
"""


KeyFrames = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        file_okay=False,
        help="Write a whole frame per shot there, for a reverse image search.",
    ),
]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print a CSV table, a row per person.")]
Every = Annotated[
    float,
    typer.Option(
        metavar="SECONDS", help="Between the frames looked at; suspicious stretches get more."
    ),
]
Start = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="TIME", help="Look at videos from there on: seconds, or 1:02:03.5."
    ),
]
End = Annotated[str | None, typer.Option("--to", metavar="TIME", help="And up to there.")]
Lines = Annotated[
    list[str] | None,
    typer.Option(metavar="A,B", help="Ask only these lines of evidence, not all of them."),
]
Licences = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        envvar="UNMASK_LICENCES",
        help="Licences, keys and authorities to rely on; reads credentials.",
    ),
]
Prior = Annotated[
    float | None,
    typer.Option(
        metavar="P", help="Share of changed faces among such files; adds what the LR means."
    ),
]
FailOn = Annotated[
    list[str] | None,
    typer.Option(
        metavar="A,B",
        help="Exit with 3 if a file is among these: changed, cannot-tell, no-face ...",
    ),
]


def check(
    media: Media,
    report: Report = None,
    out: Out = None,
    key_frames: KeyFrames = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    every: Every = 0.5,
    start: Start = None,
    end: End = None,
    lines: Lines = None,
    models: Models = None,
    originals: Originals = None,
    licences: Licences = None,
    prior: Prior = None,
    fail_on: FailOn = None,
    language: LanguageCode = "en",
    debug: Debug = False,
) -> None:
    """Say whether faces in photos and videos were changed.

    Folders are searched with all their subfolders for what is a photo or a video by its content,
    whatever its name; how many other and hidden files were left out is said. A file that cannot be
    judged does not stop the rest.
    """
    with _explained(debug):
        if as_json and as_csv:
            raise UsageError("--json and --csv exclude each other")
        settings = _settings(
            every, lines, models, originals, licences, prior, debug, _seconds(start), _seconds(end)
        )
        outcomes, given, told = _outcomes(fail_on), inputs.named(media), spoken(language)
        wanted = Outputs(report, out, key_frames)
        wanted.prepare(len(given.files))
        run = Run(settings, outcomes, Pages(wanted, told), told, machine=as_json or as_csv)
        for clause in given.left_out:
            complain(told.say(clause))
        _print(run.over(given.files), as_json, as_csv, told)
    raise typer.Exit(run.code)


@contextmanager
def _explained(debug: bool) -> Iterator[None]:
    """Turns an error into one line on stderr and an exit code: 2 for wrong usage, 1 for the rest.

    With ``debug`` an unexpected error is raised. So is an answer that cannot be written.
    """
    try:
        yield
    except UsageError as error:
        usage = "" if isinstance(error, ModelError) else "; `unmask check --help` shows the usage"
        complain(f"{error}{usage}")
        raise typer.Exit(2) from error
    except OSError:
        raise
    except Exception as error:
        if debug:
            raise
        if isinstance(error, OriginalsError | LicenceError):
            complain(str(error))
            raise typer.Exit(1) from error
        damaged = isinstance(error, WeightsError | ImportError)
        way_out = "`unmask doctor` says more" if damaged else "run again with --debug"
        complain(
            f"{'' if damaged else 'unexpected '}{type(error).__name__}: {inputs.words(error)}; "
            f"{way_out}"
        )
        raise typer.Exit(1) from error


# ---------------------------------------------------------------- what is asked


def _settings(
    every: float,
    lines: Sequence[str] | None,
    models: Path | None,
    originals: str | None,
    licences: Path | None,
    prior: float | None,
    debug: bool,
    start: float | None,
    end: float | None,
) -> Settings:
    from unmask.evidence import chosen
    from unmask.pipeline import Settings

    names = split(lines)
    chosen(names, models)
    return Settings(
        every=every,
        lines=names,
        models=models,
        originals=originals,
        licences=licences,
        prior=prior,
        debug=debug,
        start=start or 0.0,
        end=end,
    )


def _seconds(given: str | None) -> float | None:
    """Parses a time as a player shows it, or in seconds."""
    if given is None:
        return None
    parts = given.split(":")
    try:
        seconds: float = sum(
            float(part) * 60.0**place for place, part in enumerate(reversed(parts))
        )
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or len(parts) > 3 or "-" in given:
        raise UsageError(f"{given!r} is no time; write seconds, as 75.5, or 1:15.5")
    return seconds


def _outcomes(fail_on: Sequence[str] | None) -> frozenset[Outcome]:
    from unmask.types import Outcome

    return named(fail_on, Outcome, "verdict")


# ---------------------------------------------------------------- printing


def _print(results: Iterable[CheckResult], as_json: bool, as_csv: bool, language: Language) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
        if as_csv:
            sys.stdout.reconfigure(encoding="utf-8", newline="")
    if as_json:
        from unmask.report.document import dumps

        for result in results:
            typer.echo(dumps(result))
    elif as_csv:
        from unmask.report import table

        if sys.stdout.isatty():
            results = (replace(result, path=printable(result.path)) for result in results)
        table.write(results, sys.stdout)
    else:
        from unmask.terminal import show

        show(results, language)
