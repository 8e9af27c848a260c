"""Revocation: a signed list with one bit for each licence that its issuer ever granted.

It is a W3C Bitstring Status List 1.0. The list says until when it holds. Whoever has no list that
holds today does not know whether a licence was taken back, and must not rely on it. An older list
may still hold, so a revocation is known everywhere once that one has expired.
"""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from uuid import uuid4

from pydantic import Field

from unmask.errors import LicenceError
from unmask.licences.moments import SKEW, shown
from unmask.licences.signed import Did, Moment, Signed, Strict, Urn, replace
from unmask.messages import Message

KIND = ("VerifiableCredential", "BitstringStatusListCredential")

SIZE = 131_072
"""Bits of a list; the Recommendation says that fewer would reveal who is on it."""

HOLDS = timedelta(days=7)
"""Time for which a list holds unless its issuer says otherwise.

It is also the greatest age of a list, whatever it says.
"""

STATUS_LIST = Message("licence.what.list")


class Bits(Strict):
    """The bits; ``granted`` counts the licences that have one, from the first bit on."""

    id: str
    type: Literal["BitstringStatusList"] = "BitstringStatusList"
    purpose: Annotated[Literal["revocation"], Field(alias="statusPurpose")] = "revocation"
    encoded: Annotated[str, Field(alias="encodedList", max_length=64_000)]
    granted: Annotated[int, Field(ge=0, le=SIZE)]


class StatusList(Signed):
    """A list of revocations, as its issuer signed it."""

    id: Urn
    type: list[str] = Field(default_factory=lambda: [*KIND])
    issuer: Did
    valid_from: Annotated[Moment, Field(alias="validFrom")]
    valid_until: Annotated[Moment, Field(alias="validUntil")]
    subject: Annotated[Bits, Field(alias="credentialSubject")]

    @property
    def signer(self) -> str:
        """The issuer's did:key."""
        return self.issuer

    @classmethod
    def of(cls, path: Path) -> Self:
        """Reads a list.

        Raises:
            LicenceError: it is none, or not as it was signed.
        """
        found = cls.read(path, STATUS_LIST)
        if tuple(found.type) != KIND or found.bits() is None:
            raise LicenceError(
                str(path),
                Message("licence.none", {"what": STATUS_LIST}),
                Message("licence.way.again"),
            )
        return found

    def bits(self) -> bytes | None:
        """Returns the bits, the first one highest in the first byte; None if unreadable."""
        text = self.subject.encoded.removeprefix("u")
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            unpacker = zlib.decompressobj(wbits=31)
            bits = unpacker.decompress(packed, SIZE // 8 + 1)
        except (ValueError, zlib.error):
            return None
        return bits if len(bits) == SIZE // 8 and text != self.subject.encoded else None

    def refusal(self, index: int, at: datetime, oldest: timedelta = HOLDS) -> Message | None:
        """Tells why the licence of a bit must not be relied on at a moment; None if it stands."""
        if at + SKEW < self.valid_from:
            return Message("licence.list_future", {"moment": shown(self.valid_from)})
        if at > self.valid_until or at - self.valid_from > oldest:
            return Message("licence.list_stale", {"moment": shown(self.valid_from)})
        bits = self.bits()
        if bits is None or index >= self.subject.granted:
            return Message("licence.list_without")
        if bits[index // 8] >> (7 - index % 8) & 1:
            return Message("licence.revoked", {"moment": shown(self.valid_from)})
        return None


def issued(
    path: Path,
    key: Any,
    at: datetime,
    revoked: Sequence[int] = (),
    more: int = 0,
    holds: timedelta = HOLDS,
) -> StatusList:
    """Signs a new version of a list, or the first one, and writes it.

    Args:
        path: path of the list; need not exist.
        key: ``Ed25519PrivateKey`` of its issuer.
        revoked: bits to set.
        more: number of licences to be granted, which get the next bits.

    Raises:
        LicenceError: the list cannot be read or written, is another issuer's or full.
    """
    from unmask.licences.proof import did

    issuer = did(key.public_key())
    old = StatusList.of(path) if path.exists() else None
    if old is not None and old.issuer != issuer:
        raise LicenceError(str(path), Message("licence.other_key"), Message("licence.way.own_list"))
    bits = bytearray((old and old.bits()) or bytes(SIZE // 8))
    granted = (old.subject.granted if old else 0) + more
    if granted > SIZE:
        raise LicenceError(str(path), Message("licence.list_full"), Message("licence.way.new_list"))
    for index in revoked:
        bits[index // 8] |= 0x80 >> index % 8
    name = old.id if old else f"urn:uuid:{uuid4()}"
    encoded = (
        "u" + base64.urlsafe_b64encode(gzip.compress(bytes(bits), mtime=0)).rstrip(b"=").decode()
    )
    begin = at.replace(microsecond=0)
    fresh = StatusList(
        id=name,
        issuer=issuer,
        valid_from=begin,
        valid_until=begin + holds,
        subject=Bits(id=f"{name}#list", encoded=encoded, granted=granted),
    )
    replace(path, (found := fresh.signed_by(key, at)).text())
    return found
