"""The commands `unmask report sign` and `verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unmask.cli.licence import Key, OwnerKeys, Password
from unmask.cli.run import complain
from unmask.errors import LicenceError, printable

EXAMPLES = """\b
Examples:
  unmask licence keygen desk.key --name "The desk"
  unmask check clip.mp4 --report reports/
  unmask report sign reports/clip.mp4.html --key desk.key
  unmask report verify reports/clip.mp4.html --owners desk.key.pub
"""

Reports = Annotated[
    list[Path], typer.Argument(metavar="REPORT", help="Pages, JSON, tables: any file.")
]

app = typer.Typer(
    help="Sign reports, so that nobody edits a verdict, and verify them later.",
    no_args_is_help=True,
    epilog=EXAMPLES,
)


@app.command()
def sign(reports: Reports, key: Key, password: Password) -> None:
    """Sign reports; beside each is written REPORT.signature.json."""
    from unmask.licences import keys
    from unmask.licences.reports import sign as sign_

    try:
        private = keys.private_key(key, password)
        for report in reports:
            typer.echo(printable(str(sign_(report, private))))
    except LicenceError as error:
        complain(str(error))
        raise typer.Exit(1) from error


@app.command()
def verify(reports: Reports, owners: OwnerKeys) -> None:
    """Tell whether reports are as they were signed, and by whom. Exits with 1 if one is not."""
    from unmask.licences import keys
    from unmask.licences.moments import shown
    from unmask.licences.reports import verify as verify_

    failed = False
    try:
        known = keys.owners(owners)
    except LicenceError as error:
        complain(str(error))
        raise typer.Exit(1) from error
    for report in reports:
        try:
            found = verify_(report, known)
        except LicenceError as error:
            complain(str(error))
            failed = True
        else:
            typer.echo(
                printable(
                    f"{report}: as it was signed by {', '.join(found.names)}, {shown(found.at)}"
                )
            )
    raise typer.Exit(int(failed))
