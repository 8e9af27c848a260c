from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner
from unmask_lab.cli import app
from unmask_lab.data import DataError
from unmask_lab.licence import Licence, check, grant, make_key, sha256s

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def licence(**replaced: Any) -> Licence:
    values: dict[str, Any] = {
        "subject": "Zoë 张",
        "portraits": ("ab" * 32,),
        "licensee": "Red team",
        "purpose": "testing a detector",
        "where": "not published",
        "issuer": "Zoë 张",
        "valid_from": NOW - timedelta(days=1),
        "valid_until": NOW + timedelta(days=1),
    }
    return Licence(**(values | replaced))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people's keys, and a licence by the first, ``granted.json``."""
    folder = tmp_path_factory.mktemp("licences")
    for name in ("owner", "stranger"):
        make_key(folder / name)
    grant(licence(), folder / "owner", folder / "granted.json")
    return folder


def test_a_licence_comes_back_as_it_was_granted(folder: Path) -> None:
    checked = check(folder / "granted.json", folder / "owner.pub", licensee="Red team", subject="Zoë 张", at=NOW)
    assert (checked.subject, checked.portraits, checked.licensee) == ("Zoë 张", ("ab" * 32,), "Red team")
    assert (checked.purpose, checked.where, checked.issuer) == ("testing a detector", "not published", "Zoë 张")
    assert (checked.valid_from, checked.valid_until) == (NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert len(checked.sha256) == 64
    assert len(checked.signature) == 128


@pytest.mark.parametrize(
    ("asked", "because"),
    [
        ({"at": NOW + timedelta(days=2)}, "ended on 2026-06-02"),
        ({"at": NOW - timedelta(days=2)}, "begins on 2026-05-31"),
        ({"licensee": "Somebody"}, "for use by Red team, not Somebody"),
        ({"subject": "Another"}, "for the face of Zoë 张, not Another"),
        ({"portrait": "cd" * 32}, "does not name this portrait"),
    ],
)
def test_a_licence_covers_what_it_says_and_nothing_else(folder: Path, asked: dict[str, Any], because: str) -> None:
    with pytest.raises(DataError, match=because) as error:
        check(folder / "granted.json", folder / "owner.pub", **({"at": NOW} | asked))
    assert "granted.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_another_persons_key_does_not_fit(folder: Path) -> None:
    with pytest.raises(DataError, match="signed with another key"):
        check(folder / "granted.json", folder / "stranger.pub", at=NOW)


def test_a_stranger_cannot_put_their_key_into_a_licence(folder: Path, tmp_path: Path) -> None:
    document = json.loads((folder / "granted.json").read_text())
    grant(licence(), folder / "stranger", tmp_path / "other.json")
    document["proof"]["verificationMethod"] = json.loads((tmp_path / "other.json").read_text())["proof"][
        "verificationMethod"
    ]
    (tmp_path / "forged.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match="changed after it was signed"):
        check(tmp_path / "forged.json", folder / "stranger.pub", at=NOW)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_is_refused(folder: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Of the canonical form, where no byte is idle; what is not signed, the signature itself, included."""
    document = json.loads((folder / "granted.json").read_text())
    whole = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    (tmp_path / "whole.json").write_bytes(whole)
    assert check(tmp_path / "whole.json", folder / "owner.pub", at=NOW).subject == "Zoë 张"
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != whole[at]))
    (tmp_path / "changed.json").write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
    with pytest.raises(DataError):
        check(tmp_path / "changed.json", folder / "owner.pub", at=NOW)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["issuer", "validFrom", "validUntil", "name", "licensee", "purpose", "where"]), text=st.text()
)
def test_any_other_value_is_refused(folder: Path, tmp_path: Path, name: str, text: str) -> None:
    document = json.loads((folder / "granted.json").read_text())
    part = document if name in document else document["credentialSubject"]
    if part[name] == text:
        return
    part[name] = text
    (tmp_path / "changed.json").write_text(json.dumps(document))
    with pytest.raises(DataError):
        check(tmp_path / "changed.json", folder / "owner.pub", at=NOW)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", "\x00", "[" * 100_000, '{"schema_version": 1}', '{"a": 1, "a": 2}', '"\\ud800"']
)
def test_what_is_no_licence_is_refused(folder: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(DataError, match="no licence that can be read"):
        check(tmp_path / "bad.json", folder / "owner.pub", at=NOW)


def test_a_missing_file_a_newer_schema_and_an_added_field_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        check(tmp_path / "missing.json", folder / "owner.pub")
    document = json.loads((folder / "granted.json").read_text())
    (tmp_path / "newer.json").write_text(json.dumps(document | {"schema_version": 2, "credentialStatus": {}}))
    with pytest.raises(DataError, match="schema 2, newer than 1; update"):
        check(tmp_path / "newer.json", folder / "owner.pub", at=NOW)
    (tmp_path / "older.json").write_text(json.dumps(document | {"schema_version": 0}))
    with pytest.raises(DataError, match="no licence that can be read"):
        check(tmp_path / "older.json", folder / "owner.pub", at=NOW)
    (tmp_path / "more.json").write_text(json.dumps(document | {"credentialStatus": {}}))
    with pytest.raises(DataError, match="no licence that can be read"):
        check(tmp_path / "more.json", folder / "owner.pub", at=NOW)


def test_keys_are_not_overwritten_nor_mistaken_for_each_other(folder: Path, tmp_path: Path) -> None:
    make_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    with pytest.raises(DataError, match="a key already"):
        make_key(tmp_path / "key")
    with pytest.raises(DataError, match="no private Ed25519 key"):
        grant(licence(), folder / "owner.pub", tmp_path / "out.json")
    with pytest.raises(DataError, match="no public Ed25519 key"):
        check(folder / "granted.json", folder / "owner", at=NOW)
    with pytest.raises(DataError, match="end before it begins"):
        grant(licence(valid_until=NOW - timedelta(days=1)), folder / "owner", tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()
    with pytest.raises(DataError, match="such a file already"):
        grant(licence(), folder / "owner", folder / "granted.json")


@pytest.mark.parametrize("text", ["", "two\nlines", "\x1b[31m", "\ud800"])
def test_a_text_that_is_not_one_printable_line_is_refused(folder: Path, tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match="printable text on one line"):
        grant(licence(purpose=text), folder / "owner", tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


def test_a_folder_of_portraits_is_named_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a")
    (tmp_path / "b.jpg").write_bytes(b"b")
    assert sha256s([tmp_path]) == sha256s([tmp_path / "a.jpg", tmp_path / "b.jpg"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="an empty folder"):
        sha256s([tmp_path / "empty"])
    with pytest.raises(DataError, match="cannot be read"):
        sha256s([tmp_path / "missing.jpg"])


def test_the_command_line_makes_a_key_grants_and_checks(tmp_path: Path) -> None:
    (tmp_path / "me.jpg").write_bytes(b"a portrait")
    run = CliRunner()
    key, out = str(tmp_path / "key"), str(tmp_path / "licence.json")
    assert run.invoke(app, ["licence", "key", key]).exit_code == 0
    asked = ["--subject", "Me", "--licensee", "You", "--purpose", "a test", "--until", "2999-12-31"]
    granted = run.invoke(
        app, ["licence", "grant", *asked, "--portrait", str(tmp_path / "me.jpg"), "--key", key, "--out", out]
    )
    assert granted.exit_code == 0, granted.output
    checked = run.invoke(app, ["licence", "check", out, "--public-key", f"{key}.pub", "--licensee", "You"])
    assert checked.exit_code == 0, checked.output
    assert checked.stdout.startswith("valid: Me's face, for You, for a test")
    assert "2999-12-31" in checked.stdout
    refused = run.invoke(app, ["licence", "check", out, "--public-key", f"{key}.pub", "--licensee", "Them"])
    assert isinstance(refused.exception, DataError)
