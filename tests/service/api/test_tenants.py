"""Isolation of organisations: every route of the OpenAPI document is asked for the other's ids."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from tests.service.desk import Desk
from tests.support.authority import Authority
from unmask.service import page
from unmask.service.domain import cases, licences, live, registrations, takes, uploads, webhooks
from unmask.service.domain.checks import Received
from unmask.service.people.actor import Scope
from unmask.service.store.tables import Check, Delivery, Passkey

pytestmark = pytest.mark.slow

METHODS = ("get", "head", "put", "post", "patch", "delete")
"""HTTP methods in an order that puts deletion last."""

UNLISTED = ("picture", "upload", "live_check", "delivery", "passkey")
"""Things that no list shows, or only to the person they belong to."""

FORM = "application/x-www-form-urlencoded"

PUBLIC = {"/healthz", "/readyz", "/metrics", "/api/v1/session"}
"""Routes that are answered without knowing who asks."""


class Other:
    """Things that ``theirs`` has: one of each kind, by the name that routes give it.

    Args:
        desk: the service.
    """

    def __init__(self, desk: Desk) -> None:
        actor, service = desk.actor("ada", "theirs"), desk.service
        self.ids = {"check": desk.check(tenant="theirs"), "picture": "none.jpg"}
        self.ids["key"], self.secret = desk.key(*Scope, tenant="theirs")
        self.ids["account"] = desk.account("rob", "theirs").id
        service.storage.put("incoming/film", b"a film")
        with desk.database.transaction() as session:
            self.ids["case"] = cases.open_for(
                session, desk.system("theirs"), session.get_one(Check, self.ids["check"])
            ).id
            takes.ask(session, actor, self.ids["check"])
            self.ids["webhook"] = webhooks.add(
                session, actor, "https://hook.example", ["check.done"]
            ).id
            message = {
                "tenant": actor.tenant,
                "webhook": self.ids["webhook"],
                "event": "check.done",
                "payload": {},
            }
            delivery = Delivery(**message)
            session.add(delivery)
            session.flush()
            self.ids["delivery"] = delivery.id
            own = Passkey(account=actor.id, name="Her phone", credential="c", key="k", count=0)
            session.add(own)
            session.flush()
            self.ids["passkey"] = own.id
            self.ids["upload"] = uploads.begin(session, service, actor, 10, "clip.mp4", None, {}).id
            self.ids["live_check"] = live.make(
                session, actor, "their user", [live.ChallengeKind.LIGHT], None, 1e9
            )[0].id
            ours = Authority.called("Their authority").pem
            self.ids["document"] = licences.add(session, service, actor, ours)[0].id
            film = Received("incoming/film", "ab" * 32, 6)
            self.ids["original"] = registrations.accept(
                session, service, actor, film, "film.mp4", "A film", "They"
            )[0].id


@pytest.fixture
def other(desk: Desk) -> Other:
    return Other(desk)


def routes(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for method in METHODS:
        for path, operations in document["paths"].items():
            if method in operations:
                yield method, path, operations[method]


def example(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """Returns the simplest value that a schema accepts."""
    if "$ref" in schema:
        return example(
            document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document
        )
    if "anyOf" in schema:
        return example(schema["anyOf"][0], document)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if schema.get("type") == "object":
        return {
            name: example(schema["properties"][name], document)
            for name in schema.get("required", ())
        }
    if schema.get("type") == "array":
        return [example(schema["items"], document)]
    plain = {"integer": schema.get("minimum", 1), "number": 1.0, "boolean": True, "null": None}
    return plain.get(
        schema.get("type", ""),
        "https://x.example/words" if "http" in schema.get("pattern", "") else "words",
    )


def ask(
    program: Any, method: str, path: str, operation: dict[str, Any], document: dict[str, Any]
) -> Any:
    """Sends a request that is valid except, maybe, for whose things it names."""
    given = [one for one in operation.get("parameters", ()) if one.get("required")]
    headers = {one["name"]: "0" for one in given if one["in"] == "header"}
    query = {one["name"]: example(one["schema"], document) for one in given if one["in"] == "query"}
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        body = example(content["application/json"]["schema"], document)
        return program.request(method, path, headers=headers, params=query, json=body)
    if FORM in content:
        body = example(content[FORM]["schema"], document)
        return program.request(method, path, headers=headers, params=query, data=body)
    if content:
        headers["Content-Type"] = next(iter(content))
        return program.request(method, path, headers=headers, params=query, content=b"bytes")
    return program.request(method, path, headers=headers, params=query)


def test_anothers_ids_answer_404_on_every_route(desk: Desk, other: Other) -> None:
    _, secret = desk.key(*Scope)
    ours, theirs = desk.program(secret), desk.program(other.secret)
    document = ours.get("/openapi.json").json()
    asked = [
        (method, path, operation) for method, path, operation in routes(document) if "{" in path
    ]
    assert len(asked) > 20
    for method, path, operation in asked:
        answer = ask(ours, method, path.format(**other.ids), operation, document)
        assert answer.status_code == 404, (method, path, answer.status_code, answer.text)
    for method, path, operation in asked:
        if "{picture}" not in path:
            answer = ask(theirs, method, path.format(**other.ids), operation, document)
            assert answer.status_code != 404, (method, path, answer.text)
            assert answer.status_code < 500, (method, path, answer.text)


def test_anothers_ids_answer_404_on_every_page(desk: Desk, other: Other) -> None:
    ours, theirs = desk.browser(person="ada"), desk.browser(person="ada", tenant="theirs")
    document = pages()
    asked = [
        (method, path, one)
        for method, path, one in routes(document)
        if set(named(path)) & set(other.ids)
    ]
    assert len(asked) > 8
    for browser, hidden in ((ours, True), (theirs, False)):
        for method, path, operation in asked:
            answer = ask(browser, method, path.format(**other.ids), operation, document)
            assert (answer.status_code == 404) is hidden, (
                method,
                path,
                answer.status_code,
                answer.text,
            )
            assert answer.status_code < 500, (method, path, answer.text)


OFF = {"/sign-in/away", "/sign-in/back"}
"""Pages that are not there without a provider of single sign-on."""


def test_pages_list_nothing_of_another(desk: Desk, other: Other) -> None:
    browser = desk.browser(person="ada")
    document = pages()
    secrets = [value for value in other.ids.values() if value != "none.jpg"] + [
        desk.tenants["theirs"],
        "theirs.example",
    ]
    for method, path, operation in routes(document):
        if method == "get" and not named(path):
            answer = ask(browser, method, path, operation, document)
            assert answer.status_code == (404 if path in OFF else 200), path
            assert not any(value in answer.text for value in secrets), path


def pages() -> dict[str, Any]:
    """Returns an OpenAPI document of the page's routes, from every module that has any."""
    app = FastAPI()
    for found in pkgutil.iter_modules(page.__path__, f"{page.__name__}."):
        module = importlib.import_module(found.name)
        if hasattr(module, "router"):
            app.include_router(module.router)
    return app.openapi()


