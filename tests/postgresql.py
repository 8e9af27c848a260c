"""A real PostgreSQL server, started for the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BINARIES = [Path(p).parent for p in (shutil.which("initdb"),) if p] + sorted(
    Path("/usr/lib/postgresql").glob("*/bin")
)


class Server:
    """A server with an empty database, reached only by a socket.

    Attributes:
        url: address of the database.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._user = folder, "postgres" if os.geteuid() == 0 else None
        self.own(folder)
        self.url = f"postgresql://postgres@/postgres?host={folder}"
        self._run("initdb", "-U", "postgres", "--auth", "trust", "--no-sync")

    def start(self, more: str = "") -> None:
        """Starts it, with ``more`` options of its command line."""
        settings = (
            f"-c listen_addresses= -c unix_socket_directories={self._folder} -c fsync=off {more}"
        )
        self._run("pg_ctl", "-w", "-l", str(self._folder / "log"), "-o", settings, "start")

    def own(self, path: Path) -> None:
        """Gives a file or folder to the server's user."""
        if self._user:
            shutil.chown(path, self._user)

    def stop(self) -> None:
        """Stops it as if the power failed."""
        self._run("pg_ctl", "-m", "immediate", "stop")

    def _run(self, name: str, *arguments: str) -> None:
        command = [str(BINARIES[-1] / name), "-D", str(self._folder / "data"), *arguments]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, check=True, user=self._user, cwd=self._folder, **quiet)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Yields the address of an empty database on its own server."""
    with server() as started:
        yield started.url


@contextmanager
def server(
    more: str = "", beside: Callable[[Server, Path], None] = lambda *_: None
) -> Iterator[Server]:
    """Yields a running server.

    Args:
        more: options of its command line.
        beside: puts files that these options need into the server's folder.
    """
    if not BINARIES:
        pytest.skip("needs PostgreSQL's initdb; on Debian: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg."))
    try:
        made = Server(folder)
        beside(made, folder)
        made.start(more)
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
