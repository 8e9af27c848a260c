"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of every error.")]
