"""All tables of the service. Times are seconds since 1970 (UTC), ids sort by time of creation."""

from __future__ import annotations

import os
import time
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    false,
    func,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from unmask.report.document import Document
from unmask.report.take import TakeDocument
from unmask.service.store.clock import shared


def new_id() -> str:
    """Returns a UUID of version 7 (RFC 9562): later ids sort after earlier ones, to the ms."""
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
    """A row that is a job: one worker at a time takes it under a lease.

    See `unmask.service.store.jobs`.
    """

    state: Mapped[str] = mapped_column(default="queued")
    """``queued``, ``running``, ``done``, or ``failed`` where no attempt came to an end."""
    progress: Mapped[float] = mapped_column(default=0.0)
    created: Mapped[float] = moment()
    requeued: Mapped[float | None]
    """Time at which it was last queued again; null if it never was."""
    begun: Mapped[float | None]
    """Start of the latest attempt."""
    finished: Mapped[float | None]
    attempts: Mapped[int] = mapped_column(default=0)
    """Number of times it was taken, whatever the reason that it was not finished."""
    lapses: Mapped[int] = mapped_column(default=0, server_default="0")
    """Number of times its worker fell silent while it had it."""
    deaths: Mapped[int] = mapped_column(default=0)
    """Number of times the process made for this job alone died of it."""
    lease: Mapped[str | None]
    """Token of the worker that has it now; a worker that lost its lease cannot write a result."""
    lease_until: Mapped[float] = mapped_column(default=0.0)
    """Earliest time it may be taken: the end of the lease, or of the wait before a retry."""

    @hybrid_property
    def queued(self) -> float:
        """Time since which it waits; jobs are taken in this order."""
        return self.created if self.requeued is None else self.requeued

    @queued.inplace.expression
    @classmethod
    def _queued(cls) -> ColumnElement[float]:
        return func.coalesce(cls.requeued, cls.created)


class Compatibility(Base):
    """Which versions of Unmask can use these tables: one row, written by `migrations`."""

    __tablename__ = "compatibility"
    oldest: Mapped[str] = mapped_column(String(32), primary_key=True)
    """Oldest revision whose version still works with them."""


class Tenant(Base):
    """An organisation; no data of one is ever visible to another."""

    __tablename__ = "tenants"
    id: Mapped[str] = identity()
    name: Mapped[str] = mapped_column(unique=True)
    second_factor: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether its people need a second factor to sign in."""
    quota_waiting: Mapped[int | None]
    """Most checks that may wait at once; null for any number, as in the two below."""
    quota_daily: Mapped[int | None]
    """Most checks that may be begun in 24 hours."""
    quota_bytes: Mapped[int | None]
    """Most bytes of files that may be kept."""
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


class SecondFactor(Base):
    """The authenticator app of a person, for one-time codes."""

    __tablename__ = "second_factors"
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(32))
    """Secret shared with the app, Base32. Codes are computed from it, so it is kept as it is."""
    step: Mapped[int] = mapped_column(default=0)
    """Time step of the last code that was taken; neither it nor an earlier one is taken again."""
    created: Mapped[float] = moment()
    confirmed: Mapped[float | None]
    """Time of the app's first code; sign-in asks for codes from then on."""


class Passkey(Base):
    """A key that a person's device or security key holds and signs with; see `webauthn`."""

    __tablename__ = "passkeys"
    __table_args__ = (
        UniqueConstraint("credential"),
        Index("passkeys_account", "account"),
    )
    id: Mapped[str] = identity()
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    """Name that the person gave it."""
    credential: Mapped[str]
    """Id that the authenticator gave it, base64url; no two accounts have the same."""
    key: Mapped[str]
    """Public key (SubjectPublicKeyInfo, DER), base64url."""
    count: Mapped[int]
    """Signature counter at its last use; 0 where the authenticator has none."""
    created: Mapped[float] = moment()
    used: Mapped[float | None]


class RecoveryCode(Base):
    """A one-time code of a person for the day when app and passkeys are lost."""

    __tablename__ = "recovery_codes"
    __table_args__ = (Index("recovery_codes_account", "account"),)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """sha256 of the code: 120 random bits need no slow hash."""
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"))


class Identity(Base):
    """A person at a provider of single sign-on, and the account that is theirs here."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "account"),)
    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    """The provider's own name for the person, which it never gives to anybody else."""
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    created: Mapped[float] = moment()


