"""The command line: arguments, output and exit codes. It judges nothing itself.

Answers go to stdout as they come, everything else to stderr. Exit codes: 0 done; 1 an input could
not be judged, or an answer could not be written; 2 usage; 3 `--fail-on` matched, whatever else
happened; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from unmask.cli import (
    accounts,
    audit,
    backup,
    check,
    credentials,
    doctor,
    fleet,
    licence,
    originals,
    report,
    serve,
    take,
)

app = typer.Typer(
    name="unmask",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command(epilog=check.EXAMPLES)(check.check)
app.command(epilog=credentials.EXAMPLES)(credentials.credentials)
app.command(epilog=take.EXAMPLES)(take.take)
app.command()(doctor.doctor)
app.add_typer(originals.app, name="originals")
app.add_typer(licence.app, name="licence")
app.add_typer(report.app, name="report")
app.add_typer(fleet.app, name="fleet")
app.add_typer(accounts.app, name="accounts")
app.add_typer(audit.app, name="audit")
app.command(epilog=serve.EXAMPLES)(serve.serve)
app.command(epilog=backup.EXAMPLES)(backup.backup)
app.command(epilog=backup.EXAMPLES)(backup.restore)


def main() -> None:
    """Runs the command `unmask`."""
    try:
        app()
    except OSError as error:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), 1
        )  # what is still to be flushed at exit would fail as well
        sys.exit(f"unmask: the answer cannot be written: {(error.strerror or str(error)).lower()}")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"unmask {version('unmask')}")
        raise typer.Exit


@app.callback(epilog=check.EXAMPLES)
def _unmask(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Tells whether a person's face in a photo or a video was changed by software.

    Shows why, and says so when it cannot tell.
    """
