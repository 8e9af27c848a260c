"""Parts of HEIF files that `unmask.media` reads by itself: the brands that tell a file's type."""

from __future__ import annotations

import struct

MOVING = frozenset((b"avis", b"msf1", b"hevc", b"hevx"))
"""Brands of image sequences (ISO/IEC 23008-12, 7.3.1; AVIF 1.1, 6.3)."""
STILL = frozenset((b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2", b"miaf"))
"""Brands of single images, whatever their codec is."""


def brands(data: bytes) -> list[bytes]:
    """Reads the brands of an ISO base media file (ISO/IEC 14496-12, 4.3), the major brand first."""
    size = struct.unpack(">I", data[:4])[0] if data[4:8] == b"ftyp" else 0
    return (
        [data[i : i + 4] for i in (8, *range(16, min(size, len(data), 512) - 3, 4))]
        if size >= 16
        else []
    )


def as_still(data: bytes) -> bytes:
    """Returns the file without the brands of a sequence.

    A decoder would otherwise look for a sequence where only a picture is.
    """
    said = brands(data)
    if not MOVING & set(said):
        return data
    kept = [b"heic" if brand in MOVING else brand for brand in said]
    return data[:8] + kept[0] + data[12:16] + b"".join(kept[1:]) + data[16 + 4 * len(kept[1:]) :]
