"""Signatures inside JSON: Data Integrity proofs, cryptosuite eddsa-jcs-2022, by did:key keys.

W3C Verifiable Credential Data Integrity 1.0 and Data Integrity EdDSA Cryptosuites 1.0: Ed25519
signs the SHA-256 of the proof's own description followed by the SHA-256 of the document, both in
the canonical form of RFC 8785. Nothing is looked up: a did:key is the public key itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from unmask.licences.moments import written

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

Json = dict[str, Any]

SUITE = "eddsa-jcs-2022"

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_ED25519 = b"\xed\x01"
"""Multicodec prefix of a public Ed25519 key."""
_LONGEST = 128
"""Most letters of a base58 text; a signature has 88."""
_DESCRIBED = {
    "@context",
    "type",
    "cryptosuite",
    "created",
    "verificationMethod",
    "proofPurpose",
    "proofValue",
}


class InvalidProof(ValueError):
    """The document was not signed in this way, or changed after it was signed."""


def did(key: Ed25519PublicKey) -> str:
    """Returns the did:key of a public key."""
    return f"did:key:z{_base58(_ED25519 + key.public_bytes_raw())}"


def public_key(did: str) -> Ed25519PublicKey:
    """Returns the public key in a did:key.

    Raises:
        InvalidProof: it is no did:key of an Ed25519 key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    raw = _from_base58(did.removeprefix("did:key:"))
    if not did.startswith("did:key:") or len(raw) != 34 or not raw.startswith(_ED25519):
        raise InvalidProof("no did:key of an Ed25519 key")
    return Ed25519PublicKey.from_public_bytes(raw[2:])


def signed(document: Mapping[str, Any], key: Ed25519PrivateKey, at: datetime) -> Json:
    """Adds a proof to a document that has an ``@context`` and no proof.

    Raises:
        ValueError: it holds what JSON of RFC 8785 cannot.
    """
    name = did(key.public_key())
    proof = {
        "@context": document["@context"],
        "type": "DataIntegrityProof",
        "cryptosuite": SUITE,
        "created": written(at),
        "verificationMethod": _method(name),
        "proofPurpose": "assertionMethod",
    }
    signature = key.sign(_digest(document, proof))
    return {**document, "proof": {**proof, "proofValue": f"z{_base58(signature)}"}}


def signer(document: Mapping[str, Any]) -> str:
    """Returns the did:key that signed a document.

    Raises:
        InvalidProof: it has no such proof, or one that does not fit.
    """
    from cryptography.exceptions import InvalidSignature

    proof = document.get("proof")
    if not isinstance(proof, dict) or proof.keys() != _DESCRIBED:
        raise InvalidProof("no proof, or not one of this kind")
    if not all(isinstance(proof[name], str) for name in _DESCRIBED - {"@context"}):
        raise InvalidProof("a proof of other values than text")
    name = str(proof["verificationMethod"]).partition("#")[0]
    kind = (proof["type"], proof["cryptosuite"], proof["proofPurpose"], proof["verificationMethod"])
    if kind != ("DataIntegrityProof", SUITE, "assertionMethod", _method(name)):
        raise InvalidProof("a proof of another kind")
    if proof["@context"] != document.get("@context"):
        raise InvalidProof("a proof of another context")
    signature = _from_base58(proof["proofValue"])
    described = {key: value for key, value in proof.items() if key != "proofValue"}
    try:
        unsigned = {key: value for key, value in document.items() if key != "proof"}
        public_key(name).verify(signature, _digest(unsigned, described))
    except (InvalidSignature, ValueError, RecursionError) as error:
        raise InvalidProof("changed after it was signed") from error
    return name


def digest(document: Mapping[str, Any]) -> str:
    """Returns the sha256, hexadecimal, of a document in canonical form."""
    return hashlib.sha256(_canonical(document)).hexdigest()


def _method(name: str) -> str:
    return f"{name}#{name.removeprefix('did:key:')}"


def _digest(document: Mapping[str, Any], proof: Mapping[str, Any]) -> bytes:
    return (
        hashlib.sha256(_canonical(proof)).digest() + hashlib.sha256(_canonical(document)).digest()
    )


def _canonical(document: Mapping[str, Any]) -> bytes:
    import rfc8785

    return rfc8785.dumps(dict(document))


def _base58(raw: bytes) -> str:
    number, text = int.from_bytes(raw), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + text


def _from_base58(text: str) -> bytes:
    """Decodes a multibase text in base58, which begins with z."""
    digits = text.removeprefix("z")
    if digits == text or len(digits) > _LONGEST or not set(digits) <= set(_BASE58):
        raise InvalidProof("no text in base58")
    number = 0
    for letter in digits:
        number = 58 * number + _BASE58.index(letter)
    return bytes(len(digits) - len(digits.lstrip("1"))) + number.to_bytes(
        (number.bit_length() + 7) // 8
    )
