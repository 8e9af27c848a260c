"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from unmask.errors import UsageError

if TYPE_CHECKING:
    from unmask.words import Language

Named = TypeVar("Named", bound=StrEnum)

ADDRESS = "UNMASK_ORIGINALS"
"""Environment variable that names the index of known originals."""

Media = Annotated[
    list[str], typer.Argument(metavar="MEDIA", help="Photos, videos, and folders of them.")
]
Models = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        envvar="UNMASK_MODELS",
        help="Add the ONNX models of this folder as lines of evidence.",
    ),
]
Data = Annotated[
    Path,
    typer.Option(
        metavar="DIR",
        envvar="UNMASK_DATA",
        help="Folder of the service; for its database on a server, too.",
    ),
]
Originals = Annotated[
    str | None,
    typer.Option(
        metavar="DIR", envvar=ADDRESS, help="Compare with the known originals of this index."
    ),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of every error.")]
Report = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        file_okay=False,
        help="Write an HTML page per answer there; an older one on the same file is replaced.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="FILE", dir_okay=False, help="Write the page on the only answer there."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object per file and line.")]
LanguageCode = Annotated[
    str,
    typer.Option(
        metavar="CODE",
        envvar="UNMASK_LANGUAGE",
        help="Of what people read: en, zh. JSON and CSV stay English.",
    ),
]


def spoken(code: str) -> Language:
    """Returns a language by its code.

    Raises:
        UsageError: there is no such language.
    """
    from unmask.words import codes, language

    if code not in codes():
        raise UsageError(f"no language is called {code!r}; there are {', '.join(codes())}")
    return language(code)


def split(lists: Sequence[str] | None) -> tuple[str, ...]:
    """Returns the names in comma-separated lists."""
    return tuple(name.strip() for part in lists or () for name in part.split(",") if name.strip())


def named(lists: Sequence[str] | None, known: Iterable[Named], what: str) -> frozenset[Named]:
    """Returns the values that comma-separated lists name, in words or with hyphens.

    Raises:
        UsageError: no such value; it says that there is no ``what`` of this name.
    """
    words = {value.replace(" ", "-"): value for value in known}
    names = [name.replace(" ", "-") for name in split(lists)]
    if unknown := [name for name in names if name not in words]:
        raise UsageError(f"no {what} is called {unknown[0]!r}; there are {', '.join(words)}")
    return frozenset(words[name] for name in names)
