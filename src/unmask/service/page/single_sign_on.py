"""Pages of single sign-on: the browser leaves for the provider, and comes back from it.

What it must bring back is in a cookie of ten minutes, so that nobody can finish a sign-in that
another browser began (RFC 9700, 4.7).
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from unmask.messages import Message
from unmask.service.api import accounts as api
from unmask.service.api.access import own_origin, service_of
from unmask.service.domain import single_sign_on
from unmask.service.domain.single_sign_on import Vouched
from unmask.service.page.rendering import HEADERS, PageRoute, local
from unmask.service.page.signing_in import NEXT, refuse
from unmask.service.people import accounts, identities, rate_limits, sessions
from unmask.service.people.rate_limits import Limit
from unmask.service.problems import Problem, not_found
from unmask.service.settings import ServiceSettings

router = APIRouter(route_class=PageRoute)

BACK = "/sign-in/back"
MINUTES = 10

PER_ADDRESS_AWAY = Limit("sign-in-away", quota=300, window=900)
"""Limit on leaving for the provider, which is asked each time for its configuration.

It is apart from the limit on attempts to sign in: whoever leaves has attempted nothing yet.
"""

Text = Annotated[str, Query(max_length=4000)]
Where = Annotated[str, Query(max_length=2000)]
"""Page wanted after signing in; it has to fit into a cookie, of which browsers keep 4096 bytes."""


@router.get("/sign-in/away")
async def leave(request: Request, next: Where = "/") -> Response:  # noqa: A002 - as in the address
    """Sends the browser to the provider."""
    service = service_of(request)
    if not service.settings.oidc_issuer:
        raise not_found("page")
    try:
        await run_in_threadpool(_count, request, PER_ADDRESS_AWAY)
        begun = await single_sign_on.begin(service, own_origin(request) + BACK)
    except Problem as problem:
        return await run_in_threadpool(refuse, request, problem, local(next))
    response = RedirectResponse(begun.address, 303, HEADERS)
    where = urlsafe_b64encode(local(next).encode()).decode()
    kept = ".".join((begun.state, begun.nonce, begun.verifier, where))
    _keep(response, service.settings, kept, 60 * MINUTES)
    return response


@router.get(BACK)
async def come_back(
    request: Request, state: Text = "", code: Text = "", iss: Text = ""
) -> Response:
    """Signs the browser in that comes back from the provider."""
    service = service_of(request)
    if not service.settings.oidc_issuer:
        raise not_found("page")
    where = "/"
    try:
        expected, nonce, verifier, where = _kept(request)
        if not code or not secrets.compare_digest(state.encode(), expected.encode()):
            raise _stale()
        if iss and iss != service.settings.oidc_issuer:  # RFC 9207: another provider's answer
            raise _stale()
        await run_in_threadpool(_count, request, accounts.PER_ADDRESS)
        back = own_origin(request) + BACK
        vouched = await single_sign_on.finish(service, back, code, nonce, verifier)
        response = await run_in_threadpool(_sign_in, request, vouched, where)
    except Problem as problem:
        response = await run_in_threadpool(refuse, request, problem, where)
    _keep(response, service.settings, "", 0)
    return response


def _sign_in(request: Request, vouched: Vouched, where: str) -> Response:
    """Signs the browser in; a second factor is asked for as after a password."""
    service = service_of(request)
    with service.database.transaction() as session:
        account = identities.account_of(
            session,
            service.settings,
            vouched.issuer,
            vouched.subject,
            vouched.email,
            vouched.name,
            vouched.groups,
        )
        rate_limits.give_back(session, _network(request), accounts.PER_ADDRESS)
    response = RedirectResponse(where, 303, HEADERS)
    if awaits := api.enter(request, response, account).awaits:
        response.headers["location"] = f"{NEXT[awaits]}?{urlencode({'next': where})}"
    return response


def _count(request: Request, limit: Limit) -> None:
    """Counts a request against a limit on the browser's network."""
    database = service_of(request).database
    with database.transaction() as session:
        rate_limits.take(session, _network(request), limit, database.now())


def _network(request: Request) -> str:
    return rate_limits.network(request.client.host if request.client else "")


def _kept(request: Request) -> tuple[str, str, str, str]:
    """Returns state, nonce, verifier and the page wanted, as the cookie has them."""
    parts = request.cookies.get(_name(service_of(request).settings), "").split(".")
    try:
        state, nonce, verifier, where = parts
        return state, nonce, verifier, local(urlsafe_b64decode(where).decode())
    except ValueError:
        raise _stale() from None


def _keep(response: Response, settings: ServiceSettings, value: str, seconds: int) -> None:
    response.set_cookie(
        _name(settings),
        value,
        max_age=seconds,
        path="/",
        secure=sessions.secure(settings),
        httponly=True,
        samesite="lax",
    )


def _name(settings: ServiceSettings) -> str:
    return "__Host-unmask_sign_in" if sessions.secure(settings) else "unmask_sign_in"


def _stale() -> Problem:
    return Problem(400, "Not signed in", Message("refusal.sso_stale"))
