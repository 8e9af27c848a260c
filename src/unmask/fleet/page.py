"""The result of a scan as one HTML file that opens anywhere."""

from __future__ import annotations

from unmask.fleet.summary import Summary
from unmask.report import html
from unmask.types import Outcome
from unmask.words import Language, english, numbers

ORDER = (*Outcome, "not judged")
"""Order of outcomes on the page."""


def page(summary: Summary, language: Language | None = None) -> str:
    """Renders the page, in English if no language is given."""
    view = {
        "s": summary,
        "t": language or english(),
        "hours": numbers.figure(summary.scope["seconds"] / 3600),
        "most": max((sum(files.values()) for files in summary.periods.values()), default=1),
        "order": ORDER,
        "percent": _percent,
        "figure": numbers.figure,
    }
    return html.rendered("fleet.html.j2", ("report.css", "fleet.css"), view)


def _percent(share: float) -> str:
    return f"{numbers.decimal(100 * share, 1)} %"
