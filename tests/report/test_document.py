"""The JSON document: its core, its schema, and that it can always be written and read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from tests import results
from tests.report import strategies
from unmask.report.document import document, dumps, schema
from unmask.types import CheckResult, Custody, Span, Verdict

CORE = ["schema_version", "path", "sha256", "verdict", "reason", "log10_lr", "people", "error"]
PERSON_CORE = ["id", "verdict", "reason", "log10_lr", "spans", "lines"]
VALIDATOR = Draft202012Validator(schema())


def test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())
    assert schema()["$id"].endswith("/check-1.json")


@pytest.mark.parametrize("result", results.every_kind(), ids=lambda result: result.path)
def test_documents_obey_the_schema(result: CheckResult) -> None:
    VALIDATOR.validate(document(result))


@settings(max_examples=60, deadline=None)
@given(strategies.results())
def test_any_document_obeys_the_schema_and_survives_the_way(result: CheckResult) -> None:
    line = dumps(result)
    assert "\n" not in line
    assert line.isascii()
    read = json.loads(line.encode().decode(), parse_constant=pytest.fail)
    VALIDATOR.validate(read)
    assert read == document(result)
    read["reason"].encode()


def test_the_core_comes_first_and_is_complete() -> None:
    whole = document(results.changed_video())
    assert list(whole)[: len(CORE)] == CORE
    assert list(whole["people"][0])[: len(PERSON_CORE)] == PERSON_CORE
    assert list(whole["people"][0]["lines"]["learned"])[:4] == ["status", "score", "log10_lr", "summary"]
    assert schema()["required"] == CORE
    assert schema()["$defs"]["person"]["required"] == PERSON_CORE


def test_every_field_is_described() -> None:
    undescribed = _undescribed(document(results.changed_video()), schema(), "")
    assert undescribed == []


def _undescribed(value: Any, rule: dict[str, Any], where: str) -> list[str]:
    for option in rule.get("anyOf", [rule]):
        if "$ref" in option:
            rule = {**schema()["$defs"][option["$ref"].rpartition("/")[2]], **rule}
    missing = [] if rule.get("description") else [where]
    if isinstance(value, list):
        return missing + [
            name
            for item in value[:1]
            for name in _undescribed(item, {"description": "-"} | rule["items"], f"{where}[]")
        ]
    if not isinstance(value, dict) or "properties" not in rule:
        return missing
    unknown = [f"{where}.{key}" for key in value if key not in rule["properties"]]
    known = [
        name
        for key in value
        if key in rule["properties"]
        for name in _undescribed(value[key], rule["properties"][key], f"{where}.{key}")
    ]
    return missing + unknown + known


def test_numbers_are_rounded() -> None:
    person = replace(results.person(), first_seen=1.23456789, log10_lr=2.3123456)
    found = document(replace(results.changed_video(), people=(person,)))["people"][0]
    assert (found["first_seen"], found["log10_lr"]) == (1.235, 2.312)


def test_no_lr_where_it_cannot_tell() -> None:
    found = document(results.cannot_tell())
    assert found["verdict"] == "cannot tell"
    assert found["log10_lr"] is None
    assert found["people"][0]["log10_lr"] is None


def test_a_file_that_could_not_be_judged() -> None:
    found = document(results.failed())
    assert found["verdict"] is None
    assert "broken.mov" in found["error"]
    assert found["media"] is None


def test_a_path_that_is_no_text_can_be_written() -> None:
    assert document(results.failed("caf\udce9.mp4"))["path"] == r"caf\udce9.mp4"


def test_settings_without_a_json_value_are_null() -> None:
    odd = Custody("now", {}, {}, {"every": float("nan"), "lines": ("learned",)}, 1)
    found = document(replace(results.clean_photo(), custody=odd))["custody"]["settings"]
    assert found == {"every": None, "lines": ["learned"]}


@pytest.mark.parametrize(
    "broken",
    [
        {"error": "cannot be read"},
        {"verdict": None},
        {"verdict": "authentic"},
        {"verdict": "cannot tell"},
        {"log10_lr": "2.31"},
        {"sha256": "9F"},
        {"schema_version": 2},
        {"prior": None},
    ],
    ids=str,
)
def test_the_schema_refuses_contradictions(broken: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(document(results.changed_video()) | broken)


def test_the_schema_refuses_spans_of_an_unchanged_face() -> None:
    person = replace(results.person(verdict=Verdict.NO_CHANGE_FOUND), spans=(Span(1, 2),))
    assert not VALIDATOR.is_valid(document(replace(results.changed_video(), people=(person,))))
