"""The JSON document: its core, its schema, and that it can always be written and read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from tests import results
from tests.report import strategies
from tests.report.test_contract import CONTRACT
from unmask.report.document import Document, document, dumps, schema
from unmask.report.reference import page
from unmask.types import CheckResult, Custody, Span, Verdict

CORE = ["schema_version", "path", "sha256", "verdict", "reason", "log10_lr", "people", "error"]
PERSON_CORE = ["id", "verdict", "reason", "log10_lr", "spans", "lines"]
VALIDATOR, PUBLISHED = Draft202012Validator(schema()), Draft202012Validator(CONTRACT)
WRITTEN = (Path(__file__).parent / "documents-1.jsonl").read_text(encoding="ascii").splitlines()
"""Documents of `kept`, as they were written before the document was declared in one place."""


def test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())
    assert schema()["$id"].endswith("/check-1.json")


@pytest.mark.parametrize("result", results.every_kind(), ids=lambda result: result.path)
def test_documents_obey_the_schema(result: CheckResult) -> None:
    VALIDATOR.validate(document(result))
    PUBLISHED.validate(document(result))


def kept() -> tuple[CheckResult, ...]:
    """Returns results that together contain every part of a document."""
    return (
        results.known_video(),
        results.clean_photo(),
        results.cannot_tell(),
        results.nobody(),
        results.failed(),
    )


@pytest.mark.parametrize(
    ("result", "line"),
    tuple(zip(kept(), WRITTEN, strict=True)),
    ids=lambda one: getattr(one, "path", ""),
)
def test_documents_are_byte_for_byte_what_they_were_but_for_added_fields(
    result: CheckResult, line: str
) -> None:
    before = json.loads(line)
    assert json.dumps(as_before(json.loads(dumps(result)), before)) == line
    stored = Document.model_validate(before)
    assert stored == Document.model_validate_json(line)
    assert json.dumps(as_before(stored.plain(), before)) == line


def as_before(now: Any, before: Any) -> Any:
    """Returns a document's values without fields newer than ``before``, in today's order."""
    if isinstance(now, dict) and isinstance(before, dict):
        return {
            name: as_before(value, before[name]) for name, value in now.items() if name in before
        }
    if isinstance(now, list) and isinstance(before, list) and len(now) == len(before):
        return [as_before(*both) for both in zip(now, before, strict=True)]
    return now


@pytest.mark.parametrize("line", WRITTEN, ids=len)
def test_a_document_of_the_common_core_alone_is_read(line: str) -> None:
    whole = json.loads(line)
    core = {name: whole[name] for name in CORE}
    core["people"] = [
        {
            **{name: person[name] for name in PERSON_CORE},
            "lines": {name: dict(list(one.items())[:4]) for name, one in person["lines"].items()},
        }
        for person in whole["people"]
    ]
    VALIDATOR.validate(core)
    found = Document.model_validate(core)
    assert str(found.message("reason")) == whole["reason"]
    assert {name: found.plain()[name] for name in CORE if name != "people"} == {
        n: core[n] for n in CORE if n != "people"
    }
    assert [one.message("summary").code for p in found.people for one in p.lines.values()] == [
        "verbatim"
    ] * sum(len(person["lines"]) for person in core["people"])


def test_the_reference_is_up_to_date() -> None:
    assert (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8") == page(), (
        "run: make api"
    )


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(strategies.results())
def test_any_document_obeys_the_schema_and_survives_the_way(result: CheckResult) -> None:
    line = dumps(result)
    assert "\n" not in line
    assert line.isascii()
    read = json.loads(line.encode().decode(), parse_constant=pytest.fail)
    VALIDATOR.validate(read)
    assert read == document(result)
    assert Document.model_validate_json(line) == Document.of(result)
    read["reason"].encode()


def test_the_core_comes_first_and_is_complete() -> None:
    whole = document(results.changed_video())
    assert list(whole)[: len(CORE)] == CORE
    assert list(whole["people"][0])[: len(PERSON_CORE)] == PERSON_CORE
    assert list(whole["people"][0]["lines"]["learned"])[:4] == [
        "status",
        "score",
        "log10_lr",
        "summary",
    ]
    assert schema()["required"] == CORE
    assert schema()["$defs"]["PersonPart"]["required"] == PERSON_CORE


def test_every_field_is_described() -> None:
    undescribed = _undescribed(document(results.changed_video()), schema(), "")
    assert undescribed == []


def _undescribed(value: Any, rule: dict[str, Any], where: str) -> list[str]:
    for option in rule.get("anyOf", [rule]):
        if "$ref" in option:
            rule = {**schema()["$defs"][option["$ref"].rpartition("/")[2]], **rule}
        elif "items" in option:
            rule = {**option, **rule}
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
    "changes",
    [
        {"reason_code": ["face.weak"]},
        {"reason_values": "text"},
        {"verdict": "authentic"},
        {"log10_lr": float("inf")},
        {"people": {}},
        {"path": None},
        {"schema_version": 2},
        {"media": {"kind": "film"}},
    ],
    ids=str,
)
def test_what_is_no_document_is_not_read(changes: dict[str, Any]) -> None:
    """Such JSON could come from a process that a stranger's file has taken over."""
    said = json.dumps(document(results.changed_video()) | changes)
    with pytest.raises(ValueError, match="Document"):
        Document.model_validate_json(said)


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
    found = document(results.changed_video()) | broken
    assert not VALIDATOR.is_valid(found)
    assert not PUBLISHED.is_valid(found)


def test_the_schema_refuses_spans_of_an_unchanged_face() -> None:
    person = replace(results.person(verdict=Verdict.NO_CHANGE_FOUND), spans=(Span(1, 2),))
    assert not VALIDATOR.is_valid(document(replace(results.changed_video(), people=(person,))))
