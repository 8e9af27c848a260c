"""Content credentials across implementations.

Another reader (encypher-c2pa, which only reads) says the same of the cases, and both read what a
third writer wrote by the standard alone.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from tests.licences import credential_cases
from tests.support.c2pa_writer import signed_photo
from unmask.licences import manifest
from unmask.types import Seal

encypher_c2pa = pytest.importorskip("encypher_c2pa", reason="the second reader is not installed")

SAID = (Seal.INTACT, Seal.CHANGED, Seal.BROKEN)
CASES = [case for case in credential_cases.CASES if case.seal in SAID]


@pytest.fixture(autouse=True)
def preferences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the reader from saving its preferences in somebody's home."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


def verify(raw: bytes, trusted: str) -> dict[str, Any]:
    kinds = {b"\x89PNG": "image/png", b"\xff\xd8": "image/jpeg"}
    kind = next((name for start, name in kinds.items() if raw.startswith(start)), "video/mp4")
    found: dict[str, Any] = encypher_c2pa.verify(
        raw, kind, trust_pem=trusted or None, cawg_trust_pem=trusted or None,
        no_default_trust=True, telemetry=False, online=False,
    )  # fmt: skip
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.made)
def test_the_second_reader_says_the_same(case: credential_cases.Case) -> None:
    found = verify(case.make(), case.trusted)
    assert (found["integrity"] == "valid") == (case.seal is Seal.INTACT)
    assert (found["hard_binding"] == "mismatch") == (case.seal is Seal.CHANGED)
    if case.seal is Seal.INTACT:
        assert (found["validation_state"] == "Trusted") == case.by_trusted


def test_both_read_what_another_writer_wrote() -> None:
    raw = signed_photo(credential_cases.photo(), credential_cases.STUDIO)
    trusted = credential_cases.OURS.pem
    ours = manifest.read(io.BytesIO(raw), trusted)
    assert (ours.seal, ours.signer, ours.trusted) == (Seal.INTACT, "The studio", True)
    assert (ours.source_types, ours.tool, ours.problems) == (
        (manifest.SWAP,),
        "A writer of the tests",
        (),
    )
    theirs = verify(raw, trusted)
    assert (theirs["integrity"], theirs["validation_state"]) == ("valid", "Trusted")
    changed = credential_cases.flipped(raw, -40)
    assert manifest.read(io.BytesIO(changed), trusted).seal is Seal.CHANGED
    assert verify(changed, trusted)["hard_binding"] == "mismatch"
