from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from tests import results
from tests.support.owner import PASSWORD, Owner
from unmask.cli import app
from unmask.errors import LicenceError
from unmask.licences import reports
from unmask.licences.licence import Licence
from unmask.report import document, html

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Owner:
    return Owner.in_folder(tmp_path_factory.mktemp("desk"), "The desk")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, desk: Owner) -> Path:
    """Makes a real page, signed."""
    path = tmp_path_factory.mktemp("reports") / "clip.mp4.html"
    path.write_text(html.page(results.changed_video("clip.mp4")), encoding="utf-8")
    reports.sign(path, desk.key)
    return path


def test_a_signed_report_verifies_also_under_another_name(
    desk: Owner, page: Path, tmp_path: Path
) -> None:
    assert reports.verify(page, desk.owners).names == ("The desk",)
    for one, other in (
        (page, tmp_path / "a.html"),
        (reports.beside(page), tmp_path / "a.html.signature.json"),
    ):
        other.write_bytes(one.read_bytes())
    assert reports.verify(tmp_path / "a.html", desk.owners).names == ("The desk",)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_report_with_one_edited_letter_does_not_verify(
    desk: Owner, page: Path, tmp_path: Path, data: st.DataObject
) -> None:
    edited = tmp_path / page.name
    for one in (page, reports.beside(page)):
        edited.with_name(one.name).write_bytes(one.read_bytes())
    raw = bytearray(page.read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    edited.write_bytes(raw)
    with pytest.raises(LicenceError, match="no longer as it was signed"):
        reports.verify(edited, desk.owners)


def test_a_signature_of_a_stranger_and_one_that_is_none_do_not_verify(
    desk: Owner, page: Path, tmp_path: Path
) -> None:
    stranger = Owner.in_folder(tmp_path / "stranger", "Mallory")
    with pytest.raises(LicenceError, match="nobody vouched for"):
        reports.verify(page, stranger.owners)
    lone = tmp_path / "lone.html"
    lone.write_text("unsigned")
    with pytest.raises(LicenceError, match="cannot be read"):
        reports.verify(lone, desk.owners)
    licence = desk.grants("licence.json")
    reports.beside(lone).write_bytes(licence.read_bytes())
    with pytest.raises(LicenceError, match="no signature of a report"):
        reports.verify(lone, desk.owners)
    reports.sign(lone, desk.key)
    told = json.loads(reports.beside(lone).read_text())
    told["credentialSubject"]["sha256"] = "ab" * 32
    reports.beside(lone).write_text(json.dumps(told))
    with pytest.raises(LicenceError, match="changed after it was signed"):
        reports.verify(lone, desk.owners)
    with pytest.raises(LicenceError):
        Licence.of(reports.beside(page))


def test_the_command_line_signs_and_verifies(desk: Owner, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(document.dumps(results.changed_video("clip.mp4")))

    def report(*args: str | Path) -> Result:
        return CliRunner().invoke(
            app, ["report", *map(str, args)], env={"UNMASK_KEY_PASSWORD": PASSWORD}
        )

    signed = report("sign", path, "--key", desk.folder / "key")
    assert (signed.exit_code, signed.stdout) == (0, f"{path}.signature.json\n")
    verified = report("verify", path, "--owners", desk.folder / "key.pub")
    assert verified.exit_code == 0
    assert verified.stdout.startswith(f"{path}: as it was signed by The desk, ")
    path.write_text(path.read_text().replace('"changed"', '"no change found"', 1))
    edited = report("verify", path, tmp_path / "missing", "--owners", desk.folder / "key.pub")
    assert edited.exit_code == 1
    assert "the report is no longer as it was signed; ask whoever signed it" in edited.stderr
    assert edited.stderr.count("\n") == 2
