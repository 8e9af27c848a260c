"""Errors that a request can meet, as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping

from unmask.messages import Message, verbatim


class Problem(Exception):
    """An answer that is an error.

    Args:
        status: of HTTP, 400 to 599.
        title: what kind of problem it is, the same words each time.
        detail: what is wrong this time, and the way out; a mere text where it is for programs.

    Attributes:
        message: detail, as the page puts it into the reader's language.
        detail: in English, as the API says it.
        headers: to send along, such as Retry-After.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: Message | str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.message = verbatim(detail) if isinstance(detail, str) else detail
        self.status, self.title, self.detail = status, title, str(self.message)
        self.headers = dict(headers or {})
        super().__init__(f"{status} {title}: {self.detail}")


def not_found(what: str) -> Problem:
    """The same answer for what never was and for what is another tenant's."""
    return Problem(404, "Not found", Message("refusal.nothing", {"what": what}))
