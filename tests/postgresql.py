"""A real PostgreSQL server, started for the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BINARIES = [Path(p).parent for p in (shutil.which("initdb"),) if p] + sorted(Path("/usr/lib/postgresql").glob("*/bin"))


class Server:
    """A server with an empty database, reached by a socket; nobody else can.

    Attributes:
        url: of the database.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._user = folder, "postgres" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user)
        self.url = f"postgresql://postgres@/postgres?host={folder}"
        self._run("initdb", "-U", "postgres", "--auth", "trust", "--no-sync")

    def start(self) -> None:
        settings = f"-c listen_addresses= -c unix_socket_directories={self._folder} -c fsync=off"
        self._run("pg_ctl", "-w", "-l", str(self._folder / "log"), "-o", settings, "start")

    def stop(self) -> None:
        """As if the power failed."""
        self._run("pg_ctl", "-m", "immediate", "stop")

    def _run(self, name: str, *arguments: str) -> None:
        command = [str(BINARIES[-1] / name), "-D", str(self._folder / "data"), *arguments]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, check=True, user=self._user, cwd=self._folder, **quiet)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of an empty database on a server of its own."""
    with server() as started:
        yield started.url


@contextmanager
def server() -> Iterator[Server]:
    """A server that runs."""
    if not BINARIES:
        pytest.skip("needs PostgreSQL's initdb; on Debian: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg."))
    try:
        made = Server(folder)
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
