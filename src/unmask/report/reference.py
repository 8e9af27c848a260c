"""docs/json.md, made from the schema: ``python -m unmask.report.reference > docs/json.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from unmask.report.document import schema

HEAD = """\
# The JSON of a check

What `unmask check --json` prints, an object per file and line, and what the service gives as a \
result. Made by `make api` from
`unmask.report.document`, where every field is declared. All fields are always written; documents \
of older versions may lack
those that are not **bold**. What is here keeps its meaning until `schema_version` is raised.
"""


def page() -> str:
    """Renders the schema as Markdown: a section per part, the document first, a row per field."""
    whole = schema()
    parts = {
        "Document": whole,
        **{name: part for name, part in whole["$defs"].items() if "properties" in part},
    }
    return "\n\n".join([HEAD.rstrip(), *("\n".join(_part(*part)) for part in parts.items())]) + "\n"


def _part(name: str, part: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {_title(name)}\n\n{part['description']}\n"
    yield "| field | type | meaning |"
    yield "| --- | --- | --- |"
    for field, rule in part["properties"].items():
        shown = f"**`{field}`**" if field in part["required"] else f"`{field}`"
        yield f"| {shown} | {_type(rule)} | {rule.get('description', '')} |"


def _type(rule: Mapping[str, Any]) -> str:
    """Describes the type of a value in words; a part is a link to its section."""
    if "anyOf" in rule:
        return " or ".join(map(_type, rule["anyOf"]))
    if "$ref" in rule:
        name = rule["$ref"].rpartition("/")[2]
        part = schema()["$defs"][name]
        return _type(part) if "enum" in part else f"[{_title(name)}](#{_title(name)})"
    if values := rule.get("enum", [rule["const"]] if "const" in rule else []):
        return " or ".join(f"`{value}`" for value in values)
    if "items" in rule:
        return f"list of {_type(rule['items'])}"
    if isinstance(rule.get("additionalProperties"), Mapping):
        return f"object of {_type(rule['additionalProperties'])}"
    return str(rule["type"])


def _title(name: str) -> str:
    return name.removesuffix("Part").lower()


if __name__ == "__main__":
    sys.stdout.write(page())