class BrowserSession(Base):
    """A signed-in browser."""

    __tablename__ = "browser_sessions"
    digest: Mapped[str] = mapped_column(primary_key=True)
    """sha256 of the cookie's secret."""
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    csrf: Mapped[str]
    agent: Mapped[str] = mapped_column(default="", server_default="")
    """User agent of the browser."""
    pending: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the password was right and the second factor is still to come."""
    challenge: Mapped[str | None]
    """Challenge that a passkey is to sign next, base64url; null once it was answered."""
    ceremony: Mapped[str | None]
    """Purpose of that challenge, see `webauthn.Ceremony`."""
    challenge_expires: Mapped[float | None]
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
    """A lease on periodic work that one machine at a time does for all."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[float]


class Bucket(Base):
    """State of a rate limit."""

    __tablename__ = "buckets"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Digest of the policy and the name whose requests it counts."""
    full_at: Mapped[float]
    """Time at which all requests are available again."""


class Media(Base):
    """Bytes of one file, kept once per tenant."""

    __tablename__ = "media"
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    bytes: Mapped[int]
    stored: Mapped[float] = moment()
    hold: Mapped[str | None]
    """Reason why it may not be deleted (legal hold); null if there is none."""
    deleted: Mapped[float | None]


class Stray(Base):
    """A place in the storage that was seen without a row in the database; see `sweeping`."""

    __tablename__ = "strays"
    place: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    seen: Mapped[float]


class Upload(Base):
    """An upload under way, in pieces."""

    __tablename__ = "uploads"
    id: Mapped[str] = identity()
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"), index=True)
    actor: Mapped[str]
    name: Mapped[str]
    length: Mapped[int]
    offset: Mapped[int] = mapped_column(default=0)
    pieces: Mapped[list[str]] = mapped_column(default=list)
    """Names of the storage objects that hold the received pieces, in order."""
    sha256: Mapped[str | None]
    """Announced sha256; null if none was announced."""
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    check: Mapped[str | None]
    """Check made from it, once all has come."""
    refused: Mapped[str | None]
    """Reason why no check was made from it."""
    created: Mapped[float] = moment()
    expires: Mapped[float]


class Check(Job, Base):
    """One judging of one file.

    The row is the job: accepting an upload and queueing it are one transaction.
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
    """sha256 over all that a result depends on besides the file.

    It covers Unmask's version, its weights, the options, and the tenant's known originals and
    licences. The same file is judged once under each configuration.
    """
    name: Mapped[str]
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    uploader: Mapped[str]
    """Id of the actor who brought it."""
    verdict: Mapped[str | None]
    log10_lr: Mapped[float | None]
    result: Mapped[dict[str, Any] | None]
    """JSON values of the `document`."""

    @property
    def document(self) -> Document:
        """Result of the check, or why there could be none.

        Raises:
            ValueError: there is no result yet.
        """
        return Document.model_validate(self.result)

    @property
    def outcome(self) -> str | None:
        """Outcome of the document, or its verdict where an older version wrote it.

        Lists do not read whole documents.
        """
        return (self.result or {}).get("outcome") or self.verdict

    @property
    def error(self) -> str | None:
        """Error of the document."""
        return (self.result or {}).get("error")


