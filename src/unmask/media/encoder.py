"""Traces of the encoder in H.264 and HEVC, for `unmask.media`.

These are the parameter sets and a line with the encoder's settings.
"""

from __future__ import annotations

from unmask.media.units import header_units, units

_SETS = {"h264": {7, 8}, "hevc": {32, 33, 34}}
"""Types of the units that hold parameter sets (ITU-T H.264, table 7-1; H.265, table 7-1)."""
_NOTES = {"h264": 6, "hevc": 39}
"""Type of the units that hold supplemental information."""
_LINES = (b"x264 - core", b"x265 (build")
"""Beginning of the line in which the encoder names itself.

It is written with the first picture, or with every key frame.
"""
_LONGEST_LINE = 4096


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
        found = list(units(data, self._codec, self._header)) if self._codec in _SETS else []
        return (self._changed(found) | self._introduced(found) | other) and not first

    def _learn(self, header: bytes) -> bool:
        """Stores the parameter sets of a header; tells whether they changed."""
        found = header_units(header, self._codec) if self._codec in _SETS else [(0, header)]
        return self._changed(found)

    def _changed(self, found: list[tuple[int, bytes]]) -> bool:
        """Tells whether parameter sets differ from those that came last.

        A kind that never came before is no change.
        """
        changed = False
        for kind in {kind for kind, _ in found} & ({0} | _SETS.get(self._codec, set())):
            sets = frozenset(unit.rstrip(b"\0") for one, unit in found if one == kind)
            changed |= self._sets.get(kind, sets) != sets
            self._sets[kind] = sets
        return changed

    def _introduced(self, found: list[tuple[int, bytes]]) -> bool:
        """Tells whether an encoder's line changed, or came again after it had been missing."""
        notes = [unit[:_LONGEST_LINE] for kind, unit in found if kind == _NOTES.get(self._codec)]
        line = next(
            (note[note.index(start) :] for note in notes for start in _LINES if start in note), b""
        )
        began = bool(line and self._line and (line != self._line or self._silent))
        self._silent = not line
        self._line = line or self._line
        return began
