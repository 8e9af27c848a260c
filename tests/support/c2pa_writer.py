"""Writes content credentials by the standard alone, with no library for them (C2PA 2.2).

Boxes are JUMBF (ISO 19566-5) in a segment of a JPEG, values CBOR, the signature COSE (RFC 9052).
"""

from __future__ import annotations

import hashlib
import struct
import uuid
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from tests.clips import box
from tests.support.cose import CHAIN, ES256, cbor
from unmask.licences.manifest import SWAP, Signing

KIND = bytes.fromhex("00110010800000aa00389b71")
"""End of the type of every box of C2PA; its beginning is four letters."""
CARRIER = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""Type of the box of ISO media that holds manifests (C2PA 2.2, A.5.1)."""
NOT_HASHED = {
    "xpath": "/uuid",
    "length": None,
    "data": [{"offset": 8, "value": CARRIER}],
    "subset": None,
    "version": None,
    "flags": None,
    "exact": None,
}
CAMERA = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"


def signed_photo(photo: bytes, by: Signing, source_type: str = SWAP) -> bytes:
    """Returns a JPEG with a manifest that declares how the photo was made, signed with ES256."""
    name = f"urn:c2pa:{uuid.uuid4()}"
    length = 1000
    while len(segment := _segment(photo, name, by, source_type, length)) != length:
        length = len(segment)
    return photo[:2] + segment + photo[2:]


def _segment(photo: bytes, name: str, by: Signing, source_type: str, length: int) -> bytes:
    """Makes the segment with the manifests; ``length`` is what it says of its own length."""
    action = {"action": "c2pa.created", "digitalSourceType": source_type}
    binding = {
        "exclusions": [{"start": 2, "length": length}],
        "alg": "sha256",
        "hash": hashlib.sha256(photo).digest(),
        "pad": b"",
    }
    asserted = {"c2pa.actions.v2": {"actions": [action]}, "c2pa.hash.data": binding}
    store = _store(asserted, name, by)
    content = b"JP" + struct.pack(">HI", 1, 1) + store
    return b"\xff\xeb" + struct.pack(">H", len(content) + 2) + content


def _store(asserted: dict[str, Any], name: str, by: Signing) -> bytes:
    """Makes the boxes of one manifest."""
    boxes = {label: _box(b"cbor", label, box(b"cbor", cbor(v))) for label, v in asserted.items()}
    claim = cbor(_claim(boxes, name))
    parts = (
        _box(b"c2as", "c2pa.assertions", *boxes.values()),
        _box(b"c2cl", "c2pa.claim.v2", box(b"cbor", claim)),
        _box(b"c2cs", "c2pa.signature", box(b"cbor", _signature(claim, by))),
    )
    return _box(b"c2pa", "c2pa", _box(b"c2ma", name, *parts))


def signed_segment(
    segment: bytes, by: Signing, number: int, previous: str = "", stream: str = "camera 1"
) -> tuple[bytes, str]:
    """Signs a live segment (C2PA 2.3, 19.3); returns it with its manifest, and the name of that.

    Args:
        segment: boxes of ISO media, of which the first gives the type.
        by: who signs.
        number: of the segment in the stream.
        previous: name of the manifest of the segment before; empty for the first.
        stream: name of the stream.
    """
    name = f"urn:c2pa:{uuid.uuid4()}"
    first = int.from_bytes(segment[:4])
    live = {"sequenceNumber": number, "streamId": stream, "continuityMethod": "c2pa.manifestId"}

    def carried(digest: bytes) -> bytes:
        asserted = {
            "c2pa.actions.v2": {
                "actions": [{"action": "c2pa.created", "digitalSourceType": CAMERA}]
            },
            "c2pa.hash.bmff.v3": {"exclusions": [NOT_HASHED], "alg": "sha256", "hash": digest},
            "c2pa.livevideo.segment": live | ({"previousManifestId": previous} if previous else {}),
        }
        head = CARRIER + bytes(4) + b"manifest\0" + bytes(8)
        manifest = box(b"uuid", head + _store(asserted, name, by))
        return segment[:first] + manifest + segment[first:]

    return carried(_hashed(carried(bytes(32)))), name


def _hashed(whole: bytes) -> bytes:
    """Hashes boxes with their places, without the one of the manifest (C2PA 2.2, 18.6)."""
    digest, at = hashlib.sha256(), 0
    while at < len(whole):
        one = whole[at : at + int.from_bytes(whole[at : at + 4])]
        if one[8:24] != CARRIER:
            digest.update(struct.pack(">Q", at) + one)
        at += len(one)
    return digest.digest()


def _claim(boxes: dict[str, bytes], name: str) -> dict[str, Any]:
    return {
        "instanceID": f"xmp:iid:{uuid.uuid4()}",
        "claim_generator_info": {"name": "A writer of the tests"},
        "signature": f"self#jumbf=/c2pa/{name}/c2pa.signature",
        "created_assertions": [
            {
                "url": f"self#jumbf=c2pa.assertions/{label}",
                "hash": hashlib.sha256(one[8:]).digest(),
            }
            for label, one in boxes.items()
        ],
        "alg": "sha256",
    }


def _signature(claim: bytes, by: Signing) -> bytes:
    chain = [one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(by.chain)]
    protected = cbor({1: ES256, CHAIN: chain})
    key = load_pem_private_key(by.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signed = key.sign(cbor(["Signature1", protected, b"", claim]), ec.ECDSA(hashes.SHA256()))
    both = b"".join(number.to_bytes(32) for number in utils.decode_dss_signature(signed))
    return b"\xd2" + cbor([protected, {}, None, both])


def _box(kind: bytes, label: str, *content: bytes) -> bytes:
    described = box(b"jumd", kind + KIND + b"\x03" + label.encode() + b"\0")
    return box(b"jumb", described + b"".join(content))
