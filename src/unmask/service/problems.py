"""Errors that a request can meet, as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping

from unmask.messages import Message, verbatim


class Problem(Exception):
    """An error that a request is answered with.

    Args:
        status: HTTP status, 400 to 599.
        title: kind of problem, always in the same words.
        detail: what is wrong this time and what to do about it; plain text where it is for
            programs.

    Attributes:
        message: the detail, which the page shows in the reader's language.
        detail: the detail in English, as the API sends it.
        headers: response headers to add, such as Retry-After.
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
    """Returns the answer for something that does not exist or belongs to another tenant.

    Both cases get the same answer.
    """
    return Problem(404, "Not found", Message("refusal.nothing", {"what": what}))
