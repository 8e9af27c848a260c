"""Every table of the service. Times are seconds since 1970 (UTC), ids sort by time of making."""

from __future__ import annotations

import os
import time
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from unmask.report.document import Document
from unmask.service.store.clock import shared


def new_id() -> str:
    """A UUID of version 7 (RFC 9562): ids made later sort after ids made earlier, to the
    millisecond.
    """
    value = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) & ~(0x3 << 62) | 7 << 76 | 2 << 62
    return str(UUID(int=value))


class Base(DeclarativeBase):
    """Root of all tables."""

    type_annotation_map = {int: BigInteger, float: Double, dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012


def identity() -> Mapped[str]:
    return mapped_column(String(36), primary_key=True, default=new_id)


def moment() -> Mapped[float]:
    return mapped_column(default=_now)


def _now(context: Any) -> float:
    return shared(context.connection)


class Job:
    """A row that is work to be done: taken under a lease by one worker at a time, see
    `unmask.service.store.jobs`.
    """

    state: Mapped[str] = mapped_column(default="queued")
    """``queued``, ``running``, ``done``, or ``failed`` where no attempt came to an end."""
    progress: Mapped[float] = mapped_column(default=0.0)
    created: Mapped[float] = moment()
    begun: Mapped[float | None]
    """When the latest attempt was."""
    finished: Mapped[float | None]
    attempts: Mapped[int] = mapped_column(default=0)
    """How often it was taken, for whatever reason it was not ended."""
    lapses: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often its worker fell silent while it had it."""
    deaths: Mapped[int] = mapped_column(default=0)
    """How often the process that was made for this job alone died of it."""
    lease: Mapped[str | None]
    """Token of the worker that has it now: a worker that lost its lease cannot write a result."""
    lease_until: Mapped[float] = mapped_column(default=0.0)
    """Nobody takes the job before: the end of the lease, or of the wait before another attempt."""


class Tenant(Base):
    """An organisation; nothing of one is ever visible to another."""

    __tablename__ = "tenants"
    id: Mapped[str] = identity()
    name: Mapped[str] = mapped_column(unique=True)
    created: Mapped[float] = moment()


class Account(Base):
    """A person who signs in."""

    __tablename__ = "accounts"
    __table_args__ = (Index("accounts_link", "link", unique=True),)
    id: Mapped[str] = identity()
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    password: Mapped[str]
    """Argon2id, as a PHC string; empty where none was set yet."""
    link: Mapped[str | None] = mapped_column(String(64))
    """sha256 of the secret in the one-time link that sets a password."""
    link_expires: Mapped[float | None]
    active: Mapped[bool] = mapped_column(default=True)
    created: Mapped[float] = moment()


class BrowserSession(Base):
    """A signed-in browser."""

    __tablename__ = "browser_sessions"
    digest: Mapped[str] = mapped_column(primary_key=True)
    """sha256 of the cookie's secret."""
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    csrf: Mapped[str]
    agent: Mapped[str] = mapped_column(default="", server_default="")
    """What the browser calls itself."""
    created: Mapped[float] = moment()
    seen: Mapped[float] = moment()
    expires: Mapped[float]


class Key(Base):
    """An API key of a program."""

    __tablename__ = "keys"
    id: Mapped[str] = identity()
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    """sha256 of the key: 256 random bits need no slow hash."""
    scopes: Mapped[list[str]]
    per_minute: Mapped[int] = mapped_column(default=600)
    created: Mapped[float] = moment()
    used: Mapped[float | None]
    expires: Mapped[float | None]
    revoked: Mapped[float | None]


class Lease(Base):
    """Work that one machine at a time does for all."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[float]


class Bucket(Base):
    """How much of a rate limit is used up."""

    __tablename__ = "buckets"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    """A digest of whose it is."""
    full_at: Mapped[float]
    """When all of it may be used again."""


class Media(Base):
    """One file's bytes, kept once per tenant."""

    __tablename__ = "media"
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    bytes: Mapped[int]
    stored: Mapped[float] = moment()
    hold: Mapped[str | None]
    """Why it may not be deleted (legal hold); none if null."""
    deleted: Mapped[float | None]


class Upload(Base):
    """A file on its way in, in pieces."""

    __tablename__ = "uploads"
    id: Mapped[str] = identity()
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"), index=True)
    actor: Mapped[str]
    name: Mapped[str]
    length: Mapped[int]
    offset: Mapped[int] = mapped_column(default=0)
    pieces: Mapped[list[str]] = mapped_column(default=list)
    """Names of the objects in storage that hold what has come, in order."""
    sha256: Mapped[str | None]
    """As announced; null if it was not."""
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    check: Mapped[str | None]
    """What became of it, once all has come."""
    refused: Mapped[str | None]
    """Why nothing became of it."""
    created: Mapped[float] = moment()
    expires: Mapped[float]


class Check(Job, Base):
    """One judging of one file. The row is the job: accepting an upload and queueing it are one
    transaction.
    """

    __tablename__ = "checks"
    __table_args__ = (
        ForeignKeyConstraint(["tenant", "sha256"], ["media.tenant", "media.sha256"]),
        UniqueConstraint("tenant", "sha256", "configuration"),
        Index("checks_queue", "state", "lease_until", "created"),
        Index("checks_list", "tenant", "id"),
    )
    id: Mapped[str] = identity()
    tenant: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    configuration: Mapped[str] = mapped_column(String(64))
    """sha256 over Unmask's version, its weights and the options: the same file is judged once under
    each.
    """
    name: Mapped[str]
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    uploader: Mapped[str]
    """The actor who brought it."""
    verdict: Mapped[str | None]
    log10_lr: Mapped[float | None]
    result: Mapped[dict[str, Any] | None]
    """JSON values of the `document`."""

    @property
    def document(self) -> Document:
        """What was found, or why nothing could be.

        Raises:
            ValueError: there is no result yet.
        """
        return Document.model_validate(self.result)

    @property
    def outcome(self) -> str | None:
        """The document's outcome, or its verdict where an older version wrote it; lists do not read
        whole documents.
        """
        return (self.result or {}).get("outcome") or self.verdict

    @property
    def error(self) -> str | None:
        """The document's error."""
        return (self.result or {}).get("error")


class Registration(Job, Base):
    """Footage that its owner registers as a known original; hashes and thumbnails of it go into the
    tenant's index.
    """

    __tablename__ = "registrations"
    __table_args__ = (
        ForeignKeyConstraint(["tenant", "sha256"], ["media.tenant", "media.sha256"]),
        UniqueConstraint("tenant", "sha256", "owner"),
        Index("registrations_queue", "state", "lease_until", "created"),
        Index("registrations_list", "tenant", "id"),
    )
    id: Mapped[str] = identity()
    tenant: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[str]
    title: Mapped[str]
    owner: Mapped[str]
    uploader: Mapped[str]
    error: Mapped[str | None]
    """Why it could not be registered."""


class LicenceDocument(Base):
    """What an organisation relies on where a licence allows a change, as it came."""

    __tablename__ = "licence_documents"
    __table_args__ = (UniqueConstraint("tenant", "kind", "named"),)
    id: Mapped[str] = identity()
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str]
    """``licence``, ``list`` of revocations, ``key`` that is vouched for, or ``authority``."""
    named: Mapped[str]
    """A list's issuer and id, under which a newer one takes its place; sha256 of whatever else."""
    title: Mapped[str]
    """Whom it is about, for people."""
    text: Mapped[str]
    list: Mapped[str | None]
    """``named`` of the list that tells whether a licence was taken back."""
    begins: Mapped[float | None]
    ends: Mapped[float | None]
    created: Mapped[float] = moment()
    updated: Mapped[float] = moment()


