"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a repeated request does nothing.

The answer is stored in the same transaction as the action, so neither exists without the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Header
from fastapi.responses import JSONResponse
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from unmask.service.people.actor import Actor
from unmask.service.problems import Problem
from unmask.service.store.service import Service
from unmask.service.store.tables import Answered

Answer = tuple[int, dict[str, Any], dict[str, str]]
"""Status, body and headers."""

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Of your choice, new for each intent: sent again, "
        "the request is answered as the first time.",
    ),
]


def once(
    service: Service,
    actor: Actor,
    key: str | None,
    request: dict[str, Any],
    do: Callable[[Session], Answer],
) -> JSONResponse:
    """Runs an action in one transaction, or returns the answer stored when it was first done.

    Args:
        key: None to do it in any case.
        request: the request as JSON values, a file by its sha256.
        do: runs the action and returns the answer.

    Raises:
        Problem: 422 where the key was used for another request.
    """
    digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
    for last in (False, True):
        try:
            with service.database.transaction() as session:
                return _answered(session, actor, key, digest, do)
        except IntegrityError:
            if last:
                raise
    raise AssertionError


def known(service: Service, actor: Actor, key: str | None) -> bool:
    """Tells whether there is an answer stored under a key."""
    if key is None:
        return False
    with service.database.reading() as session:
        return session.get(Answered, (actor.tenant, _name(actor, key))) is not None


def _name(actor: Actor, key: str) -> str:
    return f"{actor.id} {key}"


def _answered(
    session: Session, actor: Actor, key: str | None, digest: str, do: Callable[[Session], Answer]
) -> JSONResponse:
    mine = _name(actor, key) if key else None
    found = session.get(Answered, (actor.tenant, mine)) if mine else None
    if found is not None:
        if found.request != digest:
            raise Problem(
                422,
                "Key used before",
                "this Idempotency-Key came with another request; choose a new one",
            )
        return JSONResponse(found.body, found.status, found.headers)
    status, body, headers = do(session)
    if mine:
        session.add(
            Answered(
                tenant=actor.tenant,
                key=mine,
                request=digest,
                status=status,
                body=body,
                headers=headers,
            )
        )
    return JSONResponse(body, status, headers)
