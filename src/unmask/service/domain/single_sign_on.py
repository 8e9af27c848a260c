"""Single sign-on by OpenID Connect 1.0: the authorization code flow with PKCE.

`begin` names the address to which the browser is sent, and what it must bring back. `finish` takes
the code that came back, fetches the identity token, and checks it as OpenID Connect Core 3.1.3.7
says: signature by the provider's published keys, issuer, audience, times and nonce. All requests go
through `network`, to the issuer's host and those that the settings name.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from unmask.messages import Message
from unmask.service.domain.network import Forbidden, open_response
from unmask.service.problems import Problem
from unmask.service.store.service import Service

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures that are accepted; none and those by a shared secret are not."""

SKEW = 60
"""Maximum seconds by which the provider's clock may differ from ours."""

SECONDS, MOST = 20.0, 256 << 10
"""Maximum seconds for one answer of the provider, and its maximum size, bytes."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in under way, which only the browser that began it can finish.

    Attributes:
        address: of the provider, to which the browser is sent.
        state, nonce, verifier: secrets of this sign-in, to be kept in the browser.
    """

    address: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Vouched:
    """A person, as the provider vouches for them.

    Attributes:
        issuer, subject: the provider and its own name for the person, which never changes.
        email: verified by the provider; empty if it is not.
        name: for display; may be empty.
        groups: from the claim that the settings name.
    """

    issuer: str
    subject: str
    email: str
    name: str
    groups: frozenset[str]


async def begin(service: Service, back: str) -> Begun:
    """Begins a sign-in.

    Args:
        back: our own address to which the provider sends the browser back.

    Raises:
        Problem: 502, the provider does not answer as it should.
    """
    provider = await _provider(service)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": service.settings.oidc_client,
        "redirect_uri": back,
        "scope": f"openid email profile {service.settings.oidc_scope}".strip(),
        "state": state,
        "nonce": nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    address = provider["authorization_endpoint"]
    joint = "&" if urlsplit(address).query else "?"
    return Begun(f"{address}{joint}{urlencode(asked)}", state, nonce, verifier)


async def finish(service: Service, back: str, code: str, nonce: str, verifier: str) -> Vouched:
    """Exchanges the code that came back for a person whom the provider vouches for.

    Raises:
        Problem: 502, the provider does not answer as it should; 401, its identity token is not
            valid, or not for us.
    """
    provider = await _provider(service)
    given = await _tokens(service, provider["token_endpoint"], back, code, verifier)
    keys = await _answer(service, "GET", provider["jwks_uri"])
    claims = _claims(service, str(given.get("id_token")), keys, nonce)
    if "userinfo_endpoint" in provider and "access_token" in given:
        bearer = {"Authorization": f"Bearer {given['access_token']}"}
        more = await _answer(service, "GET", provider["userinfo_endpoint"], headers=bearer)
        if more.get("sub") != claims["sub"]:
            raise _invalid()
        claims = more | claims
    groups = claims.get(service.settings.oidc_groups_claim) or []
    verified = claims.get("email_verified", service.settings.oidc_trust_emails)
    return Vouched(
        issuer=claims["iss"],
        subject=claims["sub"],
        email=str(claims.get("email", "")) if verified is True else "",
        name=str(claims.get("name", "")),
        groups=frozenset(map(str, groups if isinstance(groups, list) else [groups])),
    )


async def _provider(service: Service) -> dict[str, str]:
    """Returns the provider's addresses (OpenID Connect Discovery 1.0)."""
    issuer = service.settings.oidc_issuer
    found = await _answer(service, "GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    used = {name: found.get(name) for name in (*needed, "userinfo_endpoint") if name in found}
    scheme = urlsplit(issuer).scheme
    if found.get("issuer") != issuer or not all(name in used for name in needed):
        raise _away()
    if any(urlsplit(str(one)).scheme not in {scheme, "https"} for one in used.values()):
        raise _away()
    return {name: str(address) for name, address in used.items()}


async def _tokens(
    service: Service, address: str, back: str, code: str, verifier: str
) -> dict[str, Any]:
    settings = service.settings
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "code_verifier": verifier,
    }
    pair = ":".join(quote(one, safe="") for one in (settings.oidc_client, settings.oidc_secret))
    basic = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return await _answer(service, "POST", address, data=form, headers=basic)


async def _answer(service: Service, method: str, address: str, **request: Any) -> dict[str, Any]:
    """Asks the provider, and returns the JSON object that it answers."""
    settings, body = service.settings, b""
    hosts = (urlsplit(settings.oidc_issuer).hostname or "", *settings.oidc_hosts)
    try:
        async with (
            asyncio.timeout(SECONDS),
            open_response(method, address, hosts, True, hops=0, **request) as response,
        ):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MOST:
                    raise _away()
            if not response.is_success:
                raise _away()
            found = json.loads(body)
    except (Forbidden, httpx.HTTPError, TimeoutError, ValueError) as error:
        raise _away() from error
    if not isinstance(found, dict):
        raise _away()
    return found


def _claims(service: Service, token: str, keys: dict[str, Any], nonce: str) -> dict[str, Any]:
    """Returns the claims of a valid identity token."""
    settings = service.settings
    registry = jwt.JWTClaimsRegistry(
        now=int(service.database.now()),
        leeway=SKEW,
        iss={"essential": True, "value": settings.oidc_issuer},
        aud={"essential": True, "value": settings.oidc_client},
        nonce={"essential": True, "value": nonce},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        known = KeySet.import_key_set({"keys": keys["keys"]})
        claims = jwt.decode(token, known, algorithms=ALGORITHMS).claims
        registry.validate(claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise _invalid() from error
    others = [one for one in [claims["aud"]] if isinstance(one, list) and len(one) > 1]
    if claims.get("azp", settings.oidc_client) != settings.oidc_client or (
        others and "azp" not in claims
    ):
        raise _invalid()
    return claims


def _away() -> Problem:
    return Problem(502, "Single sign-on", Message("refusal.sso_away"))


def _invalid() -> Problem:
    return Problem(401, "Not signed in", Message("refusal.sso_invalid"))
