"""Access control: each route names the scopes it needs and gets the actor who has them.

Programs send an API key, browsers a cookie. Any page can make a browser send the cookie. So a
request with a cookie that changes something must also come from our own page (Origin, or
Sec-Fetch-Site) and carry the session's token.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from unmask.messages import Message
from unmask.service.people import accounts, keys, rate_limits, sessions
from unmask.service.people.actor import Actor, Scope
from unmask.service.people.rate_limits import Limit, Taken
from unmask.service.people.sessions import SignedIn
from unmask.service.problems import Problem
from unmask.service.settings import ServiceSettings

if TYPE_CHECKING:
    from unmask.service.store.service import Service

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, 9.2.1)."""

BODY = 256 << 10
"""Maximum size of a request that brings no file, bytes."""

FIELDS, FILES = 40, 1
"""Maximum number of fields and of files in a form."""

PER_PERSON = 600
"""Requests per minute of one signed-in person, all browsers together."""

BEARER = HTTPBearer(auto_error=False, scheme_name="key", description="An API key: `um_…`.")
COOKIE = APIKeyCookie(
    name="unmask_session",
    auto_error=False,
    scheme_name="session",
    description="`__Host-unmask_session` over https.",
)

Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]


def service_of(request: Request) -> Service:
    """Returns the service that answers a request."""
    service: Service = request.app.state.service
    return service


class Allowed:
    """A dependency that returns the actor of a request.

    Args:
        scopes: the actor needs all of them; with none, any known actor is allowed.
        pending: whether a person is allowed, too, whose second factor is still to come. Such an
            actor has no scopes.
    """

    def __init__(self, *scopes: Scope, pending: bool = False) -> None:
        self._scopes, self._pending = scopes, pending

    async def __call__(
        self,
        request: Request,
        key: Credentials,
        _cookie: Annotated[str | None, Security(COOKIE)] = None,
    ) -> Actor:
        """Returns the actor, counting the request once against their rate limit.

        Raises:
            Problem: 401, unknown actor; 403, a scope is missing, or the request may not come from
                our own page; 429, the rate limit.
        """
        known: Actor | None = getattr(request.state, "actor", None)
        return known or await self.admit(request, key)

    async def admit(self, request: Request, key: HTTPAuthorizationCredentials | None) -> Actor:
        """Checks the request anew and returns the actor.

        Unlike a call, it ignores an actor already found. It reads the body last, and only for a
        browser's token.
        """
        if key is not None:
            actor = await run_in_threadpool(_program, request, key.credentials)
            self._check_scopes(actor)
            return actor
        actor, token = await run_in_threadpool(_person, request, self._pending)
        self._check_scopes(actor)
        if request.method not in SAFE:
            check_origin(request)
            await _check_token(request, token)
        return actor

    def _check_scopes(self, actor: Actor) -> None:
        if missing := [scope for scope in self._scopes if scope not in actor.scopes]:
            raise Problem(403, "Not allowed", Message("refusal.scope", {"scope": missing[0]}))


class Guarded(APIRoute):
    """A route that reads no body before it knows the sender.

    FastAPI by itself reads and parses the body first.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        guards = [one.call for one in self.dependant.dependencies if isinstance(one.call, Allowed)]

        async def guarded(request: Request) -> Response:
            for guard in guards:
                await guard.admit(request, await BEARER(request))
            return await handle(request)

        return guarded


def check_origin(request: Request) -> None:
    """Refuses a request that another site's page made the browser send.

    Raises:
        Problem: 403.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    same = origin == own_origin(request) if origin is not None else site == "same-origin"
    if not same:
        raise Problem(403, "Other site", Message("refusal.other_site"))


def own_origin(connection: HTTPConnection) -> str:
    """Returns the origin under which people reach the page: scheme, host and port."""
    public = connection.app.state.service.settings.public_url
    parts = urlsplit(public or str(connection.base_url))
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return f"{scheme}://{parts.netloc}"


def set_cookie(response: Response, settings: ServiceSettings, signed_in: SignedIn) -> None:
    """Stores the session's secret in the browser.

    No script can read the cookie, and no other site can send it along with a form.
    """
    response.set_cookie(
        sessions.cookie_name(settings),
        signed_in.secret,
        max_age=sessions.ABSOLUTE,
        path="/",
        secure=sessions.secure(settings),
        httponly=True,
        samesite="lax",
    )


def drop_cookie(response: Response, settings: ServiceSettings) -> None:
    """Deletes the session's cookie from the browser."""
    response.delete_cookie(
        sessions.cookie_name(settings),
        path="/",
        secure=sessions.secure(settings),
        httponly=True,
        samesite="lax",
    )


def secret_of(request: Request) -> str | None:
    """Returns the secret in the browser's cookie, or None if there is none."""
    return request.cookies.get(sessions.cookie_name(service_of(request).settings))


def _program(request: Request, secret: str) -> Actor:
    database = service_of(request).database
    key = keys.find(database, secret)
    if key is None:
        raise _unknown("the API key expired, was revoked or never was", "Bearer")
    _count(request, f"key:{key.id}", Limit("key", key.per_minute, 60))
    return _known(request, keys.actor_of(key))


def _person(request: Request, pending: bool) -> tuple[Actor, str]:
    secret, database = secret_of(request), service_of(request).database
    found = sessions.find(database, secret, pending=pending) if secret else None
    if found is None:
        raise _unknown("sign in, or send an API key: Authorization: Bearer um_…", "Bearer")
    browser, account = found
    _count(request, f"account:{account.id}", Limit("account", PER_PERSON, 60))
    request.state.csrf = browser.csrf
    actor = accounts.actor_of(account)
    actor = replace(actor, scopes=frozenset()) if browser.pending else actor
    return _known(request, actor), browser.csrf


def _known(request: Request, actor: Actor) -> Actor:
    request.state.actor = actor
    return actor


def _unknown(detail: str, scheme: str) -> Problem:
    return Problem(401, "Not signed in", detail, {"WWW-Authenticate": scheme})


def _count(request: Request, name: str, limit: Limit) -> None:
    """Counts a request against a limit.

    A request that only reads is let in uncounted where the database cannot be written.
    """
    database = service_of(request).database
    moment = database.now()

    def take(session: Session) -> Taken:
        return rate_limits.take(session, name, limit, moment)

    if request.method in SAFE:
        taken = database.note(take)
    else:
        with database.transaction() as session:
            taken = take(session)
    request.state.headers = taken.headers if taken else {}


async def _check_token(request: Request, token: str) -> None:
    given: Any = request.headers.get("x-csrf-token")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given is None and kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        given = (await request.form(max_files=FILES, max_fields=FIELDS)).get("csrf")
    if not isinstance(given, str) or not secrets.compare_digest(given.encode(), token.encode()):
        raise Problem(403, "No token", Message("refusal.out_of_date"))


Anyone = Annotated[Actor, Depends(Allowed())]
Entering = Annotated[Actor, Depends(Allowed(pending=True))]
Reader = Annotated[Actor, Depends(Allowed(Scope.READ))]
Admin = Annotated[Actor, Depends(Allowed(Scope.ADMIN))]
