"""The result of a take as one HTML file that opens anywhere.

It shows the take's timeline, and each finding with its pictures and its sound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from unmask.custody import versions
from unmask.messages import Message
from unmask.moments import Moment
from unmask.report import html, take_chart
from unmask.take import TakeResult, TakeSettings
from unmask.takes.findings import BreakKind
from unmask.types import clock
from unmask.words import Language, capital, english, footage

WIDTHS = (760, 350)
"""Widths of the timeline on a wide screen and on a phone, px."""
ABOUT = "-take"
"""Suffix that tells pages on takes from pages on faces in the same file."""


def page(
    take: TakeResult,
    settings: TakeSettings,
    moments: Sequence[Moment] = (),
    language: Language | None = None,
) -> str:
    """Renders the whole report as one self-contained HTML file.

    Args:
        take: what is reported.
        settings: settings of the judgement.
        moments: findings that are shown in pictures, see `unmask.moments`; all others are listed.
        language: English if none is given.
    """
    t = language or english()
    pictured = {id(one.finding) for one in moments}
    answer = (take.answer or "not judged").replace(" ", "-")
    view = {
        "take": take,
        "t": t,
        "mark": html.mark(take.path, ABOUT),
        "name": html.named(take.path),
        "answer": answer,
        "word": t(f"take.answer.{answer}") if take.answer else t("verdict.not-judged"),
        "headline": capital(t.say(footage.headline(take.error or take.reason))),
        "strips": [take_chart.strip(take, width) for width in WIDTHS] if take.answer else [],
        "moments": moments,
        "others": [one for one in take.findings if id(one) not in pictured],
        "unseen": list(_unseen(take)),
        "checked_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            name: version for name, version in versions().items() if name != "onnxruntime"
        },
        "settings": asdict(settings),
        "again": BreakKind.REPEAT,
        "exact": lambda seconds: clock(seconds, 3),
        "kind": lambda kind: capital(t(f"take.kind.{kind.replace(' ', '-')}")),
        "wave": take_chart.wave,
        "within": take_chart.within,
    }
    sha256 = take.media.sha256 if take.media else None
    return html.rendered("take.html.j2", ("report.css", "take.css"), view, html.footer(sha256))


def _unseen(take: TakeResult) -> Iterator[Message]:
    """Yields a sentence per reason why a cut could not have been seen, with the first places."""
    for code in dict.fromkeys(one.reason.code for one in take.unseen):
        alike = [one for one in take.unseen if one.reason.code == code]
        spans = tuple(
            Message("terminal.span", {"start": one.start, "end": one.end}) for one in alike
        )
        time = sum(one.end - one.start for one in alike)
        yield Message("take.page.unseen", {"time": time, "why": alike[0].reason, "spans": spans})
