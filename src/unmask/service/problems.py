"""Errors that a request can meet, as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping


class Problem(Exception):
    """An answer that is an error.

    Args:
        status: of HTTP, 400 to 599.
        title: what kind of problem it is, the same words each time.
        detail: what is wrong this time, and the way out.
        headers: to send along, such as Retry-After.
    """

    def __init__(self, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.title, self.detail, self.headers = status, title, detail, dict(headers or {})
        super().__init__(f"{status} {title}: {detail}")


def not_found(what: str) -> Problem:
    """The same answer for what never was and for what is another tenant's."""
    return Problem(404, "Not found", f"there is no such {what}")
