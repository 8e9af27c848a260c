"""The table of content credentials: what a file carries, and what must be said of it.

The authorities are the tests' own.
"""

from __future__ import annotations

import io
import struct
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import c2pa
import numpy as np
from PIL import Image

from tests import clips
from tests.clips import box
from tests.support.authority import Authority
from tests.support.cose import resigned
from unmask.licences.manifest import SWAP, Signing
from unmask.types import Seal

CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
SHA256 = "ab" * 32
STORE = bytes.fromhex("6332706100110010800000aa00389b71")
"""Type of a box that holds manifests (C2PA 2.2, 11.1)."""

OURS, THEIRS = Authority.called("Our authority"), Authority.called("Another authority")
STUDIO, DESK, STRANGER = (
    OURS.vouches("The studio"),
    OURS.vouches("The desk"),
    THEIRS.vouches("A stranger"),
)


@dataclass(frozen=True)
class Case:
    """A row: what is made, and what must be said.

    Attributes:
        ai: whether it declares AI.
        sentences: codes of all that is said.
        problem: beginning of one of the problems; empty if there must be none.
        trusted: the authorities on the reader's trust list, PEM.
    """

    made: str
    make: Callable[[], bytes]
    seal: Seal
    signer: str = ""
    by_trusted: bool = False
    ai: bool = False
    sentences: tuple[str, ...] = ()
    problem: str = ""
    manifests: int = 0
    trusted: str = OURS.pem


def photo(seed: int = 1) -> bytes:
    """Makes a JPEG."""
    out = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(out, "JPEG")
    return out.getvalue()


def video() -> bytes:
    """Makes an MP4."""
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plain.mp4"
        clips.write_video(path, [noise] * 5)
        return path.read_bytes()


def action(source_type: str = SWAP) -> dict[str, Any]:
    """Returns the assertion that something was made, with its source type."""
    return {
        "label": "c2pa.actions.v2",
        "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": source_type}]},
    }


def signed(
    raw: bytes | None = None,
    by: Signing = STUDIO,
    assertions: Sequence[dict[str, Any]] = (action(),),
    kind: str = "image/jpeg",
    tool: str = "Unmask",
    identity: Signing | None = None,
    over: bool = False,
    elsewhere: str = "",
) -> bytes:
    """Signs a file with a manifest, as another vendor's tool might write it.

    Args:
        raw: the file; a photo, if None.
        identity: who signs an additional CAWG identity assertion.
        over: whether the file has a manifest that becomes the ingredient of the new one.
        elsewhere: address at which the manifest is said to lie, instead of in the file.
    """
    settings: dict[str, Any] = {
        "version": 1,
        "verify": {"verify_after_sign": False, "remote_manifest_fetch": False, "ocsp_fetch": False},
        "core": {"allowed_network_hosts": []},
        "builder": {"thumbnail": {"enabled": False}},
        "signer": {"local": _local(by)},
    }
    if identity is not None:
        settings["cawg_x509_signer"] = {
            "local": {**_local(identity), "referenced_assertions": ["c2pa.actions.v2"]}
        }
    context = c2pa.Context(settings=c2pa.Settings.from_dict(settings))
    # Only the signer of the settings can add an identity, but the binding asks for its own signer.
    context._has_signer = True
    builder = c2pa.Builder(
        {"claim_generator_info": [{"name": tool}], "assertions": list(assertions)}, context
    )
    if over:
        builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
    if elsewhere:
        builder.set_no_embed()
        builder.set_remote_url(elsewhere)
    out = io.BytesIO()
    builder.sign(kind, io.BytesIO(raw if raw is not None else photo()), out)
    return out.getvalue()


def _local(by: Signing) -> dict[str, str]:
    return {"alg": by.algorithm, "sign_cert": by.chain.decode(), "private_key": by.key.decode()}


def png() -> bytes:
    """Makes a PNG that the studio signed."""
    out = io.BytesIO()
    Image.open(io.BytesIO(photo())).save(out, "PNG")
    return signed(out.getvalue(), kind="image/png")


