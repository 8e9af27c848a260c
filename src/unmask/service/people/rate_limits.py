"""Rate limits: token buckets in the database, shared by all machines.

It is the generic cell rate algorithm (ITU-T I.371): a bucket is one number, the time at which it is
full again, and taking from it is one statement that succeeds or does nothing. A lost update is
impossible.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from dataclasses import dataclass

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from unmask.messages import Message
from unmask.service.problems import Problem
from unmask.service.store.tables import Bucket


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of ``quota`` requests per ``window`` seconds; they may come all at once.

    Attributes:
        policy: its name in the headers.
        quota: requests.
        window: s in which a drained bucket is full again.
    """

    policy: str
    quota: int
    window: int


@dataclass(frozen=True, slots=True)
class Taken:
    """State of a limit after a request.

    Attributes:
        limit: which.
        remaining: requests that would be allowed now.
        full_in: s until all are.
        retry_after: s until the next one is; 0 if the request was allowed.
    """

    limit: Limit
    remaining: int
    full_in: int
    retry_after: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """Headers of draft-ietf-httpapi-ratelimit-headers-10, and Retry-After (RFC 9110)."""
        found = {
            "RateLimit-Policy": f'"{self.limit.policy}";q={self.limit.quota};w={self.limit.window}',
            "RateLimit": f'"{self.limit.policy}";r={self.remaining};t={self.full_in}',
        }
        return found | ({"Retry-After": str(self.retry_after)} if self.retry_after else {})


def take(session: Session, name: str, limit: Limit, now: float) -> Taken:
    """Takes one request from the bucket of ``name``.

    Raises:
        Problem: 429, none is left; its headers say when to come back.
    """
    key, cost = bucket(limit.policy, name), limit.window / limit.quota
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    full_at = case((Bucket.full_at > now, Bucket.full_at), else_=now) + cost
    statement = (
        insert(Bucket)
        .values(name=key, full_at=now + cost)
        .on_conflict_do_update(
            index_elements=["name"], set_={"full_at": full_at}, where=full_at <= now + limit.window
        )
        .returning(Bucket.full_at)
    )
    if (until := session.scalar(statement)) is not None:
        left = math.floor((now + limit.window - until) / cost + 1e-6)
        return Taken(limit, left, math.ceil(until - now))
    until = session.scalar(select(Bucket.full_at).where(Bucket.name == key)) or now
    wait = max(1, math.ceil(until + cost - now - limit.window))
    taken = Taken(limit, 0, math.ceil(until - now), wait)
    raise Problem(
        429,
        "Too many requests",
        Message("refusal.too_many", {"quota": limit.quota, "window": limit.window, "wait": wait}),
        taken.headers,
    )


def give_back(session: Session, name: str, limit: Limit) -> None:
    """Returns one request to a bucket."""
    cost = limit.window / limit.quota
    mine = Bucket.name == bucket(limit.policy, name)
    session.execute(update(Bucket).where(mine).values(full_at=Bucket.full_at - cost))


def forget(session: Session, name: str, limit: Limit) -> None:
    """Makes a bucket full again."""
    session.execute(delete(Bucket).where(Bucket.name == bucket(limit.policy, name)))


def drop_full(session: Session, now: float) -> None:
    """Deletes the buckets that are full again: who asked is stored no longer than it limits."""
    session.execute(delete(Bucket).where(Bucket.full_at <= now))


def bucket(policy: str, name: str) -> str:
    """Returns a bucket's key: a digest, so that the database has no network or e-mail address."""
    return hashlib.sha256(f"{policy}\n{name}".encode()).hexdigest()


def network(address: str) -> str:
    """Returns the network that an address belongs to: itself, or its /64 network if it is IPv6.

    A customer gets all of a /64.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address
