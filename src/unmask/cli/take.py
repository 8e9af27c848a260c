"""The command `unmask take`: its options, and how the answers are printed."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmask import inputs
from unmask.cli.options import AsJson, Debug, LanguageCode, Out, Report, named, spoken
from unmask.cli.pages import Outputs, Pages, make_folder
from unmask.cli.run import complain
from unmask.errors import MediaError, UsageError, printable
from unmask.messages import Message

if TYPE_CHECKING:
    from unmask.moments import Moment
    from unmask.take import Progress, TakeResult, TakeSettings
    from unmask.takes.findings import Finding, TakeAnswer
    from unmask.words import Language

    Way = Callable[[list[str], TakeSettings, Progress], TakeResult]

EXAMPLES = """\b
Examples:
  unmask take broadcast.mkv                      is it one unbroken take, and where does it break?
  unmask take interview.mp4 --thorough           decode every picture, however long it is
  unmask take clip.mp4 --report reports/         a page to show, with the pictures before and \
after each finding
  unmask take *.mp4 --json | jq -c '[.path, .answer]'
  unmask take day-1.ts day-2.ts --one-take       files that follow each other, as one
  unmask take bodycam.mp4 --fail-on broken,cannot-tell
  unmask take broadcast.mkv --thorough --resume notes/   killed and called again, it goes on
  unmask take live/index.m3u8 --follow           while it is recorded, each finding as it comes
