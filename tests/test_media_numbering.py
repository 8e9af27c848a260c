"""Numbers in the headers of slices: read bit by bit, and never an error, whatever the bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.media.bits import Bits
from unmask.media.numbering import Numbering

CODES = st.lists(st.tuples(st.sampled_from("us"), st.integers(0, 2**20)), max_size=40)


def golomb(number: int) -> str:
    bits = f"{number + 1:b}"
    return "0" * (len(bits) - 1) + bits


def coded(kind: str, number: int) -> str:
    """Returns ue(v), or se(v) of an alternating sign."""
    return golomb(number if kind == "u" else 2 * number - 1 if number % 2 else 2 * number)


def packed(bits: str) -> bytes:
    """Returns bits as the payload of a unit, which never holds the bytes of a start code."""
    out, zeros = bytearray(), 0
    for at in range(0, len(bits), 8):
        byte = int(bits[at : at + 8].ljust(8, "0"), 2)
        if zeros == 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


@given(CODES)
def test_codes_are_read_as_they_were_written(codes: list[tuple[str, int]]) -> None:
    bits = Bits(packed("".join(coded(*one) for one in codes) + "1"))
    for kind, number in codes:
        if kind == "u":
            assert bits.ue() == number
        else:
            assert bits.se() == (number if number % 2 else -number)
    assert bits.u(1) == 1


def test_a_unit_that_ends_too_early_or_never_says_so() -> None:
    with pytest.raises(EOFError):
        Bits(b"\x80").u(9)
    with pytest.raises(EOFError):
        Bits(b"\0\0").ue()
    with pytest.raises(ValueError, match="too long"):
        Bits(bytes(40)).ue()


@given(
    st.sampled_from(["h264", "hevc", "vp9"]),
    st.binary(max_size=60),
    st.lists(st.tuples(st.binary(max_size=80), st.booleans()), max_size=6),
)
def test_no_bytes_are_an_error(
    codec: str, header: bytes, packets: list[tuple[bytes, bool]]
) -> None:
    numbering = Numbering(codec, header)
    for number, (data, key) in enumerate(packets):
        numbering.add(number, data, key)
        numbering.add(number, b"\0\0\1" + data, key, data)
    assert all(values.size <= 2 * len(packets) for values in _arrays(numbering))


def _arrays(numbering: Numbering) -> list[np.ndarray]:
    numbers = numbering.numbers()
    return [numbers.at, numbers.fresh, numbers.idr, numbers.order, numbers.wraps, numbers.skipped]


def unit(kind: int, bits: str) -> bytes:
    return b"\0\0\1" + bytes([0x60 | kind]) + packed(bits + "1")


def sps(profile: int = 66, scaling: bool = False) -> bytes:
    """Returns a set of 4 bits of frame_num and 5 of the pic order count, frames only."""
    high = golomb(1) + golomb(0) * 2 + "0" + "0" if profile == 100 else ""
    if scaling:
        lists = "1" + "1" * 16 + "1" + coded("s", 8) + "0" * 6  # the second ends at once
        high = high[:-1] + "1" + lists
    head = f"{profile:08b}" + "0" * 16 + golomb(0) + high
    return unit(7, head + golomb(0) + golomb(0) + golomb(1) + golomb(1) + "0" + golomb(4) * 2 + "1")


PPS = unit(8, golomb(0) + golomb(0))


def picture(kind: int, frame: int, order: int, idr: int = 0) -> bytes:
    head = golomb(0) + golomb(7) + golomb(0) + f"{frame:04b}"
    return unit(kind, head + (golomb(idr) if kind == 5 else "") + f"{order:05b}")


@pytest.mark.parametrize(("profile", "scaling"), [(66, False), (100, False), (100, True)])
def test_the_numbers_of_key_frames_are_read(profile: int, scaling: bool) -> None:
    numbering = Numbering("h264", b"")
    numbering.add(0, sps(profile, scaling) + PPS + picture(5, 0, 0, idr=300), key=True)
    numbering.add(1, picture(1, 1, 2), key=False)
    numbering.add(2, picture(1, 2, 4), key=True)
    numbering.add(3, picture(1, 6, 12), key=True)
    numbering.add(4, picture(5, 0, 0, idr=301), key=False)
    numbers = numbering.numbers()
    assert numbers.at.tolist() == [0, 2, 3, 4]
    assert numbers.fresh.tolist() == [1, 0, 0, 1]
    assert numbers.idr.tolist() == [300, -1, -1, 301]
    assert numbers.order.tolist() == [0, 4, 12, 0]
    assert numbers.wraps.tolist() == [32] * 4
    assert numbers.skipped.tolist() == [-1, 0, 3, -1]
