"""Migrations lead to what the tables declare, and leave the version before at work."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import (
    Connection,
    Executable,
    MetaData,
    Table,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from typer.testing import CliRunner

from tests.service.desk import Desk
from tests.service.tree import PATIENCE, tree
from unmask.cli import app
from unmask.errors import UsageError
from unmask.service.domain import backup
from unmask.service.settings import ServiceSettings
from unmask.service.store import migrations
from unmask.service.store.database import Database
from unmask.service.store.migrations import HEAD, Fit
from unmask.service.store.tables import Base, Compatibility

REVISIONS = sorted(path.name[:4] for path in migrations.FOLDER.glob("versions/[0-9]*.py"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    address = request.getfixturevalue("postgresql") if request.param == "postgresql" else ""
    database = Database(ServiceSettings(data=tmp_path, database=address))
    _drop(database)
    yield database
    _drop(database)
    database.close()


def test_the_revisions_make_the_tables(empty: Database) -> None:
    migrations.upgrade(empty)
    with empty.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_several_machines_may_upgrade_at_once(empty: Database) -> None:
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(migrations.upgrade, empty) for _ in range(3)]:
            done.result()
    with empty.reading() as session:
        assert session.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1
        assert migrations.revision(session) == HEAD


REFUSED = {"change audit", "empty audit", "empty tenants"}
"""Statements that no version can make: the audit log only grows, and so its organisations stay."""


def test_the_statements_of_every_version_that_may_share_the_tables_do_what_they_did(
    empty: Database,
) -> None:
    migrations.upgrade(empty)
    with empty.reading() as session:
        oldest = session.scalars(select(Compatibility.oldest)).one()
    older = [one for one in REVISIONS if oldest <= one < HEAD]
    assert older, "machines cannot be upgraded one by one: does the changelog say so?"
    for revision in older:
        _drop(empty)
        _upgrade_to(empty, revision)
        known = _known(empty)
        assert {what for what, worked in exercise(empty, known).items() if not worked} == REFUSED
        migrations.upgrade(empty)
        wrong = {what for what, worked in exercise(empty, known).items() if not worked} - REFUSED
        assert wrong == set(), f"the version of {revision} fails; see `unmask...store.migrations`"


BREAKING = {
    "a column that must be filled": "ALTER TABLE leases ADD COLUMN more INTEGER NOT NULL",
    "a column that is gone": "ALTER TABLE webhooks DROP COLUMN active",
    "a column of another name": "ALTER TABLE webhooks RENAME COLUMN url TO address",
    "a table of another name": "ALTER TABLE webhooks RENAME TO hooks",
    "shorter texts": "ALTER TABLE webhooks ALTER COLUMN url TYPE VARCHAR(8)",
    "another type": "ALTER TABLE webhooks ALTER COLUMN created TYPE VARCHAR",
}
"""Harm that a migration may do to the version before, as the exercise sees it; on PostgreSQL."""


@pytest.mark.parametrize("change", BREAKING)
def test_a_migration_that_breaks_the_version_before_is_seen(
    postgresql: str, tmp_path: Path, change: str
) -> None:
    database = Database(ServiceSettings(data=tmp_path, database=postgresql))
    _drop(database)
    migrations.upgrade(database)
    known = _known(database)
    with database.engine.begin() as connection:
        connection.execute(text(BREAKING[change]))
    assert {what for what, worked in exercise(database, known).items() if not worked} > REFUSED
    _drop(database)
    database.close()


def test_a_backup_that_reads_the_tables_delays_the_upgrade_and_nobody_else(
    postgresql: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(migrations, "PAUSE", 0.5)
    database = Database(ServiceSettings(data=tmp_path, database=postgresql))
    _drop(database)
    _upgrade_to(database, "0011")
    read = text("SELECT count(*) FROM checks")
    with ThreadPoolExecutor(1) as pool:
        with database.snapshot() as backing_up:
            backing_up.execute(read)
            upgrade = pool.submit(migrations.upgrade, database)
            for _ in range(3):
                time.sleep(1.0)
                begun = time.monotonic()
                with database.reading() as session:
                    assert session.scalar(read) == 0
                assert time.monotonic() - begun < 4 * migrations.TABLE_WAIT
            assert not upgrade.done()
        upgrade.result(60)
    assert "while others use them, such as a backup" in caplog.text
    with database.reading() as session:
        assert migrations.fit(session) is Fit.SAME
    _drop(database)
    database.close()


def test_a_machine_goes_on_with_newer_tables_that_it_can_use_and_says_so(
    either_desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _pretend_newer(either_desk.database, oldest=HEAD)
    migrations.upgrade(either_desk.database)
    assert "of a newer version of Unmask: upgrade this machine, too" in caplog.text
    ready = either_desk.browser().get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["status"] == "the tables are of a newer version; upgrade this machine, too"
    assert either_desk.browser(person="ada").get("/api/v1/checks").status_code == 200
    with pytest.raises(UsageError, match="take the backup with the newer one"):
        backup.save(either_desk.service, tmp_path / "copy")


@pytest.mark.slow
def test_a_machine_whose_tables_became_too_new_refuses_and_says_why(desk: Desk) -> None:
    _pretend_newer(desk.database, oldest="9998")
    refused = desk.browser().get("/readyz")
    assert (refused.status_code, "not of a version that works here" in refused.text) == (503, True)
    with pytest.raises(UsageError, match="at least 9998 is needed"):
        migrations.upgrade(desk.database)
    listed = CliRunner().invoke(app, ["accounts", "list", "--data", str(desk.data)])
    assert listed.exit_code == 2
    assert "a newer version of Unmask has upgraded the tables to 9999" in listed.stderr
    program = "from unmask.cli import main; main()"
    command = [sys.executable, "-c", program, "serve", "--data", str(desk.data), "--port", "0"]
    served = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert served.returncode == 2
    assert "unmask: a newer version of Unmask has upgraded the tables" in served.stderr
    assert "Traceback" not in served.stderr


@pytest.mark.slow
@pytest.mark.xdist_group("real time")
def test_a_machine_that_runs_while_its_tables_become_too_new_ends(tmp_path: Path) -> None:
    with tree(tmp_path / "data", workers="0") as running:
        database = Database(ServiceSettings(data=running.data))
        _pretend_newer(database, oldest="9998")
        database.close()
        assert running.process.wait(PATIENCE) == 2


def test_a_command_of_a_newer_version_says_who_upgrades_the_tables(tmp_path: Path) -> None:
    database = Database(ServiceSettings(data=tmp_path))
    _upgrade_to(database, "0011")
    database.close()
    listed = CliRunner().invoke(app, ["accounts", "list", "--data", str(tmp_path)])
    assert listed.exit_code == 2
    assert "start `unmask serve` of this version" in listed.stderr


def exercise(database: Database, known: MetaData) -> dict[str, bool]:
    """Runs the statements of a version: each of its tables is written, read, changed and emptied.

    Nothing stays.

    Args:
        known: the tables as that version knows them.

    Returns:
        What was done, and whether it worked.
    """
    tables, done = known.sorted_tables, dict[str, bool]()

    def tell(what: str, connection: Connection, statement: Executable) -> None:
        try:
            with connection.begin_nested():
                found = connection.execute(statement)
                rows = [dict(row) for row in found.mappings()] if found.returns_rows else None
        except SQLAlchemyError:
            done[what] = False
        else:
            done[what] = rows is None or rows == [_row(known.tables[what.split()[1]])]

    with database.engine.execution_options(writing=True).connect() as connection:
        for table in tables:
            tell(f"add {table}", connection, insert(table).values(_row(table)))
        for table in tables:
            tell(f"read {table}", connection, select(table))
            tell(f"change {table}", connection, update(table).values(_row(table)))
        for table in reversed(tables):
            tell(f"empty {table}", connection, delete(table))
        connection.rollback()
    return done


VALUES: dict[type, Any] = {str: "a" * 32, int: 1, float: 1.5, bool: True, object: {"a": 1}}
"""Values by the type of a column; JSON takes any object."""


def _row(table: Table) -> dict[str, Any]:
    """Returns a row; all texts are the same, so that rows of other tables are found by it."""
    return {column.name: VALUES[column.type.python_type] for column in table.columns}


def _known(database: Database) -> MetaData:
    """Returns the tables as the version of the database's revision knows them."""
    known = MetaData()
    known.reflect(database.engine)
    known.remove(known.tables["alembic_version"])
    return known


def _upgrade_to(database: Database, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    with database.engine.execution_options(writing=True).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _pretend_newer(database: Database, oldest: str) -> None:
    """Makes the tables those of a later version, with which those since ``oldest`` work."""
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        session.execute(update(Compatibility).values(oldest=oldest))


def _drop(database: Database) -> None:
    if database.engine.dialect.name == "postgresql":
        with database.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
        return
    Base.metadata.drop_all(database.engine)
    with database.transaction() as session:
        session.execute(text("DROP TABLE IF EXISTS alembic_version"))