"""

Videos = Annotated[
    list[str],
    typer.Argument(
        metavar="VIDEO",
        help="Videos, playlists (.m3u8) and folders of videos; each video is a take of its own.",
    ),
]


OneTake = Annotated[
    bool,
    typer.Option(
        "--one-take",
        help="Judge all videos together, in order, as one take; a playlist always is one.",
    ),
]
Thorough = Annotated[
    bool,
    typer.Option(
        "--thorough", help="Decode every picture; two minutes of film are decoded anyway."
    ),
]
Power = Annotated[
    bool, typer.Option("--power/--no-power", help="Try cuts, and tell how many would be found.")
]
Seed = Annotated[int, typer.Option(help="Of the places at which cuts are tried.")]
Follow = Annotated[
    bool,
    typer.Option(
        "--follow",
        help="Follow one playlist, folder or file that is still recorded, and say each finding "
        "as it comes.",
    ),
]
Patience = Annotated[
    float,
    typer.Option(
        min=1.0, help="Seconds without anything new after which --follow takes it as ended."
    ),
]
Resume = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        file_okay=False,
        help="Keep there what was measured; the same command, killed, goes on from it.",
    ),
]
FailOn = Annotated[
    list[str] | None,
    typer.Option(
        metavar="A,B",
        help="Exit with 3 if a file is among these: broken, cannot-tell, no-break-found.",
    ),
]


def take(
    videos: Videos,
    one_take: OneTake = False,
    thorough: Thorough = False,
    power: Power = True,
    seed: Seed = 0,
    report: Report = None,
    out: Out = None,
    as_json: AsJson = False,
    following: Follow = False,
    patience: Patience = 30.0,
    resume: Resume = None,
    fail_on: FailOn = None,
    language: LanguageCode = "en",
    debug: Debug = False,
) -> None:
    """Say whether a video is one unbroken take, and where it breaks.

    A careful cut in a scene that stands still leaves nothing, so no take is ever called proved:
    where a cut could not have been seen is said, and how probable it is that one would have been
    found.
    """
    from unmask.report import take_page
    from unmask.take import TakeSettings

    try:
        t, settings = spoken(language), TakeSettings(thorough, power, seed)
        matching = _answers(fail_on)
        if following and (len(videos) != 1 or one_take or resume):
            raise UsageError("--follow takes one input, and neither --one-take nor --resume")
        given = inputs.Inputs([*videos]) if following else inputs.named(videos)
        takes = [videos] if following else list(_takes(given.files, one_take))
        wanted = Outputs(report, out)
        wanted.prepare(len(takes))
        make_folder(resume)
    except UsageError as error:
        complain(f"{error}; `unmask take --help` shows the usage")
        raise typer.Exit(2) from error
    for clause in given.left_out:
        complain(t.say(clause))
    pages = Pages(wanted, t, take_page.ABOUT)
    way = _way(following, patience, resume, as_json, t)
    raise typer.Exit(_tell(takes, settings, way, matching, pages, t, as_json, debug))


def _tell(
    takes: Sequence[list[str] | MediaError],
    settings: TakeSettings,
    way: Way,
    matching: frozenset[TakeAnswer],
    pages: Pages,
    t: Language,
    as_json: bool,
    debug: bool,
) -> int:
    """Judges each take and prints its answer; returns the exit code."""
    failed = matched = False
    for result in _over(takes, settings, way, t, debug):
        if result.error is not None:
            complain(t.say(result.error))
        matched |= result.answer in matching
        written = _written(result, settings, pages, t, debug)
        failed |= written is None or result.error is not None
        _print(written or result, as_json, t)
    return 3 if matched else int(failed)


def _answers(fail_on: list[str] | None) -> frozenset[TakeAnswer]:
    from unmask.takes.findings import TakeAnswer

    return named(fail_on, TakeAnswer, "answer")


def _takes(files: list[str | MediaError], one_take: bool) -> Iterator[list[str] | MediaError]:
    """Yields the files of each take: one each, those of a playlist, or all in one."""
    from unmask.media import playlist

    def parts(given: str | MediaError) -> list[str] | MediaError:
        if isinstance(given, MediaError):
            return given
        try:
            return playlist.segments(given) if given.endswith(".m3u8") else [given]
        except MediaError as error:
            return error

    takes = [parts(given) for given in files]
    missing = [take for take in takes if isinstance(take, MediaError)]
    if one_take and not missing:
        yield [part for take in takes if not isinstance(take, MediaError) for part in take]
    else:
        # What is left of one take where a part cannot be read is not the take.
        yield from missing if one_take else takes


def _written(
    result: TakeResult, settings: TakeSettings, pages: Pages, t: Language, debug: bool
) -> TakeResult | None:
    """Writes the page if one is wanted; returns the result with its path.

    If the page cannot be written, this is reported and the result is None.
    """
    try:
        if (page := pages.place(result.path)) is None:
            return result
        from unmask.report import take_page

        page.write_text(take_page.page(result, settings, _moments(result, t), t), encoding="utf-8")
        return replace(result, report=str(page))
    except Exception as error:
        if debug:
            traceback.print_exception(error)
        where = getattr(error, "filename", None) or result.path
        complain(f"{printable(str(where))}: the report cannot be written: {inputs.words(error)}")
        return None


def _moments(result: TakeResult, t: Language) -> tuple[Moment, ...]:
    """Returns the moments of its findings; none of a file that has gone or changed meanwhile."""
    from unmask.moments import moments
    from unmask.terminal import progress

    try:
        with progress(result.path, "", time.monotonic(), t) as tell:
            return moments(result, progress=tell)
    except MediaError:
        return ()


def _way(following: bool, patience: float, resume: Path | None, as_json: bool, t: Language) -> Way:
    """Returns how a take is judged: files that are there, or a recording that goes on."""
    from unmask import take as stages
    from unmask.media import arriving

    def judged(files: list[str], settings: TakeSettings, tell: Progress) -> TakeResult:
        return stages.one_take(files, settings, tell, resume=resume)

    def followed(files: list[str], settings: TakeSettings, _tell: Progress) -> TakeResult:
        path = files[0]

        def found(one: Finding) -> None:
            typer.echo(_found(path, one, as_json, t))
            sys.stdout.flush()

        if Path(path).is_dir() or path.endswith(".m3u8"):
            return stages.follow(arriving(path, patience), found, settings)
        return stages.follow_file(path, found, settings, patience)

    return followed if following else judged


def _found(path: str, one: Finding, as_json: bool, t: Language) -> str:
    from unmask.report.take import dumps_finding

    return dumps_finding(path, one) if as_json else _finding(one, t)


def _over(
    takes: Sequence[list[str] | MediaError],
    settings: TakeSettings,
    way: Way,
    t: Language,
    debug: bool,
) -> Iterator[TakeResult]:
    from unmask import take as stages
    from unmask.terminal import progress

    begun = time.monotonic()
    for number, files in enumerate(takes, start=1):
        if isinstance(files, MediaError):
            yield stages.TakeResult.failed(files.path, files.message)
            continue
        try:
            with progress(
                files[0], t("progress.number", number=number, count=len(takes)), begun, t
            ) as tell:
                yield way(files, settings, tell)
        except MediaError as error:
            yield stages.TakeResult.failed(error.path, error.message)
        except (OSError, ImportError):
            raise
        except Exception as error:
            if debug:
                traceback.print_exception(error)
            way_out = Message("way.traceback") if debug else Message("way.debug")
            yield stages.TakeResult.failed(files[0], inputs.why(files[0], error, way_out))


def _print(result: TakeResult, as_json: bool, t: Language) -> None:
    if as_json:
        from unmask.report.take import dumps

        typer.echo(dumps(result))
    elif result.answer is not None:
        first, *_, last = result.parts * 2
        name, ends = printable(first.path), printable(last.path)
        if (count := len(result.parts)) > 1:
            name = t("take.files", first=name, last=ends, count=count)
        typer.echo(f"{t(f'take.answer.{result.answer.replace(chr(32), chr(45))}')}  {name}")
        for line in _lines(result, t):
            typer.echo(f"  {line}")
    if result.report:
        told = t("terminal.report", path=printable(result.report))
        typer.echo(f"  {told}", err=as_json or result.error is not None)
    sys.stdout.flush()


def _finding(one: Finding, t: Language) -> str:
    what = Message(f"take.kind.{one.kind.replace(' ', '-')}")
    if one.end - one.start < 0.5:
        return t("take.finding", time=one.end, what=what, reason=one.reason)
    return t("take.finding_span", start=one.start, end=one.end, what=what, reason=one.reason)


def _lines(result: TakeResult, t: Language) -> Iterator[str]:
    """Yields the lines under the headline."""
    yield t.say(result.reason)
    yield from (_finding(one, t) for one in result.findings)
    if result.unseen:
        stretches = tuple(
            Message("take.stretch", {"start": u.start, "end": u.end, "why": u.reason})
            for u in result.unseen
        )
        yield t("take.unseen", time=result.blind, end=result.duration, unseen=stretches)
    if result.signed:
        yield t.say(result.signed)
    yield t.say(result.looked_at)
    for tried in result.power:
        yield t.say(tried.said)
    if result.power:
        yield t("take.power_how")
