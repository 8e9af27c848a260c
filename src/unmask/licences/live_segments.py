"""Signatures of live segments: a manifest in each, which names the one before (C2PA 2.3, 19.3).

They are verified by encypher-c2pa, where it is installed. It fetches nothing, trusts nobody of its
own, and sends nothing. Whether segments follow each other is told by `unmask.takes.chain`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unmask.licences.text import one_line
from unmask.types import Seal, SegmentSeal

LARGEST = 128 << 20
"""Most bytes of a segment; it is read as a whole."""
_CARRIER = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""Type of the box that holds manifests in ISO media (C2PA 2.2, A.5.1)."""
_LIVE = "c2pa.livevideo.segment"
_PREFIX = re.compile(r"^(self#jumbf=/c2pa/)?(urn:c2pa:|urn:uuid:|xmp:iid:)?", re.IGNORECASE)


def read(path: str) -> SegmentSeal | None:
    """Verifies the signature of a segment.

    Returns None where encypher-c2pa is not installed, or the file is too large or cannot be read.
    """
    try:
        import encypher_c2pa
    except ImportError:
        return None
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError:
        return None
    if len(data) > LARGEST:
        return None
    if _CARRIER not in data:
        return SegmentSeal(Seal.NONE)
    try:
        report = encypher_c2pa.verify(
            data, "video/mp4", no_default_trust=True, telemetry=False, online=False
        )
        return _told(report)
    except (ValueError, TypeError, KeyError, AttributeError):  # bytes of any content
        return SegmentSeal(Seal.BROKEN)


def _told(report: Mapping[str, Any]) -> SegmentSeal:
    """Reads the reader's report, which quotes what a stranger wrote."""
    if not report["present"]:
        return SegmentSeal(Seal.NONE)
    whole = report["manifest_report"]
    active = str(whole["active_manifest"])
    manifest = whole["manifests"][active]
    live: Mapping[str, Any] = next(
        (one["data"] for one in manifest["assertions"] if str(one["label"]).startswith(_LIVE)), {}
    )
    number = live.get("sequenceNumber")
    return SegmentSeal(
        _seal(report),
        one_line((manifest.get("signature_info") or {}).get("common_name") or ""),
        frozenset((_plain(active), _plain(manifest.get("instance_id") or ""))) - {""},
        _plain(live.get("previousManifestId") or ""),
        one_line(live.get("streamId") or ""),
        number if isinstance(number, int) and number >= 0 else None,
    )


def _seal(report: Mapping[str, Any]) -> Seal:
    if report["integrity"] == "valid":
        return Seal.INTACT
    changed = report["signature"] == "valid" and report["hard_binding"] == "mismatch"
    return Seal.CHANGED if changed else Seal.BROKEN


def _plain(name: object) -> str:
    """Returns the name of a manifest without what only tells its kind."""
    return _PREFIX.sub("", one_line(name)).lower()
