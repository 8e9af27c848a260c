"""Migrations of the tables: Alembic's revisions, in order."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from unmask.service.store.database import Database

LOCK = 0x756E6D61736B
"""PostgreSQL's advisory lock that lets one machine at a time upgrade: "unmask" in ASCII."""


def revision(session: Session) -> str:
    """Returns the revision of a database's tables; revisions sort by age."""
    return str(session.scalar(text("SELECT version_num FROM alembic_version")))


def upgrade(database: Database) -> None:
    """Brings the tables up to date; a second caller waits, and finds nothing to do."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    with database.engine.execution_options(writing=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
