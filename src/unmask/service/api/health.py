"""Health checks and metrics for monitoring."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from unmask.errors import UsageError
from unmask.service.api.access import Guarded, service_of
from unmask.service.domain import uploads
from unmask.service.problems import Problem, not_found
from unmask.service.store import migrations
from unmask.service.store.migrations import Fit

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
    with _needed("the database does not answer"), service.database.reading() as session:
        newer = migrations.usable(session) is Fit.NEWER
    with _needed("the storage does not answer"):
        service.storage.reach()
    limits = {
        "the tables are of a newer version; upgrade this machine, too": newer,
        "the clock was set; nothing is deleted": service.database.clock_jumped,
        "the disk is full; uploads are refused": service.storage.room < uploads.RESERVE,
    }
    return Health(status="; ".join(said for said, holds in limits.items() if holds) or "ok")


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


@contextmanager
def _needed(otherwise: str) -> Iterator[None]:
    """Turns any error into the answer that this machine is not ready, with the reason."""
    try:
        yield
    except UsageError as error:
        log.error("%s", error)
        reason = "the tables are not of a version that works here; the log says more"
        raise Problem(503, "Not ready", reason, {"Retry-After": "5"}) from error
    except Exception as error:
        log.exception("%s", otherwise)
        raise Problem(503, "Not ready", otherwise, {"Retry-After": "5"}) from error
