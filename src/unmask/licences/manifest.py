"""Content credentials (C2PA): a file's signed declarations about how it was made.

This module reads and writes them.

Four questions are answered apart: who signed, whether the user trusts the signer, whether the file
is still what was signed, and whether it is declared to be made by AI. Nothing is fetched. A signer,
a signature or a claim that is not known here is unknown, which is no sign of tampering: credentials
outlive the tools that read them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from unmask.errors import LicenceError
from unmask.licences.identities import identities
from unmask.licences.keys import read_bytes
from unmask.licences.text import LONGEST, one_line
from unmask.messages import Message
from unmask.types import ContentCredentials, Seal

if TYPE_CHECKING:
    import c2pa

SWAP = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC NewsCodes, digital source type: a composite that holds parts made by a trained model."""

LICENCE = "org.unmask.licence"
"""Label of the assertion that names the licence of a change, by its sha256."""

LARGEST = 16 << 20
"""Most letters of a manifest store as JSON."""
MOST_BOXES = 2000
"""Most boxes of a file's manifests, about 200 manifests.

The reader's time grows with the square of their number, and is 10 s for twice as many.
"""
UNPACKED = 16
"""Most megabytes of a compressed manifest after unpacking."""
MOST_ANCHORS = 8 << 20
"""Most bytes of trust anchors."""

CHANGED = (
    "assertion.dataHash.mismatch",
    "assertion.bmffHash.mismatch",
    "assertion.boxesHash.mismatch",
)
"""Status codes (C2PA 2.2, 15.2) for content that is not what was signed."""
BROKEN = (
    "assertion.collectionHash.mismatch",
    "assertion.hashedURI.mismatch",
    "assertion.missing",
    "claimSignature.mismatch",
    "ingredient.claimSignature.mismatch",
    "ingredient.manifest.mismatch",
)
"""Status codes for a manifest that is not what was signed."""
OURS = "urn:unmask:trust"
"""Name of the user's own list of authorities, for the reader."""
OF_THE_SIGNER = ("signingCredential.", "timeStamp.", "cawg.")
"""Beginnings of status codes about the signer and the time of signing, not about the file."""


@dataclass(frozen=True, slots=True)
class Signing:
    """Material to sign content credentials with, both PEM.

    The chain of certificates, its own first, and the private key.
    """

    chain: bytes
    key: bytes
    algorithm: str = "es256"


def anchors(paths: Iterable[Path]) -> str:
    """Reads the trusted authorities of the user's own list, PEM; empty if there is none.

    Raises:
        LicenceError: a file cannot be read, or holds no certificate.
    """
    found = ""
    for path in paths:
        text = read_bytes(path, MOST_ANCHORS).decode(errors="replace")
        if "-----BEGIN CERTIFICATE-----" not in text:
            raise LicenceError(
                str(path), Message("credentials.no_anchor"), Message("credentials.way.pem")
            )
        found += text.rstrip("\n") + "\n"
    return found


def names(paths: Iterable[Path]) -> list[str]:
    """Returns the subjects of the certificates in a list of authorities.

    Raises:
        LicenceError: see `anchors`; also for a certificate that cannot be read, or anything else
            beside them.
    """
    from cryptography import x509

    text = anchors(paths)
    try:
        found = x509.load_pem_x509_certificates(text.encode())
    except ValueError as error:
        raise LicenceError(
            "--", Message("credentials.no_anchor"), Message("credentials.way.pem")
        ) from error
    if text.count("-----BEGIN ") != len(found):
        raise LicenceError("--", Message("credentials.no_anchor"), Message("credentials.way.pem"))
    return [one_line(one.subject.rfc4514_string()) for one in found]


def read(file: IO[bytes], trusted: str = "") -> ContentCredentials:
    """Reads and verifies the credentials of a photo or video.

    Args:
        file: open file, at any position.
        trusted: `anchors`; without them nobody is trusted.
    """
    import c2pa

    if _boxes(file) > MOST_BOXES:
        return ContentCredentials(Seal.UNKNOWN, problems=("too many boxes",))
    file.seek(0)
    try:
        found = c2pa.Reader.try_create(file, context=_context(trusted))
        if found is None:
            return ContentCredentials(Seal.NONE)
        with found:
            text = found.json()
        return (
            _told(json.loads(text))
            if len(text) <= LARGEST
            else ContentCredentials(Seal.UNKNOWN, problems=("too large",))
        )
    except c2pa.C2paError as error:
        return _refused(str(error))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return ContentCredentials(Seal.UNKNOWN, problems=(f"{type(error).__name__}",))


def of(path: str | os.PathLike[str], trusted: str = "") -> ContentCredentials:
    """Reads the credentials of the file at a path, see `read`.

    Raises:
        LicenceError: it cannot be opened.
    """
    try:
        with Path(path).open("rb") as file:
            return read(file, trusted)
    except OSError as error:
        why = Message("licence.unreadable", {"error": (error.strerror or "").lower()})
        raise LicenceError(str(path), why, Message("licence.way.path")) from error


