"""Films made by the test, and a real PostgreSQL server started for the test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from skimage.data import chelsea

from benchmarks import films
from tests import clips

BINARIES = [Path(p).parent for p in (shutil.which("initdb"),) if p] + sorted(Path("/usr/lib/postgresql").glob("*/bin"))
START, SWAPPED_FROM = 2.0, 3.0
"""s of the film at which the clips begin, and of the clips from which the face is another's."""


@pytest.fixture(scope="session")
def people() -> list[films.Portrait]:
    return films.portraits()


@pytest.fixture(scope="session")
def stranger() -> films.Portrait:
    """A cat takes the part of the other person, because all portraits here are of one."""
    return films.Portrait(chelsea()[:256, 60:316], np.float32([[60, 60], [130, 60], [95, 110], [70, 150], [120, 150]]))


@pytest.fixture(scope="session")
def film(people: list[films.Portrait]) -> films.Film:
    """Ten seconds, a key frame every second."""
    return films.film(3, people, 10.0, area=0.12)


@pytest.fixture(scope="session")
def footage(film: films.Film, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "film.mp4"
    return clips.write_video(path, (film.frame(i / 25) for i in range(250)), gop=25, options={"crf": "20"})


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of an empty database on a server of its own, reached by a socket; nobody else can."""
    if not BINARIES:
        pytest.skip("needs PostgreSQL's initdb; on Debian: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg."))
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"

    def run(name: str, *arguments: str) -> None:
        command = [str(BINARIES[-1] / name), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, check=True, user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)

    try:
        run("initdb", "-U", "postgres", "--auth", "trust", "--no-sync")
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", settings, "start")
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["folder", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where an index may be, empty: a folder, and a server."""
    if request.param == "folder":
        yield str(tmp_path / "index")
        return
    url: str = request.getfixturevalue("postgresql")
    yield url
    from unmask.originals.database import opened_database

    with opened_database(url, writing=True) as database:
        for (table,) in database.run(database.listing):
            database.run(f"DROP TABLE {table}")
