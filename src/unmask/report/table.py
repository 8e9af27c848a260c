"""Results for many files as one CSV table (RFC 4180): a row per person, or one for a file without.

Cells of free text that a spreadsheet would take for a formula are preceded by an apostrophe, as
OWASP's page on CSV injection advises.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import TextIO

from unmask.errors import encodable
from unmask.types import CheckResult, Person

COLUMNS = {
    "path": "the file, as the caller gave it",
    "sha256": "of the whole file",
    "kind": "photo or video",
    "file_verdict": "of the whole file; empty where it could not be judged",
    "error": "why the file could not be judged; empty where it was",
    "person": "number of the person in the file, from 1; empty where there is none",
    "verdict": "on this person; of the file where there is none",
    "reason": "one sentence for the verdict",
    "log10_lr": "decimal logarithm of the likelihood ratio changed : bona fide; empty where it "
    "cannot be told",
    "changed_seconds": "when the face is judged changed: seconds, as in `3.200 to 5.100; 8.000 "
    "to 9.000`",
    "first_seen": "seconds",
    "last_seen": "seconds",
    "sightings": "how often the face was seen",
    "judged": "how often it was seen well enough to be judged",
    "face_px": "median width of the face, px",
    "lines": "log10 LR by line of evidence, for those that weighed, as in `learned 2.10; "
    "texture -0.30`",
    "prior": "share of changed faces among such files, as it was stated; empty if it was not",
    "posterior": "what the file's LR makes of it, 0 to 1; empty where it cannot be told",
    "basis": "what the verdict rests on: `measured`, or `declared` by the file itself; empty "
    "where nothing could be told",
}
"""Meaning of each column of the table."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Beginnings of cells that a spreadsheet may run as a formula, full-width forms included."""


def write(results: Iterable[CheckResult], file: TextIO) -> None:
    """Writes the header and, as results come, their rows to a file opened with ``newline=""``."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for result in results:
        writer.writerows(rows(result))


def dumps(results: Iterable[CheckResult]) -> str:
    """Returns the whole table as text, with lines ended by CR LF."""
    file = io.StringIO(newline="")
    write(results, file)
    return file.getvalue()


def rows(result: CheckResult) -> list[list[str]]:
    """Returns one file's rows, in the order of `COLUMNS`."""
    file = [
        _text(result.path),
        result.sha256 or "",
        result.media.kind if result.media else "",
        result.outcome or "",
        _text(str(result.error or "")),
    ]
    rate = ["" if result.prior is None else f"{result.prior:g}", _number(result.posterior, 6)]
    if result.people:
        return [[*file, *_person(person), *rate, person.basis or ""] for person in result.people]
    answer = ["", result.outcome or "", _text(str(result.reason)), _number(result.log10_lr)]
    end = [*rate, ""]
    return [file + answer + [""] * (len(COLUMNS) - len(file) - len(answer) - len(end)) + end]


def _person(person: Person) -> list[str]:
    weighed = {
        name: line.log10_lr for name, line in person.lines.items() if line.log10_lr is not None
    }
    return [
        str(person.id),
        person.verdict,
        _text(str(person.reason)),
        _number(person.log10_lr),
        "; ".join(f"{_number(span.start)} to {_number(span.end)}" for span in person.spans),
        _number(person.first_seen),
        _number(person.last_seen),
        str(person.sightings),
        str(person.judged),
        _number(person.quality.size_px, 1),
        _text("; ".join(f"{name} {_number(log10_lr, 2)}" for name, log10_lr in weighed.items())),
    ]


def _number(number: float | None, digits: int = 3) -> str:
    return "" if number is None else f"{number:.{digits}f}"


def _text(text: str) -> str:
    return encodable(f"'{text}" if text.startswith(FORMULA) else text)
