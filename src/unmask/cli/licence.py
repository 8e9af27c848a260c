"""The commands `unmask licence keygen`, `grant`, `show`, `check` and `revoke`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unmask.errors import LicenceError, UnmaskError, UsageError, printable
from unmask.messages import Message

if TYPE_CHECKING:
    from unmask.licences.keys import Owners
    from unmask.licences.licence import Licence, Part, PortraitMark
    from unmask.licences.status import StatusList

PASSWORD = "UNMASK_KEY_PASSWORD"  # noqa: S105  the name of the environment variable

EXAMPLES = """\b
Examples:
  unmask licence keygen zoe.key --name "Zoe"
  unmask licence grant --key zoe.key --subject "Zoe" --licensee "The studio" --role "Anna" \
--until 2027-12-31 \\
      --original film.mp4 --mark 12.5:0.42,0.31 --status-list zoe.list.json --out zoe-anna.json
  unmask licence check zoe-anna.json --owners zoe.key.pub --status-list zoe.list.json
  unmask licence revoke zoe-anna.json --key zoe.key --status-list zoe.list.json
  unmask licence revoke --key zoe.key --status-list zoe.list.json      every week: the others stand
"""

Key = Annotated[Path, typer.Option(help="The owner's private key.")]
Password = Annotated[
    str,
    typer.Option(
        envvar=PASSWORD, prompt=True, hide_input=True, help="Of the private key; asked for."
    ),
]
StatusListFile = Annotated[
    Path, typer.Option(metavar="FILE", help="The owner's list of revocations.")
]
Lists = Annotated[
    list[Path] | None,
    typer.Option("--status-list", metavar="FILE", help="List of revocations; may be repeated."),
]
OwnerKeys = Annotated[
    list[Path],
    typer.Option(
        "--owners",
        metavar="FILE",
        help="Public keys that you vouch for, from their owners; repeatable.",
    ),
]
Day = typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Day, or moment, UTC.")

app = typer.Typer(
    help="Licences: a portrait's owner allows, signed, that a face be changed, and can take it "
    "back.",
    no_args_is_help=True,
    epilog=EXAMPLES,
)


@app.command()
def keygen(
    key: Annotated[
        Path, typer.Argument(help="File for the private key; the public one is KEY.pub.")
    ],
    name: Annotated[
        list[str], typer.Option(help="Whose portraits it may license; may be repeated.")
    ],
    password: Annotated[
        str,
        typer.Option(
            envvar=PASSWORD,
            prompt=True,
            confirmation_prompt=True,
            hide_input=True,
            help="Encrypts it; asked for.",
        ),
    ],
) -> None:
    """Make a key to sign licences with.

    Keep it; give KEY.pub to whoever must rely on your licences.
    """
    from unmask.licences.keys import keygen as make

    with _errors():
        public = make(key, name, password)
    typer.echo(f"private: {key} (encrypted; keep it to yourself)\npublic: {public}")


@app.command()
def grant(
    key: Key,
    password: Password,
    subject: Annotated[str, typer.Option(help="Whose portrait.")],
    licensee: Annotated[str, typer.Option(help="Who may use it.")],
    until: Annotated[
        datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="Last day, UTC.")
    ],
    status_list: StatusListFile,
    out: Annotated[Path, typer.Option(help="File to write.")],
    part: Annotated[
        str, typer.Option(help="put-in: the face that is put in; covered: the one under it.")
    ] = "put-in",
    role: Annotated[str, typer.Option(help="As which the person is to appear.")] = "any role",
    purpose: Annotated[str, typer.Option(help="For what.")] = "the named works and files only",
    where: Annotated[str, typer.Option(help="Where the result may be shown.")] = "anywhere",
    portrait: Annotated[
        list[Path] | None, typer.Option(help="Reference photo, or a folder of them.")
    ] = None,
    original: Annotated[
        Path | None, typer.Option(help="Film or photo that may be changed.")
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="Of that original; its file name otherwise.")
    ] = None,
    mark: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SECONDS:X,Y",
            help="On whose face: a point in the original, 0 to 1; repeatable.",
        ),
    ] = None,
    file: Annotated[
        list[Path] | None, typer.Option(help="Changed file that is allowed as it is; repeatable.")
    ] = None,
    issuer: Annotated[str | None, typer.Option(help="Who signs, if not the person.")] = None,
    begin: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day; now.")
    ] = None,
) -> None:
    """Sign that a face may be changed: whose, what part, by whom, in what work or file, until when.

    A work is bound by its original and by marks on the face that may be covered there; a file by
    its content.
    """
    from unmask.licences import files, keys
    from unmask.licences import licence as licences

    with _errors():
        works = []
        if original is not None:
            named = title or original.name
            works = [
                licences.Work(
                    title=named,
                    original=files.sha256(original),
                    marks=[_mark(m) for m in mark or ()],
                )
            ]
        elif mark:
            raise UsageError("a --mark is a place in an --original; name that as well")
        portrait_ = licences.Portrait(
            name=subject,
            portraits=sorted({*files.sha256s(portrait or ())}),
            part=_part(part),
            licensee=licensee,
            role=role,
            purpose=purpose,
            territory=where,
            works=works,
            files=[files.sha256(one) for one in file or ()],
        )
        first = begin.replace(tzinfo=UTC) if begin else datetime.now(UTC)
        last = until.replace(tzinfo=UTC, hour=23, minute=59, second=59)
        private = keys.private_key(key, password)
        licences.grant(portrait_, issuer or subject, first, last, private, status_list, out)
    typer.echo(f"{out}: granted; entered into {status_list}")


@app.command()
def show(licence: Path) -> None:
    """Show what a licence says, and that it is as it was signed. `check` tells whether it holds."""
    from unmask.licences.licence import Licence

    with _errors():
        for line in _lines(Licence.of(licence)):
            typer.echo(printable(line))


@app.command()
def check(
    licence: Path,
    owners: OwnerKeys,
    status_list: Lists = None,
    licensee: Annotated[str | None, typer.Option(help="Who wants to use the face.")] = None,
    subject: Annotated[str | None, typer.Option(help="Whose face is wanted.")] = None,
    part: Annotated[str | None, typer.Option(help="put-in or covered.")] = None,
    portrait: Annotated[Path | None, typer.Option(help="The photo that shows it.")] = None,
    footage: Annotated[
        Path | None, typer.Option(help="The original to be changed, or the changed file.")
    ] = None,
    at: Annotated[datetime | None, Day] = None,
) -> None:
    """Tell whether a licence holds.

    It must be genuine, of its owner, in force, not taken back, and for what is asked.
    """
    from unmask.licences import files
    from unmask.licences import licence as licences

    with _errors():
        asked = licences.AskedUse(
            licensee=licensee,
            subject=subject,
            part=None if part is None else _part(part),
            portrait=None if portrait is None else files.sha256(portrait),
            footage=None if footage is None else files.sha256(footage),
        )
        found = licences.check(
            licence, *_given(owners, status_list), asked, at.replace(tzinfo=UTC) if at else None
        )
        typer.echo("valid")
        for line in _lines(found):
            typer.echo(printable(line))


@app.command()
def revoke(
    key: Key,
    password: Password,
    status_list: StatusListFile,
    licence: Annotated[list[Path] | None, typer.Argument(help="Licences to take back.")] = None,
    days: Annotated[
        float, typer.Option(min=0.01, max=365, help="For which the new list holds.")
    ] = 7,
) -> None:
    """Take licences back, for good, with a new list of revocations.

    Without LICENCE the list says that all others stand.
    """
    from unmask.licences import keys
    from unmask.licences import licence as licences

    with _errors():
        gone = tuple(licences.Licence.of(path) for path in licence or ())
        private = keys.private_key(key, password)
        found = licences.revoke(gone, status_list, private, datetime.now(UTC), days)
    typer.echo(
        f"{status_list}: {len(gone)} taken back; holds until {found.valid_until:%Y-%m-%d %H:%M} UTC"
    )


def _given(
    owners: Sequence[Path], lists: Sequence[Path] | None
) -> tuple[Owners, tuple[StatusList, ...]]:
    from unmask.licences import keys
    from unmask.licences.status import StatusList

    return keys.owners(owners), tuple(StatusList.of(path) for path in lists or ())


def _lines(licence: Licence) -> Iterator[str]:
    allowed = licence.subject
    yield f"portrait:  {allowed.name}, {allowed.part.named}"
    yield f"licensee:  {allowed.licensee}"
    yield f"role:      {allowed.role}; for {allowed.purpose}; {allowed.territory}"
    for work in allowed.works:
        yield f"work:      {work.title}, sha256 {work.original}, {len(work.marks)} marks"
    for sha256 in allowed.files:
        yield f"file:      sha256 {sha256}"
    yield (
        f"in force:  {licence.valid_from:%Y-%m-%d %H:%M} to "
        f"{licence.valid_until:%Y-%m-%d %H:%M} UTC"
    )
    yield f"signed by: {licence.issuer.name}, {licence.issuer.id}"


def _part(name: str) -> Part:
    from unmask.licences.licence import Part

    try:
        return Part(name.replace("-", " "))
    except ValueError as error:
        raise UsageError(f"no part is called {name!r}; there are put-in, covered") from error


def _mark(text: str) -> PortraitMark:
    from unmask.licences.licence import PortraitMark

    try:
        time, _, point = text.partition(":")
        x, _, y = point.partition(",")
        return PortraitMark(time=float(time), x=float(x), y=float(y))
    except ValueError as error:
        raise UsageError(f"a mark is SECONDS:X,Y with X and Y from 0 to 1, not {text!r}") from error


@contextmanager
def _errors() -> Iterator[None]:
    """Reports an error on one line; exits with 2 for wrong usage, else 1."""
    from pydantic import ValidationError

    try:
        yield
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        _stop(
            LicenceError(
                "--", Message("licence.form", {"field": field}), Message("licence.way.form")
            ),
            2,
        )
    except UnmaskError as error:
        _stop(error, 2 if isinstance(error, UsageError) else 1)


def _stop(error: Any, code: int) -> None:
    typer.echo(f"unmask: {error}", err=True)
    raise typer.Exit(code)
