"""Signs a manifest again as no honest tool would.

The certificate is out of its time, or the algorithm is unknown. A signature of C2PA is a COSE_Sign1
(RFC 9052) over the claim, in CBOR (RFC 8949); its padding keeps the length of the file.
"""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from unmask.licences.manifest import Signing

ES256, CHAIN = -7, 33
"""Numbers of ECDSA on P-256 with SHA-256, and of the header of certificates (RFC 9360)."""


def resigned(raw: bytes, signing: Signing, algorithm: int = ES256) -> bytes:
    """Signs the last manifest of a signed file as somebody else, even if no tool would.

    Args:
        raw: a JPEG whose manifests lie in one segment.
        signing: certificates and key.
        algorithm: number of the algorithm that the signature claims; it is really ES256.
    """
    claim, signature = _box(raw, b"c2pa.claim.v2\0"), _box(raw, b"c2pa.signature\0")
    chain = [
        one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(signing.chain)
    ]
    protected = cbor({1: algorithm, CHAIN: chain})
    key = load_pem_private_key(signing.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signed = key.sign(cbor(["Signature1", protected, b"", raw[claim]]), ec.ECDSA(hashes.SHA256()))
    both = b"".join(number.to_bytes(32) for number in utils.decode_dss_signature(signed))
    size = signature.stop - signature.start
    short = b"\xd2" + cbor([protected, {"pad": bytes(300)}, None, both])
    whole = b"\xd2" + cbor([protected, {"pad": bytes(300 + size - len(short))}, None, both])
    assert len(whole) == size
    return raw[: signature.start] + whole + raw[signature.stop :]


def cbor(value: Any) -> bytes:
    """Encodes a value in CBOR: integers, bytes, text, lists, maps and None."""
    if value is None:
        return b"\xf6"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(cbor, value))
    return _head(5, len(value)) + b"".join(cbor(key) + cbor(one) for key, one in value.items())


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    size = next(one for one in range(4) if number < 1 << (8 << one))
    return bytes([kind << 5 | 24 + size]) + number.to_bytes(1 << size)


def _box(raw: bytes, label: bytes) -> slice:
    """Returns the place of the CBOR of the last box with a label (JUMBF, ISO 19566-5)."""
    at = raw.index(b"cbor", raw.rindex(label))
    return slice(at + 4, at - 4 + int.from_bytes(raw[at - 4 : at]))
