"""Ed25519 keys that sign licences, known by their did:key, and the people for whom each may sign.

The private key is a PKCS #12 file (RFC 7292), encrypted with AES-256 under a password. The public
one is text with a line ``did:key:z6Mk... Name`` for each person whose portraits this key may
license. Whoever relies on it must have received it from that person, not with the licence.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unmask.errors import LicenceError
from unmask.licences import proof
from unmask.messages import Message

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Owners = Mapping[str, frozenset[str]]
"""Names of the people whose portraits a key may license, by did:key."""

ROUNDS = 600_000
"""Rounds of PBKDF2 with HMAC-SHA-256, as OWASP's Password Storage Cheat Sheet asks for (2023)."""

LEAST_PASSWORD = 8
"""Least number of letters of a password (NIST SP 800-63B)."""

_LARGEST = 1 << 20
"""Most bytes of a key file."""


def keygen(path: Path, names: Sequence[str], password: str) -> Path:
    """Writes a new private key, readable only by its owner, and the public one, ``<path>.pub``.

    Args:
        names: people whose portraits it may license.
        password: password that encrypts it.

    Raises:
        LicenceError: the password is short, there is such a file, it cannot be written, or a name
            is not one printable line.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = path.with_name(path.name + ".pub")
    if len(password) < LEAST_PASSWORD:
        raise LicenceError(
            str(path),
            Message("key.password_short", {"letters": LEAST_PASSWORD}),
            Message("key.way.longer"),
        )
    if not names or not all(name.strip() and name.isprintable() for name in names):
        raise LicenceError(str(path), Message("licence.text"), Message("licence.way.one_line"))
    key = Ed25519PrivateKey.generate()
    line = proof.did(key.public_key())
    write_new(path, _encrypted(key, password), mode=0o600)
    write_new(public, "".join(f"{line} {name.strip()}\n" for name in names).encode())
    return public


def private_key(path: Path, password: str) -> Ed25519PrivateKey:
    """Decrypts a private key.

    Raises:
        LicenceError: there is none, or the password is wrong.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import pkcs12

    raw = read_bytes(path, _LARGEST)
    try:
        key = pkcs12.load_key_and_certificates(raw, password.encode())[0]
    except (ValueError, TypeError) as error:
        raise LicenceError(str(path), Message("key.locked"), Message("key.way.password")) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise LicenceError(str(path), Message("key.none"), Message("key.way.keygen"))
    return key


def owners(paths: Iterable[Path]) -> Owners:
    """Reads public keys, and for whom each may sign.

    Raises:
        LicenceError: a file cannot be read, or has a line of another form.
    """
    found: dict[str, frozenset[str]] = {}
    for path in paths:
        for line in read_bytes(path, _LARGEST).decode(errors="replace").splitlines():
            if not line.strip():
                continue
            did, _, name = line.strip().partition(" ")
            try:
                proof.public_key(did)
            except ValueError as error:
                raise LicenceError(
                    str(path), Message("key.not_public"), Message("key.way.public")
                ) from error
            found[did] = found.get(did, frozenset()) | {name.strip()}
    return found


def read_bytes(path: Path, at_most: int) -> bytes:
    """Returns the content of a file.

    Raises:
        LicenceError: it cannot be read, or is larger than ``at_most`` bytes.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(at_most + 1)
    except (OSError, ValueError) as error:
        why = Message(
            "licence.unreadable", {"error": str(getattr(error, "strerror", None) or error).lower()}
        )
        raise LicenceError(str(path), why, Message("licence.way.path")) from error
    if len(raw) > at_most:
        raise LicenceError(str(path), Message("licence.large"), Message("licence.way.again"))
    return raw


def write_new(path: Path, raw: bytes, mode: int = 0o666) -> None:
    """Writes a new file durably.

    Raises:
        LicenceError: it exists already, or cannot be written.
    """
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:  # noqa: PTH123
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise LicenceError(
            str(path), Message("licence.exists"), Message("licence.way.name")
        ) from error
    except OSError as error:
        why = Message("licence.unwritable", {"error": (error.strerror or "").lower()})
        raise LicenceError(str(path), why, Message("licence.way.folder")) from error


def _encrypted(key: Ed25519PrivateKey, password: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

    algorithm = pkcs12.PBES.PBESv2SHA256AndAES256CBC
    builder = (
        PrivateFormat.PKCS12.encryption_builder().kdf_rounds(ROUNDS).key_cert_algorithm(algorithm)
    )
    encryption = builder.hmac_hash(SHA256()).build(password.encode())
    return pkcs12.serialize_key_and_certificates(b"unmask", key, None, None, encryption)
