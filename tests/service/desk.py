"""Two organisations that use one service: accounts, keys, checks with media, and browsers."""

from __future__ import annotations

import hashlib
import tempfile
import warnings
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqlalchemy import select, text

from unmask.messages import verbatim
from unmask.report.document import document
from unmask.service.app import create_app
from unmask.service.people import accounts, keys
from unmask.service.people.actor import Actor, Role, Scope, system
from unmask.service.settings import ServiceSettings
from unmask.service.store import migrations, storage
from unmask.service.store.database import Database
from unmask.service.store.folders import private
from unmask.service.store.service import Service
from unmask.service.store.tables import Account, Check, Media
from unmask.types import CheckResult, Verdict

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it prefers another fork of httpx
    from starlette.testclient import TestClient

PASSWORD = "violet tram under nine moons"  # noqa: S105
ORIGIN = "http://localhost"


@dataclass
class Desk:
    """One service with the organisations ``ours`` and ``theirs``.

    Each has a viewer, two reviewers and an admin.

    Args:
        data: an empty folder.
        settings: more settings.
    """

    data: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.settings.get("database"):
            (private(self.data) / "unmask.sqlite").write_bytes(_tables())
        self.service = Service.opened(ServiceSettings(data=self.data, **self.settings))
        self.database = self.service.database
        if self.settings.get("database"):
            with self.database.engine.begin() as connection:
                connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
        migrations.upgrade(self.database)
        with self.database.transaction() as session:
            self.tenants = {
                name: accounts.organisation(session, name).id for name in ("ours", "theirs")
            }
            for name, tenant in self.tenants.items():
                for role, person in zip(
                    (*Role, Role.REVIEWER), ("vera", "rob", "ada", "rita"), strict=True
                ):
                    row = {"name": person.title(), "role": role, "password": _hash()}
                    session.add(Account(tenant=tenant, email=f"{person}@{name}.example", **row))

    def actor(self, person: str, tenant: str = "ours") -> Actor:
        return accounts.actor_of(self.account(person, tenant))

    def account(self, person: str, tenant: str = "ours") -> Account:
        with self.database.reading() as session:
            return session.scalars(
                select(Account).where(Account.email == f"{person}@{tenant}.example")
            ).one()

    def system(self, tenant: str = "ours") -> Actor:
        return system(self.tenants[tenant])

    def key(self, *scopes: Scope, tenant: str = "ours", **more: Any) -> tuple[str, str]:
        """Makes a key; returns its id and text."""
        with self.database.transaction() as session:
            key, secret = keys.make(session, self.actor("ada", tenant), "a program", scopes, **more)
        return key.id, secret

    def check(self, content: bytes = b"a clip", tenant: str = "ours", **more: Any) -> str:
        """Makes a check that is done, of media in storage with a report; returns its id.

        Times and verdict may be given.
        """
        sha256, tenant = hashlib.sha256(content).hexdigest(), self.tenants[tenant]
        values = {
            "state": "done",
            "verdict": "changed",
            "log10_lr": 2.0,
            "finished": 2.0,
            "uploader": "nobody",
        }
        values |= {
            "result": document(
                CheckResult(
                    "clip.mp4", sha256, Verdict.CHANGED, verbatim("A face was changed."), 2.0, ()
                )
            )
        } | more
        values |= {
            "name": more.get("name", "clip.mp4"),
            "configuration": more.get("configuration", ""),
        }
        stored = values.pop("stored", 1.0)
        with self.database.transaction() as session:
            session.merge(Media(tenant=tenant, sha256=sha256, bytes=len(content), stored=stored))
            session.flush()
            check = Check(tenant=tenant, sha256=sha256, **values)
            session.add(check)
            session.flush()
            self.service.storage.put(storage.media(tenant, sha256), content)
            self.service.storage.put(storage.report(tenant, sha256, check.id), b"<!doctype html>")
        return check.id

    @cached_property
    def app(self) -> FastAPI:
        """Application of the service, made once: its first request takes longer than all else."""
        return create_app(self.service)

    def browser(
        self, app: Any = None, person: str | None = None, tenant: str = "ours", **more: Any
    ) -> TestClient:
        """Returns a browser, signed in if a person is named, or a program's client."""
        client = TestClient(app or self.app, base_url=ORIGIN, raise_server_exceptions=False, **more)
        if person:
            client.headers["Origin"] = ORIGIN
            form = {"email": f"{person}@{tenant}.example", "password": PASSWORD}
            answer = client.post("/api/v1/session", json=form)
            assert answer.status_code == 200, answer.text
            client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return client

    def program(self, secret: str, app: Any = None) -> TestClient:
        return self.browser(app, headers={"Authorization": f"Bearer {secret}"})

    def close(self) -> None:
        self.database.close()


@cache
def _tables() -> bytes:
    """Returns an SQLite file with all tables and no rows: to copy it is faster than to make them.

    Where it is copied to, the migrations find nothing to do.
    """
    with tempfile.TemporaryDirectory() as folder:
        with closing(Database(ServiceSettings(data=Path(folder)))) as database:
            migrations.upgrade(database)
        return (Path(folder) / "unmask.sqlite").read_bytes()


@cache
def _hash() -> str:
    """Hashes with the cheapest parameters, because tests sign in often; the hash contains them."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def spoil(browser: TestClient, part: int) -> None:
    """Reverses a part of the cookie of a sign-in at a provider: 1 the nonce, 2 the verifier."""
    kept = browser.cookies["unmask_sign_in"].split(".")
    kept[part] = kept[part][::-1]
    browser.cookies.clear()
    browser.cookies["unmask_sign_in"] = ".".join(kept)
