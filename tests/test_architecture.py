"""Tests of the architecture, see `.importlinter`, and of how others see the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mypy.modulefinder import FindModuleCache, SearchPaths
from mypy.options import Options

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


def test_a_type_checker_sees_the_package_as_typed() -> None:
    """A type checker reads the annotations of an installed package only where it finds py.typed."""
    installed = SearchPaths((), (), package_path=(str(ROOT / "src"),), typeshed_path=())
    found = FindModuleCache(installed, None, Options()).find_module("unmask")
    assert found == str(ROOT / "src" / "unmask" / "__init__.py")
