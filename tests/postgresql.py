"""A real PostgreSQL server, started for the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

BINARIES = [Path(p).parent for p in (shutil.which("initdb"),) if p] + sorted(Path("/usr/lib/postgresql").glob("*/bin"))


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
