"""Dates in a language; the patterns are in the catalogues, as CLDR has them (Unicode TR 35)."""

from __future__ import annotations

from datetime import UTC, datetime

from unmask.words.catalogue import Language


def moment(language: Language, iso: str) -> str:
    """Formats a date and time of ISO 8601 in UTC; other text stays as it is."""
    try:
        return _formatted(language, datetime.fromisoformat(iso), language.sentence("report.moment"))
    except ValueError:
        return iso


def day(language: Language, seconds: float) -> str:
    """Formats the day, in UTC, of seconds since 1970."""
    return _formatted(
        language, datetime.fromtimestamp(seconds, UTC), language.sentence("statement.date")
    )


def _formatted(language: Language, when: datetime, pattern: str) -> str:
    from babel.core import Locale, UnknownLocaleError
    from babel.dates import format_datetime

    try:
        locale = Locale.parse(language.code)
    except (UnknownLocaleError, ValueError):
        locale = Locale("en")
    return format_datetime(when.astimezone(UTC), pattern, locale=locale)
