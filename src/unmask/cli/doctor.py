"""The command `unmask doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from unmask.cli.options import Models


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
