"""What is uploaded: simulated clips, each another file."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path

from benchmarks.speed import write_clip

SIZE = 5_000_000
"""bytes of a file under load."""


class Clips:
    """As many different files of one size as are wanted: one clip, with a box of free bytes at its
    end.

    Args:
        seconds: length of the clip, 1080p.
        size: bytes of each file; at least as many as the clip has.
    """

    def __init__(self, seconds: float, size: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            write_clip(Path(folder) / "clip.mp4", seconds)
            clip = (Path(folder) / "clip.mp4").read_bytes()
        free = max(24, size - len(clip))
        self._start = clip + free.to_bytes(4, "big") + b"free" + bytes(free - 24)

    def new(self) -> bytes:
        return self._start + secrets.token_bytes(16)