class Reliance(Base):
    """A licence, by its sha256, that the result of a check rests on."""

    __tablename__ = "reliances"
    __table_args__ = (Index("reliances_licence", "licence"),)
    check: Mapped[str] = mapped_column(ForeignKey("checks.id"), primary_key=True)
    licence: Mapped[str] = mapped_column(String(64), primary_key=True)


class CaseFile(Base):
    """What people make of a check."""

    __tablename__ = "cases"
    id: Mapped[str] = identity()
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    check: Mapped[str] = mapped_column(ForeignKey("checks.id"), unique=True)
    state: Mapped[str] = mapped_column(default="open")
    """``open``, ``decided``, ``appealed`` or ``reopened``."""
    decision: Mapped[str | None]
    """``keep``, ``label``, ``take down`` or ``restore``: the latest."""
    assigned: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"))
    created: Mapped[float] = moment()
    updated: Mapped[float] = moment()


class CaseEvent(Base):
    """Something that happened to a case: only ever added."""

    __tablename__ = "case_events"
    __table_args__ = (UniqueConstraint("case", "number"),)
    id: Mapped[str] = identity()
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    case: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    number: Mapped[int]
    """1 for the first of a case."""
    kind: Mapped[str]
    """``opened``, ``note``, ``assigned``, ``decision``, ``correction``, ``appeal``, ``reopened`` or
    ``notice``.
    """
    actor: Mapped[str]
    actor_name: Mapped[str]
    text: Mapped[str]
    decision: Mapped[str | None]
    rule: Mapped[str | None]
    """The law or the clause that a decision applies."""
    illegal: Mapped[bool | None]
    """Whether the rule is a law."""
    language: Mapped[str | None]
    """Of a notice: ``en`` or ``zh``."""
    created: Mapped[float] = moment()


