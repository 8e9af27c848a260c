"""Numbers that encoders give to pictures, from the headers of slices in H.264 and HEVC.

Encoders count so that decoders notice what was lost. What was taken out of a file leaves a gap in
such a count, unless it was encoded again.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np

from unmask.media.bits import Bits
from unmask.media.units import header_units, is_slice, units
from unmask.types import Numbers

_IDR, _NOT_IDR = 5, 1
"""Types of units of H.264 that hold slices of pictures with and without an instant refresh."""
_KEYS = range(16, 24)
"""Types of units of HEVC that hold slices of pictures at which decoding can begin."""
_REFRESH = (19, 20)
"""Those of them that start the count of pictures over, IDR pictures."""
_SETS = {"h264": (7, 8), "hevc": (33, 34)}
"""Types of units with sets of a sequence and of a picture (H.264, table 7-1; H.265, table 7-1)."""
_HIGH = frozenset((44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244))
"""Profiles of H.264 whose sets tell the colour format (7.3.2.1.1)."""
_LONGEST_SET, _LONGEST_HEADER = 1024, 64
"""Bytes of a parameter set, and of the header of a slice, that are looked at.

Scaling lists, the longest part of a set, take 900.
"""
_MOST_SETS = 8
"""Most parameter sets in a packet that are read; encoders write two or three."""


class _Sequence(NamedTuple):
    """Facts in a sequence parameter set about the headers of slices; bits and flags."""

    planes: int
    frame_bits: int
    order_bits: int
    frames_only: int
    gaps: int


class _Picture(NamedTuple):
    """Facts in a picture parameter set about the headers of slices."""

    sequence: int
    output_flag: int
    extra_bits: int


class _Slice(NamedTuple):
    """Numbers in the header of a slice, see `Numbers`; -1 where there is none."""

    fresh: bool
    order: int
    wraps: int
    idr: int = -1
    frame: int = -1
    frame_wraps: int = 0
    refers: bool = False


class Numbering:
    """Collects the numbers of the key frames of a stream, in the order of the file.

    What cannot be read has no numbers, and raises nothing.

    Args:
        codec: FFmpeg's name of it; other codecs than H.264 and HEVC give no numbers.
        header: of the stream, avcC, hvcC or a byte stream.
    """

    def __init__(self, codec: str, header: bytes) -> None:
        self._codec, self._header = codec, header
        self._sequences: dict[int, _Sequence] = {}
        self._pictures: dict[int, _Picture] = {}
        self._before = b""
        self._found = array("i")
        if codec in _SETS:
            self._learn(header_units(header, codec))

    def add(self, number: int, data: bytes, key: bool, new_header: bytes = b"") -> None:
        """Adds the packet of a number, whether it is a key frame, and a header that comes with it.

        An IDR picture of H.264 counts as one even where its container does not say so.
        """
        if self._codec not in _SETS:
            return
        if new_header:
            self._header = new_header
            self._learn(header_units(new_header, self._codec))
        if key or self._codec == "h264":
            one = self._read(data, key)
            if one is not None:
                skipped = -1 if one.fresh or one.frame < 0 else self._skipped(one)
                self._found.extend((number, one.fresh, one.idr, one.order, one.wraps, skipped))
        self._before = data

    def numbers(self) -> Numbers:
        """Returns what was collected."""
        return Numbers(*np.array(self._found, np.int32).reshape(-1, 6).T)

    def _read(self, data: bytes, key: bool) -> _Slice | None:
        """Reads the first slice of a packet, if it is a key frame or an IDR picture."""
        *sets, (kind, unit) = [*units(data, self._codec, self._header)] or [(-1, b"")]
        self._learn([one for one in sets if one[0] in _SETS[self._codec]][:_MOST_SETS])
        if not is_slice(kind, self._codec) or not (key or kind == _IDR):
            return None
        try:
            return self._h264(kind, unit) if self._codec == "h264" else self._hevc(kind, unit)
        except (EOFError, ValueError, KeyError):
            return None

    def _skipped(self, one: _Slice) -> int:
        """Returns how many reference frames are missing before a picture; -1 if unknown."""
        *_, (kind, unit) = [*units(self._before, self._codec, self._header)] or [(-1, b"")]
        try:
            before = self._h264(kind, unit)
        except (EOFError, ValueError, KeyError):
            return -1
        if before is None or before.frame_wraps != one.frame_wraps or not one.frame_wraps:
            return -1
        return (one.frame - before.frame - before.refers) % one.frame_wraps

    def _learn(self, found: list[tuple[int, bytes]]) -> None:
        """Stores parameter sets; those that cannot be read are left out."""
        sequence, picture = _SETS[self._codec]
        for kind, unit in found:
            try:
                if kind == sequence:
                    name, one = _sequence(unit) if self._codec == "h264" else _hevc_sequence(unit)
                    self._sequences[name] = one
                elif kind == picture:
                    name, other = _picture(unit) if self._codec == "h264" else _hevc_picture(unit)
                    self._pictures[name] = other
            except (EOFError, ValueError):
                continue

    def _h264(self, kind: int, unit: bytes) -> _Slice | None:
        """Reads the header of a slice of H.264 (7.3.3)."""
        if kind not in (_IDR, _NOT_IDR):
            return None
        bits = Bits(unit[1:_LONGEST_HEADER])
        bits.ue()
        bits.ue()
        told = self._sequences[self._pictures[bits.ue()].sequence]
        bits.u(2 * told.planes)
        frame = bits.u(told.frame_bits)
        if not told.frames_only and bits.u(1):
            bits.u(1)
        idr = bits.ue() if kind == _IDR else -1
        if idr > 0xFFFF:
            raise ValueError("idr_pic_id is above 65535")
        order = bits.u(told.order_bits) if told.order_bits else -1
        wraps = 1 << told.order_bits if told.order_bits else 0
        frame_wraps = 0 if told.gaps else 1 << told.frame_bits
        refers = bool(unit[0] & 0x60)
        return _Slice(kind == _IDR, order, wraps, idr, frame, frame_wraps, refers)

    def _hevc(self, kind: int, unit: bytes) -> _Slice | None:
        """Reads the header of the first slice of a key frame of HEVC (7.3.6.1)."""
        if kind not in _KEYS:
            return None
        bits = Bits(unit[2:_LONGEST_HEADER])
        if not bits.u(1):
            return None
        bits.u(1)
        picture = self._pictures[bits.ue()]
        told = self._sequences[picture.sequence]
        bits.u(picture.extra_bits)
        bits.ue()
        bits.u(picture.output_flag + 2 * told.planes)
        order = 0 if kind in _REFRESH else bits.u(told.order_bits)
        return _Slice(kind in _REFRESH, order, 1 << told.order_bits)


def _sequence(unit: bytes) -> tuple[int, _Sequence]:
    """Reads a sequence parameter set of H.264 (7.3.2.1.1): its number, and what it tells."""
    bits = Bits(unit[1:_LONGEST_SET])
    profile = bits.u(8)
    bits.u(16)
    name, planes = bits.ue(), 0
    if profile in _HIGH:
        colour = bits.ue()
        planes = bits.u(1) if colour == 3 else 0
        bits.ue()
        bits.ue()
        bits.u(1)
        if bits.u(1):
            _pass_scaling(bits, 12 if colour == 3 else 8)
    frame_bits = _size(bits.ue() + 4)
    kind, order_bits = bits.ue(), 0
    if kind == 0:
        order_bits = _size(bits.ue() + 4)
    elif kind == 1:
        bits.u(1)
        bits.se()
        bits.se()
        for _ in range(min(bits.ue(), 255)):
            bits.se()
    bits.ue()
    gaps = bits.u(1)
    bits.ue()
    bits.ue()
    return name, _Sequence(planes, frame_bits, order_bits, bits.u(1), gaps)


def _pass_scaling(bits: Bits, count: int) -> None:
    """Reads past scaling lists (H.264, 7.3.2.1.1.1)."""
    for number in range(count):
        last = following = 8 if bits.u(1) else 0
        for _ in range(16 if number < 6 else 64):
            if not following:
                break
            following = (last + bits.se()) % 256
            last = following or last


def _picture(unit: bytes) -> tuple[int, _Picture]:
    """Reads a picture parameter set of H.264 (7.3.2.2): its number, and what it tells."""
    bits = Bits(unit[1:_LONGEST_HEADER])
    return bits.ue(), _Picture(bits.ue(), 0, 0)


def _hevc_sequence(unit: bytes) -> tuple[int, _Sequence]:
    """Reads a sequence parameter set of HEVC (7.3.2.2.1): its number, and what it tells."""
    bits = Bits(unit[2:_LONGEST_SET])
    bits.u(4)
    layers = bits.u(3)
    bits.u(1 + 88 + 8)
    present = [(bits.u(1), bits.u(1)) for _ in range(layers)]
    bits.u(2 * (8 - layers) if layers else 0)
    for profile, level in present:
        bits.u(88 * profile + 8 * level)
    name, colour = bits.ue(), bits.ue()
    planes = bits.u(1) if colour == 3 else 0
    bits.ue()
    bits.ue()
    if bits.u(1):
        for _ in range(4):
            bits.ue()
    bits.ue()
    bits.ue()
    return name, _Sequence(planes, 0, _size(bits.ue() + 4), 1, 0)


def _hevc_picture(unit: bytes) -> tuple[int, _Picture]:
    """Reads a picture parameter set of HEVC (7.3.2.3.1): its number, and what it tells."""
    bits = Bits(unit[2:_LONGEST_HEADER])
    name, sequence = bits.ue(), bits.ue()
    bits.u(1)
    return name, _Picture(sequence, bits.u(1), bits.u(3))


def _size(bits: int) -> int:
    """Returns the size of a counter, bits, if the standards allow it: 4 to 16.

    Raises:
        ValueError: they do not.
    """
    if bits > 16:
        raise ValueError(f"a counter of {bits} bits")
    return bits
