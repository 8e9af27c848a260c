"""The commands `unmask accounts add`, `list`, `password`, `remove-factor`, `unlink` and `quota`.

They work before there is anybody who could add accounts on the page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmask.cli.options import Data
from unmask.errors import UnmaskError, UsageError, printable

if TYPE_CHECKING:
    from unmask.service.store.database import Database

EXAMPLES = """\b
Examples:
  unmask accounts add ann@example.org --role admin --data DIR
  unmask accounts add bob@example.org --role reviewer --data DIR < password.txt
  unmask accounts list --data DIR
  unmask accounts password ann@example.org --data DIR
  unmask accounts remove-factor ann@example.org --data DIR
  unmask accounts unlink ann@example.org --data DIR
  unmask accounts quota --waiting 100 --daily 2000 --bytes 50000000000 --data DIR
"""

Organisation = Annotated[
    str, typer.Option(help="Whose data the account sees; nobody sees another's.")
]

app = typer.Typer(
    help="People who sign in to the service. The password is asked for, or read from stdin.",
    no_args_is_help=True,
    epilog=EXAMPLES,
)


@app.command()
def add(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    data: Data,
    role: Annotated[
        str, typer.Option(help="viewer, reviewer or admin; each may do what those before may.")
    ] = "viewer",
    name: Annotated[
        str, typer.Option(help="As the audit log shows it; the address up to the @ if not given.")
    ] = "",
    organisation: Organisation = "default",
) -> None:
    """Add an account."""
    from unmask.service.people import accounts
    from unmask.service.people.actor import Role, system

    with _errors():
        if role not in list(Role):
            raise UsageError(f"no role is called {role!r}; there are {', '.join(Role)}")
        password = _password()
        with open_accounts(data, make=True) as database, database.transaction() as session:
            actor = system(accounts.organisation(session, organisation).id)
            account = accounts.add(session, actor, email, name, Role(role), password)
        typer.echo(
            f"added {printable(account.email)} as {account.role} of {printable(organisation)}"
        )


@app.command("list")
def listed(data: Data, organisation: Organisation = "default") -> None:
    """Show the accounts of an organisation."""
    from unmask.service.people import accounts
    from unmask.service.people.actor import system

    with _errors(), open_accounts(data) as database, database.transaction() as session:
        for account in accounts.listing(
            session, system(accounts.organisation(session, organisation).id)
        ):
            state = "" if account.active else "  (deactivated)"
            typer.echo(printable(f"{account.email}  {account.role}  {account.name}{state}"))


@app.command()
def password(email: Annotated[str, typer.Argument(metavar="EMAIL")], data: Data) -> None:
    """Set another password, for whoever has forgotten theirs; all their browsers are signed out."""
    from unmask.service.people import accounts
    from unmask.service.people.actor import system

    with _errors():
        new = _password()
        with open_accounts(data) as database, database.transaction() as session:
            account = accounts.by_email(session, email)
            accounts.set_password(session, system(account.tenant), account.id, new)
        typer.echo(f"set the password of {printable(account.email)}")


@app.command("remove-factor")
def remove_factor(email: Annotated[str, typer.Argument(metavar="EMAIL")], data: Data) -> None:
    """Remove the second factor of whoever lost it; all their browsers are signed out."""
    from unmask.service.people import accounts, second_factor
    from unmask.service.people.actor import system

    with _errors(), open_accounts(data) as database, database.transaction() as session:
        account = accounts.by_email(session, email)
        second_factor.reset(session, system(account.tenant), account.id)
        typer.echo(f"removed the second factor of {printable(account.email)}")


@app.command()
def unlink(email: Annotated[str, typer.Argument(metavar="EMAIL")], data: Data) -> None:
    """Give an account to whoever has its address now at the provider of single sign-on."""
    from unmask.service.people import accounts, identities
    from unmask.service.people.actor import system

    with _errors(), open_accounts(data) as database, database.transaction() as session:
        account = accounts.by_email(session, email)
        identities.unlink(session, system(account.tenant), account.id)
        typer.echo(f"unlinked {printable(account.email)}")


@app.command()
def quota(
    data: Data,
    waiting: Annotated[
        int | None, typer.Option(min=0, help="Most checks that wait at once.")
    ] = None,
    daily: Annotated[int | None, typer.Option(min=0, help="Most checks begun in 24 hours.")] = None,
    bytes_: Annotated[
        int | None, typer.Option("--bytes", min=0, help="Most bytes of files that are kept.")
    ] = None,
    organisation: Organisation = "default",
) -> None:
    """Show an organisation's quotas, and set those that are given; 0 for no bound."""
    from unmask.service.domain import quotas
    from unmask.service.people import accounts
    from unmask.service.people.actor import system

    given = (waiting, daily, bytes_)
    with _errors(), open_accounts(data) as database, database.transaction() as session:
        tenant = accounts.named(session, organisation).id
        before = quotas.allowed(session, tenant)
        old = (before.waiting, before.daily, before.bytes)
        new = (was if now is None else now or None for was, now in zip(old, given, strict=True))
        most, have = quotas.Quotas(*new), quotas.used(session, tenant)
        if most != before:
            quotas.set_for(session, system(tenant), most)
        for name in ("waiting", "daily", "bytes"):
            bound = getattr(most, name)
            said = "any number" if bound is None else f"{bound:,}"
            typer.echo(f"{name}: {getattr(have, name):,} of {said}")


@contextmanager
def open_accounts(data: Path, make: bool = False) -> Iterator[Database]:
    """Opens the database of a service: in the folder, or where the environment says.

    It is read as `unmask serve` reads it.

    Args:
        data: the folder.
        make: whether a new service may be begun there; else opening it writes nothing.

    Raises:
        UsageError: there is none, or its tables are of a version that does not work here.
        DatabaseUnusable: the database does not answer, or refuses.
    """
    from unmask.service.settings import ServiceSettings
    from unmask.service.store import migrations
    from unmask.service.store.database import Database
    from unmask.service.store.folders import keep_private
    from unmask.service.store.outages import explained

    keep_private()
    settings = ServiceSettings.read(data=data)
    if not (make or settings.database or (data / "unmask.sqlite").is_file()):
        raise UsageError(
            f"{printable(str(data))} holds no service; name the folder of `unmask serve`"
        )
    database = Database(settings)
    try:
        with explained(settings):
            if make:
                migrations.upgrade(database)
            with database.reading() as session:
                migrations.usable(session)
        yield database
    finally:
        database.close()


def _password() -> str:
    if sys.stdin.isatty():
        entered: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return entered
    return sys.stdin.readline().rstrip("\r\n")


@contextmanager
def _errors() -> Iterator[None]:
    """Reports errors that stop the command on one line; exits with 2 for wrong usage, else 1."""
    from unmask.service.problems import Problem

    try:
        yield
    except (Problem, UnmaskError) as error:
        typer.echo(f"unmask: {error.detail if isinstance(error, Problem) else error}", err=True)
        raise typer.Exit(2 if isinstance(error, UsageError) else 1) from error
