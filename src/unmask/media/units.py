"""Units of H.264 and HEVC: parameter sets, notes and parts of pictures."""

from __future__ import annotations

from collections.abc import Iterator

_MOST_UNITS = 64
"""Most units of one picture that are examined; those sought come first."""


def is_slice(kind: int, codec: str) -> bool:
    """Tells whether a unit of a type holds a part of a picture (H.264, table 7-1; H.265, 7-1)."""
    return kind <= 5 if codec == "h264" else kind < 32


def units(data: bytes, codec: str, header: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields type and bytes of each unit of a picture, up to the first that holds a part of it."""
    framed = header[:1] == b"\1"
    place = 4 if codec == "h264" else 21
    pieces = (
        _framed(data, (header[place] & 3) + 1)
        if framed and len(header) > place
        else _byte_stream(data)
    )
    for _, unit in zip(range(_MOST_UNITS), pieces, strict=False):
        kind = _kind(unit, codec)
        yield kind, unit
        if is_slice(kind, codec):
            return


def header_units(header: bytes, codec: str) -> list[tuple[int, bytes]]:
    """Reads parameter sets of avcC (ISO/IEC 14496-15, 5.3.3.1), hvcC (8.3.3.1) or a byte stream."""
    if header[:1] != b"\1":
        return [(_kind(unit, codec), unit) for unit in _byte_stream(header)]
    at, units = (5, list[bytes]()) if codec == "h264" else (22, list[bytes]())
    for turn in range(2 if codec == "h264" else header[22] if len(header) > 22 else 0):
        if codec == "h264":
            count, at = header[at] & (31 if turn == 0 else 255) if at < len(header) else 0, at + 1
        else:
            at += 1 if turn == 0 else 0
            count, at = int.from_bytes(header[at + 1 : at + 3], "big"), at + 3
        for _ in range(min(count, _MOST_UNITS)):
            size = int.from_bytes(header[at : at + 2], "big")
            units.append(header[at + 2 : at + 2 + size])
            at += 2 + size
    return [(_kind(unit, codec), unit) for unit in units if unit]


def _kind(unit: bytes, codec: str) -> int:
    return unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63


def _framed(data: bytes, width: int) -> Iterator[bytes]:
    """Yields units preceded by their length, in ``width`` bytes."""
    at = 0
    while at + width < len(data):
        end = at + width + int.from_bytes(data[at : at + width], "big")
        if unit := data[at + width : end]:
            yield unit
        at = end


def _byte_stream(data: bytes) -> Iterator[bytes]:
    """Yields units preceded by a start code (ITU-T H.264, annex B)."""
    at = data.find(b"\0\0\1")
    while at >= 0:
        following = data.find(b"\0\0\1", at + 3)
        if unit := data[at + 3 : following if following >= 0 else len(data)]:
            yield unit
        at = following
