"""Both confined processes are started in the same way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from unmask.sandbox.confine import Limits
from unmask.service.confined.launcher import Launcher

pytestmark = pytest.mark.slow

LIMITS = Limits(3 << 30, 60, 0)


@pytest.fixture(params=["judge", "live_reader"])
def launcher(request: pytest.FixtureRequest) -> Launcher:
    return Launcher(f"unmask.service.confined.{request.param}", LIMITS, unconfined=False)


def test_a_confined_process_gets_no_secret_of_the_service(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNMASK_DATABASE", "postgresql://user:secret@host/db")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with ready(launcher) as process:
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        process.kill()
    assert b"PATH=" in environment
    assert b"secret" not in environment


def test_an_empty_part_of_pythonpath_does_not_open_the_current_folder(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", *filter(None, sys.path), ""]))
    with ready(launcher) as process:
        environment = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
        process.kill()
    (path,) = (one for one in environment if one.startswith(b"PYTHONPATH="))
    assert b"" not in path.removeprefix(b"PYTHONPATH=").split(os.pathsep.encode())


def test_a_confined_process_is_off_the_network_and_ends_when_nobody_talks_to_it(
    launcher: Launcher,
) -> None:
    with ready(launcher) as process:
        status = Path(f"/proc/{process.pid}/status").read_text()
        process.stdin.close()
        assert process.wait(60) == 0
    assert "Seccomp:\t2" in status


def ready(launcher: Launcher) -> subprocess.Popen[bytes]:
    """Starts a process, and waits until it has confined itself and loaded what it needs."""
    process = launcher.start()
    assert b"ready" in process.stdout.readline()
    return process
