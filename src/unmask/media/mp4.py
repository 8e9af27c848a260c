"""Parts of MP4 and MOV files that `unmask.media` reads by itself.

These are their outline, and the length they claim.
"""

from __future__ import annotations

import struct

from unmask.media.source import Source

_MOST_BOXES = 1000


def boxes(source: Source, start: int, end: int) -> dict[bytes, tuple[int, int]]:
    """Finds the boxes between two bytes (ISO/IEC 14496-12, 4.2).

    The result holds, by type, where their contents begin and end.
    """
    found: dict[bytes, tuple[int, int]] = {}
    while start + 8 <= end and len(found) < _MOST_BOXES:
        source.seek(start)
        size, kind, large = struct.unpack(">I4sQ", source.read(16).ljust(16, b"\0"))
        header, size = (16, large) if size == 1 else (8, size or end - start)
        if size < header:
            break
        found.setdefault(kind, (start + header, min(start + size, end)))
        start += size
    return found


def claimed_seconds(source: Source) -> float | None:
    """Reads the length, s, from the movie header (ISO/IEC 14496-12, 8.2.2); None if it has none."""
    movie = boxes(source, *boxes(source, 0, source.size).get(b"moov", (0, 0)))
    source.seek(movie.get(b"mvhd", (source.size, 0))[0])
    header = source.read(32).ljust(32, b"\0")
    ticks, length = (
        struct.unpack_from(">IQ", header, 20)
        if header[0] == 1
        else struct.unpack_from(">II", header, 12)
    )
    unknown = length in (0, 2**32 - 1, 2**64 - 1)
    return None if unknown or not ticks else length / ticks
