"""Operator settings: read from the environment and from files, and refused if wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from unmask.errors import UsageError
from unmask.service.settings import FILE, PREFIX, SECRETS, ServiceSettings, shown, unknown, variable

WRONG = {
    "UNMASK_KEEP_DAYS": ("-1", "greater than or equal to 0"),
    "UNMASK_LEASE": ("-5", "greater than or equal to 3"),
    "UNMASK_WORKERS": ("two", "a valid integer"),
    "UNMASK_WEBHOOK_PRIVATE": ("perhaps", "a valid boolean"),
    "UNMASK_OPEN_CASES_FOR": ("changed,cant tell", "'no face'"),
    "UNMASK_PUBLIC_URL": ("unmask.example.org", "https://unmask.example.org"),
    "UNMASK_HOSTS": ("a.example,https://b.example", "without scheme"),
    "UNMASK_FETCH_HOSTS": ("*.example", "a name alone"),
    "UNMASK_STORAGE": ("gs://media", "s3://bucket/prefix"),
    "UNMASK_DATABASE": ("mysql://unmask:geheim@db/unmask", "postgresql://"),
    "UNMASK_METRICS_TOKEN": ("geheim", "16 characters"),
    "UNMASK_OIDC_ISSUER": ("http://login.example.org", "https://"),
    "UNMASK_OIDC_GROUPS": ("desk=boss", "viewer, reviewer, admin"),
}
"""A wrong value of each kind, and part of its error message."""


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def test_what_is_given_goes_before_the_environment_and_that_before_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "WORKERS": "5",
        "KEEP_DAYS": "7",
        "OPEN_CASES_FOR": " changed , no face",
        "HOSTS": "",
    }.items():
        monkeypatch.setenv(PREFIX + name, value)
    settings = ServiceSettings.read(data=tmp_path, workers=3, keep_days=None)
    assert (settings.workers, settings.keep_days, settings.lease) == (3, 7, 60.0)
    assert (settings.open_cases_for, settings.hosts) == (("changed", "no face"), ())


def test_every_wrong_value_is_named_at_once_and_no_secret_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, (value, _) in WRONG.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError) as refused:
        ServiceSettings.read(data=tmp_path)
    lines = {line.split(":")[0].strip(): line for line in str(refused.value).splitlines()[1:]}
    assert lines.keys() == WRONG.keys()
    for name, (_, reason) in WRONG.items():
        assert reason in lines[name]
        assert "It says: " in lines[name]
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"database_password": "geheim"}, "UNMASK_DATABASE is not"),
        ({"storage_key": "key", "storage": "s3://media"}, "together or not at all"),
        ({"storage_key": "key", "storage_secret": "geheim"}, "UNMASK_STORAGE is not"),
        ({"oidc_issuer": "https://login.example.org"}, "UNMASK_OIDC_CLIENT"),
        ({"oidc_make_accounts": True}, "UNMASK_OIDC_GROUPS is not"),
        ({"database": "postgresql:///unmask"}, "names no server"),
        ({"database": "postgresql://db"}, "names no database"),
        ({"public_url": "https://example.org/unmask"}, "at the root"),
        ({"public_url": "https://example.org:no"}, "UNMASK_PUBLIC_URL"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    tmp_path: Path, given: dict[str, str], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason) as refused:
        ServiceSettings.read(data=tmp_path, **given)
    assert "geheim" not in str(refused.value)


def test_secrets_are_read_from_files_and_go_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNMASK_DATABASE", "postgresql://unmask@db/unmask")
    for name in ("database_password", "metrics_token"):
        (tmp_path / name).write_text(f"geheim of {name}\n")
        monkeypatch.setenv(variable(name) + FILE, str(tmp_path / name))
    settings = ServiceSettings.read(data=tmp_path)
    assert (settings.database_password, settings.metrics_token) == (
        "geheim of database_password",
        "geheim of metrics_token",
    )
    for told in (repr(settings), str(shown(settings)), str(settings.environment())):
        assert "geheim" not in told
    assert "UNMASK_METRICS_TOKEN=set" in shown(settings)


def test_a_file_that_is_missing_and_a_secret_given_twice_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNMASK_DATABASE_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("UNMASK_METRICS_TOKEN", "a token of the operator")
    monkeypatch.setenv("UNMASK_METRICS_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(
        UsageError, match=r"(?s)UNMASK_DATABASE_FILE: .*none cannot be read.*TOKEN: is set twice"
    ):
        ServiceSettings.read(data=tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"), [("\n", "is empty"), (16 * "ab" * 200, "is longer than 4096 bytes")]
)
def test_a_file_that_is_empty_or_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, reason: str
) -> None:
    (tmp_path / "token").write_text(content)
    monkeypatch.setenv("UNMASK_METRICS_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(UsageError, match=f"UNMASK_METRICS_TOKEN_FILE: .*token {reason}"):
        ServiceSettings.read(data=tmp_path)


def test_a_variable_that_names_a_file_for_what_is_no_secret_takes_nothing_from_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNMASK_WORKERS_FILE", "/run/workers")
    assert ServiceSettings.read(data=tmp_path, workers=7).environment()["UNMASK_WORKERS"] == "7"


def test_a_process_reads_from_its_environment_what_its_parent_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "hosts": ("a.example", "b.example"),
        "lease": 7.5,
        "webhook_private": True,
        "open_cases_for": ("no face",),
    }
    settings = ServiceSettings.read(data=tmp_path, **given)
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert ServiceSettings.read() == settings


def test_a_misspelt_variable_is_named_with_the_one_that_may_be_meant() -> None:
    told = unknown(
        {"UNMASK_KEEP_DAY": "1", "UNMASK_LANGUAGE": "zh", "UNMASK_PORT_80_TCP": "", "HOME": ""}
    )
    assert told == [
        "UNMASK_KEEP_DAY is no setting; UNMASK_KEEP_DAYS may be meant",
        "UNMASK_PORT_80_TCP is no setting",
    ]


@pytest.mark.slow
def test_serve_checks_its_settings_without_beginning_anything(tmp_path: Path) -> None:
    program = [
        sys.executable,
        "-c",
        "from unmask.cli import main; main()",
        "serve",
        "--check-config",
    ]
    data = tmp_path / "data"

    def check(**more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "UNMASK_DATA": str(data), **more}
        return subprocess.run(program, env=environment, capture_output=True, text=True, check=False)

    right, wrong = check(UNMASK_KEEP_DAYS="9", UNMASK_KEEP_DAY="1"), check(UNMASK_KEEP_DAYS="-1")
    assert right.returncode == 0
    assert "UNMASK_KEEP_DAYS=9\n" in right.stdout
    assert "UNMASK_KEEP_DAYS may be meant" in right.stderr
    assert wrong.returncode == 2
    assert "UNMASK_KEEP_DAYS: '-1' should be" in wrong.stderr
    assert not data.exists()


def test_the_docs_name_every_setting() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "service.md").read_text()
    named = set(re.findall(r"UNMASK_[A-Z_]+", docs))
    assert {variable(name) for name in ServiceSettings.model_fields} <= named
    assert {name.removesuffix(FILE) for name in named if name.endswith(FILE)} <= {
        variable(name) for name in SECRETS
    }