def write(
    source: Path, out: Path, signing: Signing, licences: Sequence[str], source_type: str = SWAP
) -> None:
    """Writes a copy of a file that declares, signed, what it is.

    Credentials that the file already has stay in it as those of its origin.

    Args:
        licences: sha256 of each licence that allows the change.
        source_type: IPTC digital source type.

    Raises:
        LicenceError: key and certificates do not fit, or the file cannot carry credentials or be
            written. Then no copy is left.
    """
    import c2pa

    action = {
        "action": "c2pa.created",
        "digitalSourceType": source_type,
        "softwareAgent": {"name": "Unmask"},
    }
    asserted = [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]
    asserted += [{"label": LICENCE, "data": {"sha256": sha256}} for sha256 in licences]
    manifest = {
        "claim_generator_info": [{"name": "Unmask"}],
        "title": out.name,
        "assertions": asserted,
    }
    partial = out.with_name(out.name + ".partial")
    try:
        info = c2pa.C2paSignerInfo(
            alg=signing.algorithm, sign_cert=signing.chain, private_key=signing.key, ta_url=None
        )
        signer, builder = c2pa.Signer.from_info(info), c2pa.Builder(manifest, _context(""))
        with source.open("rb") as given, partial.open("w+b") as written:
            builder.sign(signer, _type(source), given, written)
        partial.replace(out)
    except (c2pa.C2paError, OSError) as error:
        why = Message("credentials.unwritable", {"error": str(error)[:LONGEST]})
        raise LicenceError(str(out), why, Message("credentials.way.signing")) from error
    finally:
        partial.unlink(missing_ok=True)


def _context(trusted: str) -> c2pa.Context:
    """Makes the settings of one call: only the given anchors, and nothing fetched."""
    import c2pa

    kinds = ("manifest", "tsa", "cawg") if trusted else ()
    verify = {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False}
    settings = {
        "version": 1,
        "trust": {
            "anchors": [
                {"trust_anchors": trusted, "trust_kind": kind, "trust_uri": OURS} for kind in kinds
            ]
        },
        "verify": verify,
        "core": {"allowed_network_hosts": [], "max_decompressed_manifest_size_in_mb": UNPACKED},
        "builder": {"thumbnail": {"enabled": False}},
    }
    return c2pa.Context(settings=c2pa.Settings.from_dict(settings))


def _type(path: Path) -> str:
    types = {
        ".mp4": "video/mp4",
        ".mov": "video/quicktime",
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".png": "image/png",
    }
    return types.get(path.suffix.lower(), path.suffix.lower().lstrip("."))


def _refused(error: str) -> ContentCredentials:
    """Interprets an error of the reader.

    Only one about a remote manifest means more than that nothing can be read.
    """
    kind = error.partition(":")[0]
    if kind == "Remote":
        return ContentCredentials(Seal.ELSEWHERE, problems=(one_line(error),))
    return ContentCredentials(
        Seal.NONE if kind in {"NotSupported", "ManifestNotFound"} else Seal.UNKNOWN,
        problems=(one_line(error),),
    )


def _told(store: Mapping[str, Any]) -> ContentCredentials:
    manifests = store["manifests"]
    problems = tuple(dict.fromkeys(_failures(store)))
    active = manifests.get(store["active_manifest"])
    if active is None:
        return ContentCredentials(Seal.UNKNOWN, problems=problems)
    signature = active.get("signature_info") or {}
    names = dict.fromkeys(one_line(signature.get(key) or "") for key in ("common_name", "issuer"))
    tools = active.get("claim_generator_info") or [{}]
    asserted = [
        one
        for manifest in (active, *manifests.values())
        for one in manifest.get("assertions") or ()
    ]
    return ContentCredentials(
        seal=_seal(problems),
        signer=", ".join(name for name in names if name),
        trusted=_trusted(store, problems),
        signed_at=one_line(signature.get("time") or ""),
        tool=one_line(tools[0].get("name") or ""),
        source_types=tuple(dict.fromkeys(one_line(one) for one in _source_types(asserted))),
        licences=tuple(dict.fromkeys(_licences(asserted))),
        problems=problems,
        manifests=len(manifests),
        identities=identities(store),
    )


def _failures(store: Mapping[str, Any]) -> Iterator[str]:
    """Yields the codes of failures in the active manifest and in those of the ingredients."""
    results = store.get("validation_results") or {}
    deltas = [
        delta.get("validationDeltas") or {} for delta in results.get("ingredientDeltas") or ()
    ]
    for part in (results.get("activeManifest") or {}, *deltas):
        yield from (one_line(one["code"]) for one in part.get("failure") or ())


def _trusted(store: Mapping[str, Any], problems: Sequence[str]) -> bool:
    """Tells whether the signature is valid and its signer is on the list.

    Other faults of the file do not matter here.
    """
    results = (store.get("validation_results") or {}).get("activeManifest") or {}
    fine = {one["code"] for one in results.get("success") or ()}
    wrong = any(code.startswith("signingCredential.") for code in problems)
    return {"signingCredential.trusted", "claimSignature.validated"} <= fine and not wrong


def _seal(problems: Sequence[str]) -> Seal:
    if any(code in BROKEN for code in problems):
        return Seal.BROKEN
    if any(code in CHANGED for code in problems):
        return Seal.CHANGED
    return Seal.INTACT if all(code.startswith(OF_THE_SIGNER) for code in problems) else Seal.UNKNOWN


def _source_types(assertions: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for one in assertions:
        if one["label"].startswith("c2pa.actions"):
            actions = (one.get("data") or {}).get("actions") or ()
            yield from (
                action["digitalSourceType"] for action in actions if action.get("digitalSourceType")
            )


def _licences(assertions: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yields every sha256 that is named as a licence's, and ignores other content there."""
    for one in assertions:
        named = data.get("sha256") if isinstance(data := one.get("data"), dict) else None
        if (
            one["label"].startswith(LICENCE)
            and isinstance(named, str)
            and re.fullmatch("[0-9a-f]{64}", named)
        ):
            yield named


def _boxes(file: IO[bytes]) -> int:
    """Counts the boxes of manifests in a file, by their descriptions (JUMBF, ISO 19566-5).

    The count is an upper limit.
    """
    file.seek(0)
    count, end = 0, b""
    while chunk := file.read(1 << 20):
        count += (end + chunk).count(b"jumd")
        end = chunk[-3:]
    return count
