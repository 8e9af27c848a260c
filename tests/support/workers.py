"""Processes of a fleet on this machine."""

from __future__ import annotations

from pathlib import Path


def children(pid: int) -> list[int]:
    """Returns the workers of a driver, without the resource tracker of multiprocessing."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"spawn_main" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except (OSError, ValueError):
            continue
    return found
