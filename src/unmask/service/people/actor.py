"""The actor of a request: a person signed in on the page, or a program with an API key.

Every query is bound to the actor's tenant.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Role of a person; each role includes the rights of those before it."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    ADMIN = "admin"


class Scope(StrEnum):
    """A right of an API key; a person's role stands for a set of them."""

    READ = "checks:read"
    UPLOAD = "checks:write"
    CASES = "cases:write"
    ORIGINALS = "originals:write"
    LICENCES = "licences:write"
    LIVE = "live:write"
    ADMIN = "admin"


SCOPES: dict[Role, frozenset[Scope]] = {
    Role.VIEWER: frozenset({Scope.READ}),
    Role.REVIEWER: frozenset({Scope.READ, Scope.UPLOAD, Scope.CASES}),
    Role.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """The actor of a request.

    Attributes:
        tenant: id of the organisation; only its data is visible.
        kind: ``account``, ``key``, or ``system`` for what the service does by itself.
        id: of the account or the key.
        name: as the audit log shows it.
        scopes: rights.
    """

    tenant: str
    kind: str
    id: str
    name: str
    scopes: frozenset[Scope]


def system(tenant: str) -> Actor:
    """Returns the service itself as an actor for a tenant."""
    return Actor(tenant, "system", "system", "Unmask", frozenset())
