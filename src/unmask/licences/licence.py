"""Licences: signed permissions of a portrait's owner that a face may be changed.

They say in which part, by whom, where and until when. A licence is a Verifiable Credential 2.0
(W3C, 2025). It is bound to footage by what cannot be mistaken: the sha256 of the changed file
itself, or the sha256 of an original together with marks in it, points on the face of the person
concerned. Nobody is recognised by their face.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from uuid import uuid4

from pydantic import Field

from unmask.errors import LicenceError
from unmask.licences import proof
from unmask.licences.keys import Owners, write_new
from unmask.licences.moments import SKEW, shown
from unmask.licences.signed import Did, Line, Moment, Sha256, Signed, Strict, Urn
from unmask.licences.status import HOLDS, StatusList, issued
from unmask.messages import Message

LICENCE = Message("licence.what.licence")
KIND = ("VerifiableCredential", "PortraitLicence")
MOST = 1000
"""Most portraits, works, marks and files that a licence names, of each."""


class Part(StrEnum):
    """Part of a portrait in a change: the face that is put in, or the one that it covers."""

    PUT_IN = "put in"
    COVERED = "covered"

    @property
    def named(self) -> Message:
        """Name of the part in a sentence."""
        return (
            Message("licence.part.put_in")
            if self is Part.PUT_IN
            else Message("licence.part.covered")
        )


class PortraitMark(Strict):
    """A point on a face in an original: time in seconds, x and y relative to its size, 0 to 1."""

    time: Annotated[float, Field(ge=0, le=1e6)]
    x: Annotated[float, Field(ge=0, le=1)]
    y: Annotated[float, Field(ge=0, le=1)]


class Work(Strict):
    """A film or photo to change: its title, the original's sha256, and marks on a face in it."""

    title: Line
    original: Sha256
    marks: Annotated[list[PortraitMark], Field(max_length=MOST)]


class Portrait(Strict):
    """The permission: the portrait, the use, and who may use it.

    Attributes:
        name: name of the person.
        portraits: sha256 of reference photos; may be empty.
        part: part in which the portrait is used.
        licensee: who may use it.
        role: role in which the person is to appear.
        purpose, territory: purpose, and where the result may be shown.
        works: originals that may be changed.
        files: sha256 of changed files that the owner has seen and allows.
    """

    name: Line
    portraits: Annotated[list[Sha256], Field(max_length=MOST)]
    part: Annotated[Part, Field(strict=False)]
    licensee: Line
    role: Line
    purpose: Line
    territory: Line
    works: Annotated[list[Work], Field(max_length=MOST)]
    files: Annotated[list[Sha256], Field(max_length=MOST)]


class Issuer(Strict):
    """The signer: the person, or somebody who acts for them."""

    id: Did
    name: Line


class Entry(Strict):
    """Place in a list of revocations that tells whether the licence was taken back."""

    id: str
    type: Literal["BitstringStatusListEntry"] = "BitstringStatusListEntry"
    purpose: Annotated[Literal["revocation"], Field(alias="statusPurpose")] = "revocation"
    index: Annotated[str, Field(alias="statusListIndex", pattern="^(0|[1-9][0-9]{0,5})$")]
    on: Annotated[Urn, Field(alias="statusListCredential")]


class Licence(Signed):
    """A licence, as its issuer signed it."""

    id: Urn
    type: list[str] = Field(default_factory=lambda: [*KIND])
    issuer: Issuer
    valid_from: Annotated[Moment, Field(alias="validFrom")]
    valid_until: Annotated[Moment, Field(alias="validUntil")]
    subject: Annotated[Portrait, Field(alias="credentialSubject")]
    status: Annotated[Entry, Field(alias="credentialStatus")]

    @property
    def signer(self) -> str:
        """The issuer's did:key."""
        return self.issuer.id

    @property
    def signature(self) -> str:
        """Value of the proof; empty before it is signed."""
        return self.proof.value if self.proof else ""

    @classmethod
    def of(cls, path: Path) -> Self:
        """Reads a licence; `refusal` tells whether it is to be relied on.

        Raises:
            LicenceError: it is none, or not as it was signed.
        """
        found = cls.read(path, LICENCE)
        if tuple(found.type) != KIND:
            raise LicenceError(
                str(path), Message("licence.none", {"what": LICENCE}), Message("licence.way.again")
            )
        return found

    def refusal(
        self, owners: Owners, lists: tuple[StatusList, ...], at: datetime
    ) -> Message | None:
        """Tells why a licence must not be relied on at a moment; None if it holds.

        Args:
            owners: names of the people for whom each key may sign.
            lists: lists of revocations.
        """
        who = owners.get(self.issuer.id)
        if who is None:
            return Message("licence.unknown_key", {"issuer": self.issuer.name})
        if self.subject.name not in who:
            return Message(
                "licence.not_theirs", {"issuer": self.issuer.name, "subject": self.subject.name}
            )
        if at + SKEW < self.valid_from:
            return Message("licence.not_yet", {"moment": shown(self.valid_from)})
        if at > self.valid_until:
            return Message("licence.ended", {"moment": shown(self.valid_until)})
        mine = [one for one in lists if (one.id, one.issuer) == (self.status.on, self.issuer.id)]
        if not mine:
            return Message("licence.no_list")
        newest = max(mine, key=lambda one: one.valid_from)
        return newest.refusal(int(self.status.index), at)

    def lacks(self, asked: AskedUse) -> Message | None:
        """Tells which part of a use the licence does not cover; None if it covers all."""
        allowed = self.subject
        if asked.licensee not in {None, allowed.licensee}:
            return Message(
                "licence.other_licensee",
                {"granted": allowed.licensee, "wanted": asked.licensee or ""},
            )
        if asked.subject not in {None, allowed.name}:
            return Message(
                "licence.other_subject", {"granted": allowed.name, "wanted": asked.subject or ""}
            )
        if asked.part is not None and asked.part is not allowed.part:
            return Message(
                "licence.other_part", {"granted": allowed.part.named, "wanted": asked.part.named}
            )
        if asked.portrait is not None and asked.portrait not in allowed.portraits:
            return Message("licence.other_portrait", {"subject": allowed.name})
        named = {*allowed.files, *(work.original for work in allowed.works)}
        if asked.footage is not None and named and asked.footage not in named:
            return Message("licence.other_work", {"subject": allowed.name})
        return None


