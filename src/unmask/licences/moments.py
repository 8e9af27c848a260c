"""Moments in licences, whole seconds of UTC such as ``2026-01-31T12:00:00Z``, and clock skew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

FORM = "%Y-%m-%dT%H:%M:%SZ"

SKEW = timedelta(minutes=5)
"""Most that the signer's clock may be ahead of ours; as much as Kerberos allows (RFC 4120)."""


def written(moment: datetime) -> str:
    """Formats a moment as licences write it."""
    return moment.astimezone(UTC).strftime(FORM)


def read(text: str) -> datetime:
    """Parses a moment.

    Raises:
        ValueError: it is written in another way.
    """
    moment = datetime.strptime(text, FORM).replace(tzinfo=UTC)
    if written(moment) != text:
        raise ValueError("a moment is written as 2026-01-31T12:00:00Z")
    return moment


def shown(moment: datetime) -> str:
    """Formats a moment for people, the same in every language."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
