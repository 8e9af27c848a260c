"""The command `unmask serve` starts the service; environment variables set all else.

See docs/service.md for them.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmask.errors import UnmaskError, UsageError

if TYPE_CHECKING:
    from unmask.service.settings import ServiceSettings

EXAMPLES = """\b
Examples:
  unmask serve --data /srv/unmask --port 8000
  unmask serve --data /srv/unmask --check-config
  UNMASK_DATABASE=postgresql://unmask:secret@db/unmask UNMASK_STORAGE=s3://media \
unmask serve --workers 8
"""


def serve(
    data: Annotated[
        Path,
        typer.Option(
            metavar="DIR", envvar="UNMASK_DATA", help="Database and media; made if missing."
        ),
    ] = Path("unmask-data"),
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any that is free.")
    ] = 8000,
    workers: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Processes that judge; 0 to answer HTTP only."),
    ] = None,
    check_config: Annotated[
        bool,
        typer.Option("--check-config", help="Say what is set, or what is wrong with it, and end."),
    ] = False,
) -> None:
    """Run the service: an HTTP API and a page where files are uploaded, judged and decided on.

    More is set by environment variables: docs/service.md lists them.
    """
    try:
        from unmask.service.processes.logs import configure
        from unmask.service.processes.supervisor import serve as run
        from unmask.service.settings import ServiceSettings

        settings = ServiceSettings.read(data=data, workers=workers)
        if check_config:
            return _tell(settings)
        configure()
        run(settings, host, port, lambda port, inhabited: _welcome(settings, host, port, inhabited))
    except ModuleNotFoundError as error:
        typer.echo(
            f"unmask: the service needs {error.name}: pip install 'unmask[service]'", err=True
        )
        raise typer.Exit(1) from error
    except UnmaskError as error:
        typer.echo(f"unmask: {error}", err=True)
        raise typer.Exit(2 if isinstance(error, UsageError) else 1) from error


def _welcome(settings: ServiceSettings, host: str, port: int, inhabited: bool) -> None:
    """Says on a terminal where the page is, and how the first account is made."""
    if not sys.stderr.isatty():
        return
    local = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - where one listens, not where one asks
    typer.echo(f"\nThe page: {settings.public_url or f'http://{local}:{port}'}", err=True)
    if not inhabited:
        data = shlex.quote(str(settings.data))
        typer.echo(
            f"Nobody has an account yet: unmask accounts add you@example.org --role admin "
            f"--data {data}",
            err=True,
        )
    typer.echo("Ctrl-C ends it.\n", err=True)


def _tell(settings: ServiceSettings) -> None:
    """Prints every setting, and every variable that only looks like one."""
    import os

    from unmask.service.processes.supervisor import check
    from unmask.service.settings import shown, unknown

    check(settings)
    for line in shown(settings):
        typer.echo(line)
    for line in unknown(os.environ):
        typer.echo(f"unmask: {line}", err=True)
