"""Fetching of media by URL, from hosts that the operator allows."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote, urlsplit

import httpx

from unmask.service.domain.checks import Received
from unmask.service.domain.network import Forbidden, open_response
from unmask.service.domain.uploads import receive
from unmask.service.problems import Problem
from unmask.service.store.service import Service

AS_IT_IS = {"Accept-Encoding": "identity"}
"""Request header against compressed answers: media is compressed already.

A compressed answer of a stranger's server is not unpacked.
"""


async def fetch(service: Service, url: str) -> Received:
    """Downloads a file, within the limits on bytes and seconds.

    Raises:
        Problem: 403 where fetching is off or the address is not allowed, 413 too large, 422 where
            it could not be fetched.
    """
    settings = service.settings
    if not settings.fetch_hosts:
        raise Problem(
            403, "Fetching is off", "whoever runs this service has not allowed it; upload the file"
        )
    try:
        async with asyncio.timeout(settings.fetch_seconds):
            async with open_response(
                "GET", url, settings.fetch_hosts, private=False, headers=AS_IT_IS
            ) as response:
                if response.status_code != 200:
                    raise _unavailable(f"the address answered {response.status_code}")
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise _unavailable(
                        "the address answers with something packed, which is not asked for"
                    )
                return await receive(service, response.aiter_raw(), settings.upload_bytes)
    except Forbidden as error:
        raise Problem(403, "Address not allowed", str(error)) from error
    except TimeoutError as error:
        raise _unavailable(f"it took more than {settings.fetch_seconds:g} s") from error
    except httpx.HTTPError as error:
        raise _unavailable(f"the address does not answer ({type(error).__name__})") from error


def name_of(url: str) -> str:
    """Returns the name of the file at an address."""
    parts = urlsplit(url)
    return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.hostname or "file"


def _unavailable(why: str) -> Problem:
    return Problem(422, "Cannot be fetched", f"{why}; upload the file")
