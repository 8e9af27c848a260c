from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from unmask.cli import app
from unmask.cli.licence import PASSWORD


def unmask(*args: str | Path, password: str = "correct horse") -> Result:  # noqa: S107  of keys made for one test
    return CliRunner().invoke(app, ["licence", *map(str, args)], env={PASSWORD: password})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes a film, a key, and a licence to cover a face in that film."""
    folder = tmp_path_factory.mktemp("licences")
    (folder / "film.mp4").write_bytes(b"a film")
    made = unmask("keygen", folder / "zoe.key", "--name", "Zoë")
    assert (made.exit_code, made.stdout.splitlines()[1]) == (0, f"public: {folder / 'zoe.key.pub'}")
    granted = unmask(
        "grant", "--key", folder / "zoe.key", "--subject", "Zoë", "--licensee", "The studio",
        "--role", "Anna", "--until", "2999-12-31", "--original", folder / "film.mp4",
        "--mark", "12.5:0.42,0.31", "--status-list", folder / "list.json",
        "--out", folder / "licence.json",
    )  # fmt: skip
    assert granted.exit_code == 0, granted.output
    return folder


def check(folder: Path, *more: str | Path) -> Result:
    given = ("--owners", folder / "zoe.key.pub", "--status-list", folder / "list.json")
    return unmask("check", folder / "licence.json", *given, *more)


def test_a_licence_is_granted_shown_checked_and_taken_back(folder: Path) -> None:
    shown = unmask("show", folder / "licence.json")
    assert shown.stdout.startswith(
        "portrait:  Zoë, the face that is put in\nlicensee:  The studio\n"
    )
    assert "work:      film.mp4, sha256 " in shown.stdout
    held = check(
        folder, "--licensee", "The studio", "--footage", folder / "film.mp4", "--part", "put-in"
    )
    assert (held.exit_code, held.stdout.splitlines()[0]) == (0, "valid")
    revoked = unmask(
        "revoke",
        folder / "licence.json",
        "--key",
        folder / "zoe.key",
        "--status-list",
        folder / "list.json",
    )
    assert revoked.exit_code == 0, revoked.output
    assert "1 taken back; holds until" in revoked.stdout
    gone = check(folder)
    assert gone.exit_code == 1
    assert "the licence was taken back, says the list of" in gone.stderr
    assert gone.stderr.endswith("; ask Zoë\n")


def test_what_a_licence_does_not_cover_is_said_on_one_line(folder: Path) -> None:
    (folder / "other.mp4").write_bytes(b"another film")
    for more, because in (
        (("--at", "2026-11-30"), "begins"),
        (("--owners", folder / "missing.pub"), "missing.pub: it cannot be read"),
    ):
        refused = check(folder, *more)
        assert refused.exit_code == 1
        assert because in refused.stderr
        assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "because"),
    [
        (["--mark", "1:0.5,0.5"], "a --mark is a place in an --original"),
        (["--original", "film.mp4", "--mark", "here"], "a mark is SECONDS:X,Y"),
        (["--original", "film.mp4", "--mark", "1:2,0.5"], "a mark is SECONDS:X,Y"),
        (["--part", "sold"], "no part is called 'sold'"),
        (["--role", "two\nlines"], "not of the form that is asked for: role"),
    ],
)
def test_wrong_usage_exits_with_2_and_writes_nothing(
    folder: Path, args: list[str], because: str
) -> None:
    out = folder / "never.json"
    placed = [str(folder / arg) if arg == "film.mp4" else arg for arg in args]
    wrong = unmask(
        "grant", "--key", folder / "zoe.key", "--subject", "Zoë", "--licensee", "The studio",
        "--until", "2999-12-31", "--status-list", folder / "never-list.json", "--out", out, *placed,
    )  # fmt: skip
    assert wrong.exit_code == 2
    assert because in wrong.stderr
    assert not out.exists()
    assert not (folder / "never-list.json").exists()


def test_a_wrong_password_is_said(folder: Path) -> None:
    wrong = unmask(
        "revoke",
        "--key",
        folder / "zoe.key",
        "--status-list",
        folder / "list.json",
        password="wrong one",  # noqa: S106
    )
    assert wrong.exit_code == 1
    assert "the password is another one" in wrong.stderr
