"""Parts of ASF files (WMV) that `unmask.media` reads by itself: the length they claim."""

from __future__ import annotations

import struct

from unmask.media.recognition import HEAD
from unmask.media.source import Source

_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
"""GUID of the file properties object (ASF 1.2, 3.2)."""


def claimed_seconds(source: Source) -> float | None:
    """Reads the play duration less the preroll, s; None if there is none, as in a broadcast."""
    head = source.head(HEAD)
    at = head.find(_PROPERTIES)
    if at < 0 or at + 88 > len(head):
        return None
    ticks, _, preroll = struct.unpack_from("<3Q", head, at + 64)
    return ticks / 1e7 - preroll / 1e3 if ticks / 1e7 > preroll / 1e3 else None
