"""The command line: what may be asked, where the answers go, and the exit code. It judges nothing itself.

Answers go to stdout as they come, everything else to stderr. Exit codes: 0 done; 1 an input could not be judged, or an
answer not be written; 2 usage; 3 `--fail-on` matched, whatever else happened; 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
import time
import traceback
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmask import inputs
from unmask.cli import accounts, audit, serve
from unmask.cli import originals as originals_command
from unmask.errors import MediaError, ModelError, OriginalsError, UnmaskError, UsageError, WeightsError, printable

if TYPE_CHECKING:
    from unmask.pipeline import Progress, Settings
    from unmask.types import CheckResult, Verdict

EXAMPLES = """\b
Examples:
  unmask check clip.mp4                          the verdict on every person in a clip
  unmask check footage/ --report reports/        a folder, with a page to show for every file
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

Models = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", envvar="UNMASK_MODELS", help="Add the ONNX models of this folder as lines of evidence."
    ),
]

app = typer.Typer(
    name="unmask",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def main() -> None:
    """The entry point `unmask`."""
    try:
        app()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still to be flushed at exit would fail as well
        sys.exit(f"unmask: the answer cannot be written: {(error.strerror or str(error)).lower()}")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"unmask {version('unmask')}")
        raise typer.Exit


app.add_typer(originals_command.app, name="originals")
app.add_typer(accounts.app, name="accounts")
app.add_typer(audit.app, name="audit")
app.command(epilog=serve.EXAMPLES)(serve.serve)


