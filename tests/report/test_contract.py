"""The schema made from the declaration keeps everything published in ``schema-1.json``."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from unmask.report.document import schema

CONTRACT = json.loads(files("unmask.report").joinpath("schema-1.json").read_text(encoding="utf-8"))
NESTED = ("items", "additionalProperties")
SILENT = ("$schema", "$id", "$defs", "$ref", "anyOf", "title", "default")
"""Keywords that are followed, that say nothing of a document, or whose value is itself a rule."""


def test_the_published_contract_holds() -> None:
    assert broken(CONTRACT, schema()) == []


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (("properties",), {"error": None}),
        (("$defs", "MediaPart", "properties", "width"), {"description": "Of the picture, cm."}),
        (("$defs", "MediaPart", "properties", "width"), {"minimum": 1}),
        (("$defs", "SpanPart", "properties", "end"), {"type": "string"}),
        (("$defs", "Verdict"), {"enum": ["changed", "authentic"]}),
        (("$defs", "PersonPart"), {"required": ["id"]}),
        (("$defs", "PersonPart"), {"allOf": []}),
    ],
    ids=str,
)
def test_a_breach_of_the_contract_is_noticed(path: tuple[str, ...], change: dict[str, Any]) -> None:
    changed = schema()
    place = changed
    for name in path:
        place = place[name]
    place.update(change)
    for name in [name for name, value in place.items() if value is None]:
        del place[name]
    assert broken(CONTRACT, changed) != []


def broken(promised: dict[str, Any], kept: dict[str, Any]) -> list[str]:
    """Lists the places where a schema does not keep what another promised, word for word.

    It may have more fields.
    """

    def look(was: dict[str, Any], now: dict[str, Any], where: str) -> list[str]:
        was, now = plainly(was, promised), plainly(now, kept)
        inside = [
            (f"{where}.{name}", rule, now.get("properties", {}).get(name, {}))
            for name, rule in was.pop("properties", {}).items()
        ]
        inside += [
            (f"{where} {key}", was.pop(key), now.pop(key, {})) for key in NESTED if key in was
        ]
        now.pop("properties", None)
        ignored = {"description"} - was.keys()
        differs = [
            f"{where}: {key}"
            for key in (was.keys() | now.keys()) - ignored
            if was.get(key) != now.get(key)
        ]
        return differs + [found for name, old, new in inside for found in look(old, new, name)]

    return look(promised, kept, "")


def plainly(rule: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """Returns a rule in a normal form.

    References are followed, alternatives merged and silent keywords removed.
    """
    options = [rule, *rule.get("anyOf", [])]
    options += [whole["$defs"][one["$ref"].rpartition("/")[2]] for one in options if "$ref" in one]
    plain = {
        key: value for one in reversed(options) for key, value in one.items() if key not in SILENT
    }
    kinds = [one.get("type", []) for one in options]
    plain["type"] = {kind for some in kinds for kind in ([some] if isinstance(some, str) else some)}
    if values := [
        value
        for one in options
        for value in one.get("enum", [one["const"]] if "const" in one else [])
    ]:
        plain["enum"] = {*values, *([None] if "null" in plain["type"] else [])}
        plain.pop("const", None)
        del plain["type"]
    if plain.get("additionalProperties") is True:
        del plain["additionalProperties"]
    return {key: sorted(value) if key == "required" else value for key, value in plain.items()}