class Registration(Job, Base):
    """Footage that its owner registers as a known original.

    Its hashes and thumbnails go into the tenant's index.
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
    """Reason why it could not be registered."""


class Take(Job, Base):
    """The question whether a file is one unbroken take, and its answer; once per file.

    The row is the job. It is deleted with the file.
    """

    __tablename__ = "takes"
    __table_args__ = (
        ForeignKeyConstraint(["tenant", "sha256"], ["media.tenant", "media.sha256"]),
        UniqueConstraint("tenant", "sha256"),
        Index("takes_queue", "state", "lease_until", "created"),
    )
    id: Mapped[str] = identity()
    tenant: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[str]
    version: Mapped[str]
    """Version of Unmask that answered; until then, the one that was asked."""
    result: Mapped[dict[str, Any] | None]
    """JSON values of the `document`; null until the latest question is answered."""

    @property
    def document(self) -> TakeDocument:
        """Answer, or why there could be none.

        Raises:
            ValueError: there is none yet.
        """
        return TakeDocument.model_validate(self.result)

    @property
    def answer(self) -> str | None:
        """Answer of the document."""
        return (self.result or {}).get("answer")

    @property
    def error(self) -> str | None:
        """Error of the document."""
        return (self.result or {}).get("error")


class LicenceDocument(Base):
    """A document of an organisation's register of licences, as it came."""

    __tablename__ = "licence_documents"
    __table_args__ = (UniqueConstraint("tenant", "kind", "named"),)
    id: Mapped[str] = identity()
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str]
    """``licence``, ``list`` of revocations, ``key`` that is vouched for, or ``authority``."""
    named: Mapped[str]
    """Issuer and id of a list, by which a newer one replaces it; else the document's sha256."""
    title: Mapped[str]
    """Persons or organisations it is about, for display."""
    text: Mapped[str]
    list: Mapped[str | None]
    """``named`` of the list that tells whether a licence was revoked."""
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
    """A case: people's decisions about a check."""

    __tablename__ = "cases"
    id: Mapped[str] = identity()
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    check: Mapped[str] = mapped_column(ForeignKey("checks.id"), unique=True)
    state: Mapped[str] = mapped_column(default="open")
    """``open``, ``decided``, ``appealed`` or ``reopened``."""
    decision: Mapped[str | None]
    """Latest decision: ``keep``, ``label``, ``take down`` or ``restore``."""
    assigned: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"))
    created: Mapped[float] = moment()
    updated: Mapped[float] = moment()


class CaseEvent(Base):
    """Event of a case; events are only ever added."""

    __tablename__ = "case_events"
    __table_args__ = (UniqueConstraint("case", "number"),)
    id: Mapped[str] = identity()
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    case: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    number: Mapped[int]
    """Number within the case, from 1."""
    kind: Mapped[str]
    """Kind of event.

    One of ``opened``, ``note``, ``assigned``, ``decision``, ``correction``, ``appeal``,
    ``reopened`` and ``notice``.
    """
    actor: Mapped[str]
    actor_name: Mapped[str]
    text: Mapped[str]
    decision: Mapped[str | None]
    rule: Mapped[str | None]
    """Law or clause that a decision applies."""
    illegal: Mapped[bool | None]
    """True if the rule is a law."""
    language: Mapped[str | None]
    """Language of a notice: ``en`` or ``zh``."""
    created: Mapped[float] = moment()


class LiveCheck(Base):
    """One live check of one account of a caller. The camera's frames are never written down."""

    __tablename__ = "live_checks"
    id: Mapped[str] = identity()
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    subject: Mapped[str]
    """The caller's own name for the account."""
    ticket: Mapped[str] = mapped_column(String(64))
    """sha256 of the secret that the browser presents."""
    ways: Mapped[list[str]]
    """Ways that the person may choose from: ``light``, ``movement``."""
    way: Mapped[str | None]
    """Way that the person chose."""
    back: Mapped[str | None]
    """Address to which the page leads afterwards."""
    code: Mapped[str]
    """Code that the browser brings to that address after the check."""
    result: Mapped[str | None]
    """``live``, ``not live`` or ``inconclusive``."""
    advice: Mapped[str | None]
    """Advice to the person, as the caller reads it."""
    created: Mapped[float] = moment()
    expires: Mapped[float]
    """Time after which nobody can begin it."""
    begun: Mapped[float | None]
    """Time at which it was begun and so used up."""
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
    """One message to one webhook, until it is taken or given up."""

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
    """Answer or failure of the last attempt."""


class Answered(Base):
    """The answer to a request with an Idempotency-Key; a repeated request does nothing."""

    __tablename__ = "answered"
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[str] = mapped_column(String(64))
    """sha256 over the request as JSON values, with a file by its sha256."""
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[dict[str, Any]]
    created: Mapped[float] = moment()


class AuditEntry(Base):
    """One entry of a tenant's chain.

    ``hash`` covers the entry and the ``previous`` hash, so that none can be changed or left out.
    """

    __tablename__ = "audit"
    __table_args__ = (Index("audit_subject", "tenant", "subject"),)
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[float]
    actor: Mapped[str]
    actor_name: Mapped[str]
    action: Mapped[str]
    """Action, as ``thing.verb``: ``check.created``, ``case.decided``, ``media.deleted``."""
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]]
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
