from __future__ import annotations

import base64
import gzip
import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openvc.proof.di_jcs import EddsaJcsProofSuite
from openvc.status.bitstring import decode_bitstring, get_status_bit

from tests.support.owner import PASSWORD, Owner
from unmask.errors import LicenceError
from unmask.licences import files, keys, licence, proof, status
from unmask.licences.licence import AskedUse, Licence, Part
from unmask.licences.status import StatusList

NOW = datetime.now(UTC)
FUZZED = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def zoe(tmp_path_factory: pytest.TempPathFactory) -> Owner:
    return Owner.in_folder(tmp_path_factory.mktemp("zoe"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Owner:
    return Owner.in_folder(tmp_path_factory.mktemp("stranger"), "Mallory")


@pytest.fixture(scope="module")
def granted(zoe: Owner) -> Path:
    return zoe.grants("granted.json", files=["cd" * 32])


def refused(path: Path, owner: Owner, asked: AskedUse = AskedUse(), **more: Any) -> str:
    """Returns why a licence is not relied on."""
    given_ = {"owners": owner.owners, "lists": owner.lists} | more
    with pytest.raises(LicenceError) as error:
        licence.check(path, asked=asked, **given_)
    assert path.name in str(error.value)
    assert "\n" not in str(error.value)
    return error.value.reason.code


def test_a_licence_comes_back_as_it_was_granted(zoe: Owner, granted: Path) -> None:
    asked = AskedUse("The studio", "Zoë 张", Part.PUT_IN, "ab" * 32, "cd" * 32)
    found = licence.check(granted, zoe.owners, zoe.lists, asked)
    assert (found.subject.name, found.subject.role, found.issuer.name) == (
        "Zoë 张",
        "Anna",
        "Zoë 张",
    )
    assert len(found.sha256) == 64
    assert found.plain() == json.loads(granted.read_text())


def test_another_implementation_verifies_what_we_sign_and_reads_the_list(tmp_path: Path) -> None:
    zoe = Owner.in_folder(tmp_path)
    zoe.grants("first.json")
    path = zoe.grants("second.json")
    document = json.loads(path.read_text())
    public = proof.public_key(document["issuer"]["id"]).public_bytes_raw()
    jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": base64.urlsafe_b64encode(public).rstrip(b"=").decode(),
    }
    EddsaJcsProofSuite().verify(document, public_key_jwk=jwk)
    found = Licence.of(path)
    revoked = licence.revoke((found,), zoe.folder / "list.json", zoe.key, NOW)
    EddsaJcsProofSuite().verify(revoked.plain(), public_key_jwk=jwk)
    bits = decode_bitstring(revoked.subject.encoded)
    assert [get_status_bit(bits, i) for i in range(3)] == [
        int(i == int(found.status.index)) for i in range(3)
    ]


@pytest.mark.parametrize(
    ("asked", "because"),
    [
        (AskedUse(licensee="Somebody"), "licence.other_licensee"),
        (AskedUse(subject="Another"), "licence.other_subject"),
        (AskedUse(part=Part.COVERED), "licence.other_part"),
        (AskedUse(portrait="ef" * 32), "licence.other_portrait"),
        (AskedUse(footage="ef" * 32), "licence.other_work"),
    ],
)
def test_a_licence_covers_what_it_says_and_nothing_else(
    zoe: Owner, granted: Path, asked: AskedUse, because: str
) -> None:
    assert refused(granted, zoe, asked) == because


def test_a_licence_holds_from_its_first_moment_to_its_last_with_five_minutes_for_clocks(
    zoe: Owner,
) -> None:
    minute = 1 / 24 / 60
    assert refused(zoe.grants("later.json", (10 * minute, 1)), zoe) == "licence.not_yet"
    licence.check(zoe.grants("soon.json", (4 * minute, 1)), zoe.owners, zoe.lists)
    assert refused(zoe.grants("ended.json", (-2, -1)), zoe) == "licence.ended"


def test_only_a_key_that_was_vouched_for_may_license_and_only_its_owner(
    zoe: Owner, stranger: Owner, granted: Path
) -> None:
    assert refused(granted, zoe, owners=stranger.owners) == "licence.unknown_key"
    stolen = stranger.grants("stolen.json", name="Zoë 张")
    both = {"owners": {**zoe.owners, **stranger.owners}, "lists": (*zoe.lists, *stranger.lists)}
    assert refused(stolen, stranger, **both) == "licence.not_theirs"


def test_a_revoked_licence_and_one_without_a_list_that_holds_are_refused(
    zoe: Owner, stranger: Owner
) -> None:
    path = zoe.grants("to-be-revoked.json")
    other = zoe.grants("stands.json")
    before = zoe.lists
    licence.revoke(
        (Licence.of(path),),
        zoe.folder / "list.json",
        zoe.key,
        datetime.now(UTC) + timedelta(seconds=2),
    )
    assert refused(path, zoe) == "licence.revoked"
    assert refused(path, zoe, lists=(*zoe.lists, *before)) == "licence.revoked"
    licence.check(other, zoe.owners, zoe.lists)
    stranger.grants("any.json")
    assert refused(other, zoe, lists=()) == "licence.no_list"
    assert refused(other, zoe, lists=stranger.lists) == "licence.no_list"
    assert refused(other, zoe, at=NOW + timedelta(days=8)) == "licence.list_stale"


def test_a_list_that_claims_to_hold_for_a_year_is_stale_after_a_week(tmp_path: Path) -> None:
    owner = Owner.in_folder(tmp_path / "owner")
    path = owner.grants("licence.json", (-1, 300))
    licence.revoke((), owner.folder / "list.json", owner.key, NOW, days=365)
    licence.check(path, owner.owners, owner.lists, at=NOW + timedelta(days=6))
    assert refused(path, owner, at=NOW + timedelta(days=8)) == "licence.list_stale"
    assert refused(path, owner, at=NOW - timedelta(hours=1)) == "licence.list_future"


def test_an_older_list_does_not_have_a_newer_licence(tmp_path: Path) -> None:
    owner = Owner.in_folder(tmp_path / "owner")
    owner.grants("first.json")
    old = owner.lists
    second = owner.grants("second.json")
    assert refused(second, owner, lists=old) == "licence.list_without"


def test_another_issuer_cannot_write_into_a_list(
    zoe: Owner, stranger: Owner, granted: Path
) -> None:
    stranger.grants("mine.json")
    with pytest.raises(LicenceError, match="another key"):
        licence.revoke((), zoe.folder / "list.json", stranger.key, NOW)
    with pytest.raises(LicenceError, match="does not have it"):
        licence.revoke((Licence.of(granted),), stranger.folder / "list.json", stranger.key, NOW)


@FUZZED
@given(data=st.data())
def test_any_changed_byte_is_refused(
    zoe: Owner, granted: Path, tmp_path: Path, data: st.DataObject
) -> None:
    """Tests a licence and a list in the compact form, in which every byte has a meaning."""
    for read, whole in ((Licence.of, granted), (StatusList.of, zoe.folder / "list.json")):
        raw = json.dumps(
            json.loads(whole.read_text()), separators=(",", ":"), ensure_ascii=False
        ).encode()
        at = data.draw(st.integers(0, len(raw) - 1))
        byte = data.draw(st.integers(0, 255).filter(lambda b, was=raw[at]: b != was))
        (tmp_path / "changed.json").write_bytes(raw[:at] + bytes([byte]) + raw[at + 1 :])
        with pytest.raises(LicenceError):
            read(tmp_path / "changed.json")


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [at, *(path for key, item in inner for path in _paths(item, (*at, key)))]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@pytest.mark.slow
@FUZZED
@given(data=st.data())
def test_any_other_value_anywhere_is_refused_and_never_crashes(
    granted: Path, tmp_path: Path, data: st.DataObject
) -> None:
    document = json.loads(granted.read_text())
    *before, last = data.draw(st.sampled_from(_paths(document)[1:]))
    inner = document
    for key in before:
        inner = inner[key]
    other = data.draw(ANY)
    if json.dumps(other) == json.dumps(inner[last]):
        return
    inner[last] = other
    (tmp_path / "changed.json").write_text(json.dumps(document))
    with pytest.raises(LicenceError):
        Licence.of(tmp_path / "changed.json")


@FUZZED
@given(raw=st.binary(max_size=300))
def test_any_bytes_are_refused_as_licence_list_and_key(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(raw)
    for read in (Licence.of, StatusList.of, lambda p: keys.private_key(p, PASSWORD)):
        with pytest.raises(LicenceError):
            read(path)
    if raw.decode(errors="replace").strip():
        with pytest.raises(LicenceError, match="not a public key"):
            keys.owners([path])


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", "[" * 100_000, '{"a": 1, "a": 2}', '"\\ud800"', "NaN"]
)
def test_what_is_no_licence_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(LicenceError, match="no licence that can be read"):
        Licence.of(tmp_path / "bad.json")


def test_a_licence_of_gigabytes_is_not_read_and_a_list_of_gigabytes_not_unpacked(
    tmp_path: Path, zoe: Owner
) -> None:
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(1 << 33)
    with pytest.raises(LicenceError, match="too large"):
        Licence.of(tmp_path / "large.json")
    bomb = "u" + base64.urlsafe_b64encode(gzip.compress(bytes(1 << 24))).rstrip(b"=").decode()
    listed = zoe.lists[0]
    swollen = listed.model_copy(
        update={"subject": listed.subject.model_copy(update={"encoded": bomb}), "proof": None}
    ).signed_by(zoe.key, NOW)
    (tmp_path / "bomb.json").write_text(swollen.text())
    with pytest.raises(LicenceError, match="no list of revocations that can be read"):
        StatusList.of(tmp_path / "bomb.json")


def test_a_signature_by_another_key_than_the_issuer_s_is_refused(
    tmp_path: Path, granted: Path, stranger: Owner
) -> None:
    document = json.loads(granted.read_text())
    del document["proof"]
    (tmp_path / "forged.json").write_text(json.dumps(proof.signed(document, stranger.key, NOW)))
    with pytest.raises(LicenceError, match="no licence that can be read"):
        Licence.of(tmp_path / "forged.json")


def test_a_list_is_no_licence_and_a_licence_no_list(zoe: Owner, granted: Path) -> None:
    with pytest.raises(LicenceError):
        Licence.of(zoe.folder / "list.json")
    with pytest.raises(LicenceError):
        StatusList.of(granted)


def test_keys_are_encrypted_and_not_overwritten(zoe: Owner, tmp_path: Path) -> None:
    assert (zoe.folder / "key").stat().st_mode & 0o077 == 0
    raw = zoe.key.private_bytes_raw()
    assert raw not in (zoe.folder / "key").read_bytes()
    with pytest.raises(LicenceError, match="the password is another one"):
        keys.private_key(zoe.folder / "key", "wrong password")
    with pytest.raises(LicenceError, match="such a file already"):
        keys.keygen(zoe.folder / "key", ["Zoë 张"], PASSWORD)
    with pytest.raises(LicenceError, match="8 letters at least"):
        keys.keygen(tmp_path / "key", ["Zoë 张"], "short")
    with pytest.raises(LicenceError, match="one line"):
        keys.keygen(tmp_path / "key", ["two\nlines"], PASSWORD)
    assert not list(tmp_path.iterdir())


def test_openssl_sees_that_the_key_is_encrypted_with_many_rounds(zoe: Owner) -> None:
    asked = [
        "openssl",
        "pkcs12",
        "-info",
        "-nokeys",
        "-in",
        str(zoe.folder / "key"),
        "-passin",
        f"pass:{PASSWORD}",
    ]
    told = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert f"AES-256-CBC, Iteration {keys.ROUNDS}, PRF hmacWithSHA256" in told.stderr


def test_a_licence_that_ends_before_it_begins_or_is_there_already_is_not_granted(
    zoe: Owner, granted: Path
) -> None:
    with pytest.raises(LicenceError, match="end before it begins"):
        zoe.grants("backwards.json", (2, 1))
    before = zoe.lists[0]
    with pytest.raises(LicenceError, match="such a file already"):
        zoe.grants(granted.name)
    assert zoe.lists[0] == before


def test_a_full_list_is_not_written_over(zoe: Owner, tmp_path: Path) -> None:
    bits = zoe.lists[0].subject.model_copy(update={"granted": status.SIZE})
    full = zoe.lists[0].model_copy(update={"subject": bits, "proof": None}).signed_by(zoe.key, NOW)
    owner = replace(zoe, folder=tmp_path)
    (tmp_path / "list.json").write_text(full.text())
    with pytest.raises(LicenceError, match="the list of revocations is full"):
        owner.grants("one-too-many.json")


def test_a_folder_of_portraits_is_named_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a")
    (tmp_path / "b.jpg").write_bytes(b"b")
    assert files.sha256s([tmp_path]) == files.sha256s([tmp_path / "a.jpg", tmp_path / "b.jpg"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(LicenceError, match="the folder is empty"):
        files.sha256s([tmp_path / "empty"])
    with pytest.raises(LicenceError, match="cannot be read"):
        files.sha256s([tmp_path / "missing.jpg"])
