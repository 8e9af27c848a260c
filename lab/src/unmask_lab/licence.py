"""Licences: a portrait's owner says, signed, that a face may be put into other footage, by whom, for what, until when.

A licence is a JSON object whose field names are those of W3C Verifiable Credentials 2.0 where that standard has one::

    {"schema_version": 1, "type": "PortraitLicence",
     "issuer": "...", "validFrom": "2026-01-01T00:00:00Z", "validUntil": "2026-12-31T23:59:59Z",
     "credentialSubject": {"name": "...", "portraits": ["<sha256>", ...], "licensee": "...", "purpose": "...", "where": "..."},
     "proof": {"type": "Ed25519", "verificationMethod": "<public key>", "proofValue": "<signature>"}}

Key and signature are hexadecimal. The signature (Ed25519, RFC 8032) covers everything but ``proofValue``, written with
sorted keys, without spaces, in UTF-8. That is the canonical form of RFC 8785, because names are ASCII and the only number
is a small integer. A repeated or unknown name, or another sort of value, is refused, not passed over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from unmask_lab.data import DataError

SCHEMA_VERSION = 1
TYPE = "PortraitLicence"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_SUBJECT = {"name": str, "portraits": list, "licensee": str, "purpose": str, "where": str}
_PROOF = {"type": str, "verificationMethod": str, "proofValue": str}
_FIELDS = {
    "schema_version": int,
    "type": str,
    "issuer": str,
    "validFrom": str,
    "validUntil": str,
    "credentialSubject": dict,
    "proof": dict,
}


@dataclass(frozen=True, slots=True)
class Licence:
    """What a portrait's owner allows.

    Attributes:
        subject: name of the person whose face it is.
        portraits: sha256, hexadecimal, of reference portraits of that person; may be empty.
        licensee: name of who may use the face.
        purpose, where: for what, and where the result may be shown.
        issuer: name of who signs: the person, or who acts for them.
        valid_from, valid_until: first and last moment, UTC.
        sha256: of the signed licence in canonical form; empty before it is signed.
        signature: hexadecimal; empty before it is signed.
    """

    subject: str
    portraits: tuple[str, ...]
    licensee: str
    purpose: str
    where: str
    issuer: str
    valid_from: datetime
    valid_until: datetime
    sha256: str = ""
    signature: str = ""


# ---------------------------------------------------------------- keys


def make_key(path: Path) -> Path:
    """Writes a new private key, PEM, for its owner's eyes only, and beside it the public key, ``<path>.pub``.

    Raises:
        DataError: there is such a file already, or it cannot be written.
    """
    public = path.with_name(path.name + ".pub")
    for file in (path, public):
        if file.exists():
            raise DataError(f"{file}: there is a key already; choose another name")
    key = Ed25519PrivateKey.generate()
    try:
        path.touch(mode=0o600)
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    except OSError as error:
        raise DataError(f"{path}: the key cannot be written ({error.strerror}); choose another folder") from error
    return public


def _private_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise DataError(f"{path}: no private Ed25519 key in PEM; make one with unmask-lab licence key")
    return key


def _public_key(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise DataError(f"{path}: no public Ed25519 key in PEM; ask the portrait's owner for the .pub file")
    return key


# ---------------------------------------------------------------- granting


def grant(licence: Licence, key: Path, out: Path) -> None:
    """Signs a licence and writes it.

    Raises:
        DataError: the key cannot be read, the licence ends before it begins or holds an empty text or one of several
            lines, or the file is there already or cannot be written.
    """
    if licence.valid_until <= licence.valid_from:
        raise DataError(f"{out}: the licence would end before it begins; choose a later end")
    private = _private_key(key)
    document = _document(licence, private.public_key())
    document["proof"]["proofValue"] = "unsigned"
    if not _well_formed(document):
        raise DataError(f"{out}: names, purpose and place must be printable text on one line, and not empty")
    document["proof"]["proofValue"] = private.sign(_signed_part(document)).hex()
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    except FileExistsError as error:
        raise DataError(f"{out}: there is such a file already; choose another name") from error
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror}); choose another folder") from error


def _document(licence: Licence, key: Ed25519PublicKey) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "type": TYPE,
        "issuer": licence.issuer,
        "validFrom": licence.valid_from.astimezone(UTC).strftime(_TIME),
        "validUntil": licence.valid_until.astimezone(UTC).strftime(_TIME),
        "credentialSubject": {
            "name": licence.subject,
            "portraits": sorted(set(licence.portraits)),
            "licensee": licence.licensee,
            "purpose": licence.purpose,
            "where": licence.where,
        },
        "proof": {"type": "Ed25519", "verificationMethod": key.public_bytes_raw().hex(), "proofValue": ""},
    }


def _canonical(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _signed_part(document: dict[str, Any]) -> bytes:
    proof = {name: value for name, value in document["proof"].items() if name != "proofValue"}
    return _canonical({**document, "proof": proof})


# ---------------------------------------------------------------- checking


def check(
    path: Path,
    public_key: Path,
    *,
    licensee: str | None = None,
    subject: str | None = None,
    portrait: str | None = None,
    at: datetime | None = None,
) -> Licence:
    """The licence in a file, if it is genuine and covers what is asked; what is None is not asked.

    Args:
        public_key: the owner's, PEM, which must have come from the owner and not with the licence.
        licensee: who wants to use the face.
        subject: whose face is wanted.
        portrait: sha256, hexadecimal, of the photo that shows it.
        at: when; now, if None.

    Raises:
        DataError: unreadable, of a newer schema, of another key, tampered with, not yet or no longer valid, or for
            another licensee, person or portrait.
    """
    document = _read(path)
    _verify(path, document, _public_key(public_key))
    licence = _licence(document)
    now = at or datetime.now(UTC)
    if now < licence.valid_from:
        raise DataError(f"{path}: the licence begins on {licence.valid_from:%Y-%m-%d %H:%M} UTC; wait until then")
    if now > licence.valid_until:
        ended = f"the licence ended on {licence.valid_until:%Y-%m-%d %H:%M} UTC"
        raise DataError(f"{path}: {ended}; ask {licence.issuer} for a new one")
    for what, granted, wanted in (("use by", licence.licensee, licensee), ("the face of", licence.subject, subject)):
        if wanted is not None and wanted != granted:
            raise DataError(f"{path}: the licence is for {what} {granted}, not {wanted}; ask {licence.issuer}")
    if portrait is not None and portrait not in licence.portraits:
        raise DataError(f"{path}: the licence does not name this portrait of {licence.subject}; ask {licence.issuer}")
    return licence


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes().decode(), object_pairs_hook=_without_repeats)
    except OSError as error:
        raise DataError(f"{path}: the licence cannot be read ({error.strerror}); check the path") from error
    except (ValueError, RecursionError) as error:
        raise _no_licence(path) from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if type(version) is int and version > SCHEMA_VERSION:
        raise DataError(f"{path}: a licence of schema {version}, newer than {SCHEMA_VERSION}; update Unmask's lab")
    if not _well_formed(document):
        raise _no_licence(path)
    return dict(document)


def _well_formed(document: Any) -> bool:
    if not (
        _has(document, _FIELDS) and _has(document["credentialSubject"], _SUBJECT) and _has(document["proof"], _PROOF)
    ):
        return False
    try:
        _moment(document["validFrom"]), _moment(document["validUntil"])
    except ValueError:
        return False
    portraits = document["credentialSubject"]["portraits"]
    of_this_kind = (document["schema_version"], document["type"]) == (SCHEMA_VERSION, TYPE)
    return of_this_kind and all(isinstance(p, str) and p.isprintable() for p in portraits)


def _without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a repeated name")
    return values


def _has(value: object, fields: Mapping[str, type]) -> bool:
    """Whether it is an object with exactly these names, each with a value of its type, texts on one line and not empty."""
    return (
        isinstance(value, dict)
        and value.keys() == fields.keys()
        and all(type(value[name]) is kind and value[name] != "" for name, kind in fields.items())
        and all(text.isprintable() for text in value.values() if isinstance(text, str))
    )


def _no_licence(path: Path) -> DataError:
    return DataError(f"{path}: no licence that can be read; ask the portrait's owner for the file again")


def _verify(path: Path, document: dict[str, Any], key: Ed25519PublicKey) -> None:
    tampered = DataError(
        f"{path}: the licence was changed after it was signed; ask the portrait's owner for the file again"
    )
    if document["proof"]["verificationMethod"] != key.public_bytes_raw().hex():
        raise DataError(f"{path}: the licence was signed with another key; check whose key and whose licence this is")
    written = document["proof"]["proofValue"]
    try:
        signature = bytes.fromhex(written)
        key.verify(signature, _signed_part(document))
    except (InvalidSignature, ValueError) as error:
        raise tampered from error
    if written != signature.hex():
        raise tampered


def _licence(document: dict[str, Any]) -> Licence:
    who = document["credentialSubject"]
    return Licence(
        subject=who["name"],
        portraits=tuple(who["portraits"]),
        licensee=who["licensee"],
        purpose=who["purpose"],
        where=who["where"],
        issuer=document["issuer"],
        valid_from=_moment(document["validFrom"]),
        valid_until=_moment(document["validUntil"]),
        sha256=hashlib.sha256(_canonical(document)).hexdigest(),
        signature=document["proof"]["proofValue"],
    )


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


# ---------------------------------------------------------------- portraits


def sha256s(portraits: Sequence[Path]) -> tuple[str, ...]:
    """sha256, hexadecimal, of each file, those in folders included.

    Raises:
        DataError: a file or folder cannot be read, or a folder is empty.
    """
    digests: list[str] = []
    for path in portraits:
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        if not files:
            raise DataError(f"{path}: an empty folder; put the reference portraits in it")
        digests += map(sha256, files)
    return tuple(digests)


def sha256(path: Path) -> str:
    """Of a file, hexadecimal; raises DataError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path") from error