@dataclass(frozen=True, slots=True)
class AskedUse:
    """A use that a licence should cover; None means not asked.

    Attributes:
        licensee: who wants to use the face.
        subject: whose face is wanted.
        part: part of the portrait.
        portrait: sha256 of the photo that shows it.
        footage: sha256 of the original that is to be changed, or of the changed file.
    """

    licensee: str | None = None
    subject: str | None = None
    part: Part | None = None
    portrait: str | None = None
    footage: str | None = None


def grant(
    portrait: Portrait,
    issuer: str,
    begin: datetime,
    end: datetime,
    key: Any,
    status_list: Path,
    out: Path,
) -> Licence:
    """Signs a licence and writes it, and enters it into the issuer's list of revocations.

    The list is made if there is none.

    Args:
        issuer: name of the signer.
        begin, end: first and last moment.
        key: ``Ed25519PrivateKey`` of the issuer.

    Raises:
        LicenceError: it would end before it begins, ``out`` exists, or a file cannot be read or
            written.
    """
    if end <= begin:
        raise LicenceError(str(out), Message("licence.backwards"), Message("licence.way.later"))
    if out.exists():
        raise LicenceError(str(out), Message("licence.exists"), Message("licence.way.name"))
    now = datetime.now(UTC)
    listed = issued(status_list, key, now, more=1)
    index = listed.subject.granted - 1
    entry = Entry(id=f"{listed.id}#{index}", index=str(index), on=listed.id)
    licence = Licence(
        id=f"urn:uuid:{uuid4()}",
        issuer=Issuer(id=proof.did(key.public_key()), name=issuer),
        valid_from=begin.replace(microsecond=0),
        valid_until=end.replace(microsecond=0),
        subject=portrait,
        status=entry,
    ).signed_by(key, now)
    write_new(out, licence.text().encode())
    return licence


def check(
    path: Path,
    owners: Owners,
    lists: tuple[StatusList, ...],
    asked: AskedUse = AskedUse(),
    at: datetime | None = None,
) -> Licence:
    """Returns the licence in a file, if it holds and covers what is asked, now or at a moment.

    Raises:
        LicenceError: it does not; says why not, and the way out.
    """
    licence = Licence.of(path)
    refused = licence.refusal(owners, lists, at or datetime.now(UTC)) or licence.lacks(asked)
    if refused is not None:
        raise LicenceError(
            str(path), refused, Message("licence.way.issuer", {"issuer": licence.issuer.name})
        )
    return licence


def revoke(
    licences: tuple[Licence, ...],
    status_list: Path,
    key: Any,
    at: datetime,
    days: float | None = None,
) -> StatusList:
    """Takes licences back for good, by a new list in the place of the old one.

    Without licences the new list says that the others stand.

    Args:
        key: ``Ed25519PrivateKey`` of their issuer.
        days: for which the list holds; None for `HOLDS`.

    Raises:
        LicenceError: the list is another issuer's, or does not have one of the licences.
    """
    old = StatusList.of(status_list)
    for licence in licences:
        if (licence.status.on, licence.issuer.id) != (old.id, old.issuer):
            raise LicenceError(
                str(status_list), Message("licence.list_without"), Message("licence.way.own_list")
            )
    holds = HOLDS if days is None else timedelta(days=days)
    return issued(status_list, key, at, [int(one.status.index) for one in licences], holds=holds)
