"""The command `unmask credentials`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from unmask import inputs
from unmask.cli.options import AsJson, Media, spoken
from unmask.cli.run import complain
from unmask.errors import MediaError, UnmaskError, UsageError, printable

EXAMPLES = """\b
Examples:
  unmask credentials clip.mp4
  unmask credentials footage/ --trust our-list.pem --json

\b
Exit codes:
  0  read, whatever they say
  1  a file could not be read
  2  wrong usage
"""

Trust = Annotated[
    list[Path] | None,
    typer.Option(
        "--trust",
        metavar="PEM",
        help="Certificates of authorities that you trust; nobody is without.",
    ),
]


def _files(media: list[str]) -> list[str | MediaError]:
    found = inputs.named(media)
    for line in found.left_out:
        complain(str(line))
    return found.files


def credentials(
    media: Media,
    trust: Trust = None,
    as_json: AsJson = False,
    language: Annotated[
        str, typer.Option(metavar="CODE", envvar="UNMASK_LANGUAGE", help="en, zh.")
    ] = "en",
) -> None:
    """Say what files declare of their own making, signed (C2PA) and unsigned.

    It tells who signed, whether you trust them, whether the file is still what was signed, and
    whether AI is declared. Nothing is fetched. That a file carries none proves nothing: most do
    not, and they are easily removed.
    """
    from unmask.licences import manifest
    from unmask.licences.telling import told
    from unmask.media import labels

    failed = False
    try:
        trusted, t = manifest.anchors(trust or ()), spoken(language)
        for given in _files(media):
            try:
                if isinstance(given, MediaError):
                    raise given
                marks, found = labels(given), manifest.of(given, trusted)
            except UnmaskError as error:
                complain(str(error))
                failed = True
                continue
            said = told(found, marks)
            if as_json:
                sentences = {"says": [str(one) for one in said]}
                typer.echo(
                    json.dumps(
                        {"path": given, **asdict(found), "labels": asdict(marks), **sentences}
                    )
                )
            else:
                typer.echo("\n  ".join(printable(line) for line in (given, *map(t.say, said))))
    except UnmaskError as error:
        complain(str(error))
        raise typer.Exit(2 if isinstance(error, UsageError) else 1) from error
    raise typer.Exit(int(failed))