def named(path: str) -> list[str]:
    """Returns the parameters of a path."""
    return re.findall(r"{(\w+)", path)


def test_lists_show_nothing_of_another(desk: Desk, other: Other) -> None:
    _, secret = desk.key(*Scope)
    ours, theirs = desk.program(secret), desk.program(other.secret)
    document, shown = ours.get("/openapi.json").json(), ""
    secrets = [value for value in other.ids.values() if value != "none.jpg"] + [
        desk.tenants["theirs"]
    ]
    for method, path, operation in routes(document):
        if method == "get" and "{" not in path and path not in PUBLIC:
            found = ask(ours, method, path, operation, document).text
            shown += ask(theirs, method, path, operation, document).text
            assert not any(value in found for value in secrets), path
    assert all(value in shown for name, value in other.ids.items() if name not in UNLISTED)


def test_every_route_but_the_public_ones_wants_to_know_who_asks(desk: Desk, other: Other) -> None:
    nobody = desk.browser()
    document = nobody.get("/openapi.json").json()
    for method, path, operation in routes(document):
        if path not in PUBLIC or (path, method) == ("/api/v1/session", "delete"):
            answer = ask(nobody, method, path.format(**other.ids), operation, document)
            assert answer.status_code == 401, (method, path, answer.status_code)


def test_a_viewer_changes_nothing(desk: Desk) -> None:
    mine = Other.__new__(Other)
    mine.ids = {"check": desk.check(), "account": desk.account("rob").id}
    with desk.database.transaction() as session:
        mine.ids["case"] = cases.open_for(
            session, desk.system(), session.get_one(Check, mine.ids["check"])
        ).id
    unknown = dict.fromkeys(
        ("key", "webhook", "delivery", "upload", "original", "picture", "document", "passkey"), "0"
    )
    viewer = desk.browser(person="vera")
    document, own = (
        viewer.get("/openapi.json").json(),
        {"/api/v1/session", "/api/v1/sessions", "/api/v1/password"},
    )
    for method, path, operation in routes(document):
        own_factor = path.startswith(("/api/v1/second-factor", "/api/v1/session/"))
        if method not in ("get", "head") and path not in own and not own_factor:
            answer = ask(viewer, method, path.format(**unknown, **mine.ids), operation, document)
            assert answer.status_code == 403, (method, path, answer.status_code, answer.text)
