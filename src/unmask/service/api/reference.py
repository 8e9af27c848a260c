"""The API as a Markdown page: ``python -m unmask.service.api.reference > docs/service-api.md``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HEAD = """\
# The HTTP API

Made from the OpenAPI document, which a running service gives at `/openapi.json`, by `make api`. \
How to use it stands in
[service.md](service.md). Every route under `/api` asks for an API key \
(`Authorization: Bearer um_…`) or a signed-in browser,
and may answer 400, 401, 403, 404, 409, 413, 422, 429 or 503, \
always with a problem document (RFC 9457).
"""


def page(document: Mapping[str, Any]) -> str:
    """Renders an OpenAPI document as Markdown.

    Each tag is a section; each route lists the values it takes and returns.
    """
    by_tag: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            by_tag.setdefault(route["tags"][0], []).append(
                "\n".join(_route(method.upper(), path, route, document))
            )
    sections = [
        f"## {tag.capitalize()}\n\n" + "\n\n".join(routes) for tag, routes in by_tag.items()
    ]
    return "\n\n".join([HEAD.rstrip(), *sections]) + "\n"


def _route(
    method: str, path: str, route: Mapping[str, Any], document: Mapping[str, Any]
) -> Iterator[str]:
    yield f"### `{method} {path}`\n"
    yield route.get("description") or route["summary"]
    given = [one for one in route.get("parameters", []) if one["in"] in ("query", "header")]
    yield from ["\n" + "\n".join(_parameter(one, document) for one in given)] if given else []
    for kind, body in route.get("requestBody", {}).get("content", {}).items():
        yield f"\nTakes `{kind}`{_fields(body.get('schema', {}), document)}"
    for status, answer in route["responses"].items():
        if status.startswith("2"):
            kinds = answer.get("content", {})
            gives = ", ".join(
                f"`{kind}`{_fields(body.get('schema', {}), document)}"
                for kind, body in kinds.items()
            )
            said = (
                ""
                if answer["description"] == "Successful Response"
                else f" {answer['description']}"
            )
            yield f"\n{status}:{said} {gives}".rstrip().rstrip(":")


def _parameter(one: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    schema = next(
        (any_ for any_ in one["schema"].get("anyOf", []) if any_.get("type") != "null"),
        one["schema"],
    )
    schema = document["components"]["schemas"].get(
        schema.get("$ref", "").rpartition("/")[2], schema
    )
    said = " ".join((one.get("description") or schema.get("description") or "").split())
    allowed = " | ".join(f"`{value}`" for value in schema.get("enum", []))
    if "maximum" in schema:
        allowed = f"{schema.get('minimum', 0):,} to {schema['maximum']:,}"
    needed = "needed" if one.get("required") else ""
    return "; ".join(
        part for part in (f"- `{one['name']}` ({one['in']})", needed, allowed, said) if part
    )


def _fields(schema: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """Lists the names of a value's fields, optional ones in brackets."""
    several = "items" in schema
    name = (schema["items"] if several else schema).get("$ref", "").rpartition("/")[2]
    found = document["components"]["schemas"].get(name, schema)
    needed = found.get("required", [])
    names = [
        f"`{field}`" if field in needed else f"[`{field}`]" for field in found.get("properties", {})
    ]
    return f"{', a list of' if several else ':'} {', '.join(names)}" if names else ""


def main() -> None:
    """Prints the page."""
    from unmask.service.api.routes import create_api
    from unmask.service.settings import ServiceSettings
    from unmask.service.store.service import Service

    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(
            page(create_api(Service.opened(ServiceSettings(data=Path(folder)))).openapi())
        )


if __name__ == "__main__":
    main()
