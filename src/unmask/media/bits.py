"""Bits of a unit of H.264 or HEVC, read one after the other."""

from __future__ import annotations

_MOST_ZEROS = 32
"""Most leading zeros of an Exp-Golomb code; ue(v) is below 2 to the power of 32."""


class Bits:
    """Payload of a unit without the bytes that keep start codes out of it.

    Args:
        payload: of the unit, as it lies in the file.
    """

    def __init__(self, payload: bytes) -> None:
        data = payload.replace(b"\0\0\3", b"\0\0")
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def u(self, count: int) -> int:
        """Reads an unsigned number of ``count`` bits (ITU-T H.264, 7.2).

        Raises:
            EOFError: there are fewer bits.
        """
        if count > self._left:
            raise EOFError("the unit ends before its header does")
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def ue(self) -> int:
        """Reads an unsigned Exp-Golomb code (ITU-T H.264, 9.1).

        Raises:
            EOFError: there are fewer bits.
            ValueError: the code is longer than any that the standards allow.
        """
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > _MOST_ZEROS:
                raise ValueError("an Exp-Golomb code that is too long")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """Reads a signed Exp-Golomb code (ITU-T H.264, 9.1.1); raises as `ue` does."""
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)
