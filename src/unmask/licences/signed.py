"""Reading of signed documents: strict, bounded, and signed by nobody but the issuer they name."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)

from unmask.errors import LicenceError
from unmask.licences import moments, proof
from unmask.licences.keys import read_bytes
from unmask.messages import Message

LARGEST = 4 << 20
"""Most bytes of a signed document."""

CREDENTIALS = "https://www.w3.org/ns/credentials/v2"
"""JSON-LD context of Verifiable Credentials 2.0. It is compared, and never fetched."""
TERMS = {"@vocab": "urn:unmask:terms:1#"}
"""JSON-LD definition of our own names."""


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("one printable line, not empty")
    return text


def _moment(given: Any) -> Any:
    return moments.read(given) if isinstance(given, str) else given


Line = Annotated[str, StringConstraints(max_length=500), AfterValidator(_one_line)]
Moment = Annotated[datetime, BeforeValidator(_moment), PlainSerializer(moments.written)]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Did = Annotated[str, StringConstraints(pattern="^did:key:z[1-9A-HJ-NP-Za-km-z]{1,128}$")]
Urn = Annotated[str, StringConstraints(pattern="^urn:uuid:[0-9a-f-]{36}$")]


class Strict(BaseModel):
    """Base of signed content: every value has its type, and only declared names occur."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True
    )


class Proof(Strict):
    """A proof; `unmask.licences.proof` verifies it."""

    context: Annotated[list[Any], Field(alias="@context")]
    type: Literal["DataIntegrityProof"] = "DataIntegrityProof"
    cryptosuite: Literal["eddsa-jcs-2022"] = "eddsa-jcs-2022"
    created: Moment
    method: Annotated[str, Field(alias="verificationMethod")]
    purpose: Annotated[Literal["assertionMethod"], Field(alias="proofPurpose")] = "assertionMethod"
    value: Annotated[str, Field(alias="proofValue")]


class Signed(Strict):
    """Base of signed documents, each of which names its issuer's did:key."""

    context: Annotated[list[Any], Field(alias="@context")] = [CREDENTIALS, TERMS]
    proof: Proof | None = None

    @property
    def signer(self) -> str:
        """The did:key of the required signer."""
        raise NotImplementedError

    @property
    def sha256(self) -> str:
        """sha256, hexadecimal, of the document in canonical form."""
        return proof.digest(self.plain())

    def plain(self) -> dict[str, Any]:
        """Returns the document as JSON values."""
        values = self.model_dump(by_alias=True)
        proof = values.pop("proof")
        return values if proof is None else {**values, "proof": proof}

    def signed_by(self, key: Any, at: datetime) -> Self:
        """Returns the document with a proof by an ``Ed25519PrivateKey``."""
        return type(self).model_validate(proof.signed(self.plain(), key, at))

    def text(self) -> str:
        """Returns the document as indented JSON."""
        return json.dumps(self.plain(), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, path: Path, what: Message) -> Self:
        """Reads a signed document and verifies its proof.

        Args:
            what: expected kind of document, for the error.

        Raises:
            LicenceError: unreadable, not of this kind, changed after it was signed, or signed by
                another than it names.
        """
        raw = read_bytes(path, LARGEST)
        none = LicenceError(
            str(path), Message("licence.none", {"what": what}), Message("licence.way.again")
        )
        try:
            found = json.loads(raw.decode(), object_pairs_hook=_without_repeats)
            document = cls.model_validate(found)
        except (ValueError, RecursionError) as error:
            raise none from error
        try:
            signer = proof.signer(found)
        except proof.InvalidProof as error:
            raise LicenceError(
                str(path), Message("licence.tampered"), Message("licence.way.again")
            ) from error
        if (
            document.proof is None
            or signer != document.signer
            or found["@context"] != [CREDENTIALS, TERMS]
        ):
            raise none
        return document


def kind(path: Path) -> Sequence[str]:
    """Returns the types that a JSON file names, unverified; none if it cannot be read as such."""
    try:
        found = json.loads(read_bytes(path, LARGEST).decode())
    except (LicenceError, ValueError, RecursionError):
        return ()
    types = found.get("type") if isinstance(found, dict) else None
    return [one for one in types if isinstance(one, str)] if isinstance(types, list) else ()


def replace(path: Path, text: str) -> None:
    """Writes a file whole or not at all, in the place of an older one.

    Raises:
        LicenceError: it cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        why = Message("licence.unwritable", {"error": (error.strerror or "").lower()})
        raise LicenceError(str(path), why, Message("licence.way.folder")) from error


def _without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a repeated name")
    return values
