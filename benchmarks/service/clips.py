"""Simulated clips to upload, each a different file."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path

from benchmarks.speed import write_clip

SIZE = 5_000_000
"""Bytes of a file under load."""


class Clips:
    """Source of any number of different files of one size: one clip and a box of random bytes.

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
