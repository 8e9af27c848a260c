"""Films made by the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from skimage.data import chelsea

from tests import clips
from tests.postgresql import postgresql  # noqa: F401 - a fixture
from tests.support import films

START, SWAPPED_FROM = 2.0, 3.0
"""Start of the clips, s of the film; start of the swapped face, s of the clip."""


@pytest.fixture(scope="session")
def people() -> list[films.Portrait]:
    return films.portraits()


@pytest.fixture(scope="session")
def stranger() -> films.Portrait:
    """Returns a cat as the other person, because all portraits here are of one person."""
    return films.Portrait(
        chelsea()[:256, 60:316], np.float32([[60, 60], [130, 60], [95, 110], [70, 150], [120, 150]])
    )


@pytest.fixture(scope="session")
def film(people: list[films.Portrait]) -> films.Film:
    """Makes ten seconds of film with a key frame every second."""
    return films.film(3, people, 10.0, area=0.12)


@pytest.fixture(scope="session")
def footage(film: films.Film, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "film.mp4"
    return clips.write_video(
        path, (film.frame(i / 25) for i in range(250)), gop=25, options={"crf": "20"}
    )


@pytest.fixture(params=["folder", pytest.param("postgresql", marks=pytest.mark.slow)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yields the address of an empty index: a folder, then a server."""
    if request.param == "folder":
        yield str(tmp_path / "index")
        return
    url: str = request.getfixturevalue("postgresql")
    yield url
    from unmask.originals.database import opened_database

    with opened_database(url, writing=True) as database:
        for (table,) in database.run(database.listing):
            database.run(f"DROP TABLE {table}")
