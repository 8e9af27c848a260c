"""Requests to addresses that strangers name, never to a private network.

This holds whatever a name resolves to the second time. A name is resolved once, every address it
has must be public, and the connection goes to one of these, with the name kept for the certificate
and the Host header. Redirects are followed by hand, and each is checked anew. See OWASP,
"Server-Side Request Forgery Prevention"; DNS rebinding is why a check before the request is not
enough.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import httpx

from unmask.errors import UnmaskError, printable

HOPS = 5
"""Maximum number of redirects that are followed."""

CONNECT, READ = 10.0, 30.0
"""Maximum time to connect, and to wait for more bytes each time, s."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Forbidden(UnmaskError):
    """An address that may not be requested, or does not answer; the text says why."""


def public(address: str) -> bool:
    """Tells whether an IP address belongs to the public internet.

    Not public are private, loopback, link-local, multicast and reserved addresses, and IPv6
    addresses that stand for such an IPv4 one (mapped, 6to4, Teredo, NAT64).
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip in ipaddress.ip_network("64:ff9b::/96"):
            inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
        if any(found is not None and not public(str(found)) for found in inner):
            return False
    return ip.is_global and not ip.is_multicast


@asynccontextmanager
async def open_response(
    method: str,
    url: str,
    hosts: Collection[str] | None,
    private: bool,
    hops: int = HOPS,
    **request: Any,
) -> AsyncIterator[httpx.Response]:
    """Requests an address and yields its answer, its body not yet read.

    Args:
        method, url, request: as for `httpx.AsyncClient.build_request`.
        hosts: names that may be requested; None for any. One that begins with a dot stands for all
            names below it.
        private: whether private addresses may be requested, too.
        hops: maximum number of redirects that are followed.

    Raises:
        Forbidden: this address, or one that it leads to, may not be requested.
        httpx.HTTPError: it does not answer.
    """
    timeout = httpx.Timeout(READ, connect=CONNECT)
    async with httpx.AsyncClient(
        timeout=timeout, trust_env=False, follow_redirects=False
    ) as client:
        for _hop in range(hops + 1):
            target = _parsed(url, hosts)
            address = await _resolved(target, private)
            sent = client.build_request(method, target.copy_with(host=address), **request)
            sent.headers["Host"] = target.netloc.decode("ascii")
            sent.extensions["sni_hostname"] = target.host
            response = await client.send(sent, stream=True)
            try:
                if (
                    response.status_code not in REDIRECTS
                    or "location" not in response.headers
                    or not hops
                ):
                    yield response
                    return
                url = str(target.join(response.headers["location"]))
            finally:
                await response.aclose()
        raise Forbidden(f"{printable(url)}: more than {hops} redirects")


def _parsed(url: str, hosts: Collection[str] | None) -> httpx.URL:
    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise Forbidden(f"{printable(url)[:200]}: not an address ({error})") from error
    if target.scheme not in ("http", "https") or not target.host:
        raise Forbidden(f"{printable(url)[:200]}: only http and https addresses can be asked")
    if target.userinfo:
        raise Forbidden("an address must not carry a name and a password")
    if hosts is not None and not any(_covers(one, target.host) for one in hosts):
        raise Forbidden(
            f"{target.host} is not among the hosts that whoever runs this service allows"
        )
    return target


def _covers(allowed: str, host: str) -> bool:
    allowed, host = allowed.lower().rstrip("."), host.lower().rstrip(".")
    return host.endswith(allowed) if allowed.startswith(".") else host == allowed


async def _resolved(target: httpx.URL, private: bool) -> str:
    port = target.port or (443 if target.scheme == "https" else 80)
    loop = asyncio.get_running_loop()
    try:
        found = await asyncio.wait_for(
            loop.getaddrinfo(target.host, port, type=socket.SOCK_STREAM), CONNECT
        )
    except (OSError, UnicodeError, TimeoutError) as error:
        raise Forbidden(f"{target.host} cannot be resolved") from error
    addresses = [str(one[4][0]) for one in found]
    if not addresses or not (private or all(public(address) for address in addresses)):
        raise Forbidden(f"{target.host} leads to a private address")
    return addresses[0]
