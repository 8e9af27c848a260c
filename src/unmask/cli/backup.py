"""The commands `unmask backup` and `unmask restore`: copy a service, and restore it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmask.cli.options import Data
from unmask.errors import UnmaskError, UsageError

if TYPE_CHECKING:
    from unmask.service.store.service import Service

EXAMPLES = """\b
Examples:
  unmask backup /backups/2026-11-30 --data DIR > 2026-11-30.txt     while the service runs
  unmask restore /backups/2026-11-30 --data EMPTY --anchors 2026-11-30.txt
"""

Anchors = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="What `unmask backup` printed, kept elsewhere.",
    ),
]


def backup(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")], data: Data
) -> None:
    """Copy all that a service keeps, media included, while it runs.

    Prints where its audit logs stand. Database and storage are those of --data, or as the
    environment says for `unmask serve`. The copy has faces and secrets in it.
    """
    from unmask.service.domain.backup import save

    with _service(data, there=True) as service:
        made = save(service, folder)
    for line in made.anchors:
        typer.echo(line)
    typer.echo(f"unmask: {made.rows:,} rows and {made.objects:,} files", err=True)
    for name in made.altered:
        typer.echo(f"unmask: {name} is not what was uploaded", err=True)
    raise typer.Exit(int(bool(made.altered)))


def restore(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", exists=True, file_okay=False)],
    data: Data,
    anchors: Anchors = None,
) -> None:
    """Bring a backup back in an empty place.

    That is another folder, another database and bucket, or of another kind. Its audit logs are
    verified against the backup's own anchors, and those kept elsewhere.
    """
    from unmask.service.domain.backup import restore as bring
    from unmask.service.people.audit import Anchor

    lines = anchors.read_text(encoding="utf-8").splitlines() if anchors else []
    with _service(data, there=False) as service:
        made = bring(service, folder, *(Anchor.parse(line) for line in lines if line.strip()))
    typer.echo(
        f"unmask: {made.rows:,} rows and {made.objects:,} files are back; people sign in again",
        err=True,
    )
    for name in made.missing:
        typer.echo(f"unmask: {name} is not in the backup and counts as deleted", err=True)


@contextmanager
def _service(data: Path, there: bool) -> Iterator[Service]:
    """Opens the service as the environment says; reports errors on one line."""
    from unmask.service.settings import ServiceSettings
    from unmask.service.store.folders import keep_private
    from unmask.service.store.service import Service

    try:
        keep_private()
        settings = ServiceSettings.read(data=data)
        if there and not (settings.database or (data / "unmask.sqlite").is_file()):
            raise UsageError(f"{data} holds no service; name the folder of `unmask serve`")
        yield Service.opened(settings)
    except UnmaskError as error:
        typer.echo(f"unmask: {error}", err=True)
        raise typer.Exit(2 if isinstance(error, UsageError) else 1) from error
    except OSError as error:
        typer.echo(f"unmask: {data}: {(error.strerror or str(error)).lower()}", err=True)
        raise typer.Exit(1) from error
