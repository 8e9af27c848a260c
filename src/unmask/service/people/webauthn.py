"""Answers of authenticators, checked as W3C Web Authentication, level 3, 7.1 and 7.2, says.

No attestation is asked for or believed, so all that is needed of a new passkey is its public key,
which the browser itself reads out of the authenticator's answer (5.2.1). Therefore no CBOR and no
certificate of a stranger is ever decoded here.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ALGORITHMS = (-8, -7, -257)
"""Signatures that are accepted, the preferred ones first: Ed25519, ES256 and RS256.

The numbers are those of COSE (RFC 9053, RFC 8812). Level 3, 5.4, recommends these three.
"""

RSA_BITS = range(2048, 4097)
"""Sizes of RSA keys; larger ones would only take time to verify."""

LONGEST = 8000
"""Maximum characters of one part of an answer; real parts have a few hundred."""

PRESENT, ATTESTED = 0x01, 0x40
"""Flags: somebody touched the authenticator; its answer describes a new credential (6.1)."""

FLAGS, COUNT, NEW = 32, slice(33, 37), 37
"""Places in authenticator data: flags, counter, and a new credential's description (6.1)."""

Base64url = Annotated[str, Field(max_length=LONGEST)]


class Ceremony(StrEnum):
    """Request that the browser answered: to make a passkey, or to sign with one."""

    CREATE = "webauthn.create"
    GET = "webauthn.get"


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The service, as browsers and authenticators know it.

    Attributes:
        id: host name for which passkeys are made.
        origin: scheme, host and port of the page.
    """

    id: str
    origin: str


@dataclass(frozen=True, slots=True)
class Credential:
    """A new passkey.

    Attributes:
        id: as the authenticator named it, base64url.
        key: its public key (SubjectPublicKeyInfo, DER), base64url.
        count: its signature counter; authenticators that have none say 0.
    """

    id: str
    key: str
    count: int


class Creation(BaseModel):
    """Authenticator's answer to the request for a new passkey."""

    client_data: Annotated[Base64url, Field(alias="clientDataJSON")]
    authenticator_data: Annotated[Base64url, Field(alias="authenticatorData")]
    public_key: Annotated[Base64url, Field(alias="publicKey")]


class NewPasskey(BaseModel):
    """A new passkey, as browsers write it as JSON (`RegistrationResponseJSON`, 5.1)."""

    response: Creation


class Assertion(BaseModel):
    """Authenticator's signature of a challenge."""

    client_data: Annotated[Base64url, Field(alias="clientDataJSON")]
    authenticator_data: Annotated[Base64url, Field(alias="authenticatorData")]
    signature: Base64url
    user_handle: Annotated[Base64url | None, Field(alias="userHandle")] = None


class UsedPasskey(BaseModel):
    """A passkey's signature, as browsers write it as JSON (`AuthenticationResponseJSON`, 5.1)."""

    id: Base64url
    response: Assertion


class _ClientData(BaseModel):
    type: str
    challenge: str
    origin: str
    cross_origin: Annotated[bool, Field(alias="crossOrigin")] = False


def created(party: RelyingParty, challenge: str, answer: NewPasskey) -> Credential:
    """Returns the passkey that an authenticator made.

    Args:
        challenge: the one that was asked, base64url.

    Raises:
        ValueError: it answers something else, or its key is of no kind that is accepted.
    """
    _check_client(answer.response.client_data, Ceremony.CREATE, party, challenge)
    data = _authenticator(answer.response.authenticator_data, party)
    if not data[FLAGS] & ATTESTED:
        raise ValueError("no credential is described")
    # 16 bytes name the kind of authenticator, two say how long the credential's id is (6.5.1).
    size = int.from_bytes(data[NEW + 16 : NEW + 18])
    identifier = data[NEW + 18 : NEW + 18 + size]
    if not identifier or len(identifier) < size:
        raise ValueError("the credential has no id")
    key = _bytes(answer.response.public_key)
    _public_key(key)
    return Credential(base64url(identifier), base64url(key), int.from_bytes(data[COUNT]))


def signed(
    party: RelyingParty, challenge: str, key: str, handle: bytes, answer: UsedPasskey
) -> int:
    """Returns the counter of a passkey that has signed a challenge.

    The caller compares it with the last one; it is not believed before the signature.

    Args:
        challenge: the one that was asked, base64url.
        key: the passkey's public key, as `created` returned it.
        handle: of the person, as given to the authenticator; not every one returns it.

    Raises:
        ValueError: it answers something else, or the signature is another key's.
    """
    response = answer.response
    _check_client(response.client_data, Ceremony.GET, party, challenge)
    data = _authenticator(response.authenticator_data, party)
    if response.user_handle and _bytes(response.user_handle) != handle:
        raise ValueError("another person's passkey")
    digest = hashlib.sha256(_bytes(response.client_data)).digest()
    _verify(_bytes(key), _bytes(response.signature), data + digest)
    return int.from_bytes(data[COUNT])


def base64url(content: bytes) -> str:
    """Encodes bytes as browsers do: without padding."""
    return urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _check_client(text: str, ceremony: Ceremony, party: RelyingParty, challenge: str) -> None:
    """Checks what the browser says of the page that asked (5.8.1)."""
    data = _ClientData.model_validate_json(_bytes(text))
    if data.type != ceremony:
        raise ValueError("answers another request")
    if not secrets.compare_digest(data.challenge.encode(), challenge.encode()):
        raise ValueError("answers another challenge")
    if data.origin != party.origin or data.cross_origin:
        raise ValueError("asked by another page")


def _authenticator(text: str, party: RelyingParty) -> bytes:
    """Returns authenticator data (6.1), made for this service in somebody's presence."""
    data = _bytes(text)
    if len(data) < NEW or data[:FLAGS] != hashlib.sha256(party.id.encode()).digest():
        raise ValueError("made for another service")
    if not data[FLAGS] & PRESENT:
        raise ValueError("nobody was there")
    return data


def _public_key(der: bytes) -> EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(der)
    except UnsupportedAlgorithm as error:
        raise ValueError("a key of an unknown kind") from error
    match key:
        case Ed25519PublicKey():
            return key
        case EllipticCurvePublicKey() if isinstance(key.curve, SECP256R1):
            return key
        case RSAPublicKey() if key.key_size in RSA_BITS:
            return key
    raise ValueError("a key of a kind that is not accepted")


def _verify(der: bytes, signature: bytes, content: bytes) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256

    key = _public_key(der)
    try:
        if isinstance(key, EllipticCurvePublicKey):
            key.verify(signature, content, ECDSA(SHA256()))
        elif isinstance(key, RSAPublicKey):
            key.verify(signature, content, PKCS1v15(), SHA256())
        else:
            key.verify(signature, content)
    except InvalidSignature as error:
        raise ValueError("the signature is another key's") from error
