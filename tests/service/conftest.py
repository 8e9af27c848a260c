"""One service per test, on SQLite, or on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.postgresql import postgresql  # noqa: F401 - a fixture
from tests.service.desk import Desk
from tests.service.tree import PATIENCE

expect.set_options(timeout=1000 * PATIENCE)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "service")
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either_desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """On SQLite, and on a PostgreSQL server."""
    settings = {"database": request.getfixturevalue("postgresql")} if request.param == "postgresql" else {}
    made = Desk(tmp_path / "service", settings)
    yield made
    made.close()
