"""Media segments that need an initialization segment in front of them (ISO/IEC 23009-1, 6.3)."""

from __future__ import annotations

import io


class Segment(str):
    """Path of a media segment, which is read as if the file ``init`` lay in front of it."""

    init: str

    def __new__(cls, path: str, init: str) -> Segment:
        """Names a segment and its initialization segment."""
        one = super().__new__(cls, path)
        one.init = init
        return one


class Prefixed:
    """An open file that is read as if some bytes lay in front of it."""

    def __init__(self, lead: bytes, file: io.BufferedReader) -> None:
        self._lead, self._file, self._at = lead, file, 0

    def read(self, size: int = -1) -> bytes:
        """Reads so many bytes, or all up to the end."""
        head = self._lead[self._at : self._at + size] if size >= 0 else self._lead[self._at :]
        data = head + self._file.read(size - len(head) if size >= 0 else -1)
        self._at += len(data)
        return data

    def seek(self, offset: int) -> int:
        """Goes to a place, counted from the first of the bytes in front."""
        self._file.seek(max(0, offset - len(self._lead)))
        self._at = offset
        return offset

    def tell(self) -> int:
        """Returns the place, counted so."""
        return self._at
