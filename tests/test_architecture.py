"""Test of the architecture: see `.importlinter`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_architecture_holds() -> None:
    command = [
        Path(sys.executable).with_name("lint-imports"),
        "--config",
        ROOT / ".importlinter",
        "--no-cache",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout
