"""What `unmask check` shows to people: the answers on stdout, and on stderr how far it has come."""

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
from unmask.pipeline import Progress
from unmask.report import wording
from unmask.types import CheckResult, Kind, Outcome, Person, clock

PATIENCE = 2.0
"""s, after which a progress bar appears."""

LOOKS = {
    Outcome.CHANGED: ("◆", "bold red"),
    Outcome.LICENSED_CHANGE: ("■", "bold magenta"),
    Outcome.NO_CHANGE_FOUND: ("○", "bold blue"),
    Outcome.CANNOT_TELL: ("?", "bold yellow"),
    Outcome.NO_FACE: ("–", "bold"),
}
"""Icon and style of each outcome. None is green: that no change was found is no seal of approval."""


def show(results: Iterable[CheckResult]) -> None:
    """A block per file that was judged, as it comes, and at the end how many there were of each outcome."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 100_000  # a program that reads this finds every sentence on one line
    outcomes: Counter[str] = Counter()
    limits: set[str] = set()
    gap = ""
    for result in results:
        if result.outcome is not None:
            console.print(gap, _headline(result.outcome, result.path, console), sep="")
            gap = "\n"
            for line in _lines(result, [limit for limit in result.limits if limit not in limits]):
                console.print(Padding(line, (0, 0, 0, 2), expand=False))
            limits.update(result.limits)
        outcomes[result.outcome or "not judged"] += 1
    if outcomes.total() > 1:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        console.print(gap, f"{outcomes.total()} files: {counts}", sep="")


def _headline(outcome: Outcome, path: str, console: Console) -> Text:
    icon, style = LOOKS[outcome]
    drawn = console.is_terminal and not console.options.ascii_only
    return Text.assemble((f"{icon} {outcome}" if drawn else outcome, style), f"  {printable(path)}")


def _lines(result: CheckResult, limits: Sequence[str]) -> Iterator[Text]:
    """What stands under the headline; of the result's limits only those given."""
    yield Text(printable(result.reason))
    if result.log10_lr is not None:
        support = wording.support(result.log10_lr).words
        yield Text(f"{support[0].upper()}{support[1:]}: what was measured is {wording.likelier(result.log10_lr)}.")
    if result.prior is not None and result.posterior is not None:
        share, such = wording.in_hundred(result.posterior), wording.such_findings(result.verdict)
        yield Text(f"At a base rate of {wording.base_rate(result.prior)}, {share} {such}.")
    for person in result.people:
        yield Text(_person(person, result))
    for match in result.matches:
        yield Text(f"Original: {printable(wording.shown(match))}.")
    for limit in limits:
        yield Text(f"Limit: {printable(limit)}", style="dim")


def _person(person: Person, result: CheckResult) -> str:
    ratio = "no LR" if person.log10_lr is None else f"LR {wording.odds(person.log10_lr)}"
    when = ", ".join(f"{clock(span.start)} to {clock(span.end)}" for span in person.spans)
    if not when and result.media and result.media.kind is Kind.VIDEO:
        when = f"seen {clock(person.first_seen)} to {clock(person.last_seen)}"
    why = printable(person.reason) if person.log10_lr is None and person.reason != result.reason else ""
    parts = (f"Person {person.id}", f"{person.verdict:15}", f"{ratio:12}", when, why)
    return "  ".join(part for part in parts if part).rstrip()


@contextmanager
def progress(path: str, number: str, begun: float) -> Iterator[Progress]:
    """A bar on stderr while one file is judged, if that is a terminal and `PATIENCE` is over.

    Args:
        path: of the file.
        number: which of all files this is, in words.
        begun: when the first of them was begun, in seconds of `time.monotonic`.
    """
    console = Console(stderr=True)
    if not (sys.stderr.isatty() and console.is_interactive):
        yield lambda _what, _done: None
        return
    short = Column(no_wrap=True, overflow="ellipsis", max_width=40)
    name = TextColumn("{task.fields[name]}", markup=False, table_column=short)
    columns = TextColumn(number), name, TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()
    bar = Bar(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    task = bar.add_task("reading", total=None, name=printable(Path(path).name))
    timer = Timer(max(0.0, begun + PATIENCE - time.monotonic()), bar.start)
    timer.start()
    try:
        yield lambda what, done: bar.update(task, description=what, total=1.0, completed=done)
    finally:
        timer.cancel()
        timer.join()
        bar.stop()
