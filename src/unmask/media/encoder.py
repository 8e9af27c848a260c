"""Traces of the encoder in H.264 and HEVC, for `unmask.media`.

These are the parameter sets and a line with the encoder's settings.
"""

from __future__ import annotations

from collections.abc import Iterator

_SETS = {"h264": {7, 8}, "hevc": {32, 33, 34}}
"""Types of the units that hold parameter sets (ITU-T H.264, table 7-1; H.265, table 7-1)."""
_NOTES = {"h264": 6, "hevc": 39}
"""Type of the units that hold supplemental information."""
_LINES = (b"x264 - core", b"x265 (build")
"""Beginning of the line in which the encoder names itself.

It is written with the first picture, or with every key frame.
"""
_LONGEST_LINE = 4096
_MOST_UNITS = 64
"""Most units of one picture that are examined; those sought come first."""


class Encoder:
    """Detects the key frames of a stream at which an encoder began anew.

    It does so where recordings were joined.

    Args:
        codec: FFmpeg's name of it; of other codecs than H.264 and HEVC only a new header counts.
        header: of the stream, avcC, hvcC or a byte stream.
    """

    def __init__(self, codec: str, header: bytes) -> None:
        self._codec, self._header = codec, header
        self._sets: dict[int, frozenset[bytes]] = {}
        self._line, self._silent, self._first = b"", False, True
        self._learn(header)

    def began_anew(self, data: bytes, new_header: bytes = b"") -> bool:
        """Tells whether the key frame ``data`` comes from other settings, or another run.

        The first key frame does not.
        """
        first, self._first = self._first, False
        other = bool(new_header) and new_header != self._header and self._learn(new_header)
        self._header = new_header or self._header
        units = list(_units(data, self._codec, self._header)) if self._codec in _SETS else []
        return (self._changed(units) | self._introduced(units) | other) and not first

    def _learn(self, header: bytes) -> bool:
        """Stores the parameter sets of a header; tells whether they changed."""
        found = _header_units(header, self._codec) if self._codec in _SETS else [(0, header)]
        return self._changed(found)

    def _changed(self, units: list[tuple[int, bytes]]) -> bool:
        """Tells whether parameter sets differ from those that came last.

        A kind that never came before is no change.
        """
        changed = False
        for kind in {kind for kind, _ in units} & ({0} | _SETS.get(self._codec, set())):
            sets = frozenset(unit.rstrip(b"\0") for one, unit in units if one == kind)
            changed |= self._sets.get(kind, sets) != sets
            self._sets[kind] = sets
        return changed

    def _introduced(self, units: list[tuple[int, bytes]]) -> bool:
        """Tells whether an encoder's line changed, or came again after it had been missing."""
        notes = [unit[:_LONGEST_LINE] for kind, unit in units if kind == _NOTES.get(self._codec)]
        line = next(
            (note[note.index(start) :] for note in notes for start in _LINES if start in note), b""
        )
        began = bool(line and self._line and (line != self._line or self._silent))
        self._silent = not line
        self._line = line or self._line
        return began


def _units(data: bytes, codec: str, header: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields type and bytes of each unit of a picture, until the first that holds a part of it."""
    framed = header[:1] == b"\1"
    place = 4 if codec == "h264" else 21
    pieces = (
        _framed(data, (header[place] & 3) + 1)
        if framed and len(header) > place
        else _byte_stream(data)
    )
    for _, unit in zip(range(_MOST_UNITS), pieces, strict=False):
        kind = _kind(unit, codec)
        if kind <= 5 if codec == "h264" else kind < 32:
            return
        yield kind, unit


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


def _header_units(header: bytes, codec: str) -> list[tuple[int, bytes]]:
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
