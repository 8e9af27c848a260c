"""Scans and bare loops as processes of their own, and what they hold in memory."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

ONE_THREAD = dict.fromkeys(("UNMASK_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

LOOP = """
import sys
from pathlib import Path
import unmask
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        unmask.check(path)
    except unmask.MediaError:
        pass
"""


def loop(source: Path) -> list[str]:
    """Returns the command that judges every file with `unmask.check` and keeps nothing."""
    return [sys.executable, "-c", LOOP, str(source)]


def scan(source: Path, out: Path, workers: int, *more: str) -> list[str]:
    """Returns the command that scans a folder."""
    code = "from unmask.cli import main; main()"
    named = ["--out", str(out), "--workers", str(workers), *more]
    return [sys.executable, "-c", code, "fleet", "scan", str(source), *named]


def resident_mb(pid: int) -> float:
    """Returns the memory that a process holds, MB of 10**6 bytes; 0 once it has gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return round(int(found[1]) * 1024 / 1e6, 1) if found else 0.0


def load() -> str:
    """Describes how busy this machine is, for beside a figure."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
