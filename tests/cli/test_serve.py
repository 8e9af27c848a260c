"""`unmask serve` on a terminal: it prints the address and how to sign in."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.service.tree import PATIENCE

pytestmark = pytest.mark.slow

PROGRAM = [sys.executable, "-c", "from unmask.cli import main; main()"]


def said_on_a_terminal(data: Path) -> str:
    """Returns what it prints there until it is told to stop."""
    ours, theirs = pty.openpty()
    command = [*PROGRAM, "serve", "--data", str(data), "--port", "0", "--workers", "0"]
    environment = {**os.environ, "UNMASK_LIVE_READERS": "0"}
    process = subprocess.Popen(command, stderr=theirs, stdout=theirs, env=environment)
    os.close(theirs)
    said, until = b"", time.monotonic() + PATIENCE
    while b"Ctrl-C" not in said and time.monotonic() < until:
        said += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 0
    os.close(ours)
    return said.decode()


def test_it_says_where_the_page_is_and_how_the_first_account_is_made(tmp_path: Path) -> None:
    data = tmp_path / "our service"
    said = said_on_a_terminal(data)
    assert "The page: http://127.0.0.1:" in said
    assert f"unmask accounts add you@example.org --role admin --data '{data}'" in said
    add = [*PROGRAM, "accounts", "add", "ann@example.org", "--role", "admin", "--data", str(data)]
    subprocess.run(
        add, input="violet tram under nine moons\n", text=True, check=True, capture_output=True
    )
    assert "accounts add" not in said_on_a_terminal(data)
