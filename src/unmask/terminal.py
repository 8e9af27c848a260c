"""Terminal output of `unmask check`: the answers on stdout, the progress on stderr."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column
from rich.text import Text

from unmask.errors import printable
from unmask.messages import Message
from unmask.pipeline import Progress
from unmask.types import CheckResult, Kind, Outcome, Person, Verdict
from unmask.words import Language, capital, english
from unmask.words.footage import shown
from unmask.words.strength import base_rate, in_hundred, likelier, odds, such_findings, support

PATIENCE = 2.0
"""Seconds after which a progress bar appears."""

LOOKS = {
    Outcome.CHANGED: ("◆", "bold red"),
    Outcome.LICENSED_CHANGE: ("■", "bold magenta"),
    Outcome.NO_CHANGE_FOUND: ("○", "bold blue"),
    Outcome.CANNOT_TELL: ("?", "bold yellow"),
    Outcome.NO_FACE: ("–", "bold"),
}
"""Icon and style of each outcome; none is green, as "no change found" is no seal of approval."""


def show(results: Iterable[CheckResult], language: Language | None = None) -> None:
    """Prints a block per judged file as it comes, and at the end the count of each outcome.

    English by default.
    """
    t = language or english()
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 100_000  # a program that reads this finds every sentence on one line
    outcomes: Counter[str] = Counter()
    limits: list[Message] = []
    gap = ""
    for result in results:
        if result.outcome is not None:
            console.print(gap, _headline(result.outcome, result.path, console, t), sep="")
            gap = "\n"
            for line in _lines(
                result, [limit for limit in result.limits if limit not in limits], t
            ):
                console.print(Padding(line, (0, 0, 0, 2), expand=False))
            limits += result.limits
        outcomes[_word(result.outcome, t)] += 1
    if outcomes.total() > 1:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        console.print(gap, t("terminal.files", count=outcomes.total(), verdicts=counts), sep="")


def _word(answer: Outcome | Verdict | None, t: Language) -> str:
    return t(f"verdict.{(answer or 'not judged').replace(' ', '-')}")


def _headline(outcome: Outcome, path: str, console: Console, t: Language) -> Text:
    icon, style = LOOKS[outcome]
    drawn, word = console.is_terminal and not console.options.ascii_only, _word(outcome, t)
    return Text.assemble((f"{icon} {word}" if drawn else word, style), f"  {printable(path)}")


def _lines(result: CheckResult, limits: Sequence[Message], t: Language) -> Iterator[Text]:
    """Yields the lines under the headline; of the result's limits only those given."""
    yield Text(printable(t.say(result.reason)))
    if result.log10_lr is not None:
        strength = t(
            "terminal.strength",
            support=support(result.log10_lr).words,
            likelier=likelier(result.log10_lr),
        )
        yield Text(capital(strength))
    if result.prior is not None and result.posterior is not None:
        share, such = in_hundred(result.posterior), such_findings(result.verdict)
        yield Text(t("terminal.rate", rate=base_rate(result.prior), share=share, such=such))
    for person in result.people:
        yield Text(_person(person, result, t))
    for match in result.matches:
        yield Text(printable(t("terminal.original", match=shown(match))))
    for limit in limits:
        yield Text(printable(t("terminal.limit", limit=limit)), style="dim")


def _person(person: Person, result: CheckResult, t: Language) -> str:
    ratio = t("terminal.no_lr") if person.log10_lr is None else f"LR {t.say(odds(person.log10_lr))}"
    when = ", ".join(t("terminal.span", start=span.start, end=span.end) for span in person.spans)
    if not when and result.media and result.media.kind is Kind.VIDEO:
        when = t("terminal.seen", start=person.first_seen, end=person.last_seen)
    why = (
        printable(t.say(person.reason))
        if person.log10_lr is None and person.reason != result.reason
        else ""
    )
    parts = (t("person", id=person.id), f"{_word(person.verdict, t):15}", f"{ratio:12}", when, why)
    return "  ".join(part for part in parts if part).rstrip()


@contextmanager
def progress(
    path: str, number: str, begun: float, language: Language | None = None
) -> Iterator[Progress]:
    """Shows a bar on stderr while one file is judged, if that is a terminal and `PATIENCE` is over.

    Args:
        path: of the file.
        number: number of this file among all files, in words.
        begun: start time of the first file, in seconds of `time.monotonic`.
        language: language of the step's name; English by default.
    """
    t = language or english()
    console = Console(stderr=True)
    if not (sys.stderr.isatty() and console.is_interactive):
        yield lambda _what, _done: None
        return
    short = Column(no_wrap=True, overflow="ellipsis", max_width=40)
    name = TextColumn("{task.fields[name]}", markup=False, table_column=short)
    columns = (
        TextColumn(number),
        name,
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
    )
    bar = Bar(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    )
    task = bar.add_task(t("progress.reading"), total=None, name=printable(Path(path).name))
    timer = Timer(max(0.0, begun + PATIENCE - time.monotonic()), bar.start)
    timer.start()
    try:
        yield lambda what, done: bar.update(
            task, description=t(f"progress.{what}"), total=1.0, completed=done
        )
    finally:
        timer.cancel()
        timer.join()
        bar.stop()
