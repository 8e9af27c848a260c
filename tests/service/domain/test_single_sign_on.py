"""Identity tokens that a provider should never send, and a provider that misbehaves."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tests.service.desk import Desk
from tests.service.listener import Listener, listener
from unmask.service.domain import single_sign_on
from unmask.service.domain.single_sign_on import SKEW, Vouched
from unmask.service.problems import Problem

KEY, FORGED = (RSAKey.generate_key(2048, {"kid": "one"}) for _ in range(2))
CONFIGURATION = "/.well-known/openid-configuration"


class Forger:
    """Fake provider that signs whatever a test wants, on a port of this machine.

    Args:
        web: the server.
    """

    def __init__(self, web: Listener) -> None:
        self.web, self.issuer = web, web.url
        self.say(
            CONFIGURATION,
            issuer=web.url,
            authorization_endpoint=f"{web.url}/authorize",
            token_endpoint=f"{web.url}/token",
            jwks_uri=f"{web.url}/keys",
        )
        self.say("/keys", **KeySet([KEY]).as_dict(private=False))
        self.claims: dict[str, Any] = {
            "iss": web.url, "aud": "unmask", "sub": "7", "nonce": "n", "iat": int(time.time()),
            "exp": int(time.time()) + 60, "email": "rob@ours.example", "email_verified": True,
            "groups": ["desk"],
        }  # fmt: skip
        self.sign()

    def say(self, path: str, status: int = 200, **answer: Any) -> None:
        self.web.answers[path] = (status, {}, json.dumps(answer).encode())

    def sign(self, key: Any = KEY, algorithm: str = "RS256", **claims: Any) -> None:
        """Answers with a token; a claim given as None is left out."""
        whole = {name: one for name, one in (self.claims | claims).items() if one is not None}
        header = {"alg": algorithm, "kid": "one"}
        token = jwt.encode(header, whole, key, algorithms=[algorithm])
        self.say("/token", id_token=token, access_token="a")  # noqa: S106 - a test's

    def sign_by_secret(self, secret: bytes) -> None:
        """Answers with a token signed by HMAC."""
        parts = ({"alg": "HS256", "kid": "one"}, self.claims)
        text = b".".join(encoded(json.dumps(part).encode()) for part in parts)
        signature = hmac.new(secret, text, hashlib.sha256).digest()
        self.say("/token", id_token=(text + b"." + encoded(signature)).decode())


def encoded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


@pytest.fixture
def forger() -> Iterator[Forger]:
    with listener() as web:
        yield Forger(web)


@pytest.fixture
def sso(tmp_path: Path, forger: Forger) -> Iterator[Desk]:
    settings = {
        "public_url": "http://localhost",
        "oidc_issuer": forger.issuer,
        "oidc_client": "unmask",
        "oidc_secret": "a secret",
        "oidc_organisation": "ours",
    }
    made = Desk(tmp_path / "service", settings)
    yield made
    made.close()


def finish(sso: Desk) -> Vouched:
    return asyncio.run(
        single_sign_on.finish(sso.service, "http://localhost/sign-in/back", "code", "n", "v")
    )


def test_an_honest_token_says_who_it_is(sso: Desk, forger: Forger) -> None:
    vouched = Vouched(forger.issuer, "7", "rob@ours.example", "", frozenset({"desk"}))
    assert finish(sso) == vouched
    forger.sign(email_verified=False)
    assert finish(sso) == replace(vouched, email="")
    forger.sign(email_verified=None)
    assert finish(sso) == replace(vouched, email="")
    forger.sign(aud=["unmask", "another"], azp="unmask")
    assert finish(sso) == vouched
    forger.sign(exp=int(time.time()) - SKEW // 2)
    assert finish(sso) == vouched


def test_the_scopes_asked_for_are_words_with_one_space_between(sso: Desk) -> None:
    begun = asyncio.run(single_sign_on.begin(sso.service, "http://localhost/sign-in/back"))
    assert parse_qs(urlsplit(begun.address).query)["scope"] == ["openid email profile"]


DISHONEST: dict[str, Callable[[Forger], None]] = {
    "another's key": lambda f: f.sign(FORGED),
    "the public key as a secret": lambda f: f.sign_by_secret(KEY.as_pem(private=False)),
    "another issuer": lambda f: f.sign(iss="https://login.example.com"),
    "for another client": lambda f: f.sign(aud="another"),
    "for many, and not first of all for us": lambda f: f.sign(aud=["unmask", "other"]),
    "another authorised": lambda f: f.sign(azp="another"),
    "expired": lambda f: f.sign(exp=int(time.time()) - 2 * SKEW),
    "without an end": lambda f: f.sign(exp=None),
    "from the future": lambda f: f.sign(iat=int(time.time()) + 3 * SKEW),
    "of another sign-in": lambda f: f.sign(nonce="another"),
    "without a nonce": lambda f: f.sign(nonce=None),
    "about nobody": lambda f: f.sign(sub=None),
    "no token": lambda f: f.say("/token", id_token="x.y.z"),  # noqa: S106 - a test's
    "unsigned": lambda f: f.say("/token", id_token="eyJhbGciOiJub25lIn0.e30."),  # noqa: S106 - a test's
}
"""Tokens that must not be believed, by what is wrong with them."""


@pytest.mark.slow
@pytest.mark.parametrize("wrong", DISHONEST)
def test_a_token_that_is_not_for_us_is_refused(sso: Desk, forger: Forger, wrong: str) -> None:
    DISHONEST[wrong](forger)
    with pytest.raises(Problem) as refused:
        finish(sso)
    assert refused.value.status == 401


def _elsewhere(forger: Forger) -> None:
    forger.say(
        CONFIGURATION,
        issuer=forger.issuer,
        authorization_endpoint=f"{forger.issuer}/authorize",
        token_endpoint="http://169.254.169.254/token",  # noqa: S106 - an address
        jwks_uri=f"{forger.issuer}/keys",
    )


MISBEHAVED: dict[str, Callable[[Forger], None]] = {
    "is another": lambda f: f.say(CONFIGURATION, issuer="https://login.example.com"),
    "leads to another host": _elsewhere,
    "refuses": lambda f: f.say("/token", 400, error="invalid_grant"),
    "says no end of things": lambda f: f.say("/token", id_token="x" * (single_sign_on.MOST + 1)),
    "says no JSON": lambda f: f.web.answers.update({"/keys": (200, {}, b"<html>")}),
    "redirects": lambda f: f.web.answers.update({"/keys": (302, {"Location": "/x"}, b"")}),
}


@pytest.mark.parametrize("how", MISBEHAVED)
def test_a_provider_that_misbehaves_is_not_believed(sso: Desk, forger: Forger, how: str) -> None:
    MISBEHAVED[how](forger)
    with pytest.raises(Problem) as refused:
        finish(sso)
    assert refused.value.status == 502
