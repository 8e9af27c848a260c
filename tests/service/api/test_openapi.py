"""The OpenAPI document is complete, and no request, allowed or not, makes the service fail."""

from __future__ import annotations

import re
import tempfile
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import InvalidArgument, Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.service.desk import Desk
from unmask.service.api.reference import page
from unmask.service.app import create_app
from unmask.service.people.actor import Scope
from unmask.service.settings import ServiceSettings
from unmask.service.store.service import Service

pytestmark = pytest.mark.slow


@schemathesis.serializer("application/offset+octet-stream")
def piece(_context: object, value: object) -> object:
    return value if isinstance(value, bytes) else str(value).encode()


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> BaseSchema:
    desk = Desk(
        tmp_path_factory.mktemp("service"),
        {"hosts": ("testserver",), "metrics_token": "a token of the operator"},
    )
    _, secret = desk.key(*Scope, per_minute=1_000_000)
    desk.check()
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(desk.service))
    schema.config.headers = {"Authorization": f"Bearer {secret}"}
    return schema


def routes() -> dict[str, dict[str, Any]]:
    """Returns what the OpenAPI document says of each route, by method and path."""
    with tempfile.TemporaryDirectory() as folder:
        paths = create_app(Service.opened(ServiceSettings(data=Path(folder)))).openapi()["paths"]
    return {
        f"{method.upper()} {path}": route
        for path, methods in paths.items()
        for method, route in methods.items()
    }


ROUTES = routes()
ODD = ("0", "null", "\0", "..", "{}", "\U0001f3ad", "x" * 5000)
"""Ids that nothing has."""


def may_be_wrong(route: dict[str, Any]) -> bool:
    """Tells whether a request can be other than the route describes; any text can be an id."""
    return "requestBody" in route or any(
        one["in"] != "path" or one["schema"].get("type") != "string"
        for one in route.get("parameters", ())
    )


@pytest.mark.parametrize(
    ("operation", "mode"),
    [
        pytest.param(name, mode, id=f"{name}-{mode.value}")
        for name, route in ROUTES.items()
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or may_be_wrong(route)
    ],
)
def test_no_request_makes_it_fail(api: BaseSchema, operation: str, mode: GenerationMode) -> None:
    method, _, path = operation.partition(" ")
    allowed = mode is GenerationMode.POSITIVE

    @settings(max_examples=5, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=api[path][method].as_strategy(generation_mode=mode))
    def holds(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS if allowed else [not_a_server_error])

    with nullcontext() if allowed else suppress(Unsatisfiable, InvalidArgument):
        holds()


@pytest.mark.parametrize("operation", [name for name in ROUTES if "{" in name])
def test_no_id_makes_it_fail(api: BaseSchema, operation: str) -> None:
    method, _, path = operation.partition(" ")
    for odd in ODD:
        asked = dict.fromkeys(re.findall(r"{(\w+)}", path), odd)
        case = api[path][method].Case(path_parameters=asked)
        case.call_and_validate(checks=[not_a_server_error])


def test_every_route_says_what_it_does_and_how_it_fails(tmp_path: Path) -> None:
    document = create_app(Service.opened(ServiceSettings(data=tmp_path))).openapi()
    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            where = f"{method} {path}"
            assert route.get("description") or route.get("summary"), where
            if path.startswith("/api/"):
                for status in ("401", "403", "422", "429", "503"):
                    assert "application/problem+json" in route["responses"][status]["content"], (
                        where
                    )


def test_the_api_page_is_up_to_date(tmp_path: Path) -> None:
    document = create_app(Service.opened(ServiceSettings(data=tmp_path))).openapi()
    assert (Path(__file__).parents[3] / "docs" / "service-api.md").read_text() == page(document), (
        "run: make api"
    )
