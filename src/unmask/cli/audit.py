"""The commands `unmask audit verify`, `anchor` and `export`, which need no running service."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmask.cli.accounts import open_accounts
from unmask.cli.options import Data
from unmask.errors import UnmaskError, UsageError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from unmask.service.people.audit import Anchor


EXAMPLES = """\b
Examples:
  unmask audit verify --data DIR
  unmask audit anchor --data DIR >> anchors.txt    keep this file where the service cannot write
  unmask audit verify --data DIR --anchors anchors.txt
  unmask audit export --data DIR > audit.jsonl
"""

Anchors = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Lines of `unmask audit anchor`, kept elsewhere.",
    ),
]

app = typer.Typer(
    help="The audit log of the service: verify it, anchor it, export it.",
    no_args_is_help=True,
    epilog=EXAMPLES,
)


@app.command()
def verify(data: Data, anchors: Anchors = None) -> None:
    """Say whether every entry is as it was written; exit with 1 and name the first that is not.

    Without anchors, whoever can write to the database could forge the log's whole end, or cut it
    off.
    """
    from unmask.service.people import audit

    broken = False
    with _opened(data) as session:
        kept = _anchors(anchors)
        for tenant in _organisations(session, kept):
            found = audit.verify(session, tenant, *kept)
            broken |= found.broken is not None
            if found.broken is None:
                typer.echo(f"{tenant}: intact, {found.count} in all, head {found.head}")
            else:
                typer.echo(
                    f"{tenant}: entry {found.broken} is not as it was written: {found.reason}"
                )
    raise typer.Exit(int(broken))


@app.command()
def anchor(data: Data) -> None:
    """Print where the log stands now, a line per organisation, to be kept elsewhere."""
    from unmask.service.people import audit

    with _opened(data) as session:
        for tenant in _organisations(session):
            typer.echo(str(audit.newest(session, tenant)))


@app.command()
def export(data: Data) -> None:
    """Print all entries as JSON lines; each hash is the sha256 of the characters of its `entry`."""
    from unmask.service.people import audit

    with _opened(data) as session:
        for tenant in _organisations(session):
            sys.stdout.writelines(audit.export(session, tenant))


def _organisations(session: Session, kept: list[Anchor] | None = None) -> list[str]:
    """Lists all organisations in the database, and all that an anchor names."""
    from sqlalchemy import select

    from unmask.service.store.tables import AuditEntry, Tenant

    known: set[str] = {
        *session.scalars(select(Tenant.id)),
        *session.scalars(select(AuditEntry.tenant).distinct()),
    }
    return sorted(known | {one.tenant for one in kept or []})


def _anchors(path: Path | None) -> list[Anchor]:
    from unmask.service.people.audit import Anchor

    lines = path.read_text(encoding="utf-8").splitlines() if path else []
    return [Anchor.parse(line) for line in lines if line.strip()]


@contextmanager
def _opened(data: Path) -> Iterator[Session]:
    """Opens a session of the service's database, which is not made if it is not there."""
    try:
        with open_accounts(data) as database, database.reading() as session:
            yield session
    except UnmaskError as error:
        typer.echo(f"unmask: {error}", err=True)
        raise typer.Exit(2 if isinstance(error, UsageError) else 1) from error