class LiveCheck(Base):
    """One live check of one account of a caller. What the camera saw is never written down."""

    __tablename__ = "live_checks"
    id: Mapped[str] = identity()
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    subject: Mapped[str]
    """The caller's own name for the account that it is for."""
    ticket: Mapped[str] = mapped_column(String(64))
    """sha256 of the secret that whoever does the check presents."""
    ways: Mapped[list[str]]
    """What the person may choose from: ``light``, ``movement``."""
    way: Mapped[str | None]
    """What the person chose."""
    back: Mapped[str | None]
    """Address to which the page leads afterwards."""
    code: Mapped[str]
    """What the browser brings along to that address, once it did the check."""
    result: Mapped[str | None]
    """``live``, ``not live`` or ``inconclusive``."""
    advice: Mapped[str | None]
    """What the person was told to do."""
    created: Mapped[float] = moment()
    expires: Mapped[float]
    """Nobody can begin it afterwards."""
    begun: Mapped[float | None]
    """When it was used up."""
    finished: Mapped[float | None]


class Webhook(Base):
    """An address that is told about results."""

    __tablename__ = "webhooks"
    id: Mapped[str] = identity()
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    url: Mapped[str]
    secret: Mapped[str]
    events: Mapped[list[str]]
    active: Mapped[bool] = mapped_column(default=True)
    created: Mapped[float] = moment()


class Delivery(Job, Base):
    """One message to one webhook, until it was taken or given up."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("deliveries_queue", "state", "lease_until", "created"),
        Index("deliveries_log", "webhook", "id"),
    )
    id: Mapped[str] = identity()
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    webhook: Mapped[str] = mapped_column(ForeignKey("webhooks.id"))
    event: Mapped[str]
    payload: Mapped[dict[str, Any]]
    answer: Mapped[str | None]
    """What the last attempt met with."""


class Answered(Base):
    """The answer to a request that carried an Idempotency-Key, so that sending it again does
    nothing again.
    """

    __tablename__ = "answered"
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[str] = mapped_column(String(64))
    """sha256 over method, path and body."""
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[dict[str, Any]]
    created: Mapped[float] = moment()


class AuditEntry(Base):
    """One link of a tenant's chain: ``hash`` covers the entry and the ``previous`` hash, so none
    can be changed or left out.
    """

    __tablename__ = "audit"
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[float]
    actor: Mapped[str]
    actor_name: Mapped[str]
    action: Mapped[str]
    """What was done, as ``thing.verb``: ``check.created``, ``case.decided``, ``media.deleted``."""
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]]
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
