"""Signed live segments: each names the one before; a break of the chain is told at its time."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.licences.credential_cases import OURS
from tests.support import takes as made
from tests.support.c2pa_writer import signed_segment
from unmask.licences import live_segments
from unmask.licences.manifest import Signing
from unmask.media import playlist
from unmask.report import take_page
from unmask.report.take import dumps, schema
from unmask.take import TakeResult, TakeSettings, follow, one_take
from unmask.takes.findings import BreakKind, Finding
from unmask.types import Seal
from unmask.words import english

pytest.importorskip("encypher_c2pa", reason="what verifies live segments is not installed")
pytestmark = pytest.mark.slow

MUTE = TakeSettings(power=False)
DESK, OTHER = OURS.vouches("The desk"), OURS.vouches("Another desk")


@pytest.fixture(autouse=True)
def preferences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the reader from saving its preferences in somebody's home."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Returns the initialization segment of a live recording, and its six segments."""
    folder = tmp_path_factory.mktemp("recorded")
    made.segmented(folder, map(made.filmed, made.times((0, 6))))
    return [file.read_bytes() for file in (folder / "init.mp4", *sorted(folder.glob("*.m4s")))]


def chained(segments: Sequence[bytes], by: Signing = DESK, stream: str = "camera 1") -> list[bytes]:
    out, previous = [], ""
    for number, segment in enumerate(segments, start=7):
        signed, previous = signed_segment(segment, by, number, previous, stream)
        out.append(signed)
    return out


def published(folder: Path, init: bytes, segments: Sequence[bytes]) -> str:
    (folder / "init.mp4").write_bytes(init)
    for number, segment in enumerate(segments):
        (folder / f"{number}.m4s").write_bytes(segment)
    names = "".join(f"#EXTINF:1,\n{number}.m4s\n" for number in range(len(segments)))
    index = folder / "index.m3u8"
    index.write_text(f'#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n{names}#EXT-X-ENDLIST\n')
    return str(index)


def judged(folder: Path, init: bytes, segments: Sequence[bytes]) -> TakeResult:
    return one_take(playlist.segments(published(folder, init, segments)), MUTE)


def told(result: TakeResult) -> list[tuple[str, float]]:
    return [
        (one.reason.code, round(one.start))
        for one in result.findings
        if one.kind is BreakKind.CHAIN
    ]


def test_a_chain_that_is_whole_is_said_and_breaks_nothing(
    tmp_path: Path, recorded: list[bytes]
) -> None:
    init, *segments = recorded
    result = judged(tmp_path, init, chained(segments))
    assert result.breaks == ()
    assert [part.follows for part in result.parts] == [None] + [True] * 5
    assert {part.seal.seal for part in result.parts if part.seal} == {Seal.INTACT}
    assert result.signed is not None
    assert "6 of 6 are as they were signed, and 5 of 5" in english().say(result.signed)
    assert "6 of 6 are as they were signed" in take_page.page(result, MUTE)
    document = json.loads(dumps(result))
    Draft202012Validator(schema()).validate(document)
    assert (document["parts"][1]["signature"], document["parts"][1]["follows"]) == ("intact", True)
    assert document["parts"][1]["signer"] == "The desk"


def test_a_segment_that_is_missing_exchanged_or_changed_is_told_at_its_time(
    tmp_path: Path, recorded: list[bytes]
) -> None:
    init, *segments = recorded
    signed = chained(segments)
    assert told(judged(tmp_path, init, [*signed[:2], *signed[3:]])) == [("take.seal.missing", 2)]
    changed = bytearray(signed[3])
    changed[-30] ^= 1
    changed_one = [*signed[:3], bytes(changed), *signed[4:]]
    assert told(judged(tmp_path, init, changed_one)) == [("take.seal.changed", 3)]
    again = chained(segments)
    exchanged = [*signed[:3], again[3], *signed[4:]]
    assert told(judged(tmp_path, init, exchanged)) == [
        ("take.seal.order", 3),
        ("take.seal.order", 4),
    ]
    both = [*signed[:3], bytes(changed), *signed[5:]]
    assert told(judged(tmp_path, init, both)) == [
        ("take.seal.changed", 3),
        ("take.seal.missing", 4),
    ]


def test_other_streams_other_signers_and_unsigned_segments_are_told(
    tmp_path: Path, recorded: list[bytes]
) -> None:
    init, *segments = recorded
    signed = chained(segments)
    other = chained(segments, OTHER)
    assert told(judged(tmp_path, init, [*signed[:3], *other[3:]])) == [("take.seal.other", 3)]
    elsewhere = chained(segments, stream="camera 2")
    assert told(judged(tmp_path, init, [*signed[:3], *elsewhere[3:]])) == [("take.seal.other", 3)]
    mixed = [*signed[:2], segments[2], *signed[3:]]
    assert told(judged(tmp_path, init, mixed)) == [("take.seal.ends", 2), ("take.seal.begins", 3)]


def test_without_signatures_or_without_the_package_nothing_changes(
    tmp_path: Path, recorded: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    init, *segments = recorded
    plain = judged(tmp_path, init, segments)
    assert (plain.signed, told(plain)) == (None, [])
    monkeypatch.setitem(sys.modules, "encypher_c2pa", None)
    signed = judged(tmp_path, init, chained(segments)[1:])
    assert (signed.signed, signed.breaks) == (None, ())
    assert json.loads(dumps(signed))["parts"][0]["signature"] is None


def test_a_recording_that_is_followed_gives_the_same(tmp_path: Path, recorded: list[bytes]) -> None:
    init, *segments = recorded
    signed = chained(segments)
    files = playlist.segments(published(tmp_path, init, [*signed[:2], *signed[3:]]))
    came: list[Finding] = []
    result = follow(iter(files), came.append, MUTE)
    assert result.parts == one_take(files, MUTE).parts
    assert told(result) == [("take.seal.missing", 2)]
    assert [one for one in came if one.kind is BreakKind.CHAIN] == [
        one for one in result.findings if one.kind is BreakKind.CHAIN
    ]


@pytest.mark.parametrize("cut", [30, 60, 500, 1500, 3000])
def test_a_manifest_of_any_content_is_no_error(
    tmp_path: Path, recorded: list[bytes], cut: int
) -> None:
    (signed,) = chained(recorded[1:2])
    path = tmp_path / "0.m4s"
    path.write_bytes(signed[:cut] + b"\xff" * 40 + signed[cut + 40 :])
    seal = live_segments.read(str(path))
    assert seal is not None
    assert seal.seal is not Seal.INTACT
    path.write_bytes(signed[:cut])
    seal = live_segments.read(str(path))
    assert seal is not None
    assert seal.seal is not Seal.INTACT
