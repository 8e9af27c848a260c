"""Migrations lead to what the tables declare, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from unmask.service.settings import ServiceSettings
from unmask.service.store import migrations
from unmask.service.store.database import Database
from unmask.service.store.tables import Base


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


def _drop(database: Database) -> None:
    Base.metadata.drop_all(database.engine)
    with database.transaction() as session:
        session.execute(text("DROP TABLE IF EXISTS alembic_version"))
