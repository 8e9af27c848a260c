"""A software authenticator, and the browser around it, that make and use passkeys.

What it answers is real: authenticator data, attestation objects of the format ``none`` and
signatures, as W3C Web Authentication, level 3, 6.1 and 6.5, describes them. Only nobody touches it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.cose import cbor

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
"""Flags of authenticator data: touched, unlocked, with a new credential."""

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass
class Authenticator:
    """A phone or security key, with the browser that it is used in.

    Its fields may be set to what an honest one would never have; a copy of it is a clone.

    Args:
        origin: of the page that asks, as the browser says.
        algorithm: of new passkeys, as COSE numbers it: -7, -8 or -257.
        party: host name that it answers for; that of the request if empty.
        count: its signature counter; None for one that has none.
        flags: what it says of the person.
        cross: whether the browser says that the page is within another site's.
        key, credential, handle: of its one passkey, once it was made.
    """

    origin: str
    algorithm: int = -7
    party: str = ""
    count: int | None = 0
    flags: int = PRESENT | VERIFIED
    cross: bool = False
    key: Key = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential: bytes = b""
    handle: bytes = b""

    def create(self, options: dict[str, Any], kind: str = "webauthn.create") -> dict[str, Any]:
        """Makes a passkey; returns the browser's JSON (``RegistrationResponseJSON``)."""
        assert self.algorithm in [one["alg"] for one in options["pubKeyCredParams"]]
        assert options["attestation"] == "none"
        self.key, self.handle = _new_key(self.algorithm), decoded(options["user"]["id"])
        self.credential = self.credential or secrets.token_bytes(32)
        size = len(self.credential).to_bytes(2)
        described = bytes(16) + size + self.credential + cbor(_cose(self.key))
        data = self._data(options["rp"]["id"], ATTESTED) + described
        public = self.key.public_key()
        whole = {
            "clientDataJSON": self._client(kind, options),
            "attestationObject": cbor({"fmt": "none", "attStmt": {}, "authData": data}),
            "authenticatorData": data,
            "publicKey": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        }
        return self._answer(whole, transports=["internal"], publicKeyAlgorithm=self.algorithm)

    def get(self, options: dict[str, Any], kind: str = "webauthn.get") -> dict[str, Any]:
        """Signs a challenge; returns the browser's JSON (``AuthenticationResponseJSON``)."""
        if self.count is not None:
            self.count += 1
        client, data = self._client(kind, options), self._data(options["rpId"], 0)
        signed = _sign(self.key, data + hashlib.sha256(client).digest())
        parts = {"clientDataJSON": client, "authenticatorData": data, "signature": signed}
        return self._answer(parts | {"userHandle": self.handle})

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        told = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        return json.dumps(told | {"crossOrigin": self.cross}).encode()

    def _data(self, party: str, flags: int) -> bytes:
        digest = hashlib.sha256((self.party or party).encode()).digest()
        return digest + bytes([self.flags | flags]) + (self.count or 0).to_bytes(4)

    def _answer(self, parts: dict[str, bytes], **more: Any) -> dict[str, Any]:
        response = {name: encoded(part) for name, part in parts.items()} | more
        name = encoded(self.credential)
        about = {"type": "public-key", "clientExtensionResults": {}}
        return {"id": name, "rawId": name, "response": response} | about


def encoded(content: bytes) -> str:
    """Encodes bytes as base64url without padding."""
    return urlsafe_b64encode(content).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """Decodes base64url without padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _new_key(algorithm: int) -> Key:
    if algorithm == -8:
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == -257:
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def _cose(key: Key) -> dict[int, Any]:
    """Returns a public key as a COSE_Key (RFC 9053, 7; RFC 8230, 4)."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return {1: 1, 3: -8, -1: 6, -2: key.public_key().public_bytes_raw()}
    if isinstance(key, rsa.RSAPrivateKey):
        public = key.public_key().public_numbers()
        return {1: 3, 3: -257, -1: public.n.to_bytes(256), -2: public.e.to_bytes(3)}
    point = key.public_key().public_numbers()
    return {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}


def _sign(key: Key, content: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(content)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(content, padding.PKCS1v15(), SHA256())
    return key.sign(content, ec.ECDSA(SHA256()))
