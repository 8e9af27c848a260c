"""Processes of a fleet on this machine."""

from __future__ import annotations

from pathlib import Path


def children(pid: int) -> list[int]:
    """Returns the processes that judge for a driver on this machine."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"unmask.fleet.process" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except (OSError, ValueError):
            continue
    return found