def flipped(raw: bytes, at: int) -> bytes:
    """Changes one byte of a file."""
    changed = bytearray(raw)
    changed[at] ^= 0x55
    return bytes(changed)


def flipped_after(raw: bytes, name: bytes, by: int) -> bytes:
    """Changes the byte that lies ``by`` bytes after the start of a name."""
    return flipped(raw, raw.rindex(name) + by)


def replaced(raw: bytes, old: bytes, new: bytes) -> bytes:
    """Replaces the last occurrence of ``old`` with as many bytes."""
    at = raw.rindex(old)
    assert len(old) == len(new)
    return raw[:at] + new + raw[at + len(old) :]


def saved_anew(raw: bytes) -> bytes:
    """Opens and saves a photo with a program that does not support credentials."""
    out = io.BytesIO()
    Image.open(io.BytesIO(raw)).save(out, "JPEG")
    return out.getvalue()


def remuxed(raw: bytes) -> bytes:
    """Copies the packets of a video into a new container, as a messenger does."""
    out = io.BytesIO()
    with av.open(io.BytesIO(raw)) as given, av.open(out, "w", format="mp4") as written:
        stream = written.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                packet.time_base = packet.time_base or Fraction(1, 90_000)
                written.mux(packet)
    return out.getvalue()


def carried(raw: bytes, onto: bytes) -> bytes:
    """Copies the manifest of a signed photo onto another photo."""
    begin = raw.index(b"\xff\xeb")
    end = begin + 2 + int.from_bytes(raw[begin + 2 : begin + 4])
    return onto[:2] + raw[begin:end] + onto[2:]


def nested(levels: int) -> bytes:
    """Makes a photo with boxes nested in boxes, each with its description."""
    described = box(b"jumd", STORE + b"\x03a\0")
    body = b""
    for _ in range(levels):
        body = box(b"jumb", described + body)
    store = box(b"jumb", box(b"jumd", STORE + b"\x03c2pa\0") + body)
    segment = b"JP" + struct.pack(">HI", 1, 1) + store
    plain = photo()
    return plain[:2] + b"\xff\xeb" + struct.pack(">H", len(segment) + 2) + segment + plain[2:]


def named(name: str) -> Signing:
    """Returns a signing certificate of our authority for somebody of this name."""
    return OURS.vouches(name)


def of_length(raw: bytes, size: int) -> bytes:
    """Makes a photo whose manifest claims this size."""
    at = raw.rindex(b"cbor")
    return raw[: at - 4] + size.to_bytes(4) + raw[at:]


def licences(data: Any) -> bytes:
    """Makes a photo with ``data`` in the assertion that should name a licence."""
    return signed(assertions=[action(), {"label": "org.unmask.licence", "data": data}])


AI = ("credentials.intact", "credentials.trusted", "credentials.declares_ai")
UNTRUSTED = ("credentials.intact", "credentials.untrusted", "credentials.declares_ai")
CHANGED = ("credentials.changed", "credentials.trusted", "credentials.declares_ai")
NONE, UNKNOWN = ("credentials.none",), ("credentials.unknown",)
S = "The studio"


def vouched(state: str) -> tuple[str, ...]:
    """Returns the codes of a trusted file with an identity in this state beside its signer."""
    return (*AI[:2], f"credentials.identity_{state}", AI[2])


UNKNOWN_IDENTITY = {
    "label": "cawg.identity",
    "data": {
        "signer_payload": {"sig_type": "cawg.future", "referenced_assertions": []},
        "signature": [1],
        "pad1": [0],
    },
}

