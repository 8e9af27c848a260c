"""Who asks: a person signed in on the page, or a program with an API key. Every query is bound to
the actor's tenant.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person may do; each role may do what those before it may."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    ADMIN = "admin"


class Scope(StrEnum):
    """What an API key may do; a person's role stands for a set of them."""

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
    """Who asks.

    Attributes:
        tenant: the id of the organisation whose data alone is visible.
        kind: ``account``, ``key``, or ``system`` for what the service does by itself.
        id: of the account or the key.
        name: as the audit log shows it.
        scopes: what is allowed.
    """

    tenant: str
    kind: str
    id: str
    name: str
    scopes: frozenset[Scope]


def system(tenant: str) -> Actor:
    """The service itself, acting for a tenant."""
    return Actor(tenant, "system", "system", "Unmask", frozenset())
