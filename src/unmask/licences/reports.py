"""Signed reports: beside each lies ``NAME.signature.json`` with the signing key, time and sha256.

It fits every kind of report, a page, JSON or a table, and changes none. An edit of a single letter
is detected.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

from pydantic import Field

from unmask.errors import LicenceError
from unmask.licences import files
from unmask.licences.keys import Owners
from unmask.licences.proof import did
from unmask.licences.signed import Did, Moment, Sha256, Signed, Strict, Urn, replace
from unmask.messages import Message

KIND = ("VerifiableCredential", "SignedReport")
SIGNATURE = Message("report.what.signature")


class Report(Strict):
    """Signed content: the sha256 of the report; its name may change."""

    sha256: Sha256


class Signature(Signed):
    """A report's signature."""

    id: Urn
    type: list[str] = Field(default_factory=lambda: [*KIND])
    issuer: Did
    valid_from: Annotated[Moment, Field(alias="validFrom")]
    subject: Annotated[Report, Field(alias="credentialSubject")]

    @property
    def signer(self) -> str:
        """The signer's did:key."""
        return self.issuer


@dataclass(frozen=True, slots=True)
class Verified:
    """Signer of a report, by the names that are vouched for, and the stated time of signing."""

    names: tuple[str, ...]
    at: datetime


def beside(report: Path) -> Path:
    """Returns the path of a report's signature."""
    return report.with_name(report.name + ".signature.json")


def sign(report: Path, key: Any, at: datetime | None = None) -> Path:
    """Signs a report, and replaces an older signature.

    Args:
        key: ``Ed25519PrivateKey``, see `unmask.licences.keys`.
        at: time of signing; now, if None.

    Raises:
        LicenceError: the report cannot be read, or its signature cannot be written.
    """
    now = (at or datetime.now(UTC)).replace(microsecond=0)
    subject = Report(sha256=files.sha256(report))
    unsigned = Signature(
        id=f"urn:uuid:{uuid4()}", issuer=did(key.public_key()), valid_from=now, subject=subject
    )
    replace(beside(report), unsigned.signed_by(key, now).text())
    return beside(report)


def verify(report: Path, owners: Owners) -> Verified:
    """Verifies that a report is as it was signed, by a key that is vouched for.

    Raises:
        LicenceError: it is not; says why not, and the way out.
    """
    found = Signature.read(beside(report), SIGNATURE)
    if tuple(found.type) != KIND:
        raise LicenceError(
            str(beside(report)),
            Message("licence.none", {"what": SIGNATURE}),
            Message("report.way.again"),
        )
    if found.subject.sha256 != files.sha256(report):
        raise LicenceError(str(report), Message("report.edited"), Message("report.way.again"))
    if found.issuer not in owners:
        raise LicenceError(
            str(report),
            Message("report.unknown_key", {"key": found.issuer}),
            Message("report.way.key"),
        )
    return Verified(tuple(sorted(owners[found.issuer])), found.valid_from)
