"""Files for running the service: complete, and in step with its settings and figures."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from unmask.service.settings import FILE, PREFIX, SECRETS, ServiceSettings, variable

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def test_every_variable_is_a_setting() -> None:
    known = {variable(name) for name in ServiceSettings.model_fields} | {
        variable(name) + FILE for name in SECRETS
    }
    named = {
        one
        for path in DEPLOY.iterdir()
        for one in re.findall(rf"\b{PREFIX}[A-Z_]*[A-Z]", path.read_text())
    }
    assert len(named) > 10
    assert named <= known


def test_the_container_file_has_no_known_fault() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), DEPLOY / "Containerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout) == (0, "")


def test_the_container_file_copies_only_what_goes_along() -> None:
    given = {
        line[1:]
        for line in (ROOT / ".containerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert all((ROOT / one).exists() for one in given)
    assert {"src", "pyproject.toml", "uv.lock", "README.md", "LICENSE", "deploy/uv.txt"} == given


def test_compose_declares_all_that_its_services_use() -> None:
    whole = read("compose.yaml")
    for name, service in whole["services"].items():
        assert {one.partition(":")[0] for one in service.get("volumes", ())} <= whole[
            "volumes"
        ].keys(), name
        assert set(service.get("secrets", ())) <= whole["secrets"].keys(), name
        assert service.get("depends_on", {}).keys() <= whole["services"].keys(), name
        files = {
            value for key, value in service.get("environment", {}).items() if key.endswith(FILE)
        }
        assert {path.rpartition("/")[2] for path in files} <= set(service.get("secrets", ())), name


def test_the_unit_is_understood() -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd")
    checked = subprocess.run(
        ["systemd-analyze", "verify", DEPLOY / "unmask.service"],
        capture_output=True,
        text=True,
        check=False,
    )
    wrong = [
        line
        for line in checked.stderr.splitlines()
        if "unmask.service" in line and "is not executable" not in line
    ]
    assert wrong == []


def test_alerts_look_at_figures_that_there_are() -> None:
    source = (ROOT / "src/unmask/service/api/metrics.py").read_text()
    for rule in read("alerts.yaml")["groups"][0]["rules"]:
        assert {"alert", "expr", "labels", "annotations"} <= rule.keys()
        for name in re.findall(r"unmask_\w+", rule["expr"]):
            assert f'"{name.removesuffix("_count")}"' in source, name
