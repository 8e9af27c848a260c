"""Protection of every request and answer: allowed hosts, security headers, a log line and a metric.

It is plain ASGI, so that streams pass unchanged.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unmask.service.api.metrics import Metrics
from unmask.service.people.actor import Actor
from unmask.service.people.sessions import secure
from unmask.service.settings import ServiceSettings
from unmask.service.store.service import Service
from unmask.service.store.tables import new_id

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; font-src 'self'; frame-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Content Security Policy (W3C, level 3) of every answer that has none of its own.

It allows no inline script or style.
"""

REPORT_POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
"""Content Security Policy of a report: a document of no origin, without scripts.

The report's own policy, in the page, narrows the styles to their hash.
"""

HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
"""Headers set where a route has not set them.

``no-referrer`` would make browsers send ``Origin: null`` with our own forms.
"""

HSTS = "max-age=31536000"
"""Enforces https for a year (RFC 6797), where the public address is https."""

LOCAL = ("localhost", "127.0.0.1", "::1")
PROBES = ("/healthz", "/readyz", "/metrics")
"""Paths that monitoring machines request under any address they know."""

log = logging.getLogger(__name__)


def protect(app: FastAPI, service: Service) -> None:
    """Wraps an application in all of it; ``app.state.metrics`` counts from then on."""
    app.state.metrics = Metrics(service)
    app.add_middleware(Hosts, hosts=hosts(service.settings))
    app.add_middleware(Headers, settings=service.settings)
    app.add_middleware(Observed, metrics=app.state.metrics)


def hosts(settings: ServiceSettings) -> frozenset[str]:
    """Returns the host names that the service answers to.

    These are its public name, the names the operator adds, and this machine's own.
    """
    public = urlsplit(settings.public_url).hostname
    return frozenset(
        {*LOCAL, *(name.lower() for name in settings.hosts), *([public] if public else [])}
    )


class Headers:
    """Adds the security headers, and those of the rate limit.

    Args:
        app: the wrapped application.
        settings: tell whether people come by https.
    """

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self._app = app
        self._headers = HEADERS | ({"Strict-Transport-Security": HSTS} if secure(settings) else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in (
                    self._headers | scope.get("state", {}).get("headers", {})
                ).items():
                    headers.setdefault(name, value)
            await send(message)

        return await self._app(scope, receive, sending)


class Hosts:
    """Refuses a request for another host.

    Otherwise another site's name could be made to point here (DNS rebinding).

    Args:
        app: the wrapped application.
        hosts: names, lower case, without a port.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app, self._hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in PROBES or _host(scope) in self._hosts:
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            # Closed before it was accepted, so the client gets a 403.
            return await send({"type": "websocket.close", "code": 1008})
        detail = (
            "this name is not the service's; "
            "an operator adds it with UNMASK_PUBLIC_URL or UNMASK_HOSTS"
        )
        body = json.dumps(
            {"type": "about:blank", "title": "Unknown host", "status": 421, "detail": detail}
        ).encode()
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 421, "headers": headers})
        return await send({"type": "http.response.body", "body": body})


class Observed:
    """Logs and counts each answer.

    It also gives each an id, which is in the header ``X-Request-ID``, too.

    Args:
        app: the wrapped application.
        metrics: count the answers.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        begun, request, status = time.perf_counter(), new_id(), 500
        scope.setdefault("state", {})["request"] = request

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            self._note(scope, request, status, time.perf_counter() - begun)

    def _note(self, scope: Scope, request: str, status: int, seconds: float) -> None:
        route = _template(scope)
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._metrics.answered(method, route, status, seconds)
        actor: Actor | None = scope.get("state", {}).get("actor")
        who = {"tenant": actor.tenant, "actor": f"{actor.kind}:{actor.id}"} if actor else {}
        told = {
            "request": request,
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 1),
        }
        log.info("answered", extra=told | who)


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _template(scope: Scope) -> str:
    """Returns the path of a route with its parameters by name.

    The route knows only its own end. The prefix that a router adds is the same for all requests,
    and is taken from the path, unless a parameter may span several path segments.
    """
    own: str = getattr(scope.get("route"), "path", "unknown")
    if own == "unknown" or ":path}" in own:
        return own
    parts = scope["path"].strip("/").split("/")
    before = parts[: len(parts) - len(own.strip("/").split("/"))]
    return "/".join(["", *before, own.lstrip("/")])


def _host(scope: Scope) -> str:
    text = next(
        (value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), ""
    )
    try:
        return urlsplit(f"//{text}").hostname or ""
    except ValueError:
        return ""
