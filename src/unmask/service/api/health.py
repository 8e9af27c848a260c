"""Health checks and metrics for monitoring."""

from __future__ import annotations

import logging
import secrets

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel
from sqlalchemy import select

from unmask.service.api.access import Guarded, service_of
from unmask.service.domain import uploads
from unmask.service.problems import Problem, not_found
from unmask.service.store.service import Service
from unmask.service.store.tables import Tenant

router = APIRouter(tags=["health"], route_class=Guarded)
log = logging.getLogger(__name__)


class Health(BaseModel):
    status: str = "ok"


@router.get("/healthz")
def alive() -> Health:
    """Tell that the process answers. If it does not, restart it."""
    return Health()


@router.get("/readyz")
def ready(request: Request) -> Health:
    """Tell whether the database and the storage answer, too. If not, send requests elsewhere.

    Where the service works but part of it is limited, `status` says which.
    """
    service = service_of(request)
    for part, reached in (("database", _database), ("storage", _storage)):
        try:
            reached(service)
        except Exception as error:
            log.exception("%s does not answer", part)
            raise Problem(
                503, "Not ready", f"the {part} does not answer", {"Retry-After": "5"}
            ) from error
    wrong = ["the clock was set; nothing is deleted"] if service.database.clock_jumped else []
    wrong += (
        ["the disk is full; uploads are refused"] if service.storage.room < uploads.RESERVE else []
    )
    return Health(status="; ".join(wrong)) if wrong else Health()


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """Get metrics for Prometheus.

    Needs the token that the operator set, as ``Authorization: Bearer``.
    """
    token, given = (
        service_of(request).settings.metrics_token,
        request.headers.get("authorization", ""),
    )
    if not token:
        raise not_found("page; an operator opens it with UNMASK_METRICS_TOKEN")
    if not secrets.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise Problem(
            401, "Not signed in", "send the operator's token", {"WWW-Authenticate": "Bearer"}
        )
    return Response(
        request.app.state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8"
    )


def _database(service: Service) -> None:
    with service.database.reading() as session:
        session.execute(select(Tenant.id).limit(1))


def _storage(service: Service) -> None:
    service.storage.exists("readiness")
