"""The commands `unmask originals add`, `list`, `remove` and `match`: options and output."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from unmask import inputs
from unmask.cli.options import ADDRESS, Debug, Media
from unmask.cli.run import complain
from unmask.errors import MediaError, OriginalsError, UnmaskError, UsageError, printable
from unmask.messages import Message

if TYPE_CHECKING:
    from unmask.pipeline import Progress

EXAMPLES = """\b
Examples:
  unmask originals add drama.mkv --owner "The broadcaster" --title "The drama" --originals index
  unmask originals list --originals index
  unmask originals match clip.mp4 --originals index
  unmask check clip.mp4 --originals index
"""

Address = Annotated[
    str,
    typer.Option(
        "--originals",
        metavar="DIR",
        envvar=ADDRESS,
        help="Folder of the index, or a postgresql:// address.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")]

app = typer.Typer(
    help="Known originals: register films and photos that you own, and find them again in "
    "others' files.",
    no_args_is_help=True,
    epilog=EXAMPLES,
)


@app.command()
def add(
    media: Media,
    originals: Address,
    owner: Annotated[str, typer.Option(help="Who owns the footage.")],
    title: Annotated[
        str | None,
        typer.Option(
            help="What it is; the file's name by default. Of several files, the name of each "
            "is added."
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Register films and photos.

    Hashes and small thumbnails of their key frames are kept, never the footage itself. Adding a
    file again changes nothing. What was interrupted goes on where it stopped.
    """
    from pathlib import Path

    from unmask import pipeline
    from unmask.originals import opened_store

    with _errors(debug), opened_store(originals, writing=True) as store:
        files = _found(media)

        def titled(path: str) -> str | None:
            return title if title is None or len(files) == 1 else f"{title}: {Path(path).stem}"

        def one(path: str, tell: Progress) -> None:
            registered = pipeline.register(path, store, titled(path), owner, tell)
            mine = next(o for o in registered if o.owner == owner)
            others = [f"“{o.title}” of {o.owner}" for o in registered if o.owner != owner]
            also = f" (the same file is also registered as {', '.join(others)})" if others else ""
            typer.echo(printable(f"{mine.id}  “{mine.title}”  {mine.frames:,} frames known{also}"))

        _each(files, one, debug)


@app.command("list")
def list_(originals: Address, as_json: Json = False, debug: Debug = False) -> None:
    """List what is registered: number, title, owner, length and file."""
    from unmask.originals import opened_store
    from unmask.report.document import RegistrationPart
    from unmask.types import clock

    with _errors(debug), opened_store(originals) as store:
        for one in store.originals():
            unfinished = "" if one.complete else "\tnot complete: add it again"
            row = (
                f"{one.id}\t“{one.title}”\t{one.owner}\t{clock(one.duration)}\t"
                f"{one.name}{unfinished}"
            )
            typer.echo(
                json.dumps(RegistrationPart.of(one).plain())
                if as_json
                else printable(row.replace("\t", "  "))
            )


@app.command()
def remove(
    numbers: Annotated[
        list[int], typer.Argument(metavar="NUMBER", help="As `unmask originals list` shows them.")
    ],
    originals: Address,
    debug: Debug = False,
) -> None:
    """Take registrations back. The hashes go with the last registration of a file."""
    from unmask.originals import opened_store

    with _errors(debug), opened_store(originals, writing=True) as store:
        gone = [(number, store.remove(number)) for number in numbers]
    for number, one in gone:
        typer.echo(
            printable(f"removed {number}  “{one.title}”") if one else f"{number} is not registered",
            err=not one,
        )
    raise typer.Exit(int(any(one is None for _, one in gone)))


@app.command()
def match(media: Media, originals: Address, as_json: Json = False, debug: Debug = False) -> None:
    """Say which known originals files show, and when.

    `unmask check --originals` also tells what was changed.
    """
    from unmask import pipeline
    from unmask.originals import open_index
    from unmask.report.document import MatchPart
    from unmask.words import english
    from unmask.words.footage import shown

    with _errors(debug), open_index(originals) as known:

        def one(path: str, tell: Progress) -> None:
            found = pipeline.match(path, known, tell)
            if as_json:
                typer.echo(
                    json.dumps(
                        {
                            "path": printable(path),
                            "originals": [MatchPart.of(m).plain() for m in found],
                        }
                    )
                )
                return
            typer.echo(printable(path))
            for line in [shown(m) for m in found] or [Message("match.none")]:
                typer.echo(f"  {printable(english().say(line))}")

        _each(_found(media), one, debug)


def _found(media: Sequence[str]) -> list[str | MediaError]:
    from unmask.words import english

    given = inputs.named(media)
    for clause in given.left_out:
        complain(english().say(clause))
    return given.files


def _each(
    files: Sequence[str | MediaError], do: Callable[[str, Progress], None], debug: bool
) -> None:
    """Applies ``do`` to every file; a file that cannot be read makes the exit code 1.

    It does not stop the rest.
    """
    from unmask.terminal import progress

    begun, failed = time.monotonic(), False
    for number, given in enumerate(files, start=1):
        try:
            if isinstance(given, MediaError):
                raise given
            with progress(given, f"{number} of {len(files)}", begun) as tell:
                do(given, tell)
        except MediaError as error:
            if debug:
                traceback.print_exception(error)
            complain(str(error))
            failed = True
    if failed:
        raise typer.Exit(1)


@contextmanager
def _errors(debug: bool) -> Iterator[None]:
    """Reports an error that stops the command on one line; exits with 2 for wrong usage, else 1."""
    try:
        yield
    except (typer.Exit, OSError):
        raise
    except Exception as error:
        if debug:
            raise
        known = isinstance(error, OriginalsError | UnmaskError)
        text = (
            str(error)
            if known
            else f"unexpected {type(error).__name__}: {inputs.words(error)}; run again with --debug"
        )
        complain(text)
        raise typer.Exit(2 if isinstance(error, UsageError) else 1) from error