CASES = (
    Case("a photo without any", photo, Seal.NONE, sentences=NONE),
    Case("a video without any", video, Seal.NONE, sentences=NONE),
    Case("signed, on our list", signed, Seal.INTACT, S, True, True, AI, "", 1),
    Case("a video signed, on our list", lambda: signed(video(), kind="video/mp4"), Seal.INTACT, S,
         True, True, AI, "", 1),
    Case("a PNG signed, on our list", png, Seal.INTACT, S, True, True, AI, "", 1),
    Case("signed; we have no list", signed, Seal.INTACT, S, False, True, UNTRUSTED,
         "signingCredential.untrusted", 1, ""),
    Case("signed; our list has others", signed, Seal.INTACT, S, False, True, UNTRUSTED,
         "signingCredential.untrusted", 1, THEIRS.pem),
    Case("signed; our list has others, too", signed, Seal.INTACT, S, True, True, AI, "", 1,
         THEIRS.pem + OURS.pem),
    Case("a camera's photo", lambda: signed(assertions=[action(CAPTURE)]), Seal.INTACT, S, True,
         False, (*AI[:2], "credentials.declares_none"), "", 1),
    Case("by a tool of a later version", lambda: signed(tool="Unmask 99.0"), Seal.INTACT, S, True,
         True, AI, "", 1),
    Case("with an assertion of an unknown kind",
         lambda: signed(assertions=[action(), {"label": "com.future.v9", "data": {"a": 1}}]),
         Seal.INTACT, S, True, True, AI, "", 1),
    Case("a claim of a later version of the standard",
         lambda: replaced(signed(), b"c2pa.claim.v2", b"c2pa.claim.v9"), Seal.UNKNOWN,
         sentences=UNKNOWN, problem="Verify: claim version is too new, not supported"),
    Case("a signature of an algorithm that nobody knows", lambda: resigned(signed(), STUDIO, -999),
         Seal.UNKNOWN, sentences=UNKNOWN,
         problem="Signature: could not generate a trusted time stamp"),
    Case("a certificate that had expired",
         lambda: resigned(signed(), OURS.vouches("The late studio", (-20, -10))), Seal.INTACT,
         "The late studio", False, True, UNTRUSTED, "signingCredential.expired", 1),
    Case("a certificate that is not valid yet",
         lambda: resigned(signed(), OURS.vouches("The early studio", (10, 20))), Seal.INTACT,
         "The early studio", False, True, UNTRUSTED, "signingCredential.expired", 1),
    Case("signed anew by a stranger", lambda: resigned(signed(), STRANGER),
         Seal.INTACT, "A stranger", False, True, UNTRUSTED, "signingCredential.untrusted", 1),
    Case("a CAWG identity of our list beside it", lambda: signed(identity=named("Zoe herself")),
         Seal.INTACT, S, True, True, vouched("trusted"), "", 1),
    Case("a CAWG identity of another list beside it",
         lambda: signed(identity=THEIRS.vouches("Somebody")), Seal.INTACT, S, True, True,
         vouched("untrusted"), "cawg.x509.credential.untrusted", 1),
    Case("a CAWG identity under an editor's manifest",
         lambda: signed(signed(identity=named("Zoe herself")), DESK, [], over=True), Seal.INTACT,
         "The desk", True, True, AI, "", 2),
    Case("a CAWG identity that was altered",
         lambda: flipped_after(signed(identity=named("Zoe herself")), b"cawg.identity\0", 700),
         Seal.BROKEN, S, True, True, ("credentials.broken", *vouched("unverified")[1:]),
         "assertion.hashedURI.mismatch", 1),
    Case("a CAWG identity of a kind that nobody knows",
         lambda: signed(assertions=[action(), UNKNOWN_IDENTITY]), Seal.INTACT, S, True, True,
         vouched("unverified"),
         "cawg.identity.sig_type.unknown", 1),
    Case("a CAWG identity without its fields",
         lambda: signed(assertions=[action(), {"label": "cawg.identity", "data": {"a": 1}}]),
         Seal.UNKNOWN, sentences=UNKNOWN, problem="assertion.required.missing"),
    Case("pictures changed afterwards", lambda: flipped(signed(), -40), Seal.CHANGED, S, True, True,
         CHANGED, "assertion.dataHash.mismatch", 1),
    Case("a video's pictures changed afterwards",
         lambda: flipped_after(signed(video(), kind="video/mp4"), b"mdat", 200),
         Seal.CHANGED, S, True, True, CHANGED, "assertion.bmffHash.mismatch", 1),
    Case("bytes appended afterwards", lambda: signed() + bytes(100), Seal.CHANGED, S, True, True,
         CHANGED, "assertion.dataHash.mismatch", 1),
    Case("another photo that carries it", lambda: carried(signed(), photo(2)), Seal.CHANGED, S,
         True, True, CHANGED, "assertion.dataHash.mismatch", 1),
    Case("what is declared was altered",
         lambda: replaced(signed(), b"compositeWithTrained", b"digitalWithXTrained_"), Seal.BROKEN,
         S, True, False, ("credentials.broken", AI[1], "credentials.declares_none"),
         "assertion.hashedURI.mismatch", 1),
    Case("a photo saved anew", lambda: saved_anew(signed()), Seal.NONE, sentences=NONE),
    Case("a video in a new container", lambda: remuxed(signed(video(), kind="video/mp4")),
         Seal.NONE, sentences=NONE),
    Case("cut off in the middle of it", lambda: signed().partition(b"c2pa.assertions")[0],
         Seal.UNKNOWN, sentences=UNKNOWN,
         problem="Other: asset could not be parsed: Could not parse input JPEG"),
    Case("two manifests, the second of an editor", lambda: signed(signed(), DESK, [], over=True),
         Seal.INTACT, "The desk", True, True, AI, "", 2),
    Case("a chain of three",
         lambda: signed(signed(signed(), DESK, [], over=True), STUDIO, [], over=True), Seal.INTACT,
         S, True, True, AI, "", 3),
    Case("an editor over a stranger's", lambda: signed(signed(by=STRANGER), DESK, [], over=True),
         Seal.INTACT, "The desk", True, True, AI, "", 2),
    Case("a chain whose last file was changed",
         lambda: flipped(signed(signed(), DESK, [], over=True), -40), Seal.CHANGED, "The desk",
         True, True, CHANGED, "assertion.dataHash.mismatch", 2),
    Case("they lie elsewhere", lambda: signed(elsewhere="http://127.0.0.1:9/manifest.c2pa"),
         Seal.ELSEWHERE, sentences=("credentials.elsewhere",), problem="Remote"),
    Case("a box that claims two gigabytes", lambda: of_length(signed(), 0x7FFFFFFF),
         Seal.UNKNOWN, sentences=UNKNOWN, problem="Verify: invalid CBOR box"),
    Case("a thousand boxes in each other", lambda: nested(1000), Seal.UNKNOWN, sentences=UNKNOWN,
         problem="Verify: JUMB box nesting depth exceeds the maximum allowed depth"),
    Case("more boxes than are read", lambda: photo() + b"jumd" * 2001, Seal.UNKNOWN,
         sentences=UNKNOWN, problem="too many boxes"),
    Case("an assertion of 900,000 letters",
         lambda: signed(assertions=[action(), {"label": "org.x", "data": {"t": "a" * 900_000}}]),
         Seal.INTACT, S, True, True, AI, "", 1),
    Case("a licence that is a list", lambda: licences({"sha256": ["a", "b"]}), Seal.INTACT, S, True,
         True, AI, "", 1),
    Case("a licence without a name", lambda: licences({}), Seal.INTACT, S, True, True, AI, "", 1),
    Case("a licence that is text", lambda: licences("me"), Seal.INTACT, S, True, True, AI, "", 1),
    Case("a licence by its sha256", lambda: licences({"sha256": SHA256}), Seal.INTACT, S, True,
         True, (*AI, "credentials.licences"), "", 1),
    Case("a name with control characters", lambda: signed(by=named("Me\nand\x1b[31mred")),
         Seal.INTACT, "Me and [31mred", True, True, AI, "", 1),
    Case("no media at all", lambda: b"hello", Seal.NONE, sentences=NONE, problem="NotSupported"),
)  # fmt: skip