@app.callback(epilog=EXAMPLES)
def _unmask(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Tells whether a person's face in a photo or a video was changed by software, shows why, and says so when it
    cannot tell.
    """


@app.command(epilog=EXAMPLES)
def check(
    media: Annotated[list[str], typer.Argument(metavar="MEDIA", help="Photos, videos, and folders of them.")],
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", file_okay=False, help="Write an HTML page per file there; an older one is replaced."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per file and line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a CSV table, a row per person.")] = False,
    every: Annotated[
        float, typer.Option(metavar="SECONDS", help="Between the frames looked at; suspicious stretches get more.")
    ] = 0.5,
    lines: Annotated[
        list[str] | None, typer.Option(metavar="A,B", help="Ask only these lines of evidence, not all of them.")
    ] = None,
    models: Models = None,
    originals: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", envvar=originals_command.ADDRESS, help="Compare with the known originals of this index."
        ),
    ] = None,
    prior: Annotated[
        float | None, typer.Option(metavar="P", help="Share of changed faces among such files; adds what the LR means.")
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(metavar="A,B", help="Exit with 3 if a file's verdict is among these: changed, cannot-tell ..."),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of every error.")] = False,
) -> None:
    """Say whether faces in photos and videos were changed.

    Folders are searched with all their subfolders for names that end like a photo's or a video's; hidden ones are left
    out. A file that cannot be judged does not stop the rest.
    """
    try:
        if as_json and as_csv:
            raise UsageError("--json and --csv exclude each other")
        settings = _settings(every, lines, models, originals, prior, debug)
        verdicts, files = _verdicts(fail_on), inputs.named(media)
        run = Run(settings, verdicts, _folder_for(report), machine=as_json or as_csv)
        _print(run.over(files), as_json, as_csv)
    except UsageError as error:
        _complain(str(error) if isinstance(error, ModelError) else f"{error}; `unmask check --help` shows the usage")
        raise typer.Exit(2) from error
    except OSError:
        raise
    except Exception as error:
        if debug:
            raise
        if isinstance(error, OriginalsError):
            _complain(str(error))
            raise typer.Exit(1) from error
        damaged = isinstance(error, WeightsError | ImportError)
        way_out = "`unmask doctor` says more" if damaged else "run again with --debug"
        _complain(f"{'' if damaged else 'unexpected '}{type(error).__name__}: {inputs.words(error)}; {way_out}")
        raise typer.Exit(1) from error
    raise typer.Exit(run.code)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    models: Models = None,
) -> None:
    """Say what is installed, and how fast it is here.

    Exits with 1 if something is missing or broken that a check needs, and says how to mend it.
    """
    from unmask.doctor import examine

    diagnosis = examine(models)
    typer.echo(diagnosis.dumps() if as_json else diagnosis.text())
    raise typer.Exit(1 if diagnosis.problems else 0)


# ---------------------------------------------------------------- what is asked


def _settings(
    every: float,
    lines: Sequence[str] | None,
    models: Path | None,
    originals: str | None,
    prior: float | None,
    debug: bool,
) -> Settings:
    from unmask.evidence import chosen
    from unmask.pipeline import Settings

    names = _split(lines)
    chosen(names, models)
    return Settings(every=every, lines=names, models=models, originals=originals, prior=prior, debug=debug)


def _verdicts(named: Sequence[str] | None) -> frozenset[Verdict]:
    from unmask.types import Verdict

    words = {verdict.replace(" ", "-"): verdict for verdict in Verdict}
    names = [name.replace(" ", "-") for name in _split(named)]
    if unknown := [name for name in names if name not in words]:
        raise UsageError(f"no verdict is called {unknown[0]!r}; there are {', '.join(words)}")
    return frozenset(words[name] for name in names)


def _split(lists: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(name.strip() for part in lists or () for name in part.split(",") if name.strip())


def _folder_for(report: Path | None) -> Path | None:
    try:
        if report:
            report.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder {printable(str(report))} cannot be made: {inputs.words(error)}") from error
    return report


# ---------------------------------------------------------------- judging


class Run:
    """One call of `unmask check`: judges file by file, writes the pages, and keeps the exit code.

    Args:
        settings: of each check.
        fail_on: verdicts on a file that make the exit code 3.
        reports: folder for HTML pages, None for none.
        machine: whether stdout is for a program, so that where a page was written goes to stderr.
    """

    def __init__(self, settings: Settings, fail_on: frozenset[Verdict], reports: Path | None, machine: bool) -> None:
        self._settings, self._fail_on, self._reports, self._machine = settings, fail_on, reports, machine
        self._taken: set[str] = set()
        self._failed = self._matched = False

    @property
    def code(self) -> int:
        """The exit code, once all results were taken."""
        return 3 if self._matched else int(self._failed)

    def over(self, files: Sequence[str | MediaError]) -> Iterator[CheckResult]:
        """The result for each input, in their order, as soon as it is there.

        Raises:
            UsageError, OriginalsError, WeightsError, ImportError: none of the inputs can be judged in this way.
        """
        from unmask.terminal import progress

        begun = time.monotonic()
        for number, given in enumerate(files, start=1):
            if isinstance(given, MediaError):
                result = _not_judged(given.path, str(given))
            else:
                with progress(given, f"{number} of {len(files)}", begun) as tell:
                    result = self._judge(given, tell)
            self._matched |= result.verdict in self._fail_on
            if result.error is not None:
                self._fail(result.error)
            yield result
            if self._reports:
                self._write(self._reports, result)

    def _judge(self, path: str, progress: Progress) -> CheckResult:
        from unmask import pipeline

        try:
            return pipeline.check(path, self._settings, progress)
        except (UsageError, OriginalsError, WeightsError, ImportError):
            raise
        except Exception as error:
            if self._settings.debug:
                traceback.print_exception(error)
            if isinstance(error, UnmaskError):
                return _not_judged(path, str(error))
            way_out = "see its traceback" if self._settings.debug else "run again with --debug"
            why = f"{printable(path)}: unexpected {type(error).__name__} ({inputs.words(error)}); {way_out}"
            return _not_judged(path, why)

    def _write(self, folder: Path, result: CheckResult) -> None:
        from unmask.report import html

        path = folder / _page_name(result.path, self._taken)
        try:
            path.write_text(html.page(result), encoding="utf-8")
        except Exception as error:
            if self._settings.debug:
                traceback.print_exception(error)
            self._fail(f"{printable(str(path))}: the report cannot be written: {inputs.words(error)}")
        else:
            typer.echo(f"  Report: {printable(str(path))}", err=self._machine or result.error is not None)

    def _fail(self, text: str) -> None:
        self._failed = True
        _complain(text)


def _not_judged(path: str, why: str) -> CheckResult:
    from unmask.types import CheckResult

    return CheckResult(path, None, None, why, None, (), error=why)


def _page_name(path: str, taken: set[str]) -> str:
    """A name for the page on a file: safe in every file system, never hidden, and not ``taken`` in any spelling."""
    name = unicodedata.normalize("NFC", path.replace("\\", "/").rstrip("/").rpartition("/")[2])
    safe = "".join(c if c.isalnum() or c in "-_.,+=@()[] " else "_" for c in name).strip(". ") or "file"
    safe = safe.encode()[:200].decode(errors="ignore")
    number = 1
    while (page := f"{safe}{f'-{number}' if number > 1 else ''}.html").casefold() in taken:
        number += 1
    taken.add(page.casefold())
    return page


# ---------------------------------------------------------------- printing


def _print(results: Iterable[CheckResult], as_json: bool, as_csv: bool) -> None:
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

        show(results)


def _complain(text: str) -> None:
    typer.echo(f"unmask: {text}", err=True)
